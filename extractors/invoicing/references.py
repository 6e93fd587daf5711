"""Which tables refer to those of the mapping: from PostgreSQL's catalogue, whatever schema they are in, and from the
mapping itself, since many databases declare no foreign keys."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from extractors.invoicing.mapping import Books

_CATALOGUE: Final = """
SELECT CASE WHEN pg_table_is_visible(child.oid) THEN '' ELSE space.nspname END, child.relname, parent.relname,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY c(n, o)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.n ORDER BY c.o),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY c(n, o)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.n ORDER BY c.o)
FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
  JOIN pg_namespace space ON space.oid = child.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND pg_table_is_visible(parent.oid)
  AND parent.relname = ANY(CAST(:tables AS text[]))
ORDER BY 1, 2, 3, k.conname
"""


@dataclass(frozen=True)
class Reference:
    """`columns` of a table hold the `keys` of a row of the parent. `schema`: of the table; "" = where the mapping's
    tables are."""

    table: str
    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    schema: str = ""


def references(connection: sa.Connection, books: Books) -> list[Reference]:
    """All that refer to the mapping's tables; those of the database first. One statement on PostgreSQL."""
    found = list(_declared(connection, books.tables()))
    known = {(r.table, r.columns, r.parent) for r in found}
    return [*found, *(r for r in _implied(books) if (r.table, r.columns, r.parent) not in known)]


def children_first(tables: Collection[str], found: Sequence[Reference]) -> list[str]:
    """The tables in the order in which rows may be deleted. Where tables refer to each other in a circle, the order
    within it is that of the mapping."""
    left, order = list(tables), []
    while left:
        parents = {r.parent for r in found if r.table in left and r.table != r.parent and not r.schema}
        free = [t for t in left if t not in parents] or left[:1]
        order += free
        left = [t for t in left if t not in free]
    return order


def _declared(connection: sa.Connection, tables: Sequence[str]) -> Iterator[Reference]:
    if connection.dialect.name == "postgresql":
        for schema, table, parent, columns, keys in connection.execute(sa.text(_CATALOGUE), {"tables": list(tables)}):
            yield Reference(table, tuple(columns), parent, tuple(keys), schema)
        return
    for (_, table), listed in sa.inspect(connection).get_multi_foreign_keys().items():
        for key in listed:
            if key["referred_table"] in tables:
                columns, keys = tuple(key["constrained_columns"]), tuple(key["referred_columns"])
                yield Reference(table, columns, key["referred_table"], keys)


def _implied(books: Books) -> Iterator[Reference]:
    """Links that the mapping tells of."""
    contacts = next((p.rows for p in books.persons if not p.sole_traders), None)
    customer = (books.customer.table, (books.customer.key,))
    for person in books.persons:
        if person.rows.table != books.customer.table:
            yield Reference(person.rows.table, (person.customer,), *customer)
    for table in books.rows:
        if table.contact and contacts:
            yield Reference(table.table, (table.contact,), contacts.table, (contacts.key,))
        if table.customer:
            yield Reference(table.table, (table.customer,), *customer)
        if table.through:
            name, column = table.through
            yield Reference(table.table, (column,), name, (books.of_table(name).key,))
