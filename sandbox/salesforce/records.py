"""The org's records: read, create, change, delete with the recycle bin, undo of a transaction."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sandbox.ids import salesforce_id, with_checksum
from sandbox.salesforce.catalogue import BLOCKERS, CASCADE, CATALOGUE
from sandbox.salesforce.errors import VendorError, invalid_field, not_found
from sandbox.salesforce.objects import Field, ObjectType
from sandbox.state import Collection, Document, Store

STAFF = salesforce_id("005", "integration")
_BY_PREFIX = {t.prefix: t for t in CATALOGUE.values() if t.name != "LeadHistory"}


def moment(at: datetime) -> str:
    """A date-time as the vendor writes it: `2024-01-02T03:04:05.000+0000`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def full_id(text: str) -> str:
    """The 18-character form of an id of 15 or 18. MALFORMED_ID when it is none."""
    if len(text) not in (15, 18) or not text.isascii() or not text.isalnum():
        raise VendorError(400, "MALFORMED_ID", "malformed id " + text)
    return with_checksum(text[:15])


def object_type(name: str) -> ObjectType:
    """The object of that name, whose case does not matter. NOT_FOUND when there is none."""
    for known, kind in CATALOGUE.items():
        if known.lower() == name.lower():
            return kind
    raise not_found()


def type_of(record_id: str) -> ObjectType:
    """The object that an id belongs to, by its prefix. NOT_FOUND when no object has it."""
    try:
        return _BY_PREFIX[record_id[:3]]
    except KeyError:
        raise not_found() from None


class Records:
    """All records. Every change is written through; within `transaction` a failure puts everything back."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now
        self._undo: list[tuple[Collection, str, Document | None]] | None = None

    def of(self, kind: ObjectType) -> Collection:
        """All records of an object, deleted ones too, by 18-character id."""
        return self._store[kind.name]

    def get(self, kind: ObjectType, record_id: str) -> Document:
        """A record that is not deleted. ENTITY_IS_DELETED or NOT_FOUND otherwise."""
        record = self.of(kind).get(full_id(record_id))
        if record is None:
            message = "Provided external ID field does not exist or is not accessible: " + record_id
            raise VendorError(404, "NOT_FOUND", message)
        if record.get("IsDeleted"):
            raise VendorError(404, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def create(self, kind: ObjectType, values: Document) -> str:
        """Make a record; its id. REQUIRED_FIELD_MISSING, INVALID_FIELD, INVALID_FIELD_FOR_INSERT_UPDATE."""
        fields = self._writable(kind, values)
        missing = [f.name for f in kind.fields if f.required and fields.get(f.name) in (None, "")]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise VendorError(400, "REQUIRED_FIELD_MISSING", message, missing)
        record_id, at = salesforce_id(kind.prefix, secrets.token_hex(8)), moment(self._now())
        system = {"CreatedDate": at, "CreatedById": STAFF, "LastModifiedDate": at, "LastModifiedById": STAFF}
        record = {"Id": record_id, "IsDeleted": False, **fields, **system, "SystemModstamp": at}
        self._put(kind, record_id, _named(kind, record))
        return record_id

    def change(self, kind: ObjectType, record_id: str, values: Document) -> None:
        """Change fields of a record."""
        fields, record = self._writable(kind, values), self.get(kind, record_id)
        empty = [f.name for f in kind.fields if f.required and f.name in fields and fields[f.name] in (None, "")]
        if empty:
            message = f"Required fields are missing: [{', '.join(empty)}]"
            raise VendorError(400, "REQUIRED_FIELD_MISSING", message, empty)
        at = moment(self._now())
        stamp = {"LastModifiedDate": at, "LastModifiedById": STAFF, "SystemModstamp": at}
        self._put(kind, record["Id"], _named(kind, {**record, **fields, **stamp}))

    def delete(self, kind: ObjectType, record_id: str) -> None:
        """Into the recycle bin, with what hangs on it. DELETE_FAILED when a case hangs on a contact."""
        record = self.get(kind, record_id)
        if not kind.deletable:
            raise VendorError(400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type cannot be deleted: {kind.name}", [])
        for child, field, name in BLOCKERS.get(kind.name, ()):
            blocking = [str(r.get(name)) for r in self._children(child, field, record["Id"])]
            if blocking:
                reason = f"it is associated with the following cases.: {', '.join(blocking)}"
                message = f"Your attempt to delete {record.get('Name')} could not be completed because {reason}"
                raise VendorError(400, "DELETE_FAILED", message, [])
        for child, field in CASCADE.get(kind.name, ()):
            for row in list(self._children(child, field, record["Id"])):
                self.delete(CATALOGUE[child], row["Id"])
        stamp = moment(self._now())
        self._put(kind, record["Id"], {**record, "IsDeleted": True, "SystemModstamp": stamp})

    def purge(self, name: str, record_id: str) -> bool:
        """Out of the recycle bin for good; False when it was not in there."""
        collection = self.of(object_type(name))
        if not collection.get(full_id(record_id), {}).get("IsDeleted"):
            return False
        del collection[full_id(record_id)]
        return True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo all changes made inside when it ends with an error."""
        self._undo = []
        try:
            yield
        except VendorError:
            for collection, key, before in reversed(self._undo):
                if before is None:
                    del collection[key]
                else:
                    collection[key] = before
            raise
        finally:
            self._undo = None

    def _put(self, kind: ObjectType, record_id: str, record: Document) -> None:
        collection = self.of(kind)
        if self._undo is not None:
            self._undo.append((collection, record_id, collection.get(record_id)))
        collection[record_id] = record

    def _children(self, child: str, field: str, record_id: str) -> Iterator[Document]:
        rows = self.of(CATALOGUE[child]).values()
        return (r for r in list(rows) if r.get(field) == record_id and not r.get("IsDeleted"))

    def _writable(self, kind: ObjectType, values: Document) -> Document:
        fields: Document = {}
        for name, value in values.items():
            if name == "attributes":
                continue
            field = kind.by_name.get(name.lower())
            if field is None:
                raise invalid_field(f"No such column '{name}' on sobject of type {kind.name}")
            if field.read_only:
                message = (
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
                )
                raise VendorError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
            fields[field.name] = _checked(field, value)
        return fields


def _checked(field: Field, value: Any) -> Any:
    """The value as it is kept. JSON_PARSER_ERROR or MALFORMED_ID when it is not of the field's type."""
    if value is None or value == "":
        return None
    if field.references:
        return full_id(str(value))
    wanted: dict[str, tuple[type, ...]] = {"boolean": (bool,), "double": (int, float), "currency": (int, float)}
    if not isinstance(value, wanted.get(field.kind, (str, int, float))):
        raise VendorError(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.kind} from {value!r}")
    return value


def _named(kind: ObjectType, record: Document) -> Document:
    """With `Name` made of its parts, where the object has them."""
    if {"firstname", "lastname", "name"} <= set(kind.by_name):
        parts = (record.get("FirstName"), record.get("LastName"))
        record = {**record, "Name": " ".join(p for p in parts if p)}
    return record
