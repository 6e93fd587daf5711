"""PostgreSQL through psycopg: rows by COPY into Arrow, without a Python object per cell.

COPY takes no parameters, so the ids of the persons are bound to settings of the transaction (`set_config`, local)
and the statements read them from there: bound values all the same, and nothing is written, so a replica will do.
Measured against fetching rows: a quarter of the CPU time (100,000 rows of 16 columns: 0.16 s against 0.6 s).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from dsr.schema import SOURCE_ID, UNMAPPED, arrow_schema
from extractors.invoicing.layout import Layout, mapped, unmapped
from extractors.invoicing.mapping import Attachment, Books, Persons, Table
from extractors.invoicing.owners import CONTACT, CUSTOMER, Owners
from extractors.invoicing.selection import Case, Clause, Statement, keyed, persons, rows

ROWS: Final = 32_768
BYTES: Final = 32 * 1024 * 1024
"""A batch ends at so many rows or bytes of text, whichever comes first."""
OWNER: Final = "_owner"
TRADER: Final = "_trader"

LINKS: Final = ("_contact", "_customer", "_through")
"""Keys of the rows that a row hangs on."""
MARK: Final = ("_marked_at", "_marked_for")
"""Since when a row is restricted, and for which purposes: a JSON list, or text."""
HELPING: Final = (*LINKS, *MARK, OWNER, TRADER)

_SETTINGS: Final = {CONTACT: "dsr.contacts", CUSTOMER: "dsr.customers"}
_KEYS: Final = "dsr.keys"
_OBJECT_ARGUMENTS: Final = 40


class Copying:
    """Reads the tables of one batch of persons."""

    def __init__(
        self,
        connection: sa.Connection,
        books: Books,
        layout: Layout,
        owners: Owners,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`more`: further settings of the transaction."""
        self._connection, self._books, self._layout = connection, books, layout
        bound = {name: _array(owners.keys(kind)) for kind, name in _SETTINGS.items()}
        settings = {"TimeZone": "UTC", "DateStyle": "ISO, YMD", "extra_float_digits": "1", **bound, **more}
        self._set(settings)

    def read(self, table: Table | Persons) -> Iterator[pa.RecordBatch]:
        """Batches with the columns of the dataset's schema, plus `_owner` and `_trader` (see `selection`)."""
        dataset = table.rows if isinstance(table, Persons) else table
        names: list[str] = []

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            columns = self._columns(dataset, case)
            names[:] = [c.name for c in columns]
            return columns

        statement = self._statement(table, wanted)
        for text in self._copied(statement):
            yield self._shaped(dataset, _parsed(dataset, names, text))

    def keyed(self, table: Table, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows with these keys, whoever's they are: as `read`, with the columns `HELPING` that the table has."""
        names: list[str] = []

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            columns = [*self._columns(table, case), *self._helping(table, case)]
            names[:] = [c.name for c in columns]
            return columns

        def among(column: sa.ColumnElement[Any]) -> Clause:
            spelled = _spelled(self._layout[table.table][table.key])
            of_these: sa.ColumnElement[Any] = sa.literal_column(f"current_setting('{_KEYS}')::{spelled}[]")
            # A subquery, so that the setting is parsed once and not for every row.
            return column.in_(sa.select(sa.func.unnest(of_these)))

        self._set({_KEYS: _array(keys)})
        for text in self._copied(keyed(self._books, self._layout, table, among, wanted)):
            yield self._shaped(table, _parsed(table, names, text))

    def attachments(self, table: Table, attachment: Attachment) -> Iterator[tuple[Any, ...]]:
        """`(owner, key, media type, title, content, printed texts…)`, one file in memory at a time."""

        def wanted(case: Case) -> list[sa.ColumnElement[Any]]:
            texts = [_owner(case), case.own[table.key], case.own[attachment.media_type], case.own[attachment.title]]
            printed = [case.own[c] if c in case.own else case.through[c] for c in attachment.prints]
            return [*(sa.cast(c, sa.Text).label(f"x{n}") for n, c in enumerate(texts)),
                    case.own[attachment.content].label("content"),
                    *(sa.cast(c, sa.Text).label(f"y{n}") for n, c in enumerate(printed))]  # fmt: skip

        types = ["text"] * 4 + ["bytea"] + ["text"] * len(attachment.prints)
        with self._cursor() as cursor, cursor.copy(self._copy(self._statement(table, wanted), "binary")) as copy:
            copy.set_types(types)
            yield from copy.rows()

    def _statement(self, table: Table | Persons, wanted: Any) -> Statement:
        if isinstance(table, Persons):
            return persons(self._layout, table, _among, wanted)
        return rows(self._books, self._layout, table, _among, wanted)

    def _columns(self, table: Table, case: Case) -> list[sa.ColumnElement[Any]]:
        """Columns in a form that CSV carries and Arrow reads; what no field takes as one JSON object."""
        found: list[sa.ColumnElement[Any]] = [sa.cast(case.own[table.key], sa.Text).label(SOURCE_ID)]
        for field, column in mapped(self._layout, table).items():
            form = self._form(table, case, column)
            array = self._layout[table.table][column][0] == "array"
            found.append((sa.func.to_json(form) if array else form).label(field))
        rest = unmapped(self._layout, table)
        if rest:
            found.append(_object([(c, self._form(table, case, c)) for c in rest]).label(UNMAPPED))
        found.append(_owner(case).label(OWNER))
        if table.owner_only:
            trader = sa.null() if case.customer is None else case.customer
            found.append(sa.cast(trader, sa.Text).label(TRADER))
        return found

    def _helping(self, table: Table, case: Case) -> list[sa.ColumnElement[Any]]:
        links = (table.contact, table.customer, table.through[1] if table.through else "")
        found: list[sa.ColumnElement[Any]]
        found = [sa.cast(case.own[c], sa.Text).label(n) for n, c in zip(LINKS, links, strict=True) if c]
        if table.mark:
            purposes = case.own[table.mark.purposes]
            array = self._layout[table.table][table.mark.purposes][0] == "array"
            forms = (case.own[table.mark.at], sa.func.to_json(purposes) if array else purposes)
            found += [sa.cast(form, sa.Text).label(n) for n, form in zip(MARK, forms, strict=True)]
        return found

    def _set(self, settings: Mapping[str, str]) -> None:
        """Settings of the transaction, in one statement."""
        calls = [sa.func.set_config(name, sa.cast(value, sa.Text), True) for name, value in settings.items()]
        self._connection.execute(sa.select(*calls))

    def _form(self, table: Table, case: Case, column: str) -> sa.ColumnElement[Any]:
        family, _ = self._layout[table.table][column]
        if family == "time":
            return sa.func.timezone(sa.literal_column(f"'{self._books.timezone}'"), case.own[column])
        if family == "bytes":
            return sa.func.encode(case.own[column], sa.literal_column("'base64'"))
        return sa.cast(case.own[column], sa.Text) if family == "other" else case.own[column]

    def _copied(self, statement: Statement) -> Iterator[bytearray]:
        """CSV text in pieces of whole rows: the protocol sends one row per message."""
        text, count = bytearray(), 0
        with self._cursor() as cursor, cursor.copy(self._copy(statement, "csv")) as copy:
            while row := copy.read():
                text += row
                count += 1
                if count == ROWS or len(text) >= BYTES:
                    yield text
                    text, count = bytearray(), 0
        if text:
            yield text

    def _copy(self, statement: Statement, form: str) -> str:
        compiled = statement.compile(dialect=_DIALECT)
        if compiled.params:
            raise AssertionError("COPY takes no parameters")
        return f"COPY ({compiled}) TO STDOUT (FORMAT {form})"

    def _cursor(self) -> Any:
        driver: Any = self._connection.connection.driver_connection
        return driver.cursor()

    def _shaped(self, table: Table, read: pa.Table) -> pa.RecordBatch:
        """Columns in the schema's order, times in RFC 3339, and the helping columns behind them."""
        schema = arrow_schema(table.dataset)
        times = {f for f, c in mapped(self._layout, table).items() if "time" in self._layout[table.table][c][0]}
        fields, arrays = [], []
        for field in [*schema, *(pa.field(n, pa.string()) for n in HELPING if n in read.column_names)]:
            if field.name in read.column_names:
                array = read.column(field.name).combine_chunks()
                arrays.append(_rfc3339(array) if field.name in times else array)
            else:
                arrays.append(pa.nulls(read.num_rows, field.type))
            fields.append(field)
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


_DIALECT: Final = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def _among(column: sa.ColumnElement[Any], kind: str, family: tuple[str, str]) -> Clause:
    setting: sa.ColumnElement[Any] = sa.literal_column(f"current_setting('{_SETTINGS[kind]}')::{_spelled(family)}[]")
    return column == sa.func.any(setting)


def _spelled(family: tuple[str, str]) -> str:
    """The type that a key's text is read as."""
    return "bigint" if family[0] == "integer" else "uuid" if family[1] == "UUID" else "text"


def _owner(case: Case) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"'{case.tag}'").op("||")(sa.cast(case.owner, sa.Text))


def _object(columns: Sequence[tuple[str, sa.ColumnElement[Any]]]) -> sa.ColumnElement[Any]:
    """A JSON object of the columns that are not null, as text; null when all are. A function takes 100 arguments."""
    parts = []
    for start in range(0, len(columns), _OBJECT_ARGUMENTS):
        piece = columns[start : start + _OBJECT_ARGUMENTS]
        arguments = [x for name, column in piece for x in (sa.literal_column(_quoted(name)), column)]
        parts.append(sa.func.jsonb_strip_nulls(sa.func.jsonb_build_object(*arguments)))
    whole: sa.ColumnElement[Any] = parts[0]
    for part in parts[1:]:
        whole = whole.op("||")(part)
    return sa.func.nullif(sa.cast(whole, sa.Text), sa.literal_column("'{}'"))


def _quoted(text: str) -> str:
    """A string constant; standard_conforming_strings is on in every supported version."""
    return "'" + text.replace("'", "''").replace(":", "\\:") + "'"


def _array(values: Sequence[str]) -> str:
    """An array literal of PostgreSQL."""
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


def _parsed(table: Table, names: Sequence[str], text: bytearray) -> pa.Table:
    """CSV to Arrow. An unquoted nothing is null, a quoted one is an empty text: so COPY writes them."""
    schema = arrow_schema(table.dataset)
    types = {n: schema.field(n).type if n in schema.names else pa.string() for n in names}
    return pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(text)),
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def _rfc3339(array: pa.Array) -> pa.Array:
    """`2026-03-05 10:11:12.5+00`, as PostgreSQL writes times in UTC, to `2026-03-05T10:11:12.5+00:00`."""
    return pc.binary_join_element_wise(pc.binary_replace_slice(array, 10, 11, "T"), ":00", "")
