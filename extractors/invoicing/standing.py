"""How approved records stand now: read again by their keys, inside the transaction that is about to change them.

A record is the same when every value is as it was approved. It is compared as the person's own extraction shows it, so
what was withheld as somebody else's is left out on both sides.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dsr.jsontext import parse
from dsr.schema import SOURCE_ID, UNMAPPED, is_json
from dsr.selection import Selection
from extractors.invoicing.copying import LINKS, MARK, ROWS
from extractors.invoicing.layout import Layout, mapped
from extractors.invoicing.mapping import Table
from extractors.invoicing.owners import Owners
from extractors.invoicing.reading import without_others

_LINKED: Final = (*LINKS, *MARK)


class Keyed(Protocol):
    """Reads rows of a table by their keys, see `copying.Copying.keyed`."""

    def keyed(self, table: Table, keys: Sequence[str]) -> Iterator[pa.RecordBatch]: ...


@dataclass
class Standing:
    """The records of one request, dataset and effect.

    same     key → what the row hangs on and how it is marked (`LINKS`, `MARK`)
    changed  key → the same of a row that isn't as approved; rows: all its values now
    gone     keys that there is no row of any more
    as_read  keys of the marked rows in `same` whose mark, too, is as it was approved: it was there before
    """

    request_id: str
    table: Table
    effect: str
    same: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    gone: list[str] = field(default_factory=list)
    as_read: set[str] = field(default_factory=set)


_Waiting = list[tuple[Standing, pa.RecordBatch]]


def standings(
    reader: Keyed,
    layout: Layout,
    owners: Owners,
    table: Table,
    selections: Sequence[Selection],
    effect: str,
    ignored: Collection[str] = (),
) -> list[Standing]:
    """One per selection that has records of that effect in the table's dataset. `ignored`: columns of the database
    that may differ. Rows are read in lots of `ROWS`, whoever's they are."""  # fmt: skip
    found, waiting, count = [], [], 0
    for selection in selections:
        if not selection.count(table.dataset, effect):
            continue
        found.append(Standing(selection.request_id, table, effect))
        for batch in selection.batches(table.dataset, effect):
            waiting.append((found[-1], batch))
            count += batch.num_rows
            if count >= ROWS:
                _compare(reader, layout, owners, table, waiting, ignored)
                waiting, count = [], 0
    if waiting:
        _compare(reader, layout, owners, table, waiting, ignored)
    return found


def value_now(layout: Layout, table: Table, row: dict[str, Any], column: str) -> Any:
    """What a row of `Standing.rows` holds in a column of the database; None for null."""
    fields = {c: f for f, c in mapped(layout, table).items()}
    if column in fields:
        return row[fields[column]]
    rest = parse(row[UNMAPPED]) if row[UNMAPPED] else {}
    return rest.get(column)


def _compare(
    reader: Keyed, layout: Layout, owners: Owners, table: Table, waiting: _Waiting, ignored: Collection[str]
) -> None:
    keys = list(dict.fromkeys(key for _, batch in waiting for key in batch.column(SOURCE_ID).to_pylist()))
    read = list(reader.keyed(table, keys))
    now = pa.Table.from_batches(read).combine_chunks() if read else None
    for standing, approved in waiting:
        ids = approved.column(SOURCE_ID)
        if now is None or not now.num_rows:
            standing.gone += ids.to_pylist()
            continue
        places = pc.index_in(ids, value_set=now.column(SOURCE_ID).combine_chunks())
        there = pc.is_valid(places)
        standing.gone += ids.filter(pc.invert(there)).to_pylist()
        if rows := now.take(places.filter(there)).combine_chunks().to_batches():
            _tell(layout, owners, standing, approved.filter(there), rows[0], ignored)


def _tell(
    layout: Layout, owners: Owners, standing: Standing, approved: pa.RecordBatch, now: pa.RecordBatch,
    ignored: Collection[str],
) -> None:  # fmt: skip
    table = standing.table
    shown, _ = without_others(table, owners.requests[standing.request_id], now)
    same = _alike(layout, table, approved, shown, ignored)
    linked = [name for name in _LINKED if name in now.schema.names]
    helping = now.select([SOURCE_ID, *linked]).to_pylist()
    if table.mark and any(row.get(MARK[0]) is not None for row in helping):
        stamped = set(ignored) - {table.mark.at, table.mark.purposes}
        marked = _alike(layout, table, approved, shown, stamped)
        standing.as_read |= {row[SOURCE_ID] for row, as_read in zip(helping, marked, strict=True) if as_read}
    for place, (row, is_same) in enumerate(zip(helping, same, strict=True)):
        key = row.pop(SOURCE_ID)
        if is_same:
            standing.same[key] = row
        else:
            standing.changed[key] = row
            standing.rows[key] = shown.slice(place, 1).to_pylist()[0]


def _alike(
    layout: Layout, table: Table, approved: pa.RecordBatch, now: pa.RecordBatch, ignored: Collection[str]
) -> list[bool]:
    """Row by row, whether all but the ignored columns of the database are alike."""
    fields = {f for f, c in mapped(layout, table).items() if c in ignored}
    compared = [name for name in now.schema.names if name not in fields]
    return _equal(approved.select(compared), now.select(compared), ignored)


def _equal(one: pa.RecordBatch, other: pa.RecordBatch, ignored: Collection[str]) -> list[bool]:
    """Row by row, whether all columns are alike."""
    alike = pa.array([True] * one.num_rows, pa.bool_())
    for name in one.schema.names:
        a, b = one.column(name), other.column(name)
        equal = pc.fill_null(pc.equal(a, b), pc.and_(pc.is_null(a), pc.is_null(b)))
        alike = pc.and_(alike, equal)
    told: list[bool] = alike.to_pylist()
    nested = {f.name for f in one.schema if is_json(f)}
    for place, is_alike in enumerate(told):
        if not is_alike:  # the same JSON may be spelled in another way
            rows = (part.slice(place, 1).to_pylist()[0] for part in (one, other))
            told[place] = len({repr(_plain(row, nested, ignored)) for row in rows}) == 1
    return told


def _plain(row: dict[str, Any], nested: Collection[str], ignored: Collection[str]) -> list[tuple[str, Any]]:
    plain: dict[str, Any] = {}
    for name, value in row.items():
        value = parse(value) if name in nested and value is not None else value
        if name == UNMAPPED:
            plain |= {f"{UNMAPPED}.{k}": v for k, v in (value or {}).items() if k not in ignored}
        else:
            plain[name] = value
    return sorted((name, _sorted(value)) for name, value in plain.items())


def _sorted(value: Any) -> Any:
    """A nested value with its objects' names in order."""
    if isinstance(value, dict):
        return sorted((name, _sorted(inner)) for name, inner in value.items())
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value
