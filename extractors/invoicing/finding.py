"""`find`: which contacts and sole traders answer to the subjects' identifiers. One statement per table of persons."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from dsr.model import Identifier, Match, Subject
from extractors.invoicing import identifiers
from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Books, Persons

_NOT_QUITE_TEXT = ("UUID",)
"""Types that a database does not compare with text."""

Asked = Mapping[str, list[str]]
"""Kind → values that any subject has."""


def find(connection: sa.Connection, books: Books, layout: Layout, subjects: Sequence[Subject]) -> Iterator[Match]:
    """Matches of all subjects. A row that the database reports is compared again here in normal form."""
    asking: dict[Identifier, set[str]] = defaultdict(set)
    for subject in subjects:
        for identifier in subject.identifiers:
            asking[identifier].add(subject.request_id)
    asked: dict[str, list[str]] = defaultdict(list)
    for identifier in asking:
        asked[identifier.kind].append(identifier.value)
    for persons in books.persons:
        statement = _statement(books, layout, persons, asked)
        for row in connection.execute(statement).mappings():
            yield from _matches(books, persons, row, asking)


def _statement(books: Books, layout: Layout, persons: Persons, asked: Asked) -> sa.Select[Any]:
    """All rows that may answer; with nothing to ask for, the same statement finds nothing."""
    own = sa.table(persons.rows.table, *map(sa.column, layout[persons.rows.table])).alias("p")
    customer = sa.table(books.customer.table, *map(sa.column, layout[books.customer.table])).alias("c")
    types = layout[persons.rows.table]
    conditions = [
        _in(own.c[column], types[column], kind, _candidates(kind, asked, books.region))
        for kind, columns in persons.identifiers.items()
        for column in columns
    ]
    own_ids = identifiers.sendable(asked.get(persons.rows.dataset, ()))
    conditions.append(_in(own.c[persons.rows.key], types[persons.rows.key], persons.rows.dataset, own_ids))
    if "customer_number" not in persons.identifiers:
        numbers = identifiers.sendable(asked.get("customer_number", ()))
        numbered = books.customer.number
        conditions.append(_in(customer.c[numbered], layout[books.customer.table][numbered], "", numbers))
    held = dict.fromkeys(c for columns in (persons.name, *persons.identifiers.values()) for c in columns)
    statement = sa.select(
        own.c[persons.rows.key].label("key"),
        *(own.c[c].label(f"p_{c}") for c in held),
        customer.c[books.customer.key].label("customer"),
        customer.c[books.customer.number].label("number"),
        customer.c[books.customer.name].label("customer_name"),
        sa.cast(customer.c[books.customer.kind_column], sa.Text).label("kind"),
    ).select_from(own.outerjoin(customer, own.c[persons.customer] == customer.c[books.customer.key]))
    statement = statement.where(sa.or_(*conditions))
    if persons.sole_traders:
        kind_of = sa.cast(customer.c[books.customer.kind_column], sa.Text)
        statement = statement.where(kind_of == books.customer.sole_trader)
    return statement


def _candidates(kind: str, asked: Asked, region: str) -> list[str]:
    values = asked.get(kind, [])
    if kind == "phone":
        values = [form for value in values for form in identifiers.typed(value, region)]
    elif kind == "email":
        values = [form for value in values for form in identifiers.written(value)]
    return identifiers.sendable(values)


def _in(
    column: sa.ColumnElement[Any], family: tuple[str, str], kind: str, values: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Whether the column holds one of the values, in the form that `_candidates` gives them; false for none. The
    column is left as it is where that lets the database use an index."""
    if family[0] == "integer" and kind not in ("email", "phone"):
        numbers = [key for value in values if (key := identifiers.key(value)) is not None]
        return column.in_(numbers) if numbers else sa.false()
    text = column if family[0] == "text" and family[1] not in _NOT_QUITE_TEXT else sa.cast(column, sa.Text)
    if kind == "email":
        text = sa.func.lower(sa.func.trim(text))
    elif kind == "phone":
        for blank in identifiers.BLANKS:
            text = sa.func.replace(text, blank, "")
    return text.in_(values) if values else sa.false()


def _matches(books: Books, persons: Persons, row: RowMapping, asking: Mapping[Identifier, set[str]]) -> Iterator[Match]:
    holds = _holds(books, persons, row)
    by: Mapping[str, set[Identifier]] = defaultdict(set)
    for identifier in holds:
        for request_id in asking.get(identifier, ()):
            by[request_id].add(identifier)
    if _is_emptied(persons, row):
        # The company's number, which it still bears, would make it a doubtful record of every colleague.
        by = {request_id: its for request_id, its in by.items() if any(i.kind == persons.rows.dataset for i in its)}
    name = " ".join(str(row[f"p_{c}"]) for c in persons.name if row[f"p_{c}"])
    reference = {
        "customer": str(row["customer"]),
        "customer_name": row["customer_name"] or "",
        "sole_trader": row["kind"] == books.customer.sole_trader,
    }
    for request_id, answered in by.items():
        yield Match(
            request_id, persons.rows.dataset, str(row["key"]), frozenset(answered), frozenset(holds), name, reference
        )


def _is_emptied(persons: Persons, row: RowMapping) -> bool:
    """Whether it reads as one that was anonymised: it has nobody's name, address or number."""
    values, held = persons.rows.anonymise, (*persons.name, *(c for its in persons.identifiers.values() for c in its))
    own_number = "customer_number" in persons.identifiers
    return not own_number and all(column in values and row[f"p_{column}"] == values[column] for column in held)


def _holds(books: Books, persons: Persons, row: RowMapping) -> set[Identifier]:
    found = {(persons.rows.dataset, str(row["key"])), ("customer_number", str(row["number"] or ""))}
    for kind, columns in persons.identifiers.items():
        for column in columns:
            raw = str(row[f"p_{column}"] or "")
            if kind == "email":
                raw = identifiers.email(raw)
            elif kind == "phone":
                raw = identifiers.phone(raw, books.region)
            found.add((kind, raw))
    return {Identifier(kind, value) for kind, value in found if value}
