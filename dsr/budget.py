"""What bulk work leaves of the calls that a vendor allows a day: for single requests, whose time runs, and for the
company's other systems."""

from datetime import timedelta
from typing import Final

from dsr.errors import PermanentError, TransientError
from dsr.model import Budget

RESERVE: Final = "budget.reserve"
"""Too few calls are left today; it goes on later."""
TOO_SMALL: Final = "budget.too_small"
"""Not even a whole day has so many beside the reserve: waiting can't help."""
AGAIN: Final = timedelta(hours=1)
"""How long to wait before the vendor is asked anew: some begin a day at midnight, some free calls after 24 hours."""


def spare(source: str, budget: Budget, need: int, percent: int) -> None:
    """TransientError(RESERVE) when `need` calls more would leave less than so many percent of the day's,
    PermanentError(TOO_SMALL) when they always would."""
    reserve = -(-budget.a_day * percent // 100)
    if budget.a_day and need + reserve > budget.a_day:
        raise PermanentError(TOO_SMALL, source)
    if budget.left - need < reserve:
        raise TransientError(RESERVE, source, AGAIN)
