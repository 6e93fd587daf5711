"""The records of one source that a legal hold on single records keeps.

A hold on a part (a payment) also holds the whole (the invoice), since systems delete the parts with it; a hold on the
whole holds its parts by way of `assess`, which gives them what keeps the whole.
"""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from dsr import schema
from dsr.bonds import Bond, part_of
from dsr.holds import Hold, HoldsInForce

Reader = Callable[[str], Iterator[pa.RecordBatch]]
"""dataset → its records, from their start at each call."""


def hold_bond(hold: Hold) -> Bond:
    """What a hold means for a record."""
    return Bond(hold.ground, hold.until, "hold.legal")


class HeldRecords:
    """`datasets`: those of the source that have records; `read` gives them."""

    def __init__(self, holds: HoldsInForce, source: str, datasets: Iterable[str], read: Reader) -> None:
        self._holds, self._source = holds, source
        self._wholes: dict[str, tuple[str, dict[str, Bond]]] = {}
        for dataset in datasets:
            part = part_of(dataset)
            if part is not None and holds.on_dataset(source, dataset):
                _, wholes = self._wholes.setdefault(part["dataset"], (part["key"], {}))
                for batch in read(dataset):
                    held = self.directly(dataset, batch)
                    keys = batch.column(part["field"]).cast(pa.string()).to_pylist()
                    ids = batch.column(schema.SOURCE_ID).to_pylist()
                    wholes |= {key: held[i] for i, key in zip(ids, keys, strict=True) if key and i in held}

    def directly(self, dataset: str, batch: pa.RecordBatch) -> dict[str, Bond]:
        """Record id → hold, for records that a hold names."""
        held = self._holds.on_records(self._source, dataset, batch.column(schema.SOURCE_ID))
        return {record_id: hold_bond(hold) for record_id, hold in held.items()}

    def of(self, dataset: str, batch: pa.RecordBatch) -> dict[str, Bond]:
        """Record id → hold, for the records of a batch that are held, by themselves or for a part of theirs."""
        found = self.directly(dataset, batch)
        if dataset in self._wholes:
            key, wholes = self._wholes[dataset]
            keys, ids = (batch.column(name).cast(pa.string()).to_pylist() for name in (key, schema.SOURCE_ID))
            found |= {i: wholes[k] for i, k in zip(ids, keys, strict=True) if k in wholes and i not in found}
        return found
