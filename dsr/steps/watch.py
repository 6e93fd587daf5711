"""watch: whose last day by law is near, or has passed, without an answer (Art. 12(3) GDPR), and of whom a reminder is
due. Both count to `Standing.alert`, the earliest day that can be meant."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from dsr.correspondence import WRITTEN
from dsr.ledger import Event, Ledger
from dsr.standing import EXTENDED, KEPT, Standing, unsent

NEAR: Final = "deadline_near"
PASSED: Final = "deadline_passed"
REMINDED: Final = "reminded"
"""Kind of the event of a reminder: {"latest", "before"}; "before" as `Reminder.before`."""


@dataclass(frozen=True)
class Alarm:
    """A request that has no answer. `left`: days to the day that is worked by (`Standing.alert`); 0 = today, negative
    = it is behind us. `passed`: so is the last day by law, a weekend or a holiday after the former counted."""

    request_id: str
    right: str
    left: int
    passed: bool

    @property
    def kind(self) -> str:
        """Of the event."""
        return PASSED if self.passed else NEAR


@dataclass(frozen=True)
class Reminder:
    """A request that has no answer, and of which nobody was reminded yet at this distance. `before`: the distance in
    days, -1 = overdue; `left`: as of `Alarm`; `latest`: the last day by law."""

    request_id: str
    right: str
    before: int
    left: int
    latest: date

    @property
    def detail(self) -> Mapping[str, Any]:
        """Of the event."""
        return {"latest": self.latest.isoformat(), "before": self.before}


OVERDUE: Final = -1


def watch(ledger: Ledger, *, day: date, within: int, at: datetime, undelivered: Collection[str] = ()) -> list[Alarm]:
    """The requests whose day is at most `within` days after `day` (in the controller's time zone) and that are not
    answered, the most urgent first. Each is noted once when it gets near and once when the last day by law has passed;
    one that was extended meanwhile, again.

    `undelivered`: requests whose tickets have yet to get something; what the person hasn't been told, an answer or an
    extension, doesn't count."""
    alarms = []
    for standing, events in _unanswered(ledger, undelivered):
        left = (standing.alert - day).days
        if left > within:
            continue
        alarm = Alarm(standing.request_id, standing.right, left, standing.deadline < day)
        detail = {"latest": standing.deadline.isoformat()}
        if not any(event.kind == alarm.kind and event.detail == detail for event in events):
            ledger.append(standing.request_id, alarm.kind, detail, at=at)
        alarms.append(alarm)
    return sorted(alarms, key=lambda alarm: alarm.left)


def reminders(
    ledger: Ledger, *, day: date, distances: Sequence[int], undelivered: Collection[str] = ()
) -> list[Reminder]:
    """The reminders that are due on `day`, the most urgent first: of each request the one of the smallest distance
    that it has come to, unless that one was given; overdue once the last day by law has passed. A distance that a
    morning was missed for is not made up for: the next one says more. `undelivered`: as of `watch`."""
    due = []
    for standing, events in _unanswered(ledger, undelivered):
        left = (standing.alert - day).days
        reached = [OVERDUE] if standing.deadline < day else sorted(n for n in distances if left <= n)
        if not reached:
            continue
        reminder = Reminder(standing.request_id, standing.right, reached[0], left, standing.deadline)
        if not any(event.kind == REMINDED and event.detail == reminder.detail for event in events):
            due.append(reminder)
    return sorted(due, key=lambda reminder: (reminder.left, reminder.request_id))


def remind(ledger: Ledger, reminder: Reminder, *, at: datetime) -> None:
    """Notes that somebody was reminded."""
    ledger.append(reminder.request_id, REMINDED, reminder.detail, at=at)


def _unanswered(ledger: Ledger, undelivered: Collection[str]) -> Iterator[tuple[Standing, Sequence[Event]]]:
    by_request: dict[str, list[Event]] = {}
    for event in ledger.events():
        by_request.setdefault(event.request_id, []).append(event)
    for request_id, events in by_request.items():
        standing = Standing.of(events)
        if standing is None or (standing.answered and request_id not in undelivered):
            continue
        told = _extension_told(events, undelivered=request_id in undelivered)
        yield (standing if told else replace(standing, extended=None)), events


def _extension_told(events: Sequence[Event], *, undelivered: bool) -> bool:
    """Whether the person has had the word that the time was extended: it stands in the ticket, and no text that waits
    for an officer to send it is as old."""
    if undelivered and not any(e.kind == WRITTEN and e.detail["kind"] == EXTENDED for e in events):
        return False
    extended = [number for number, event in enumerate(events) if event.kind == EXTENDED][-1:]
    waiting = unsent(events)
    return not any(e.detail["answer"] in waiting for n in extended for e in events[:n] if e.kind == KEPT)
