"""The law as pure functions: by when a request is answered, what of a person's data is portable, and what a right
does to each record."""

from dsr.steps.assess.clock import Deadlines, deadlines, public_holidays
from dsr.steps.assess.planning import (
    PLANNED_RIGHTS,
    Processing,
    Verdict,
    bonds_of,
    corrections_of,
    plan_rows,
)
from dsr.steps.assess.planning_retention import last_day
from dsr.steps.assess.portability import Activity, Portable, portable

__all__ = [
    "PLANNED_RIGHTS",
    "Activity",
    "Deadlines",
    "Portable",
    "Processing",
    "Verdict",
    "bonds_of",
    "corrections_of",
    "deadlines",
    "last_day",
    "plan_rows",
    "portable",
    "public_holidays",
]
