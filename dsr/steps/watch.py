"""watch: whose last day by law is near, or has passed, without an answer (Art. 12(3) GDPR)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from dsr.ledger import Event, Ledger
from dsr.standing import Standing

NEAR = "deadline_near"
PASSED = "deadline_passed"


@dataclass(frozen=True)
class Alarm:
    """A request that has no answer. `left`: days to its last day; 0 = today, negative = it has passed."""

    request_id: str
    right: str
    left: int

    @property
    def kind(self) -> str:
        """Of the event."""
        return PASSED if self.left < 0 else NEAR


def watch(ledger: Ledger, *, day: date, within: int, at: datetime, undelivered: Collection[str] = ()) -> list[Alarm]:
    """The requests whose last day is at most `within` days after `day` (in the controller's time zone) and that are not
    answered, the most urgent first. Each is noted once when it gets near and once when it has passed; one that was
    extended meanwhile, again.

    `undelivered`: requests whose tickets have yet to get something; what the person hasn't been told, an answer or an
    extension, doesn't count."""
    by_request: dict[str, list[Event]] = {}
    for event in ledger.events():
        by_request.setdefault(event.request_id, []).append(event)
    alarms = []
    for request_id, events in by_request.items():
        standing = Standing.of(events)
        if standing is None or (standing.answered and request_id not in undelivered):
            continue
        latest = standing.legal_latest if request_id in undelivered else standing.deadline
        if (latest - day).days > within:
            continue
        alarm = Alarm(request_id, standing.right, (latest - day).days)
        detail = {"latest": latest.isoformat()}
        if not any(event.kind == alarm.kind and event.detail == detail for event in events):
            ledger.append(request_id, alarm.kind, detail, at=at)
        alarms.append(alarm)
    return sorted(alarms, key=lambda alarm: alarm.left)
