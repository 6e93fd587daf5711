"""What allows a change: the approval of two people, or the law itself where it lets nobody decide."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from dsr_asked import asked_of
from dsr_workplace import DECLARATIONS, Workplace

if TYPE_CHECKING:
    from dsr.selection import Approval

ONCE_BEGUN: Final = timedelta(days=3 * 365)
"""What was begun is brought to its end, and a restriction is lifted, however long a vendor or a claim takes."""


def permission(place: Workplace, case: Any, at: datetime) -> "Approval":
    """For the plan that now lies in the case file; see `dsr.approval` for the codes when there is none."""
    from dsr import approval
    from dsr.enforced import Progress

    allowed = approval.at_once if asked_of(case).at_once else approval.approved
    begun = any(Progress.load(case, declaration.name).begun_at for declaration in DECLARATIONS)
    valid = ONCE_BEGUN if begun else approval.VALID
    return allowed(case, place.ledger, case.case_id, at=at, valid=valid)
