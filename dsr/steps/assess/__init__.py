"""The law as pure functions: by when a request is answered, and what of a person's data is portable."""

from dsr.steps.assess.clock import Deadlines, deadlines, public_holidays
from dsr.steps.assess.portability import Activity, Portable, portable

__all__ = ["Activity", "Deadlines", "Portable", "deadlines", "portable", "public_holidays"]
