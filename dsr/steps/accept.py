"""From an authentic ticket to a case: the same delivery gives the same case, whatever broke the first time.

The order makes it safe to be cut off anywhere: delivery remembered → request in the encrypted case file → event in
the ledger → triaged → run started → event. Whoever comes again goes on where it stopped.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol

import phonenumbers

from dsr.alone import Alone
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.signature import TOLERANCE
from dsr.channels.ticket import Acting, Refused, Ticket
from dsr.deliveries import Deliveries
from dsr.errors import DsrError, TransientError
from dsr.ledger import Event, Ledger
from dsr.misleading import misleading
from dsr.requestid import new_id
from dsr.settings import Settings
from dsr.standing import RECEIVED
from dsr.unstarted import Unstarted
from dsr.vocabulary import UNCLEAR

STARTED = "run_started"
_OVER: Final = (STARTED, "closed")
"""Kinds of events after which a request needs no start."""
_BEING_TAKEN: Final = timedelta(minutes=1)
"""A request so young is left to the intake that is taking it."""
_ITS_OWN: Final = ("http.403", "http.404")
"""Airflow's answers that say nothing about other requests: this one's DAG is not there, or not ours to start."""
_AT_ONCE: Final = 100

StartRun = Callable[[str, str, datetime], None]
"""Starts the run of a request: way (its right, or that in which it is settled first), request id, time of receipt.
Already started is a success."""


Keep = Callable[[CaseFile, Ticket], None]
"""Writes into a new case what triage will ask about; `triage.keep` is one."""
Triage = Callable[[CaseFile, Ticket | None], str]
"""How a request goes on: its right, or the way in which it is settled first; `triage.triage` is one. The ticket is None
when only the case is left of it."""


class Dates(Protocol):
    """What is kept of the deadlines; `assess.Deadlines` is one."""

    @property
    def target(self) -> date: ...
    @property
    def legal_latest(self) -> date: ...
    @property
    def extended_latest(self) -> date: ...
    @property
    def holidays(self) -> Any: ...


CountDeadlines = Callable[[datetime, str, str], Dates]
"""Received at, country, time zone → deadlines; `assess.deadlines` is one."""


@dataclass(frozen=True)
class Due:
    """Days in the controller's time zone; see `assess.Deadlines`."""

    target: date
    legal_latest: date


@dataclass(frozen=True)
class Accepted:
    """A request that has a case. `way`: its right, or the way in which it is settled first; "" once its run was
    `started`. `fresh` is False when it was there before."""

    request_id: str
    way: str
    received_at: datetime
    due: Due
    fresh: bool
    started: bool


def accept(
    ticket: Ticket,
    *,
    digest: str,
    delivery_id: str,
    replay_key: str = "",
    cases: CaseStore,
    ledger: Ledger,
    deliveries: Deliveries,
    deadlines: CountDeadlines,
    keep: Keep,
    triage: Triage,
    at: datetime,
    settings: Settings,
    request_id: str = "",
) -> Accepted:
    """The case of this delivery, made if it is new, and triaged: no run starts before it is. `digest` is that of the
    raw body, `replay_key` that of `channels.ticket.Delivery`; `request_id`: what a new one is called, "" = by chance.
    PermanentError("delivery.conflict") when the id came before with another body; Refused("body.invalid") as `check`.
    """
    check(ticket, settings, at)
    request_id = deliveries.remember(ticket.channel, delivery_id, digest, request_id or new_id(), at)
    if replay_key:
        request_id = deliveries.remember(f"{ticket.channel}:replay", replay_key, digest, request_id, at)
    known = ledger.events(request_id)
    if not any(event.kind == RECEIVED for event in known):
        received_at = min(ticket.received_at or at, at).astimezone(UTC)
        dates = deadlines(received_at, settings.country, settings.timezone)
        keep(_open_case(cases, request_id, ticket, received_at, dates, settings.country), ticket)
        detail = {"channel": ticket.channel, "right": ticket.right, "received_at": received_at.isoformat()}
        detail |= {"target": dates.target.isoformat(), "legal_latest": dates.legal_latest.isoformat()}
        ledger.append(request_id, RECEIVED, detail, at=at)
        known, fresh = ledger.events(request_id), True
    else:
        fresh = False
    started = any(event.kind == STARTED for event in known)
    return _accepted(known, "" if started else triage(cases.open(request_id), ticket), fresh=fresh)


def check(ticket: Ticket, settings: Settings, at: datetime) -> None:
    """Whether a request can be taken here. Refused("body.invalid") for a right that is not switched on, a time of
    receipt that is still to come (one in the past is when the clock starts, Art. 12(3)), a correction that is no
    telephone number, and what misleads (`dsr.misleading`)."""
    if ticket.right not in (*settings.rights, UNCLEAR):
        raise Refused("body.invalid", ticket.channel, [("right", "is not switched on here")])
    if ticket.received_at is not None and ticket.received_at - at > TOLERANCE:
        raise Refused("body.invalid", ticket.channel, [("received_at", "is still to come")])
    if not _numbers(ticket.acting.corrections, settings.country):
        raise Refused("body.invalid", ticket.channel, [("#/corrections/phone", "is no telephone number")])
    if problems := misleading(ticket.subject):
        raise Refused("body.invalid", ticket.channel, problems)


def start(accepted: Accepted, run: StartRun, ledger: Ledger, *, at: datetime) -> None:
    """Start the run of an accepted request, once. What `run` raises is passed on; the request then stays pending."""
    if not accepted.started:
        run(accepted.way, accepted.request_id, accepted.received_at)
        ledger.append(accepted.request_id, STARTED, at=at)


@dataclass(frozen=True)
class Started:
    """How many pending requests were started, and (id, code) of those that could not be."""

    count: int
    failed: tuple[tuple[str, str], ...]


def start_pending(
    ledger: Ledger,
    unstarted: Unstarted,
    cases: CaseStore,
    run: StartRun,
    triage: Triage,
    alone: Alone,
    *,
    at: datetime,
    most: int = 500,
) -> Started:
    """Start the runs of requests that were accepted while Airflow was not to be had, triaged if they weren't: in the
    order in which they were accepted, each once, at most so many. The next call goes on, wherever this one stopped or
    was killed; of several at once one goes after the other (`alone`).

    When Airflow or our own storage is not to be had it ends there, so that none of those that wait overtakes another.
    One that has a reason of its own (its DAG, its case file) is passed over. A new request is started by its intake at
    once, whatever waits here: requests don't depend on one another."""
    count, failed, found = 0, list[tuple[str, str]](), [(0, "")]
    while found := unstarted.next(found[-1][0], at - _BEING_TAKEN, _AT_ONCE):
        for _, request_id in found:
            if most in (count, len(failed)):
                return Started(count, tuple(failed))
            try:
                with alone(request_id):
                    count += _start_one(request_id, ledger, cases, run, triage, at)
            except DsrError as error:
                failed.append((request_id, error.code))
                if isinstance(error, TransientError) and error.code not in _ITS_OWN:
                    return Started(count, tuple(failed))
    return Started(count, tuple(failed))


def _start_one(request_id: str, ledger: Ledger, cases: CaseStore, run: StartRun, triage: Triage, at: datetime) -> bool:
    """Whether it was started now; somebody else may have done so since it was looked up."""
    events = ledger.events(request_id)
    if any(event.kind in _OVER for event in events):
        return False
    start(_accepted(events, triage(cases.open(request_id), None), fresh=False), run, ledger, at=at)
    return True


def _accepted(events: list[Event], way: str, *, fresh: bool) -> Accepted:
    """What the ledger says, so that two deliveries at the same moment get the same answer: the first event's."""
    first = next(event for event in events if event.kind == RECEIVED)
    due = Due(date.fromisoformat(first.detail["target"]), date.fromisoformat(first.detail["legal_latest"]))
    started = any(event.kind == STARTED for event in events)
    received_at = datetime.fromisoformat(first.detail["received_at"])
    return Accepted(first.request_id, way, received_at, due, fresh, started)


def _open_case(
    cases: CaseStore, request_id: str, ticket: Ticket, received_at: datetime, dates: Dates, country: str
) -> CaseFile:
    case = cases.create(request_id)
    deadlines = {name: getattr(dates, name).isoformat() for name in ("target", "legal_latest", "extended_latest")}
    case.write_json("deadlines", {**deadlines, "holidays": dict(dates.holidays)})
    request: dict[str, Any] = {
        "request_id": request_id,
        "right": ticket.right,
        "channel": ticket.channel,
        "received_at": received_at.isoformat(),
        "due": {name: deadlines[name] for name in ("target", "legal_latest")},
        "language": ticket.language,
        "ticket": {"id": ticket.ticket_id} | ({"callbacks": list(ticket.callbacks)} if ticket.callbacks else {}),
        "subject": {name: _normal(name, value, country) for name, value in ticket.subject.items()},
    }
    if ticket.package:
        request["package"] = dict(ticket.package)
    if ticket.transmit_to:
        request["transmit_to"] = ticket.transmit_to
    request |= _acting(ticket.acting, country)
    case.write_json("request", request)
    return case


def _acting(acting: Acting, country: str) -> dict[str, Any]:
    """What is kept of it; what the request doesn't say is absent."""
    corrections = dict(acting.corrections)
    if "phone" in corrections:
        corrections["phone"] = _normal("phone", corrections["phone"], country)
    kept = {"corrections": corrections, "purposes": list(acting.purposes), "ground": acting.ground}
    return {name: value for name, value in kept.items() if value}


def _numbers(corrections: Mapping[str, Any], country: str) -> bool:
    """Whether the phone number among them, if any, is one: it is written into systems, so it must be right. One without
    a country code is read as one of `country`."""
    return "phone" not in corrections or _number(corrections["phone"], country) is not None


def _normal(name: str, value: str, country: str) -> str:
    """The normal form of `model.Identifier`, its letters composed (a Mac sends "a" and a ring for "å"); a phone number
    without a country code is read as one of `country`, and one that is none stays as it was stated."""
    if name == "email":
        return unicodedata.normalize("NFC", value.lower())
    return _number(value, country) or value if name == "phone" else value


def _number(value: str, country: str) -> str | None:
    """A phone number in E.164; None when it is none."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
