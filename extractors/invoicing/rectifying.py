"""`rectify`: corrects register data, and reads it back before it is kept. An issued invoice is never touched."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.schema import SOURCE_ID
from dsr.selection import Selection
from dsr.source import Declaration
from extractors.invoicing.database import Database
from extractors.invoicing.failures import PLACE
from extractors.invoicing.identifiers import sendable
from extractors.invoicing.layout import mapped
from extractors.invoicing.mapping import Books, Table
from extractors.invoicing.work import Work, work

Corrections = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Request → dataset → field → new value."""


def rectify(
    database: Database,
    books: Books,
    declaration: Declaration,
    selections: Sequence[Selection],
    corrections: Corrections,
) -> list[Outcome]:
    """What became of the records with the effect "rectify".

    PermanentError("field.not_rectifiable") before anything is written, ("value.refused") for a value that the column
    can't hold, ("readback.differs") when the database made something else of it, ("correction.conflict") when two
    requests want different things of one record. Nothing has changed then.
    """
    _check(declaration, corrections)
    with work(database, books, selections) as its:
        for dataset in its.chosen("rectify"):
            table = books.of_dataset(dataset)
            fields = mapped(its.layout, table) if table else {}
            asked = {f for given in corrections.values() for f in given.get(dataset, {})}
            if table is None or not asked <= fields.keys():
                its.rest(dataset, "rectify", "manual", "field.unmapped")
            else:
                _correct(its, table, fields, {r: given.get(dataset, {}) for r, given in corrections.items()})
    return list(its.tally.outcomes())


def _check(declaration: Declaration, corrections: Corrections) -> None:
    rectifiable = {d.name: set(d.rectifiable) for d in declaration.datasets}
    for given in corrections.values():
        for dataset, values in given.items():
            if not values.keys() <= rectifiable.get(dataset, set()):
                raise PermanentError("field.not_rectifiable", declaration.name)


def _correct(its: Work, table: Table, fields: Mapping[str, str], corrections: Mapping[str, Mapping[str, Any]]) -> None:
    wanted: dict[str, Mapping[str, Any]] = {}
    for standing in its.standings(table, "rectify"):
        names = (standing.request_id, table.dataset, "rectify")
        values = corrections.get(standing.request_id, {})
        if not values:
            its.tally.add(*names, "blocked", "correction.absent", count=len(standing.same) + len(standing.changed))
        for key in standing.same if values else ():
            if wanted.setdefault(key, values) != values:
                raise PermanentError("correction.conflict", PLACE)
            its.tally.add(*names, "done")
        for row in standing.rows.values() if values else ():
            right = all(row[field] == value for field, value in values.items())
            its.tally.add(*names, *(("done", "already") if right else ("changed", "")))
        for _ in standing.gone:
            its.tally.add(*names, "absent")
    alike: dict[tuple[str, ...], dict[str, dict[str, Any]]] = defaultdict(dict)
    for key, values in wanted.items():
        columns = {fields[f]: _value(its, table, fields[f], value) for f, value in sorted(values.items())}
        alike[tuple(columns)][key] = columns
    for rows in alike.values():
        its.writer.assign(table, rows)
    if wanted:
        _read_back(its, table, wanted)


def _value(its: Work, table: Table, column: str, value: Any) -> Any:
    """The value as the column takes it."""
    family, _ = its.layout[table.table][column]
    try:
        if isinstance(value, str):
            if value and not sendable([value]):
                raise ValueError
            if family == "date":
                return date.fromisoformat(value)
            return Decimal(value) if family == "decimal" else value
    except (ValueError, InvalidOperation):
        raise PermanentError("value.refused", PLACE) from None
    return value


def _read_back(its: Work, table: Table, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    read = 0
    for batch in its.reader.keyed(table, list(wanted)):
        for row in batch.to_pylist():
            read += 1
            if any(row[field] != value for field, value in wanted[row[SOURCE_ID]].items()):
                raise PermanentError("readback.differs", PLACE)
    if read != len(wanted):
        raise PermanentError("readback.differs", PLACE)
