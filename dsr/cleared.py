"""What may leave: rows and files that a person has let go, or that never needed to wait for one.

Whatever writes a package takes these types. Only `dsr.clearing` makes them, and the import rules keep the writers from
reading rows by themselves, so that what nobody has looked at can't be written (Art. 15(4) GDPR).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

CLEARING: Final = object()
"""What `dsr.clearing` shows that it is; nothing else uses it."""


@dataclass(frozen=True)
class Cleared:
    """Rows that may leave. `batch`: as `rows.batches` gives them, with what is withheld or masked replaced."""

    batch: pa.RecordBatch = field(repr=False)
    made_by: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.made_by is not CLEARING:
            raise TypeError("only dsr.clearing clears rows")


@dataclass(frozen=True)
class ClearedFile:
    """A file that may leave: its line of the document, and its bytes in order, from their start at each call."""

    listed: Mapping[str, Any] = field(repr=False)
    chunks: Callable[[], Iterator[bytes]] = field(repr=False)
    made_by: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.made_by is not CLEARING:
            raise TypeError("only dsr.clearing clears files")


RowsOf = Callable[[str, str], Iterator[Cleared]]
"""(source, dataset) → the rows that are disclosed of it, from their start at each call, one batch in memory at a
time; columns as `schema.arrow_schema(dataset)` gives them, or fewer."""

_KEPT_BYTES: Final = 8 * 1024 * 1024
"""Of all datasets' rows together that are kept to be given again."""


def read_once(rows_of: RowsOf) -> RowsOf:
    """The same, but what is small is kept: pages, JSON and CSV ask for the same rows in turn, and each reading is a
    decryption of its own."""
    kept: dict[tuple[str, str], list[Cleared]] = {}
    room = _KEPT_BYTES

    def again(source: str, dataset: str) -> Iterator[Cleared]:
        nonlocal room
        if (source, dataset) in kept:
            yield from kept[source, dataset]
            return
        seen, size = list[Cleared](), 0
        for cleared in rows_of(source, dataset):
            size += cleared.batch.nbytes
            if size <= room:
                seen.append(cleared)
            else:
                seen.clear()
            yield cleared
        if size <= room:
            kept[source, dataset] = seen
            room -= size

    return again
