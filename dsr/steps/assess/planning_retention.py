"""What must be kept although erasure is asked for, and until when: duties of law (Art. 17(3)(b) GDPR), legal holds
(Art. 17(3)(e)).

The Swedish Bookkeeping Act (1999:1078) 7:2 keeps accounting records to the end of the seventh year after the calendar
year in which the financial year ended. That period, the field it is counted from, and the records it holds for, are
data: a row's `retention` in the register. Here is only how a period is counted.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.bonds import PARENT_ABSENT, Bond, Bonds, Parents, part_of

LEGALLY_REQUIRED: Final = "gdpr:JustificationA17LegallyRequired"
YEAR_END: Final = "calendar_year_end"
"""How a duty counts unless its entry says "field": from the end of the calendar year of the field's day."""
_DURATION: Final = re.compile(r"P(?=[0-9])(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?")


class Duty(Protocol):
    """What is needed of a retention entry of the register; `dsr.register.Retention` is one."""

    @property
    def duration(self) -> str | None: ...
    @property
    def field(self) -> str: ...
    @property
    def duty(self) -> Mapping[str, str] | None: ...
    @property
    def when(self) -> tuple[str, ...]: ...
    @property
    def counted_from(self) -> str: ...


UNDATED: Final = Bond(LEGALLY_REQUIRED, None, "retention.undated")
"""A duty holds, and nobody can say until when: kept."""
ORPHANED: Final = Bond(LEGALLY_REQUIRED, None, PARENT_ABSENT)


def bonds(
    dataset: str,
    batch: pa.RecordBatch,
    retention: Sequence[Duty],
    *,
    day: date,
    zone: tzinfo,
    held: Mapping[str, Bond],
    parents: Mapping[str, Parents],
) -> Bonds:
    """What keeps each record: a hold on it, what keeps the record that it is part of, a duty of its own; the first of
    these. held: record id → hold; parents: dataset → its records."""
    table = _Table()
    layers = []
    if held:
        ids = batch.column(schema.SOURCE_ID).to_pylist()
        layers.append(table.codes(held.get(record_id) for record_id in ids))
    part = part_of(dataset)
    if part is not None:
        layers.append(table.codes(_inherited(part, batch, retention, parents.get(part["dataset"], {}))))
    for entry in _concerning(dataset, retention):
        layers.append(_own(entry, dataset, batch, table, day, zone))
    nothing = pa.nulls(batch.num_rows, pa.int32())
    return Bonds(pc.coalesce(*_strongest(layers, table, part, held), nothing), tuple(table.bonds))


def under_duty(dataset: str, retention: Sequence[Duty]) -> bool:
    """Whether a duty can hold for records of the dataset, by itself or as part of others."""
    part = part_of(dataset)
    return bool(_concerning(dataset, retention)) or (part is not None and bool(_concerning(part["dataset"], retention)))


def last_day(start: date, duration: str, counted_from: str = YEAR_END) -> date | None:
    """The last day of a period of that duration (ISO 8601, in years, months, weeks, days). A month that has no such
    day ends it on its last one (Regulation 1182/71, Art. 3(2)(c)). None beyond the calendar's end, or when the text
    is no duration."""
    given = _DURATION.fullmatch(duration)
    if given is None:
        return None
    years, months, weeks, days = (int(part or 0) for part in given.groups())
    if counted_from != "field":
        start = date(start.year, 12, 31)
    try:
        year, month = divmod(start.year * 12 + start.month - 1 + years * 12 + months, 12)
        end = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
        return end + timedelta(weeks=weeks, days=days)
    except (OverflowError, ValueError):
        return None


def day_of(text: str, zone: tzinfo) -> date | None:
    """The day of a date or a time in RFC 3339, a time in that zone; None when it is neither."""
    try:
        if len(text) == len("2026-01-01"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()
    except (OverflowError, ValueError):
        return None


class _Table:
    """Distinct bonds, by number."""

    def __init__(self) -> None:
        self.bonds: list[Bond] = []
        self._codes: dict[Bond, int] = {}

    def code(self, bond: Bond | None) -> int | None:
        if bond is None:
            return None
        if bond not in self._codes:
            self._codes[bond] = len(self.bonds)
            self.bonds.append(bond)
        return self._codes[bond]

    def codes(self, bonds: Iterable[Bond | None]) -> pa.Array:
        return pa.array([self.code(bond) for bond in bonds], pa.int32())


def _concerning(dataset: str, retention: Sequence[Duty]) -> list[Duty]:
    """The duties that hold for the dataset's own records. One that names no dataset holds for all of the row."""
    return [entry for entry in retention if entry.duty is not None and _datasets(entry) in (set(), {dataset})]


def _datasets(entry: Duty) -> set[str]:
    named = [entry.field] if entry.field else list(entry.when)
    return {name.partition(".")[0] for name in named}


def _own(entry: Duty, dataset: str, batch: pa.RecordBatch, table: _Table, day: date, zone: tzinfo) -> pa.Array:
    """Codes for the rows that a duty holds for on that day."""
    untils = _untils(entry, zone)
    name = entry.field.partition(".")[2]
    undated = pa.scalar(table.code(UNDATED), pa.int32())
    if name not in batch.schema.names or not pa.types.is_string(batch.schema.field(name).type):
        codes = pa.array([undated.as_py()] * batch.num_rows, pa.int32())
    else:
        encoded = batch.column(name).dictionary_encode()
        found = [table.code(_bond(untils(text), day)) for text in encoded.dictionary.to_pylist()]
        known = pc.take(pa.array(found, pa.int32()), encoded.indices)
        codes = pc.if_else(pc.is_null(encoded.indices), undated, known)
    return pc.if_else(_filled(entry, dataset, batch), codes, pa.scalar(None, pa.int32()))


def _bond(until: date | None, day: date) -> Bond | None:
    if until is None:
        return UNDATED
    return Bond(LEGALLY_REQUIRED, until, "retention.duty") if until >= day else None


def _untils(entry: Duty, zone: tzinfo) -> Callable[[str], date | None]:
    def until(text: str) -> date | None:
        start = day_of(text, zone)
        if start is None or entry.duration is None:
            return None
        return last_day(start, entry.duration, entry.counted_from)

    return until


def _filled(entry: Duty, dataset: str, batch: pa.RecordBatch) -> pa.Array:
    """Where any field of `when` says something; a field that the dataset doesn't have says so for all."""
    masks = []
    for name in (named.partition(".")[2] for named in entry.when if named.startswith(f"{dataset}.")):
        if name not in batch.schema.names:
            return pa.array([True] * batch.num_rows, pa.bool_())
        column = batch.column(name)
        mask = pc.is_valid(column)
        if pa.types.is_string(column.type):
            mask = pc.and_(mask, pc.fill_null(pc.not_equal(column, ""), False))
        masks.append(mask)
    filled = masks[0] if masks else pa.array([True] * batch.num_rows, pa.bool_())
    for mask in masks[1:]:
        filled = pc.or_(filled, mask)
    return filled


def _inherited(
    part: Mapping[str, str], batch: pa.RecordBatch, retention: Sequence[Duty], parents: Parents
) -> Iterable[Bond | None]:
    absent = ORPHANED if _concerning(part["dataset"], retention) else None
    keys = batch.column(part["field"]).cast(pa.string()).to_pylist()
    return (None if key is None else parents.get(key, absent) for key in keys)


def _strongest(
    layers: list[pa.Array], table: _Table, part: Mapping[str, Any] | None, held: Mapping[str, Bond]
) -> list[pa.Array]:
    """A hold first; of duties the one that ends last."""
    first = 1 if held else 0
    duties = layers[first:]
    if len(duties) < 2:
        return layers
    rows = zip(*(layer.to_pylist() for layer in duties), strict=True)
    longest = table.codes(_longest([table.bonds[code] for code in row if code is not None]) for row in rows)
    return [*layers[:first], longest]


def _longest(bonds: Sequence[Bond]) -> Bond | None:
    """Holds go before duties; then no end before the latest."""
    return max(bonds, key=_strength, default=None)


def _strength(bond: Bond) -> tuple[bool, bool, date]:
    return bond.is_hold, bond.until is None, bond.until or date.min
