"""Any other dialect: rows by a server-side cursor, through SQLAlchemy alone."""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from dsr.schema import SOURCE_ID, batch
from extractors.invoicing.copying import LINKS, MARK, OWNER, TRADER
from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Attachment, Books, Persons, Table
from extractors.invoicing.owners import Owners
from extractors.invoicing.selection import Case, Clause, Statement, keyed, persons, rows

ROWS: Final = 5_000
KEYS: Final = 500
"""So many keys go into one statement: databases take 999 parameters and more."""
_FILES: Final = 10


class Cursors:
    """The same as `copying.Copying`, for every database that SQLAlchemy speaks to."""

    def __init__(self, connection: sa.Connection, books: Books, layout: Layout, owners: Owners) -> None:
        self._connection, self._books, self._layout, self._owners = connection, books, layout, owners
        self._zone = ZoneInfo(books.timezone)

    def read(self, table: Table | Persons) -> Iterator[pa.RecordBatch]:
        """As `Copying.read`."""
        dataset = table.rows if isinstance(table, Persons) else table
        content = {dataset.attachment.content} if dataset.attachment else set()
        columns = [c for c in self._layout[dataset.table] if c not in content]

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            trader = sa.null() if case.customer is None else case.customer
            own = [case.own[c].label(f"t_{n}") for n, c in enumerate(columns)]
            return [case.own[dataset.key].label(SOURCE_ID), *own, *_owner(case), trader.label(TRADER)]

        result = self._connection.execution_options(yield_per=ROWS).execute(self._statement(table, wanted))
        for part in result.mappings().partitions():
            yield self._batch(dataset, columns, part)

    def keyed(self, table: Table, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """As `Copying.keyed`."""
        content = {table.attachment.content} if table.attachment else set()
        columns = [c for c in self._layout[table.table] if c not in content]
        links = (table.contact, table.customer, table.through[1] if table.through else "")
        marks = (table.mark.at, table.mark.purposes) if table.mark else ("", "")
        helping = {n: c for n, c in zip((*LINKS, *MARK), (*links, *marks), strict=True) if c}

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            trader = sa.null() if case.customer is None else case.customer
            own = [case.own[c].label(f"t_{n}") for n, c in enumerate(columns)]
            more = [case.own[c].label(name) for name, c in helping.items()]
            return [case.own[table.key].label(SOURCE_ID), *own, *more, *_owner(case), trader.label(TRADER)]

        for start in range(0, len(keys), KEYS):
            some = spelled(self._layout, table, keys[start : start + KEYS])
            statement = keyed(self._books, self._layout, table, partial(_one_of, some), wanted)
            part = self._connection.execute(statement).mappings().all()
            made = self._batch(table, columns, part)
            for name in helping:
                values = [None if row[name] is None else str(row[name]) for row in part]
                made = made.append_column(name, pa.array(values, pa.string()))
            yield made

    def attachments(self, table: Table, attachment: Attachment) -> Iterator[tuple[Any, ...]]:
        """As `Copying.attachments`."""

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            own = [case.own[c] for c in (table.key, attachment.media_type, attachment.title, attachment.content)]
            printed = [case.own[c] if c in case.own else case.through[c] for c in attachment.prints]
            return [*_owner(case), *(c.label(f"x{n}") for n, c in enumerate([*own, *printed]))]

        result = self._connection.execution_options(yield_per=_FILES).execute(self._statement(table, wanted))
        for row in result:
            cells = tuple(row)
            yield (f"{cells[0]}{cells[1]}", str(cells[2]), *cells[3:])

    def _statement(self, table: Table | Persons, wanted: Any) -> Statement:
        if isinstance(table, Persons):
            return persons(self._layout, table, self._among, wanted)
        return rows(self._books, self._layout, table, self._among, wanted)

    def _among(self, column: sa.ColumnElement[Any], kind: str, family: tuple[str, str]) -> Clause:
        keys = self._owners.keys(kind)
        return column.in_([int(k) for k in keys] if family[0] == "integer" else keys)

    def _batch(self, table: Table, columns: Sequence[str], part: Sequence[RowMapping]) -> pa.RecordBatch:
        names = [table.columns.get(c, c) for c in columns]
        records = [
            (
                str(row[SOURCE_ID]),
                {name: v for n, name in enumerate(names) if (v := self._value(row[f"t_{n}"])) is not None},
            )
            for row in part
        ]
        made = batch(table.dataset, records)
        helping = {OWNER: [f"{r['_tag']}{r[OWNER]}" for r in part]}
        if table.owner_only:
            helping[TRADER] = [str(r[TRADER]) for r in part]
        for name, values in helping.items():
            made = made.append_column(name, pa.array(values, pa.string()))
        return made

    def _value(self, value: Any) -> Any:
        """The cell in the form that schemas promise; see `dsr.schema`."""
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=self._zone)
            head, plus, zone = aware.astimezone(UTC).isoformat().partition("+")
            return (head.rstrip("0") if "." in head else head) + plus + zone
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bytes | memoryview):
            return base64.b64encode(value).decode()
        return value if value is None or isinstance(value, str | int | float | bool | list | dict) else str(value)


def _one_of(values: Sequence[Any], column: sa.ColumnElement[Any]) -> Clause:
    return column.in_(values)


def spelled(layout: Layout, table: Table, keys: Sequence[str]) -> list[Any]:
    """Keys as the database compares them."""
    return [int(key) for key in keys] if layout[table.table][table.key][0] == "integer" else list(keys)


def _owner(case: Case) -> list[sa.ColumnElement[Any]]:
    return [sa.literal_column(f"'{case.tag}'").label("_tag"), case.owner.label(OWNER)]
