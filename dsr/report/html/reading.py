"""What the report reads of a dataset: its first rows, when its records happened, and its rows page by page.

Only the column of times is read of all rows, by vectorised kernels; of the rest no more than what is shown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.cleared import RowsOf
from dsr.errors import PermanentError
from dsr.report.html.cells import Json, moment

HEAD: Final = 25
"""Rows of a dataset that `index.html` shows."""
PAGE: Final = 500
"""Rows on a page."""
MOST: Final = 1_000
"""Rows of a dataset that are shown at all; the files hold all of them."""
_KEPT: Final = 64 * 1024

Columns = Mapping[str, list[Any]]
"""Field → its values, row by row; nested ones as `Json`, times as `moment` shows them."""

_MONTH: Final = r"^[12]\d{3}-(0[1-9]|1[0-2])"


class Reading:
    """One dataset. `months`: "2026-11" → records of that month in the record's own zone; {} when the dataset's schema
    names no time (`x-time`). `undated`: records whose time is empty or none."""

    def __init__(self, dataset: Mapping[str, Any], rows: RowsOf) -> None:
        self.dataset = dataset
        time = schema.load(dataset["name"]).get("x-time")
        self.time = time if time in dataset["fields"] else None
        self.months: Counter[str] = Counter()
        self.undated = 0
        self._rows = rows
        self._head: Columns | None = None
        self._read()

    def head(self) -> Columns:
        """The first rows, as many as `index.html` shows. PermanentError("rows.lost") when there are none."""
        if self._head is not None:
            return self._head
        first = next(self._slices(HEAD), None)
        if first is None:
            raise PermanentError("rows.lost", self.dataset["source"])
        return self._columns(first)

    @property
    def paged(self) -> bool:
        """Whether there are more rows than `index.html` shows."""
        return int(self.dataset["rows"]) > HEAD

    def pages(self) -> Iterator[Columns]:
        """The rows of each page, up to `MOST`; nothing when all stand in `index.html`."""
        if self.paged:
            for piece in self._slices(PAGE):
                yield self._columns(piece)

    def _read(self) -> None:
        for number, batch in enumerate(self._batches()):
            if not number:
                beginning = batch.slice(0, HEAD)
                # A small dataset is kept; a large one's batch would stay in memory with its first rows.
                if beginning.num_rows == min(HEAD, self.dataset["rows"]) and beginning.nbytes <= _KEPT:
                    self._head = self._columns(pa.Table.from_batches([beginning]))
            if not self.time:
                break
            self._count(batch.column(self.time))

    def _count(self, column: pa.Array) -> None:
        dated = column.filter(pc.fill_null(pc.match_substring_regex(column, _MONTH), False))
        self.undated += len(column) - len(dated)
        for entry in pc.value_counts(pc.utf8_slice_codeunits(dated, 0, 7)).to_pylist():
            self.months[entry["values"]] += entry["counts"]

    def _slices(self, most: int) -> Iterator[pa.Table]:
        """Tables of so many rows, fewer in the last; up to `MOST` rows."""
        waiting: list[pa.RecordBatch] = []
        left = MOST
        for batch in self._batches():
            rest = batch.slice(0, left)
            left -= rest.num_rows
            while rest.num_rows:
                taken = rest.slice(0, most - sum(b.num_rows for b in waiting))
                waiting.append(taken)
                rest = rest.slice(taken.num_rows)
                if sum(b.num_rows for b in waiting) == most:
                    yield pa.Table.from_batches(waiting)
                    waiting = []
            if not left:
                break
        if waiting:
            yield pa.Table.from_batches(waiting)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for cleared in self._rows(self.dataset["source"], self.dataset["name"]):
            yield cleared.batch

    def _columns(self, table: pa.Table) -> Columns:
        properties = schema.load(self.dataset["name"])["properties"]
        columns: dict[str, list[Any]] = {}
        for field, column in zip(table.schema, table.columns, strict=True):
            if column.null_count == len(column):
                columns[field.name] = [None] * len(column)
                continue
            values = column.to_pylist()
            if schema.is_json(field):
                values = [None if value is None else Json(value) for value in values]
            elif properties.get(field.name, {}).get("format") == "date-time":
                values = [None if value is None else moment(value) for value in values]
            columns[field.name] = values
        return columns
