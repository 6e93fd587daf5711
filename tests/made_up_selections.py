"""Approved selections for the tests of sources, made of what the source itself gives for a person."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from dsr.model import Found, Rows
from dsr.schema import SOURCE_ID
from dsr.selection import Approval, Selection, seal
from dsr.source import Source

Effect = Callable[[str, str], str | None] | Mapping[str, str]
"""(dataset, source id) → effect, None = leave alone; or dataset → effect."""


def selection_of(source: Source, found: Found, effects: Effect, request_id: str = "dsr-conformance") -> Selection:
    """All that the source holds for `found`, with the effects asked for."""
    kept: dict[tuple[str, str], list[pa.RecordBatch]] = {}
    for piece in source.extract(found):
        if isinstance(piece, Rows) and piece.request_id == request_id:
            for effect, batch in _split(piece.dataset, piece.batch, effects):
                kept.setdefault((piece.dataset, effect), []).append(batch)
    order = [d.name for d in source.declaration.datasets]
    keys = sorted(kept, key=lambda key: (order.index(key[0]), key[1]))
    counts = {key: sum(batch.num_rows for batch in kept[key]) for key in keys}

    def batches(dataset: str, effect: str) -> Iterator[pa.RecordBatch]:
        yield from kept[dataset, effect]

    approval = Approval(request_id, "0" * 64, "officer", datetime(2026, 11, 20, 12, tzinfo=UTC), seal())
    return Selection(approval, found, counts, batches)


def _split(dataset: str, batch: pa.RecordBatch, effects: Effect) -> Iterator[tuple[str, pa.RecordBatch]]:
    ids = batch.column(SOURCE_ID).to_pylist()
    if isinstance(effects, Mapping):
        wanted = [effects.get(dataset) for _ in ids]
    else:
        wanted = [effects(dataset, record_id) for record_id in ids]
    for effect in sorted({name for name in wanted if name}):
        mask = pa.array([name == effect for name in wanted])
        yield effect, batch.filter(pc.equal(mask, True))
