"""What the sandbox holds, entry by entry, in a canonical form: for a comparison of before and after.

An entry is one row, document or object of one system. As a line of JSON (UTF-8, keys sorted):

    {"system","kind","id","person"?,"content","deleted"}

`person` is the key of the population that it is about, several in the order of the alphabet with a comma between;
left out when nobody is known. `content` is what it holds, texts above 4,096 characters as their SHA-256. `deleted`:
it lies in a recycle bin, or is a delete marker. Sessions, tokens and what merely counts calls are no entries.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sandbox.people import Truth
from sandbox.state import Document, Store

_LONGEST = 4096
_DELETED = ("IsDeleted", "isDeleted", "trashed")
_NO_CONTENT = {
    "salesforce": ("session", "connected_app", "bulk_ingest", "bulk_query"),
    "pardot": ("bulk-actions", "sequence", "crm-seen"),
}
"""Collections that hold what a vendor needs to work: sign-in, and the queue of its jobs."""


@dataclass(frozen=True)
class Entry:
    """See the module."""

    system: str
    kind: str
    id: str
    content: Mapping[str, Any]
    person: str = ""
    deleted: bool = False

    def line(self) -> str:
        """As JSON, with the end of the line."""
        fields: dict[str, Any] = {"system": self.system, "kind": self.kind, "id": self.id, "content": self.content}
        fields |= {"deleted": self.deleted} | ({"person": self.person} if self.person else {})
        return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


@runtime_checkable
class Enumerable(Protocol):
    """A system that knows better than its store what it holds."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Everything, in an order that depends on nothing else."""
        ...


@runtime_checkable
class Kept(Protocol):
    """A system whose data is outside the stores, and that can put it away and take it out again."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def save(self, snapshot: str) -> None:
        """Keep all data under that name."""
        ...

    def load_saved(self, snapshot: str) -> None:
        """All data as it was; whatever came since is gone."""
        ...

    def forget_saved(self, snapshot: str) -> None:
        """Throw away what is kept under that name; nothing kept is fine."""
        ...


def owners(truths: Iterable[Truth]) -> dict[str, str]:
    """Source id → the people that a record is about; ids of withheld parts (`id:part`) count as the record's too."""
    found: dict[str, set[str]] = defaultdict(set)
    for truth in truths:
        found[truth.source_id].add(truth.person)
        if truth.expected == "withheld":
            found[truth.source_id.rpartition(":")[0]].add(truth.person)
    return {source_id: ",".join(sorted(people)) for source_id, people in found.items()}


def of_store(store: Store, whose: Mapping[str, str]) -> Iterator[Entry]:
    """The documents of a store; `whose` gives the people by a document's id."""
    for kind, documents in store.collections().items():
        if kind in _NO_CONTENT.get(store.system, ()):
            continue
        for key, document in documents:
            deleted = any(bool(document.get(name)) for name in _DELETED)
            yield Entry(store.system, kind, key, shortened(document), whose.get(key, ""), deleted)


def shortened(document: Document) -> dict[str, Any]:
    """The document with every long text replaced by `{"sha256","length"}`, without what the system notes for itself
    (names that begin with an underscore)."""
    return {name: _short(value) for name, value in document.items() if not name.startswith("_")}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return shortened(value)
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, str) and len(value) > _LONGEST:
        return {"sha256": hashlib.sha256(value.encode()).hexdigest(), "length": len(value)}
    return value
