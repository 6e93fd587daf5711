"""A record that an erasure left because something keeps it, what is known of it from then on, and when it is due."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, Self

import pyarrow as pa

from dsr.holds import HoldsInForce
from dsr.model import Found, Identifier, Outcome

HOLD: Final = "hold."
"""With this a reason begins that is a legal hold of ours."""


@dataclass(frozen=True)
class Signs:
    """By which a record is known again.

    version  keyed hash of its version; b"" = it could not be read
    later    date or time field → what it says, for those that are later than the reading
    words    field → keyed hash in hex of what a person has written there
    """

    version: bytes = field(default=b"", repr=False)
    later: Mapping[str, str] = field(default_factory=dict, repr=False)
    words: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Kept:
    """A record that an erasure left.

    ground    the DPV term that keeps it; "" = the system itself does
    reason    the code of what keeps it: the plan's, or the system's own
    until     its last day in the controller's zone; None = no end is known
    digest    of the approved plan
    noted_at  when it was last known to be the record that was approved, UTC; signs: what it read like then
    asked_at  since when its erasure is asked for, so that it may differ by our own doing, UTC; None = not yet
    left_at   since when it waits for a person, UTC; None = it doesn't
    """

    dataset: str
    ground: str
    reason: str
    until: date | None
    digest: str
    noted_at: datetime
    record_id: str = field(repr=False)
    signs: Signs = field(default_factory=Signs, repr=False)
    asked_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Dataset and record id."""
        return self.dataset, self.record_id

    def kept_by(self, ground: str, until: date | None, reason: str) -> Self:
        """The same, kept by this from now on."""
        return replace(self, ground=ground, until=until, reason=reason, left_at=None)

    @property
    def by_hold(self) -> bool:
        """Whether a legal hold of ours keeps it."""
        return self.reason.startswith(HOLD)


@dataclass(frozen=True)
class Ways:
    """How the kept records of one source are found again.

    asks     what the source is asked for
    matches  (dataset, record id) of the person-level records that they hang on or are
    marks    dataset → record id → a hash over what told whose such a record was
    before   person-level records as they were found right before records were made anonymous: what must not be left
             in them; None = nothing was
    """

    asks: frozenset[Identifier] = field(default=frozenset(), repr=False)
    matches: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    before: Found | None = field(default=None, repr=False)


def is_due(kept: Kept, source: str, day: date, holds: HoldsInForce, subjects: Iterable[bytes]) -> bool:
    """Whether a record is to be looked at on that day: what a law or the system keeps, after its last day; what a
    legal hold keeps, as soon as none stands on the person or on the record itself. What a law keeps without a known
    end never is; what the system keeps without one always is."""
    if kept.by_hold:
        held = holds.on_records(source, kept.dataset, pa.array([kept.record_id]))
        return not held and holds.on_subjects(subjects) is None
    if kept.until is not None:
        return kept.until < day
    return kept.asked_at is not None


def last_day(told: Iterable[Outcome]) -> date | None:
    """Until when a system keeps records of which these were told: after the first of several days they are looked at,
    since which of them has which isn't told. None = it gave no day for some, so that any night may be the one."""
    days = [outcome.until for outcome in told]
    return None if None in days else min((day for day in days if day), default=None)
