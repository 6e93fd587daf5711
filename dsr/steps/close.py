"""close: what happens to a case when it has been answered, or ended in any other way."""

from datetime import datetime
from typing import Final

from dsr.casefile import CaseFile
from dsr.ledger import Ledger

STAGING: Final = ("rows/", "attachments/", "collected/", "found/", "search/", "document")
"""Prefixes of what only the steps before delivery need, the heaviest first."""


def close(case: CaseFile, ledger: Ledger, at: datetime) -> None:
    """Notes in the ledger that the request has been answered; once, however often it is called. The package stays
    until its link ends, then the case file is destroyed with it."""
    if not any(event.kind == "closed" for event in ledger.events(case.case_id)):
        ledger.append(case.case_id, "closed", {"outcome": "answered"}, at=at)


def shred(case: CaseFile) -> None:
    """Removes all working data from the case file; the request, the package and what delivery noted stay. Twice is
    fine, and so is a case that never came that far."""
    for prefix in STAGING:
        case.remove(prefix)
