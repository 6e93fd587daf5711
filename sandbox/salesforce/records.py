"""Writing to the org: create, change, delete; what the vendor checks and what it does along."""

import secrets

from sandbox.ids import salesforce_id
from sandbox.salesforce import removal
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.following import filled, follow
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.table import STAFF, Table, object_type
from sandbox.salesforce.values import check_required, writable
from sandbox.state import Document


class Records(Table):
    """All records and what can be done to them."""

    def create(self, kind: ObjectType, values: Document) -> str:
        """Make a record; its id. REQUIRED_FIELD_MISSING, INVALID_FIELD, INVALID_FIELD_FOR_INSERT_UPDATE and so on."""
        self._check_writable(kind, "inserted")
        fields = writable(self, kind, values)
        check_required(kind, fields, {f.name for f in kind.fields})
        self.refuse("create", kind, "")
        record_id, at = salesforce_id(kind.prefix, secrets.token_hex(8)), self.stamp()
        system = {"CreatedDate": at, "CreatedById": STAFF, "LastModifiedDate": at, "LastModifiedById": STAFF}
        record = {"Id": record_id, "IsDeleted": False, **fields, **system, "SystemModstamp": at}
        with self.transaction():
            record = filled(self, kind, {}, record)
            self.put(kind, record)
            follow(self, kind, {}, record)
        return record_id

    def change(self, kind: ObjectType, record_id: str, values: Document) -> None:
        """Change fields of a record."""
        self._check_writable(kind, "updated")
        fields, record = writable(self, kind, values), self.get(kind, record_id)
        check_required(kind, fields, set(fields))
        if kind.name == "ContentVersion" and {"VersionData", "FirstPublishLocationId"} & set(fields):
            message = "Unable to create/update fields: VersionData. A version's content can't be changed"
            raise VendorError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, ["VersionData"])
        self.refuse("update", kind, record["Id"])
        at = self.stamp()
        stamp = {"LastModifiedDate": at, "LastModifiedById": STAFF, "SystemModstamp": at}
        with self.transaction():
            after = filled(self, kind, record, {**record, **fields, **stamp})
            self.put(kind, after)
            follow(self, kind, record, after)

    def delete(self, kind: ObjectType, record_id: str) -> None:
        """Into the recycle bin, see `removal.delete`."""
        removal.delete(self, kind, record_id)

    def purge(self, name: str, record_id: str) -> bool:
        """Out of the recycle bin for good, with what went along; False when it was not in there."""
        return removal.purge(self, object_type(name), record_id)

    def _check_writable(self, kind: ObjectType, done: str) -> None:
        if not kind.writable:
            message = f"entity type cannot be {done}: {kind.name}"
            raise VendorError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, [])
