"""From an authentic ticket to a case: the same delivery gives the same case, whatever broke the first time.

The order makes it safe to be cut off anywhere: delivery remembered → request in the encrypted case file → event in
the ledger → run started → event. Whoever comes again goes on where it stopped.
"""

import base64
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

import phonenumbers

from dsr.casefile import CaseStore
from dsr.channels.ticket import Acting, Refused, Ticket
from dsr.deliveries import Deliveries
from dsr.errors import DsrError
from dsr.ledger import Event, Ledger
from dsr.misleading import misleading
from dsr.settings import Settings

RECEIVED = "request_received"
STARTED = "run_started"

StartRun = Callable[[str, str, datetime], None]
"""Starts the run of a request: right, request id, time of receipt. Already started is a success."""


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
    """A request that has a case. `fresh` is False when it was there before; `started` when its run was."""

    request_id: str
    right: str
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
    at: datetime,
    settings: Settings,
) -> Accepted:
    """The case of this delivery, made if it is new. `digest` is that of the raw body, `replay_key` that of
    `channels.ticket.Delivery`. PermanentError("delivery.conflict") when the id came before with another body;
    Refused("body.invalid") for a right that is not switched on here."""
    if ticket.right not in settings.rights:
        raise Refused("body.invalid", ticket.channel, [("right", "is not switched on here")])
    if not _numbers(ticket.acting.corrections, settings.country):
        raise Refused("body.invalid", ticket.channel, [("#/corrections/phone", "is no telephone number")])
    if problems := misleading(ticket.subject):
        raise Refused("body.invalid", ticket.channel, problems)
    request_id = deliveries.remember(ticket.channel, delivery_id, digest, _new_id(), at)
    if replay_key:
        request_id = deliveries.remember(f"{ticket.channel}:replay", replay_key, digest, request_id, at)
    known = ledger.events(request_id)
    if not any(event.kind == RECEIVED for event in known):
        received_at = min(ticket.received_at or at, at).astimezone(UTC)
        dates = deadlines(received_at, settings.country, settings.timezone)
        _open_case(cases, request_id, ticket, received_at, dates, settings.country)
        detail = {"channel": ticket.channel, "right": ticket.right, "received_at": received_at.isoformat()}
        detail |= {"target": dates.target.isoformat(), "legal_latest": dates.legal_latest.isoformat()}
        ledger.append(request_id, RECEIVED, detail, at=at)
        return _accepted(ledger.events(request_id), fresh=True)
    return _accepted(known, fresh=False)


def start(accepted: Accepted, run: StartRun, ledger: Ledger, *, at: datetime) -> None:
    """Start the run of an accepted request, once. What `run` raises is passed on; the request then stays pending."""
    if not accepted.started:
        run(accepted.right, accepted.request_id, accepted.received_at)
        ledger.append(accepted.request_id, STARTED, at=at)


@dataclass(frozen=True)
class Started:
    """How many pending requests were started, and the ids of those that could not be."""

    count: int
    failed: tuple[str, ...]


def start_pending(ledger: Ledger, run: StartRun, *, at: datetime) -> Started:
    """Start the runs of requests that were accepted while Airflow was not to be had. For the upkeep."""
    by_request: dict[str, list[Event]] = {}
    for event in ledger.events():
        if event.kind in (RECEIVED, STARTED):
            by_request.setdefault(event.request_id, []).append(event)
    count, failed = 0, []
    for request_id, events in by_request.items():
        if any(event.kind == STARTED for event in events):
            continue
        try:
            start(_accepted(events, fresh=False), run, ledger, at=at)
            count += 1
        except DsrError:
            failed.append(request_id)
    return Started(count, tuple(failed))


def _accepted(events: list[Event], *, fresh: bool) -> Accepted:
    """What the ledger says, so that two deliveries at the same moment get the same answer: the first event's."""
    first = next(event for event in events if event.kind == RECEIVED)
    due = Due(date.fromisoformat(first.detail["target"]), date.fromisoformat(first.detail["legal_latest"]))
    started = any(event.kind == STARTED for event in events)
    received_at = datetime.fromisoformat(first.detail["received_at"])
    return Accepted(first.request_id, first.detail["right"], received_at, due, fresh, started)


def _open_case(
    cases: CaseStore, request_id: str, ticket: Ticket, received_at: datetime, dates: Dates, country: str
) -> None:
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
        "ticket": {"id": ticket.ticket_id},
        "subject": {name: _normal(name, value, country) for name, value in ticket.subject.items()},
    }
    if ticket.package:
        request["package"] = dict(ticket.package)
    if ticket.transmit_to:
        request["transmit_to"] = ticket.transmit_to
    request |= _acting(ticket.acting, country)
    case.write_json("request", request)


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


def _new_id() -> str:
    """128 random bits: `dsr-` and 26 characters of base 32. Fits Airflow's run ids and file names."""
    return "dsr-" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
