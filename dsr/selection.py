"""The records that a right may be enforced on: approved by a person, and unchanged since.

A verb that changes a system takes nothing else, so that no path leads to a change without an approval: `Approval` is
only made by `dsr.approval`, from what the ledger says.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa

from dsr.errors import PermanentError
from dsr.model import Found
from dsr.schema import SOURCE_ID

_SEAL: Final = object()

Batches = Callable[[str, str], Iterator[pa.RecordBatch]]
"""(dataset, effect) → the records, from their start at each call, one batch in memory at a time."""


@dataclass(frozen=True)
class Approval:
    """A person approved exactly the plan of that digest (SHA-256 in hex) for that request. `by`: who, as the ledger
    names them; `at`: when, UTC. PermanentError("approval.forged") when not made by `dsr.approval`."""

    request_id: str
    digest: str
    by: str
    at: datetime
    _seal: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise PermanentError("approval.forged", "approval")


def seal() -> object:
    """What makes an `Approval` valid; for `dsr.approval` alone, which an import rule guards."""
    return _SEAL


class Selection:
    """The approved records of one request in one source.

    request_id  whose
    found       the matches that the records hang on, with the source's references and cache
    """

    def __init__(
        self, approval: Approval, found: Found, counts: Mapping[tuple[str, str], int], batches: Batches
    ) -> None:
        """`counts`: (dataset, effect) → how many records; `batches` reads them."""
        if not isinstance(approval, Approval):
            raise PermanentError("approval.forged", "approval")
        self.request_id, self.found = approval.request_id, found
        self._counts, self._batches = {key: count for key, count in counts.items() if count}, batches

    def datasets(self, effect: str) -> tuple[str, ...]:
        """The datasets with records of that effect, in the declaration's order."""
        return tuple(dataset for dataset, its in self._counts if its == effect)

    def count(self, dataset: str, effect: str) -> int:
        """How many records."""
        return self._counts.get((dataset, effect), 0)

    def batches(self, dataset: str, effect: str) -> Iterator[pa.RecordBatch]:
        """The records, with all columns as the source gave them; nothing when there are none."""
        if self.count(dataset, effect):
            yield from self._batches(dataset, effect)

    def ids(self, dataset: str, effect: str) -> list[str]:
        """Their ids."""
        return [value for batch in self.batches(dataset, effect) for value in batch.column(SOURCE_ID).to_pylist()]
