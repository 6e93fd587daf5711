"""Deleting: into the recycle bin with what hangs on a record, out of it for good, and back again.

A record in the bin knows the record with which it went (`_root`), when (`_binned`, Unix seconds), what it took along
(`_took`) and whose look-ups it emptied (`_cleared`). What was in the bin when the org was made has none of these.
"""

from collections.abc import Callable
from typing import Any

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.relations import NUMBERS, references_to, rule
from sandbox.salesforce.table import Table, full_id
from sandbox.state import Document

_PEOPLE = ("003", "00Q")


def delete(table: Table, kind: ObjectType, record_id: str) -> None:
    """Into the recycle bin. ENTITY_IS_DELETED, NOT_FOUND, or DELETE_FAILED when something forbids it."""
    record = table.get(kind, record_id)
    if not kind.deletable:
        raise VendorError(400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type cannot be deleted: {kind.name}", [])
    if kind.name == "Contact" and record.get("IsPersonAccount"):
        raise VendorError(400, "DELETE_FAILED", "A person account's contact can't be deleted; delete the account", [])
    table.refuse("delete", kind, record["Id"])
    with table.transaction():
        _Deletion(table, record["Id"]).run(kind, record)


def hard_delete(table: Table, kind: ObjectType, record_id: str) -> None:
    """For good, whether it is in the recycle bin or not."""
    known = table.of(kind).get(full_id(record_id))
    if known is None or not known["IsDeleted"]:
        delete(table, kind, record_id)
    elif not table.settings.hard_delete_binned or "_purge" in known:
        raise VendorError(404, "ENTITY_IS_DELETED", "entity is deleted")
    purge(table, kind, record_id)


def purge(table: Table, kind: ObjectType, record_id: str) -> bool:
    """Out of the recycle bin for good, with what went along; False when it was not in there."""
    record = table.of(kind).get(full_id(record_id))
    if record is None or not record["IsDeleted"] or "_purge" in record:
        return False
    for name, key in [(kind.name, record["Id"]), *record.get("_took", ())]:
        row = table.of(CATALOGUE[name]).get(key)
        if row is not None and row["IsDeleted"]:
            _forget(table, CATALOGUE[name], row)
    return True


def undelete(table: Table, kind: ObjectType, record_id: str) -> bool:
    """Out of the recycle bin, back to what it was; False when it isn't in there or went with another record."""
    record = table.of(kind).get(full_id(record_id))
    if (
        record is None
        or not record["IsDeleted"]
        or "_purge" in record
        or record.get("_root") not in (None, record["Id"])
    ):
        return False
    for name, key in [(kind.name, record["Id"]), *record.get("_took", ())]:
        row = table.of(CATALOGUE[name]).get(key)
        if row is not None and row["IsDeleted"] and "_purge" not in row:
            shown = {k: v for k, v in row.items() if not k.startswith("_")}
            table.put(CATALOGUE[name], {**shown, "IsDeleted": False, "SystemModstamp": table.stamp()})
    for name, key, field, value in record.get("_cleared", ()):
        row = table.of(CATALOGUE[name]).get(key)
        if row is not None and not row["IsDeleted"] and row.get(field) is None:
            table.put(CATALOGUE[name], {**row, field: value, "SystemModstamp": table.stamp()})
    return True


def expire(table: Table) -> None:
    """Remove what has been in the recycle bin for its 15 days, and what was deleted for good long enough ago."""
    now, days = table.settings.now().timestamp(), table.settings.recycle_days * 86400
    for kind, record in table.binned():
        if "_purge" in record:
            if record["_purge"] <= now:
                table.drop(kind, record["Id"])
        elif (now - record["_binned"] if "_binned" in record else table.settings.moved) >= days:
            purge(table, kind, record["Id"])


def _forget(table: Table, kind: ObjectType, record: Document) -> None:
    if table.settings.purge_delay:
        table.put(kind, {**record, "_purge": table.settings.now().timestamp() + table.settings.purge_delay})
    else:
        table.drop(kind, record["Id"])


class _Deletion:
    """One record's way into the bin. What forbids it anywhere below forbids all of it."""

    def __init__(self, table: Table, root: str) -> None:
        self._table, self._root = table, root
        self._took: list[tuple[str, str]] = []
        self._cleared: list[tuple[str, str, str, Any]] = []

    def run(self, kind: ObjectType, record: Document) -> None:
        """Delete it and all that goes with it."""
        self._bin(kind, record)
        root = self._table.of(kind)[self._root]
        self._table.put(kind, {**root, "_took": self._took[1:], "_cleared": self._cleared})

    def _bin(self, kind: ObjectType, record: Document) -> None:
        self._check(kind, record)
        stamp, at = self._table.stamp(), self._table.settings.now().timestamp()
        marks = {"IsDeleted": True, "_binned": at, "_root": self._root}
        stamps = {"SystemModstamp": stamp} if "systemmodstamp" in kind.by_name else {}
        self._table.put(kind, {**record, **marks, **stamps})
        self._took.append((kind.name, record["Id"]))
        effects: dict[str, Callable[[ObjectType, str, Document], None]] = {
            "cascade": lambda child, _, row: self._bin(child, row),
            "activity": self._activity,
            "clear": lambda child, field, row: self._refer(child, field, row, None),
        }
        for child, field in references_to(kind.name):
            effect = effects.get(rule(child.name, field, self._table.settings))
            for row in self._table.children(child, field, record["Id"]) if effect else ():
                current = self._table.of(child)[row["Id"]]
                if effect and not current["IsDeleted"]:
                    effect(child, field, current)

    def _activity(self, child: ObjectType, field: str, row: Document) -> None:
        """A task or event of several people passes to the next of them."""
        relations = self._table.children(CATALOGUE[f"{child.name}Relation"], f"{child.name}Id", row["Id"])
        others = [str(r["RelationId"]) for r in relations if str(r.get("RelationId")).startswith(_PEOPLE)]
        left = [other for other in others if other != row[field]]
        if left:
            self._refer(child, field, row, left[0])
        else:
            self._bin(child, row)

    def _refer(self, child: ObjectType, field: str, row: Document, value: str | None) -> None:
        if value is None:
            self._cleared.append((child.name, row["Id"], field, row[field]))
        stamps = {"SystemModstamp": self._table.stamp()} if "systemmodstamp" in child.by_name else {}
        self._table.put(child, {**row, field: value, **stamps})

    def _check(self, kind: ObjectType, record: Document) -> None:
        if kind.name == "Order" and record.get("Status") == "Activated":
            raise VendorError(400, "DELETE_FAILED", "An activated order can't be deleted", [])
        for child, field in references_to(kind.name):
            if rule(child.name, field, self._table.settings) == "restrict":
                rows = self._table.children(child, field, record["Id"])
                if rows:
                    numbers = ", ".join(str(r.get(NUMBERS.get(child.name, "Name"))) for r in rows)
                    reason = f"it is associated with the following {child.name.lower()}s.: {numbers}"
                    message = f"Your attempt to delete {record.get('Name')} could not be completed because {reason}"
                    raise VendorError(400, "DELETE_FAILED", message, [])
