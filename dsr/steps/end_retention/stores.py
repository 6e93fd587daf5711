"""Where it is noted what is kept, what was erased, and who approved it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from dsr.erasures import Erasures
from dsr.ledger import Ledger
from dsr.retained import Retained
from dsr.selection import Approval

Approved = Callable[[str, str], Approval]
"""(request id, digest of its plan) → the approval that the ledger holds of it: `dsr.reapproval`'s."""


@dataclass(frozen=True)
class Stores:
    """What the step writes to beside the sources."""

    retained: Retained
    erasures: Erasures
    ledger: Ledger
    approved: Approved

    def gone(self, request_id: str, source: str, records: Collection[tuple[str, str]], at: datetime) -> None:
        """These (dataset, record id) were seen to be gone after their erasure was asked for."""
        for dataset in {dataset for dataset, _ in records}:
            ids = [record_id for of, record_id in records if of == dataset]
            self.erasures.confirm_only(request_id, source, dataset, ids, at)
        self.retained.let_go(request_id, source, records)
