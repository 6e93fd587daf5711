"""Rows of datasets in the case file: one Arrow IPC stream (lz4) per dataset, written and read piece by piece.

rows/<source>/<dataset>/<nnnn>   columns as `schema.arrow_schema(dataset)` gives them
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.recordids import RecordIds, repeats

_FEWEST_ROWS: Final = 8_192
_MOST_ROWS: Final = 16_384
_MOST_BYTES: Final = 8 * 1024 * 1024
READ: Final = pa.ipc.IpcReadOptions(use_threads=False)
"""For a reader of small batches: to hand each column to another thread costs more than to unpack it."""


def folder(source: str, dataset: str = "") -> str:
    """Where rows lie: of one dataset, or of all of a source."""
    return f"rows/{source}/{dataset}/" if dataset else f"rows/{source}/"


def batches(case: CaseFile, source: str, dataset: str, fields: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a dataset, one batch in memory at a time; nothing when none were collected. `fields`: only these
    columns, after that of the record's id."""
    for name in case.names(folder(source, dataset)):
        with case.reader(name) as file, pa.ipc.open_stream(file, options=READ) as stream:
            for batch in stream:
                yield batch if fields is None else batch.select([schema.SOURCE_ID, *fields])


class RowsWriter:
    """Takes pieces of a source's datasets in any order; use it as a context.

    The objects are there once the block ends without an error. PermanentError("record.duplicate") at its end when a
    dataset holds one id twice. Small pieces are joined and large ones cut, so that readers meet batches of a size that
    is neither costly nor heavy.
    """

    def __init__(self, case: CaseFile, source: str) -> None:
        self._case, self._source = case, source
        self._streams: dict[str, _Stream] = {}
        self._open = ExitStack()

    def add(self, dataset: str, batch: pa.RecordBatch) -> None:
        """Appends rows. PermanentError("batch.schema") when the columns aren't those of the dataset's schema,
        ("record.id") when a row has no id."""
        if not batch.schema.equals(schema.arrow_schema(dataset)):
            raise PermanentError("batch.schema", self._source)
        stream = self._streams.get(dataset)
        if stream is None:
            file = self._open.enter_context(self._case.writer(f"{folder(self._source, dataset)}0000"))
            options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
            writer = pa.ipc.new_stream(file, schema.arrow_schema(dataset), options=options)
            stream = self._streams[dataset] = _Stream(writer, self._source)
        stream.add(batch)

    def counts(self) -> dict[str, int]:
        """Rows so far per dataset, sorted by name."""
        return {dataset: self._streams[dataset].rows for dataset in sorted(self._streams)}

    def sizes(self) -> dict[str, int]:
        """Bytes of the columns in memory, per dataset: what a bound on the written size can be drawn from."""
        return {dataset: self._streams[dataset].bytes for dataset in sorted(self._streams)}

    def finish(self) -> None:
        """Writes what waits."""
        for stream in self._streams.values():
            stream.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._open.__exit__(kind, error, traceback)
            return
        with self._open:
            self.finish()
        for dataset, stream in self._streams.items():
            self._compare(dataset, stream.ids.suspects())

    def _compare(self, dataset: str, suspects: pa.Array) -> None:
        """Looks the suspect ids up in what was written, and removes that when one is there twice."""
        if len(suspects):
            written = batches(self._case, self._source, dataset, ())
            if repeats((batch.column(schema.SOURCE_ID) for batch in written), suspects):
                self._case.remove(folder(self._source))
                raise PermanentError("record.duplicate", self._source)


class _Stream:
    """One dataset on its way into its object."""

    def __init__(self, writer: pa.ipc.RecordBatchStreamWriter, source: str) -> None:
        self.rows = self.bytes = 0
        self._writer, self._source = writer, source
        self._waiting: list[pa.RecordBatch] = []
        self.ids = RecordIds()

    def add(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        ids = batch.column(schema.SOURCE_ID)
        if ids.null_count or pc.any(pc.equal(pc.binary_length(ids), 0)).as_py():
            raise PermanentError("record.id", self._source)
        self.ids.add(ids)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        self._waiting.append(batch)
        if sum(b.num_rows for b in self._waiting) >= _FEWEST_ROWS or sum(b.nbytes for b in self._waiting) > _MOST_BYTES:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            if len(self._waiting) > 1:
                table = table.combine_chunks()
            self._waiting = []
            fitting = max(1, table.num_rows * _MOST_BYTES // max(1, table.nbytes))
            self._writer.write_table(table, max_chunksize=min(_MOST_ROWS, fitting))
