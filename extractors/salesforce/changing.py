"""Fields of records set to what they ought to be, and read back. What is so already is not written again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dsr.model import Outcome
from extractors.salesforce.client import Client
from extractors.salesforce.layout import Layout
from extractors.salesforce.sharing import Key
from extractors.salesforce.standing import Chosen, Row, by_object, leaves_bin, standing
from extractors.salesforce.writing import Writer, reason_of

Wanted = dict[Key, dict[str, Any]]
"""(object, id) → field → value; None empties it."""


@dataclass(frozen=True)
class Changed:
    """What became of a record: "" outcome = it is as wanted now."""

    outcome: str = ""
    reason: str = ""
    until: date | None = None


@dataclass
class Changes:
    """What became of all, by (object, id); `before`: the rows that were read first, by id."""

    results: dict[Key, Changed] = field(default_factory=dict)
    before: dict[str, Row] = field(default_factory=dict)

    def outcome(self, record: Chosen, keys: Sequence[Key] = (), reason: str = "") -> Outcome:
        """Of a record that `keys` were written for: the first that isn't as wanted counts. `reason`: when all are."""
        for key in keys or [(record.object, record.id)]:
            result = self.results.get(key, Changed())
            if result.outcome:
                return record.outcome(result.outcome, result.reason, result.until)
        return record.outcome("done", reason)


def read(client: Client, layout: Layout, fields: Mapping[Key, Sequence[str]]) -> dict[str, Row]:
    """The records as they are, with those fields; gone = absent."""
    names: dict[str, dict[str, None]] = {}
    for (name, _), its in fields.items():
        names.setdefault(name, {}).update(dict.fromkeys(its))
    return standing(client, layout, by_object(fields), {name: list(its) for name, its in names.items()})


def change(client: Client, layout: Layout, wanted: Wanted, before: Mapping[str, Row] | None = None) -> Changes:
    """Makes it so. `before`: rows that were read a moment ago, if they were."""
    fields = {key: list(its) for key, its in wanted.items()}
    changes = Changes(before=dict(before) if before is not None else read(client, layout, fields))
    writing: list[tuple[str, str, dict[str, Any]]] = []
    for (name, record_id), its in wanted.items():
        row = changes.before.get(record_id)
        if row is None:
            changes.results[name, record_id] = Changed("absent")
        elif row["IsDeleted"]:
            changes.results[name, record_id] = Changed("retained", "recycle_bin", leaves_bin(row))
        elif different := {k: v for k, v in its.items() if not same(row.get(k), v)}:
            writing.append((name, record_id, different))
    if writing:
        codes = Writer(client).change(writing)
        after = read(client, layout, {(name, i): fields[name, i] for name, i, _ in writing})
        for name, record_id, different in writing:
            changes.results[name, record_id] = _result(codes[record_id], after.get(record_id), different)
    return changes


def same(one: Any, other: Any) -> bool:
    """Whether the vendor holds a value as it was given: it strips texts, and nothing and "" are one to it."""
    if isinstance(one, str) and isinstance(other, str):
        return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
    return bool((one or None) == (other or None)) if not isinstance(other, bool) else bool(one) is other


def _result(code: str, row: Row | None, wanted: Mapping[str, Any]) -> Changed:
    if row is None:
        return Changed("absent")
    if code:
        return Changed("blocked", reason_of(code))
    as_wanted = all(same(row.get(k), v) for k, v in wanted.items())
    return Changed() if as_wanted else Changed("blocked", "readback.differs")
