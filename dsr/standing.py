"""How a request stands, by its events in the ledger: which day counts, and whether it was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Self

from dsr.ledger import Event

EXTENDED: Final = "extended"
"""Kind of the event that an extension leaves: {"reason", "by", "latest"}; "latest" is the new last day."""
PORTAL: Final = "customer_portal"
"""Method of the events `identity_verified` and `identity_refused`: the word of the customer portal, an ID token."""
SECOND: Final = ("erasure",)
"""Rights for which one factor is not enough: what they do can't be taken back."""
KEPT: Final = "answer_kept"
"""Kind of the event of a text that waits for an officer to send it: {"answer": its number, "closes"}."""
SENT: Final = "answer_sent"
"""Kind of the event that an officer leaves who sent it: {"answer", "on", "way", "by"}."""
RECEIVED: Final = "request_received"
"""Kind of the first event: {"channel", "right", "received_at", "target", "legal_latest"}."""
_INTERIM: Final = ("extended", "meanwhile")
"""Outcomes of the event `answered` after which the answer proper is still to come."""


@dataclass(frozen=True)
class Standing:
    """Days in the controller's time zone; see `assess.Deadlines`. received_at is aware.

    right     as the ticket names it, or as a person has decided
    extended  the last day since the time was extended (Art. 12(3), second sentence); None = it wasn't
    answered  the person has had their answer, in full or in part, or the request was closed; what waits for an officer
              to send it, nobody has had
    asked     when whoever asks was written to, to confirm that it is them; None = nobody was
    confirmed  when that was confirmed for the first time, in whatever way; None = it wasn't, or nobody was asked
    """

    request_id: str
    right: str
    received_at: datetime
    target: date
    legal_latest: date
    extended: date | None
    answered: bool
    asked: datetime | None = None
    confirmed: datetime | None = None

    @classmethod
    def of(cls, events: Sequence[Event]) -> Self | None:
        """From the events of one request, oldest first; None when it was never received."""
        received = next((event for event in events if event.kind == RECEIVED), None)
        if received is None:
            return None
        known, extended = received.detail, [event.detail["latest"] for event in events if event.kind == EXTENDED]
        asked = next((e.at for e in events if e.kind == "identity_asked" and e.detail.get("outcome") == "sent"), None)
        return cls(
            received.request_id,
            right_of(events),
            datetime.fromisoformat(known["received_at"]),
            date.fromisoformat(known["target"]),
            date.fromisoformat(known["legal_latest"]),
            date.fromisoformat(extended[-1]) if extended else None,
            any(event.kind == "closed" or is_final(event) for event in events) and not unsent(events),
            asked,
            next((e.at for e in events if asked and e.at >= asked and _confirms(e)), None),
        )

    @property
    def deadline(self) -> date:
        """The last day by law, as it now is, a suspension left out."""
        return self.extended or self.legal_latest

    @property
    def alert(self) -> date:
        """The day that reminders and alarms count to: never suspended, not moved to a working day."""
        return self.extended or self.target

    def suspended(self, within: int) -> timedelta:
        """For how long the time did not run, in whole days: from the question who asks to its confirmation, if the
        question was put at most `within` days after receipt (EDPB Guidelines 01/2022, section 5.3: "without undue
        delay"). Zero while nobody has confirmed: what may never come is not counted on."""
        if self.asked is None or self.confirmed is None or self.asked - self.received_at > timedelta(days=within):
            return timedelta()
        return timedelta(days=(self.confirmed - self.asked).days)

    def suspended_deadline(self, within: int) -> date:
        """`deadline` moved by what was `suspended`, not on to a working day: what can be shown to an authority.
        Nothing is worked by it."""
        return self.deadline + self.suspended(within)


def deadline(due: Mapping[str, Any]) -> date:
    """The last day by law, as it now is, from `due` of a request in its case file."""
    return date.fromisoformat(due.get("extended_latest") or due["legal_latest"])


def unsent(events: Sequence[Event]) -> frozenset[int]:
    """The numbers of the texts that wait for an officer to send them."""
    kept = {event.detail["answer"] for event in events if event.kind == KEPT}
    return frozenset(kept - {event.detail["answer"] for event in events if event.kind == SENT})


def right_of(events: Sequence[Event]) -> str:
    """As a person has decided, else as the ticket names it; "" when the request was never received."""
    decided = [e.detail["right"] for e in events if e.kind == "decision" and e.detail.get("choice") == "take"]
    named = [e.detail["right"] for e in events if e.kind == RECEIVED]
    return str((decided[-1:] or named[:1] or [""])[0])


def is_final(event: Event) -> bool:
    """Whether this is the answer proper, in full or in part."""
    return event.kind == "answered" and event.detail.get("outcome") not in _INTERIM


def _confirms(event: Event) -> bool:
    return event.kind == "identity_verified" and event.detail.get("ok", True) is True


def identified(events: Sequence[Event]) -> bool:
    """Whether the last word on who asks is that it is them; a later doubt takes an earlier verification back."""
    words = [event.detail.get("ok", True) for event in events if event.kind == "identity_verified"]
    return bool(words) and words[-1] is True
