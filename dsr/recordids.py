"""Whether ids repeat, without keeping them: eight bytes per id, not the id."""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_AT_ONCE: Final = 250_000
"""About so many are compared at a time, so that comparing needs little room."""


class RecordIds:
    """Hashes of ids: Python's own for text, 64 bits of a keyed SipHash. One that occurs twice is suspect: nearly
    always an id that occurs twice, once in 400,000 times ten million ids two different ones."""

    def __init__(self) -> None:
        self._hashes: list[pa.Array] = []

    def add(self, ids: pa.Array) -> None:
        """Takes ids, none of them null."""
        self._hashes.append(_hashes(ids))

    def suspects(self) -> pa.Array:
        """The hashes that occur more than once."""
        hashes = pa.chunked_array(self._hashes, pa.int64())
        parts = 1 << max(0, len(hashes) // _AT_ONCE).bit_length()
        found = []
        for number in range(parts):
            part = hashes
            if parts > 1:
                part = hashes.filter(pc.equal(pc.bit_wise_and(hashes, pa.scalar(parts - 1, pa.int64())), number))
            if pc.count_distinct(part).as_py() < len(part):
                counted = pc.value_counts(part)
                found.append(counted.field("values").filter(pc.greater(counted.field("counts"), 1)))
        return pa.concat_arrays(found) if found else pa.array([], pa.int64())


def repeats(ids: Iterable[pa.Array], suspects: pa.Array) -> bool:
    """Whether one id really occurs twice among those with these hashes, which were taken in the same process."""
    seen: set[str] = set()
    for piece in ids:
        for text in piece.filter(pc.is_in(_hashes(piece), suspects)).to_pylist():
            if text in seen:
                return True
            seen.add(text)
    return False


def _hashes(ids: pa.Array) -> pa.Array:
    return pa.array([hash(text) for text in ids.to_pylist()], pa.int64())
