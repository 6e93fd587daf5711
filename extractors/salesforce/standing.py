"""How records stand now: there, in the recycle bin, or gone; and which records an approved selection means."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from dsr.jsontext import parse
from dsr.model import Outcome
from dsr.schema import SOURCE_ID, is_json
from dsr.selection import Selection
from extractors.salesforce.client import Client
from extractors.salesforce.failures import PLACE
from extractors.salesforce.layout import Layout
from extractors.salesforce.plan import OBJECTS, OTHER
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.values import full_id

BIN_DAYS: Final = 15
"""Days until the recycle bin empties by itself (Salesforce Help, "Recycle Bin")."""
_UNDESCRIBED: Final = ("ContentDocument",)

Row = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """A record of an approved selection. `row`: its fields as collected."""

    request_id: str
    dataset: str
    effect: str
    object: str
    id: str
    row: Row = field(repr=False, compare=False, default_factory=dict)

    def outcome(self, outcome: str, reason: str = "", until: date | None = None) -> Outcome:
        """What became of it."""
        return Outcome(self.request_id, PLACE, self.dataset, self.effect, outcome, 1, reason, until)


def chosen(selections: Iterable[Selection], effect: str, fields: Collection[str] = ()) -> Iterator[Chosen]:
    """The records with an effect; of their rows only these fields, and the object where a dataset has several."""
    for selection in selections:
        for dataset in selection.datasets(effect):
            for batch in selection.batches(dataset, effect):
                wanted = [f.name for f in batch.schema if f.name in fields or f.name in (SOURCE_ID, "Object")]
                nested = [f.name for f in batch.schema if is_json(f)]
                for row in batch.select(wanted).to_pylist():
                    for name in nested:
                        row[name] = parse(row[name]) if row.get(name) else None
                    record_id = full_id(row.pop(SOURCE_ID))
                    name = str(row.get("Object")) if dataset == OTHER else OBJECTS[dataset]
                    yield Chosen(selection.request_id, dataset, effect, name, record_id, row)


def standing(
    client: Client, layout: Layout, wanted: Mapping[str, Iterable[str]], fields: Mapping[str, Sequence[str]]
) -> dict[str, Row]:
    """Id → the row as it is now, with IsDeleted, SystemModstamp and these fields, of object → ids. Gone = absent."""
    queries = []
    for name, ids in wanted.items():
        if name not in _UNDESCRIBED and not layout.has(name):
            continue
        system = ["IsDeleted", "SystemModstamp"]
        own = [f for f in (*system, *fields.get(name, ())) if name in _UNDESCRIBED or layout.kind(name, f)]
        terms = [Term("Id", i) for i in sorted(set(ids))]
        queries += [(name, text) for text in statements(name, list(dict.fromkeys(["Id", *own])), terms)]
    return {full_id(row["Id"]): row for _, rows in client.rows(queries) for row in rows}


def by_object(records: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Object → ids, of (object, id) pairs, each once, in their order."""
    grouped: dict[str, dict[str, None]] = {}
    for name, record_id in records:
        grouped.setdefault(name, {})[record_id] = None
    return {name: list(ids) for name, ids in grouped.items()}


def leaves_bin(row: Mapping[str, Any]) -> date | None:
    """The last day that a record in the recycle bin can be there; None when the row doesn't tell."""
    stamp = row.get("SystemModstamp")
    return (datetime.fromisoformat(stamp) + timedelta(days=BIN_DAYS)).date() if isinstance(stamp, str) else None
