"""The law applied to the records of one source, as they are read: for a plan, and again when what kept them has ended.

What a right does to a record may depend on the record that it is part of, so those that others are part of come first.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from dsr.bonds import Bond, Bonds, PlanContext, part_of
from dsr.errors import PermanentError
from dsr.heldrecords import HeldRecords, Reader
from dsr.holds import HoldsInForce
from dsr.register import Register
from dsr.source import Dataset, Declaration

Judged = Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]
"""Records, and what happens to each: effect, ground, until, reason."""


@dataclass(frozen=True)
class Law:
    """What `assess` says.

    rows   (dataset, batch, activity, right=, context=) → effect, ground, until, reason per record
    bonds  (dataset, batch, activity, context) → what keeps each record
    """

    rows: Callable[..., pa.RecordBatch]
    bonds: Callable[[Dataset, pa.RecordBatch, Any, PlanContext], Bonds]

    def assessed(
        self,
        declaration: Declaration,
        present: Collection[str],
        read: Reader,
        *,
        right: str,
        register: Register,
        holds: HoldsInForce,
        context: PlanContext,
    ) -> Iterator[tuple[Dataset, Judged]]:
        """Dataset by dataset, of those `present`; each is to be gone through before the next is taken.
        PermanentError("dataset.unregistered") when the register has no row for one, ("plan.parts") when datasets are
        parts of each other."""
        held = HeldRecords(holds, declaration.name, present, read)
        for dataset in _parents_first(declaration, present):
            if dataset.processing not in register.activities:
                raise PermanentError("dataset.unregistered", declaration.name)
            kept: dict[str, Bond | None] = {}
            key = key_of(dataset.name, present)
            yield dataset, self._judged(dataset, read(dataset.name), register, right, held, context, key, kept)
            context = replace(context, parents={**context.parents, dataset.name: kept})

    def _judged(
        self,
        dataset: Dataset,
        batches: Iterator[pa.RecordBatch],
        register: Register,
        right: str,
        held: HeldRecords,
        context: PlanContext,
        key: str | None,
        kept: dict[str, Bond | None],
    ) -> Judged:
        """Fills `kept` with what keeps each record, by its `key`, when others are part of them."""
        activity = register.activity(dataset.processing)
        for batch in batches:
            its = replace(context, held=held.of(dataset.name, batch))
            yield batch, self.rows(dataset, batch, activity, right=right, context=its)
            if key is not None:
                bonds = self.bonds(dataset, batch, activity, its).rows()
                kept |= zip(batch.column(key).cast(pa.string()).to_pylist(), bonds, strict=True)


def key_of(dataset: str, others: Collection[str]) -> str | None:
    """The field by which the records of these datasets name the record that they are part of; None when none does."""
    parts = (part_of(name) for name in others)
    return next((part["key"] for part in parts if part is not None and part["dataset"] == dataset), None)


def _parents_first(declaration: Declaration, present: Collection[str]) -> list[Dataset]:
    waiting = [dataset for dataset in declaration.datasets if dataset.name in present]
    ordered: list[Dataset] = []
    while waiting:
        names = {dataset.name for dataset in waiting}
        ready = [d for d in waiting if (part := part_of(d.name)) is None or part["dataset"] not in names]
        if not ready:
            raise PermanentError("plan.parts", declaration.name)
        ordered += ready
        waiting = [dataset for dataset in waiting if dataset not in ready]
    return ordered
