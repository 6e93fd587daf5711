"""Statements that change rows: few of them, whoever and however many rows they are about.

PostgreSQL takes the keys, and the values beside them, as arrays. Other databases take them in lots of 500, and values
one statement per different set of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from dsr.errors import PermanentError
from extractors.invoicing.cursors import KEYS, spelled
from extractors.invoicing.failures import PLACE
from extractors.invoicing.layout import Layout
from extractors.invoicing.mapping import Books, Table
from extractors.invoicing.references import Reference
from extractors.invoicing.selection import columns_of

Values = Mapping[str, Mapping[str, Any]]
"""Key → column → value; the same columns for every key."""
_TYPES: Final = {"integer": sa.BigInteger(), "UUID": sa.Uuid()}


class Writer(Protocol):
    """Changes rows by their keys. Every call changes exactly the rows asked for or raises; the transaction's end is
    the caller's."""

    def delete(self, table: Table, keys: Sequence[str]) -> None:
        """PermanentError("rows.not_changed") when the database left some, `failures.Refused` when it won't."""
        ...

    def assign(self, table: Table, values: Values, *, since: str = "") -> None:
        """Put values into columns. `since`: a column that gets this moment where it holds none."""
        ...

    def referring(self, reference: Reference, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Rows of the parent among `keys` that others refer to: (key, key of the other row), the latter None in a table
        that the mapping doesn't know."""
        ...


class _Own(sa.types.UserDefinedType[Any]):
    """A column's type as the database spells it."""

    cache_ok = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """What stands in the cast."""
        return self.kind


class _Rows:
    """What both ways share."""

    def __init__(self, connection: sa.Connection, books: Books, layout: Layout) -> None:
        self._connection, self._books, self._layout = connection, books, layout

    def _table(self, table: Table) -> Any:
        return sa.table(table.table, *columns_of(self._layout, table.table))

    def _change(self, statement: sa.Delete | sa.Update, wanted: int) -> None:
        if self._connection.execute(statement).rowcount != wanted:
            raise PermanentError("rows.not_changed", PLACE)

    def _referring(self, reference: Reference) -> tuple[Any, Any]:
        """Pairs of keys, and the parent's key to narrow them by."""
        parent = self._books.of_table(reference.parent)
        known = not reference.schema and reference.table in self._books.tables()
        key = self._books.of_table(reference.table).key if known else ""
        named = dict.fromkeys([*reference.columns, *filter(None, [key])])
        child = sa.table(reference.table, *map(sa.column, named), schema=reference.schema or None).alias("c")
        own = sa.table(parent.table, *map(sa.column, dict.fromkeys([parent.key, *reference.keys]))).alias("p")
        shared = [own.c[k] == child.c[c] for k, c in zip(reference.keys, reference.columns, strict=True)]
        other = sa.cast(child.c[key], sa.Text) if key else sa.null()
        statement = sa.select(sa.cast(own.c[parent.key], sa.Text), other).distinct()
        return statement.select_from(own.join(child, sa.and_(*shared))), own.c[parent.key]


class Arrays(_Rows):
    """PostgreSQL."""

    def delete(self, table: Table, keys: Sequence[str]) -> None:
        """See `Writer`."""
        own = self._table(table)
        self._change(sa.delete(own).where(self._among(own.c[table.key], table, keys)), len(keys))

    def assign(self, table: Table, values: Values, *, since: str = "") -> None:
        """See `Writer`. Values travel as text and become what the column is."""
        own, names = self._table(table), list(next(iter(values.values()), {}))
        if not values or not names:
            return
        lists = [list(values), *([self._text(table, name, row[name]) for row in values.values()] for name in names)]
        bound = [sa.cast(sa.bindparam(None, items, ARRAY(sa.Text)), ARRAY(sa.Text)) for items in lists]
        columns = [sa.column(f"v{n}", sa.Text) for n in range(len(bound))]
        given = sa.func.unnest(*bound).table_valued(*columns, name="v").render_derived()
        changes: dict[Any, Any] = {
            own.c[name]: self._as_column(table, name, given.c[f"v{n}"]) for n, name in enumerate(names, 1)
        }
        if since:
            changes[own.c[since]] = sa.func.coalesce(own.c[since], sa.func.now())
        key = sa.cast(given.c.v0, self._type(table))
        self._change(sa.update(own).values(changes).where(own.c[table.key] == key), len(values))

    def referring(self, reference: Reference, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """See `Writer`. One statement."""
        statement, key = self._referring(reference)
        narrowed = statement.where(self._among(key, self._books.of_table(reference.parent), keys))
        yield from ((row[0], row[1]) for row in self._connection.execute(narrowed))

    def _among(self, column: Any, table: Table, keys: Sequence[str]) -> sa.ColumnElement[bool]:
        given = sa.cast(sa.bindparam(None, list(keys), ARRAY(sa.Text)), ARRAY(self._type(table)))
        among: sa.ColumnElement[bool] = column == sa.func.any(given)
        return among

    def _type(self, table: Table) -> Any:
        family, kind = self._layout[table.table][table.key]
        return _TYPES.get("UUID" if kind == "UUID" else family, sa.Text())

    def _text(self, table: Table, column: str, value: Any) -> str | None:
        """A value as PostgreSQL reads it from text."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list) and self._layout[table.table][column][0] != "array":
            return " ".join(value)
        if isinstance(value, list):
            return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in value) + "}"
        return None if value is None else str(value)

    def _as_column(self, table: Table, column: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A cast to the column's own type; not to a text's, which would cut what is too long instead of refusing it."""
        family, kind = self._layout[table.table][column]
        if family == "text" and kind != "UUID":
            return value
        return sa.cast(value, _Own(kind))


class Lists(_Rows):
    """Any other database that SQLAlchemy speaks to."""

    def delete(self, table: Table, keys: Sequence[str]) -> None:
        """See `Writer`."""
        own = self._table(table)
        for some in self._lots(table, keys):
            self._change(sa.delete(own).where(own.c[table.key].in_(some)), len(some))

    def assign(self, table: Table, values: Values, *, since: str = "") -> None:
        """See `Writer`."""
        own = self._table(table)
        alike: dict[str, list[str]] = defaultdict(list)
        for key, row in values.items():
            alike[repr(sorted(row.items()))].append(key)
        for keys in alike.values():
            row = values[keys[0]]
            changes = {own.c[c]: " ".join(v) if isinstance(v, list) else v for c, v in row.items()}
            if since:
                changes[own.c[since]] = sa.func.coalesce(own.c[since], sa.func.current_timestamp())
            for some in self._lots(table, keys):
                self._change(sa.update(own).values(changes).where(own.c[table.key].in_(some)), len(some))

    def referring(self, reference: Reference, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """See `Writer`."""
        statement, key = self._referring(reference)
        for some in self._lots(self._books.of_table(reference.parent), keys):
            yield from ((row[0], row[1]) for row in self._connection.execute(statement.where(key.in_(some))))

    def _lots(self, table: Table, keys: Sequence[str]) -> Iterator[list[Any]]:
        for start in range(0, len(keys), KEYS):
            yield spelled(self._layout, table, keys[start : start + KEYS])
