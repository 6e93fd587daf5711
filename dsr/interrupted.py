"""Requests and lists that broke off while they were taken in: a case without an event. Who sent them saw an error.

unknown   since when the ledger was seen to know nothing of it, a moment; only in such cases
"""

from datetime import datetime, timedelta
from typing import Final

from dsr.casefile import CaseFile

_SEEN: Final = "unknown"
_KEPT: Final = timedelta(days=30)
"""From when it was seen first: as long there is to notice that it was an older ledger which was restored."""
_TAKEN_IN: Final = frozenset(("deadlines", "request", "relation", "list", _SEEN))
_LINES: Final = "lines/"


def ended(case: CaseFile, at: datetime) -> bool:
    """Whether a case without an event is to be destroyed at that time (aware): nothing was done but taking it in, and
    it was seen so long ago. What is seen for the first time is marked."""
    names = case.names()
    if any(name not in _TAKEN_IN and not name.startswith(_LINES) for name in names):
        return False
    if _SEEN not in names:
        case.write_json(_SEEN, at.isoformat())
        return False
    return datetime.fromisoformat(case.read_json(_SEEN)) < at - _KEPT
