"""Rows of a dataset, arranged for a reader: what is empty or the same in all of them stands once, beside the rows."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from dsr import schema
from dsr.package import record_schema
from dsr.report.html.cells import cell, clip, plain_cells
from dsr.report.html.reading import Columns
from dsr.report.html.wording import Wording

_WIDEST: Final = 8
"""Columns that fit side by side; records with more fields stand one below the other."""
_FEW: Final = 2
"""Records that stand open."""
_LABEL: Final = 90
_PIECE: Final = 100


@dataclass(frozen=True)
class Field:
    """A field with its title and description ("" for none) in the reader's language; `number`: holds numbers."""

    name: str
    title: str
    description: str
    number: bool = False


@dataclass(frozen=True)
class Row:
    """One record: its number, what it is recognised by, and its cells (None where it holds no value)."""

    number: str
    label: str
    cells: Sequence[tuple[Field, Markup | None]]


Shared = dict[tuple[str, int], list[str]]
"""(field, row) → the cells of a table that follow, where they are the same in every language."""


class View:
    """Rows of a dataset from number `first` on.

    fields  that differ from row to row, as columns   same   (field, value) that all rows share
    empty   fields without a value in any of the rows  layout "table" or "records" (one below the other)
    opened  whether records stand open

    `shared`: what views of the same rows in other languages have made; it is added to.
    """

    def __init__(
        self,
        dataset: str,
        columns: Columns,
        wording: Wording,
        *,
        limit: int,
        first: int = 1,
        table: bool = False,
        shared: Shared | None = None,
    ) -> None:
        self._shared: Shared = {} if shared is None else shared
        self._columns, self._wording, self._limit, self._first = columns, wording, limit, first
        known = fields(dataset, columns, wording)
        self.count = len(columns[schema.SOURCE_ID])
        self.empty = [f for f in known if all(value is None for value in columns[f.name])]
        alike = [f for f in known if self.count > _FEW and _alike(columns[f.name])]
        self.same = [(f, cell(columns[f.name][0], wording, limit)) for f in alike]
        self.fields = [f for f in known if f not in self.empty and f not in alike]
        self.layout = "table" if table or (self.count > _FEW and len(self.fields) <= _WIDEST) else "records"
        self.opened = self.count <= _FEW
        self._labels = _labels(schema.load(dataset), self.fields)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self._first + self.count - 1

    @property
    def described(self) -> list[Field]:
        """The fields with a value that have a description."""
        return [f for f in [*self.fields, *(field for field, _ in self.same)] if f.description]

    def rows(self) -> Iterator[Row]:
        """The rows, made one by one."""
        for at in range(self.count):
            cells = []
            for field in self.fields:
                value = self._columns[field.name][at]
                cells.append((field, None if value is None else cell(value, self._wording, self._limit)))
            yield Row(self._wording.number(self._first + at), self._label(at), cells)

    def lines(self) -> Iterator[Markup]:
        """The rows as those of a table, a piece of them at a time."""
        for first in range(0, self.count, _PIECE):
            numbers = range(self._first + first, self._first + min(first + _PIECE, self.count))
            columns = [[f'<tr><th scope="row">{self._wording.number(number)}</th>' for number in numbers]]
            columns += [self._column(field, first) for field in self.fields]
            lines = "</tr>\n".join(map("".join, zip(*columns, strict=True)))
            yield Markup(f"{lines}</tr>\n")  # noqa: S704 - of escaped parts

    def _column(self, field: Field, first: int) -> list[str]:
        """A piece of a column as cells of a table, which the other language takes over where it holds no words."""
        if (field.name, first) in self._shared:
            return self._shared[field.name, first]
        values = self._columns[field.name][first : first + _PIECE]
        start = '<td class="num">' if field.number else '<td dir="auto">'
        plain = plain_cells(values)
        if plain is not None:
            made = self._shared[field.name, first] = [f"{start}{value}</td>" for value in plain]
            return made
        shown = ["" if value is None else cell(value, self._wording, self._limit) for value in values]
        return [f"{start}{value}</td>" for value in shown]

    def _label(self, at: int) -> str:
        if self.layout == "table":
            return ""
        found = [self._columns[name][at] for name in self._labels]
        return " · ".join(clip(" ".join(str(value).split()), _LABEL) for value in found if value is not None)


def fields(dataset: str, shown: Collection[str], wording: Wording) -> list[Field]:
    """The fields of a dataset that are shown, in the order of its schema, the other fields and the source's id last."""
    properties = record_schema(dataset, shown)["properties"]
    names = [name for name in shown if name not in (schema.SOURCE_ID, schema.UNMAPPED)]
    last = [name for name in (schema.UNMAPPED, schema.SOURCE_ID) if name in shown]
    return [
        Field(
            name,
            wording.title(properties[name], name),
            wording.description(properties[name]),
            schema.property_type(properties[name]) in ("integer", "number"),
        )
        for name in (*names, *last)
    ]


def _alike(values: Sequence[Any]) -> bool:
    first = values[0]
    return first is not None and all(value == first for value in values)


def _labels(annotated: dict[str, Any], shown: Sequence[Field]) -> list[str]:
    """The fields that tell one record from the next: its time, and what it says it is."""
    there = {field.name for field in shown}
    telling = [field.name for field in shown if not field.number and _tells(field.name, annotated["properties"])]
    event = annotated.get("x-event", {})
    names = [annotated.get("x-time"), event.get("summary"), *telling[:1]]
    return list(dict.fromkeys(name for name in names if name in there))[:2]


def _tells(name: str, properties: dict[str, Any]) -> bool:
    definition = properties.get(name, {"type": "object"})
    plain = schema.property_type(definition) == "string" and "format" not in definition
    return plain and not name.lower().endswith(("id", "url", "key"))
