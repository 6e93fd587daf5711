"""Which rows of a table belong to the persons of a batch, as one SELECT per dataset.

A row belongs to its contact. One without a contact belongs to its customer, where that is a sole trader's own; a row
that says neither belongs to whom the row of the `through` table belongs to. The cases exclude each other and are
joined by UNION ALL, so that each can use its index.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa

from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Books, Persons, Table
from extractors.invoicing.owners import CONTACT, CUSTOMER

Clause = sa.ColumnElement[bool]
Statement = sa.Select[Any] | sa.CompoundSelect[Any]
Columns = Mapping[str, sa.ColumnElement[Any]]


_TYPES: Final[Mapping[str, Any]] = {
    "time": sa.DateTime,
    "zoned time": sa.DateTime(timezone=True),
    "date": sa.Date,
    "decimal": sa.Numeric,
    "boolean": sa.Boolean,
    "json": sa.JSON,
    "bytes": sa.LargeBinary,
}


class Among(Protocol):
    """How a dialect asks whether a column holds one of the batch's contacts or customers (`kind`)."""

    def __call__(self, column: sa.ColumnElement[Any], kind: str, family: tuple[str, str]) -> Clause: ...


@dataclass(frozen=True)
class Case:
    """One way in which a row can belong to somebody."""

    source: sa.FromClause
    own: Columns
    through: Columns
    condition: Clause
    owner: sa.ColumnElement[Any]
    tag: str
    customer: sa.ColumnElement[Any] | None


Wanted = Callable[[Case], list[sa.ColumnElement[Any]]]
"""The columns to select in a case."""


def persons(layout: Layout, table: Persons, among: Among, wanted: Wanted) -> sa.Select[Any]:
    """The person-level rows themselves."""
    own = _table(table.rows, layout, "t")
    kind = CUSTOMER if table.sole_traders else CONTACT
    key = own.c[table.rows.key]
    condition = among(key, kind, layout[table.rows.table][table.rows.key])
    return _select(Case(own, own.c, {}, condition, key, kind, own.c[table.customer]), wanted)


def rows(books: Books, layout: Layout, table: Table, among: Among, wanted: Wanted) -> Statement:
    """The rows that hang on the persons."""
    cases = [_select(case, wanted) for case in _cases(books, layout, table, among)]
    return cases[0] if len(cases) == 1 else sa.union_all(*cases)


def keyed(
    books: Books, layout: Layout, table: Table, among: Callable[[sa.ColumnElement[Any]], Clause], wanted: Wanted
) -> sa.Select[Any]:
    """The rows of a table that have certain keys, whoever's they are now."""
    own = _table(table, layout, "t")
    source: sa.FromClause = own
    through: Columns = {}
    customer = own.c[table.customer] if table.customer else None
    if table.through and table.owner_only and customer is None:
        joined = _table(books.of_table(table.through[0]), layout, "h")
        source, through = own.outerjoin(joined, _shared(books, table, own, joined)), joined.c
        beyond = books.of_table(table.through[0]).customer
        customer = joined.c[beyond] if beyond else None
    key = own.c[table.key]
    return _select(Case(source, own.c, through, among(key), key, "", customer), wanted)


def _select(case: Case, wanted: Wanted) -> sa.Select[Any]:
    return sa.select(*wanted(case)).select_from(case.source).where(case.condition)


def _cases(books: Books, layout: Layout, table: Table, among: Among) -> Iterator[Case]:
    own = _table(table, layout, "t")
    customer = own.c[table.customer] if table.customer else None
    joined = _table(books.of_table(table.through[0]), layout, "h") if table.through else None
    source, through = own, {}
    if joined is not None and table.attachment:
        source, through = own.outerjoin(joined, _shared(books, table, own, joined)), joined.c
    rest: list[Clause] = []
    for kind, column in ((CONTACT, table.contact), (CUSTOMER, table.customer)):
        if column:
            hit = among(own.c[column], kind, layout[table.table][column])
            yield Case(source, own.c, through, sa.and_(*rest, hit), own.c[column], kind, customer)
            rest.append(own.c[column].is_(None))
    if joined is None or table.through is None:
        return
    other = books.of_table(table.through[0])
    source = own.join(joined, _shared(books, table, own, joined))
    beyond = joined.c[other.customer] if other.customer else None
    for kind, column in ((CONTACT, other.contact), (CUSTOMER, other.customer)):
        if column:
            hit = among(joined.c[column], kind, layout[other.table][column])
            yield Case(source, own.c, joined.c, sa.and_(*rest, hit), joined.c[column], kind, beyond)
            rest.append(joined.c[column].is_(None))


def _shared(books: Books, table: Table, own: Any, joined: Any) -> Clause:
    """The join of a table with the one that it belongs through."""
    name, column = table.through or ("", "")
    condition: Clause = own.c[column] == joined.c[books.of_table(name).key]
    return condition


def _table(table: Table, layout: Layout, alias: str) -> Any:
    """The table with the types that its values must be fetched as."""
    return sa.table(table.table, *columns_of(layout, table.table)).alias(alias)


def columns_of(layout: Layout, name: str) -> list[sa.ColumnClause[Any]]:
    """The columns of a table, with the types that their values are fetched and sent as."""
    return [sa.column(column, _TYPES.get(family)) for column, (family, _) in layout[name].items()]
