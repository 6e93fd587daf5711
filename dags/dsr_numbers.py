"""Composition root of proof that a phone is held: where the question goes out, and how it stands.

Nothing here stops a request: a question that can't be asked now is asked by the upkeep, and one that nobody answers
leaves the records doubtful, for an officer.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dsr.errors import DsrError
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.model import Identifier
    from dsr.possession import Possessions
    from dsr.provable import Standing

log = logging.getLogger("dsr")


def possessions(place: Workplace) -> "Possessions":
    """What was proven, in the database."""
    from dsr.possession import Possessions
    from dsr.settings import subkey

    key = subkey(place.settings.master_key, "possessions")
    return Possessions(place.engine, key, place.settings.code_attempts)


def ask_number(place: Workplace, request_id: str) -> None:
    """Asks whoever is on file about numbers that only a form states and that lead to doubtful records; once each."""
    from dsr.steps import ask_number as step

    if not place.settings.texting.sender:
        return
    try:
        outcome = step.ask_number(
            place.case(request_id), DECLARATIONS, possessions=possessions(place), ledger=place.ledger,
            send_mail=lambda message: place.send_mail(message), at=now(), settings=place.settings,
        )  # fmt: skip
    except DsrError as error:
        log.warning("not asked about a number now: %s", error.code)
        return
    log.info("asked about numbers: %s", outcome)


def proven(place: Workplace, request_id: str) -> "frozenset[Identifier]":
    """The numbers whose phone they have shown to hold."""
    from dsr import provable

    case = place.case(request_id)
    return provable.proven(case, possessions(place)) if provable.asked(case) else frozenset()


def waiting(place: Workplace, request_id: str) -> int:
    """How many of these no search has gone by yet."""
    return _standing(place, request_id).waiting


def number_line(place: Workplace, request_id: str, what_next: str) -> str:
    """How it stands, in counts; "" when nobody was asked. `what_next`: how what was shown since is gone by."""
    found = _standing(place, request_id)
    if not found.asked:
        return ""
    _note_proven(place, request_id, found.proven)
    since = f" **{found.waiting} since the last search: {what_next}.**" if found.waiting else ""
    return (
        f"**Numbers that only a form states**: they were asked by mail to show that they hold {found.asked}, and have "
        f"shown {found.proven}.{since} It is no proof of who they are."
    )


def mail_unsent(place: Workplace, at: datetime) -> None:
    """Sends what could not be sent; forgets what ended a month ago."""
    from dsr.steps.ask_number import send_unsent

    sent, found = 0, possessions(place)
    for request_id in found.pending(at) if place.settings.texting.sender else ():
        try:
            case = place.case(request_id)
            sent += send_unsent(case, ledger=place.ledger, send_mail=place.send_mail, at=at, settings=place.settings)
        except DsrError as error:
            log.warning("%s %s", request_id, error.code)
    log.info("asked about numbers: %s, forgotten: %s", sent, found.forget(at - timedelta(days=30)))


def _standing(place: Workplace, request_id: str) -> "Standing":
    from dsr import provable

    case = place.case(request_id)
    return provable.standing(case, possessions(place)) if provable.asked(case) else provable.Standing()


def _note_proven(place: Workplace, request_id: str, count: int) -> None:
    """The events of the page, where it was cut off before them."""
    known = sum(event.kind == "number_proven" for event in place.ledger.events(request_id))
    for _ in range(count - known):
        place.ledger.append(request_id, "number_proven", at=now())
