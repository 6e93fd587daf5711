"""The org's records as they lie: read, written, found by what they refer to, put back when a transaction fails.

Names that begin with `_` in a record are the sandbox's own and are never shown: when and with what it was deleted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sandbox.ids import salesforce_id, with_checksum
from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError, not_found
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.settings import Settings
from sandbox.state import Collection, Document, Store

STAFF = salesforce_id("005", "integration")
_BY_PREFIX = {t.prefix: t for t in CATALOGUE.values() if t.name != "LeadHistory"}
_TICK = timedelta(milliseconds=1)


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


class Table:
    """All records. Every change is written through; within `transaction` a failure puts everything back."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._store = store
        self._undo: list[tuple[ObjectType, str, Document | None]] | None = None
        self._children: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self._last = datetime.min.replace(tzinfo=UTC)

    def of(self, kind: ObjectType) -> Collection:
        """All records of an object, deleted ones too, by 18-character id."""
        return self._store[kind.name]

    def binned(self) -> list[tuple[ObjectType, Document]]:
        """All records in the recycle bin."""
        return [(kind, r) for kind in CATALOGUE.values() for r in self.of(kind).values() if r.get("IsDeleted")]

    def look_again(self) -> None:
        """Forget who refers to whom: the store may have been written to from elsewhere."""
        self._children.clear()

    def get(self, kind: ObjectType, record_id: str) -> Document:
        """A record that is not deleted. ENTITY_IS_DELETED or NOT_FOUND otherwise."""
        record = self.of(kind).get(full_id(record_id))
        if record is None:
            message = "Provided external ID field does not exist or is not accessible: " + record_id
            raise VendorError(404, "NOT_FOUND", message)
        if record.get("IsDeleted"):
            raise VendorError(404, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def stamp(self) -> str:
        """The org's time as a stamp that no other write has."""
        at = self.settings.now()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        if timedelta(0) <= self._last - at < timedelta(seconds=5):
            at = self._last + _TICK
        self._last = at
        return moment(at)

    def put(self, kind: ObjectType, record: Document) -> None:
        """Write a record under its Id."""
        self._write(kind, record["Id"], record)

    def drop(self, kind: ObjectType, record_id: str) -> None:
        """Remove a record without a trace."""
        self._write(kind, record_id, None)

    def children(self, child: ObjectType, field: str, record_id: str) -> list[Document]:
        """Records of an object that are not deleted and refer to that one in that field."""
        index = self._children.get((child.name, field))
        if index is None:
            index = self._children[(child.name, field)] = {}
            for key, row in self.of(child).items():
                index.setdefault(row.get(field) or "", {})[key] = None
        rows = self.of(child)
        return [rows[key] for key in index.get(record_id, ()) if not rows[key].get("IsDeleted")]

    def refuse(self, verb: str, kind: ObjectType, record_id: str) -> None:
        """Play a `record_faults` of the settings that hits this write."""
        for fault in self.settings.record_faults:
            wanted = {"object": kind.name, "verb": verb, "id": record_id}
            if fault.get("times", -1) != 0 and all(fault.get(k, v)[:15] == v[:15] for k, v in wanted.items()):
                fault["times"] = fault.get("times", -1) - (fault.get("times", -1) > 0)
                raise VendorError(fault.get("status", 400), fault["code"], fault["message"], fault.get("fields", []))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo all changes made inside when it ends with an error. One inside another undoes its own part."""
        outermost = self._undo is None
        undo = self._undo = [] if self._undo is None else self._undo
        mark = len(undo)
        try:
            yield
        except VendorError:
            self._undo = None
            for kind, key, before in reversed(undo[mark:]):
                self._write(kind, key, before)
            del undo[mark:]
            self._undo = undo
            raise
        finally:
            if outermost:
                self._undo = None

    def _write(self, kind: ObjectType, key: str, record: Document | None) -> None:
        collection = self.of(kind)
        before = collection.get(key)
        if self._undo is not None:
            self._undo.append((kind, key, before))
        for (child, field), index in self._children.items():
            if child == kind.name:
                if before is not None:
                    index.get(before.get(field) or "", {}).pop(key, None)
                if record is not None:
                    index.setdefault(record.get(field) or "", {})[key] = None
        if record is not None:
            collection[key] = record
        elif before is not None:
            del collection[key]
