"""What steps that write to a system are given: how selections come about, and what corrections mean."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from dsr.casefile import CaseFile
from dsr.holds import HoldsInForce
from dsr.model import Found, Outcome
from dsr.rereading import Reread
from dsr.selection import Approval, Selection
from dsr.source import Dataset, Declaration

CorrectionsOf = Callable[[Dataset, Mapping[str, Any]], Mapping[str, Any]]
"""A request's corrections → field → new value, for the records of a dataset that are rectified; the law's."""


class Selecting(Protocol):
    """How approved records that are as they were are chosen, and what becomes of the others."""

    def __call__(
        self,
        case: CaseFile,
        approval: Approval,
        source: str,
        declaration: Declaration,
        fresh: Reread,
        found: Found,
        /,
        *,
        holds: HoldsInForce,
        at: datetime,
    ) -> tuple[Selection, tuple[Outcome, ...]]: ...


def selection_of(
    approval: Approval, found: Found, declaration: Declaration, kept: Mapping[tuple[str, str], Sequence[pa.RecordBatch]]
) -> Selection:
    """Of records that are in memory, by dataset and effect; in the declaration's order."""
    order = [dataset.name for dataset in declaration.datasets]
    keys = sorted(kept, key=lambda key: (order.index(key[0]), key[1]))
    counts = {key: sum(batch.num_rows for batch in kept[key]) for key in keys}
    return Selection(approval, found, counts, lambda dataset, effect: iter(kept[dataset, effect]))
