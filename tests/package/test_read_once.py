"""Rows that are asked for again and again: the same each time, read once where they are small."""

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dsr import cleared
from dsr.cleared import CLEARING, Cleared, read_once

_NAMES = ("calls", "leads", "orders")
batches = st.lists(st.binary(max_size=64).map(lambda text: pa.record_batch({"text": [text]})), max_size=4)
asked = st.lists(st.tuples(st.sampled_from(_NAMES), st.integers(0, 5)), max_size=12)


@given(st.fixed_dictionaries(dict.fromkeys(_NAMES, batches)), asked, st.integers(0, 300))
def test_always_the_same(held: dict[str, list[pa.RecordBatch]], questions: list[tuple[str, int]], room: int) -> None:
    """However much is kept, whoever stops in the middle, in whatever order."""
    before, cleared._KEPT_BYTES = cleared._KEPT_BYTES, room
    try:
        rows_of = read_once(lambda _, dataset: (Cleared(batch, CLEARING) for batch in held[dataset]))
        for dataset, some in questions:
            wanted = held[dataset][:some]
            assert [given.batch for given, _ in zip(rows_of("crm", dataset), wanted, strict=False)] == wanted
            assert [given.batch for given in rows_of("crm", dataset)] == held[dataset]
    finally:
        cleared._KEPT_BYTES = before


def test_small_ones_are_read_once_and_large_ones_again() -> None:
    """What is kept has a limit: a subject of a million rows is not held in memory."""
    large = pa.record_batch({"text": [b"-" * (cleared._KEPT_BYTES // 2)]})
    held = {"small": [pa.record_batch({"text": [b"-"]})], "large": [large, large, large]}
    read: list[str] = []

    def rows_of(_: str, dataset: str) -> Iterator[Cleared]:
        read.append(dataset)
        yield from (Cleared(batch, CLEARING) for batch in held[dataset])

    again = read_once(rows_of)
    for dataset in ("large", "small", "large", "small"):
        assert [given.batch for given in again("crm", dataset)] == held[dataset]
    assert read == ["large", "small", "large"]
