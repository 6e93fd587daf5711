"""What became of records whose time has come, in numbers and codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from dsr.model import Outcome

COUNTS: Final = {
    "erased": "seen to be gone, or anonymous",
    "kept": "a law, a legal hold or the system keeps them on, until a new day",
    "expires": "a legal hold kept them; the system lets them expire by itself",
    "retained": "the system keeps them, as it says: out of our reach, or with fields that it can't empty",
    "waiting": "the system erases them later, or another system comes first",
    "refused": "not surely the records that were approved, or with parts that aren't: left alone",
    "left": "the system did not erase them, or hasn't for 40 days",
    "unseen": "nothing leads to them any more",
    "unclear": "a law keeps them, and nobody can say until when",
    "by_hand": "no API can: a person has to do it",
    "settled": "a person has said that they are gone",
}
"""What becomes of records whose time has come, in words."""
_PERSONS: Final = ("refused", "left", "unseen", "unclear", "by_hand")
PATIENCE: Final = timedelta(days=40)
"""After so long what a vendor put off is a person's business: vendors promise 30 days at most."""
CHANGED: Final = "changed"
"""A person has decided that records which are not surely the noted ones go too, and parts that came in since."""
GONE: Final = "gone"
"""A person has looked, and what nothing leads to any more is gone."""


@dataclass(frozen=True)
class Ended:
    """What became of one request's records in one source. counts: key of `COUNTS` → records; failed: the code of what
    stopped it, "" = nothing; again: that may pass by itself. Codes and numbers only."""

    request_id: str
    source: str
    counts: Mapping[str, int] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    failed: str = ""
    again: bool = False

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to see to it."""
        return bool(self.failed and not self.again) or any(self.counts.get(name) for name in _PERSONS)
