"""close: what happens to a case when it has been answered, or ended in any other way."""

from datetime import datetime
from typing import Final

from dsr import provable, rounds
from dsr.casefile import CaseFile
from dsr.ledger import Ledger

STAGING: Final = (
    "rows/", "attachments/", "collected/", "found/", "search/", "shared/", "evidence/", "fresh/", "plan/", "carried",
    "document", "identity/", "search-planned", "others/", "review/",
    provable.SEARCH,
)  # fmt: skip
"""Prefixes of what only the steps before the answer need, the heaviest first. The plan's summary holds counts only, and
stays; so does what a person judged about records (judged/), digests only, and, until the answer, which numbers they
were asked about (number/): another plan goes by both."""


def close(case: CaseFile, ledger: Ledger, at: datetime) -> None:
    """Notes in the case and in the ledger that the request has been answered; once, however often it is called. The
    package stays until its link ends, then the case file is destroyed with it."""
    rounds.end(case)
    case.remove(provable.FOLDER)
    if not any(event.kind == "closed" for event in ledger.events(case.case_id)):
        ledger.append(case.case_id, "closed", {"outcome": "answered"}, at=at)


def shred(case: CaseFile) -> bool:
    """Removes all working data from the case file; the request, the package and what delivery noted stay. Twice is
    fine, and so is a case that never came that far.

    False, and nothing is removed, while changes were begun that nobody has seen to be right yet, or that may still be
    taken back (a restriction): without its data such a case could never be finished, nor be told from a finished one.
    """
    if rounds.unfinished(case):
        return False
    for prefix in STAGING:
        case.remove(prefix)
    return True


def awaited(case: CaseFile) -> bool:
    """Whether somebody still has to bring the case to its end: changes were begun, and it wasn't answered."""
    return rounds.begun(case) and not rounds.ended(case)
