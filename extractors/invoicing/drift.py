"""What a database holds beside what the mapping declares, as far as it may be about a person."""

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, inspect
from sqlalchemy.engine.reflection import ObjectKind

from extractors.invoicing.layout import reflect, unmapped
from extractors.invoicing.mapping import Books, Table

_PERSONAL: Final = re.compile(
    r"(^|_)(e_?mail|phone|mobile|telefon|mobil|person|personnummer|ssn|birth_?date|given_?name|first_?name"
    r"|family_?name|last_?name)(_|$|s$)"
)


def undeclared(connection: Connection, books: Books) -> tuple[str, ...]:
    """Columns of mapped tables that the mapping doesn't name (they come as `unmapped`), and tables that it doesn't name
    though they refer to a person: by a foreign key to a table that is mapped, by a column named as the keys or
    identifiers of persons are, or by one whose name says so. PermanentError as `layout.reflect`."""
    layout = reflect(connection, books)
    found = {
        f"{table}.{column}"
        for table in books.tables()
        for column in set(unmapped(layout, books.of_table(table))) - _named(books, books.of_table(table))
    }
    return tuple(sorted({*found, *_tables(connection, books)}))


def _named(books: Books, table: Table) -> set[str]:
    """Columns of a table that the mapping names beside those that are fields."""
    marks = {table.mark.at, table.mark.purposes} if table.mark else set()
    return {*books.stamped, *table.columns, table.key, table.contact, table.customer, *marks}


def _tables(connection: Connection, books: Books) -> Iterator[str]:
    known = {*books.tables(), books.customer.table}
    words = _words(books)
    looked = inspect(connection)
    keys = looked.get_multi_foreign_keys(kind=ObjectKind.ANY)
    for (schema, table), columns in looked.get_multi_columns(kind=ObjectKind.ANY).items():
        if table in known:
            continue
        refers = any(key["referred_table"] in known for key in keys.get((schema, table), ()))
        names = {str(column["name"]).lower() for column in columns}
        if refers or names & words or any(_PERSONAL.search(name) for name in names):
            yield str(table)


def _words(books: Books) -> set[str]:
    """How columns are called that say whose a row is."""
    words = {books.customer.key, books.customer.number}
    for persons in books.persons:
        words |= {persons.rows.key, *(column for columns in persons.identifiers.values() for column in columns)}
    words |= {column for table in books.rows for column in (table.contact, table.customer) if column}
    return {word.lower() for word in words}
