"""What the database's tables look like: columns with their types, reflected, so that no column is dropped unseen."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Dialect, inspect, types
from sqlalchemy.engine.reflection import ObjectKind

from dsr.errors import PermanentError
from dsr.schema import load, property_type
from extractors.invoicing.failures import PLACE
from extractors.invoicing.mapping import Books, Table

Layout = Mapping[str, Mapping[str, tuple[str, str]]]
"""Table → column → (family, type as the database spells it). Plain data: it travels in `Found.cache`. A family is
time, zoned time, date, integer, number, decimal, boolean, json, array, bytes, text or other."""

_FAMILIES: Final[tuple[tuple[type[types.TypeEngine[Any]], str], ...]] = (
    (types.DateTime, "time"),
    (types.Date, "date"),
    (types.Integer, "integer"),
    (types.Float, "number"),
    (types.Numeric, "decimal"),
    (types.Boolean, "boolean"),
    (types.JSON, "json"),
    (types.ARRAY, "array"),
    (types.LargeBinary, "bytes"),
    (types.Enum, "other"),
    (types.String, "text"),
    (types.Uuid, "text"),
)
_FITS: Final = {
    "string": {"text", "decimal", "date", "time", "zoned time", "integer", "other"},
    "integer": {"integer"},
    "number": {"number", "integer", "decimal"},
    "boolean": {"boolean"},
    "object": {"json"},
    "array": {"json", "array"},
}


def reflect(connection: Connection, books: Books) -> Layout:
    """The layout of every table that the mapping names; the number of statements doesn't depend on the tables.

    PermanentError("table.missing") and ("column.missing") when the mapping names what is not there.
    """
    wanted = books.tables()
    found = inspect(connection).get_multi_columns(filter_names=wanted, kind=ObjectKind.ANY)
    dialect = connection.dialect
    layout = {
        table: {c["name"]: (_family(c["type"]), _spelled(c["type"], dialect)) for c in columns}
        for (_, table), columns in found.items()
    }
    check(layout, books)
    return layout


def check(layout: Layout, books: Books) -> None:
    """Whether all that the mapping names is there, see `reflect`."""
    for table in (*(p.rows for p in books.persons), *books.rows):
        if table.table not in layout:
            raise PermanentError("table.missing", PLACE)
        named = {table.key, *table.columns, *filter(None, (table.contact, table.customer))}
        if table.attachment:
            named |= {table.attachment.content, table.attachment.media_type, table.attachment.title}
        named |= table.anonymise.keys() | ({table.mark.at, table.mark.purposes} if table.mark else set())
        if not named <= layout[table.table].keys():
            raise PermanentError("column.missing", PLACE)
        # A column under a rule of withholding must be one that the rule can reach.
        ruled = {*table.names, *table.emails, *table.together, *table.together.values(), *table.owner_only}
        if not ruled <= set(mapped(layout, table).values()):
            raise PermanentError("mapping.unreadable", PLACE)


def mapped(layout: Layout, table: Table) -> dict[str, str]:
    """Schema field → column, for those columns whose type fits the field's."""
    kinds = {field: property_type(d) for field, d in load(table.dataset)["properties"].items()}
    columns = layout[table.table]
    return {f: c for c, f in table.columns.items() if f in kinds and columns[c][0] in _FITS[kinds[f]]}


def unmapped(layout: Layout, table: Table) -> list[str]:
    """Columns that no field takes: they go into the column `unmapped`. A file's content is an attachment instead."""
    taken = set(mapped(layout, table).values())
    if table.attachment:
        taken.add(table.attachment.content)
    return [c for c in layout[table.table] if c not in taken]


def _family(kind: types.TypeEngine[Any]) -> str:
    for base, name in _FAMILIES:
        if isinstance(kind, base):
            return "zoned time" if name == "time" and getattr(kind, "timezone", False) else name
    return "other"


def _spelled(kind: types.TypeEngine[Any], dialect: Dialect) -> str:
    return "" if isinstance(kind, types.NullType) else str(kind.compile(dialect=dialect))
