"""Composition root of who asks: where the question goes out, what an officer sees of the answer, and reminders."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from airflow.sdk import task

from dsr_coded import coded
from dsr_numbers import ask_number, mail_unsent
from dsr_retries import DELIVERY_RETRIES
from dsr_tasks import this_request
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.ledger import Event

log = logging.getLogger("dsr")

CONFIRMED: Final = "They have confirmed who they are, and the plan is right"
CHECKED: Final[Mapping[str, str]] = {
    "I reached them by a contact on file: it is them, and the plan is right": "officer_contact_on_file",
    "I saw them in person: it is them, and the plan is right": "officer_in_person",
    "I saw the agent's mandate: it is for them, and the plan is right": "officer_mandate",
    "They are signed in as a customer: it is them, and the plan is right": "officer_signed_in",
}
"""What an officer may have done instead → the method, as the ledger has it. No proof is kept, only that it was seen."""
_STANDING: Final[Mapping[str, str]] = {
    "sent": "asked by a link to a contact that was on file; no answer yet",
    "verified": "verified",
    "no_contact": "**no address on file**: make sure yourself",
    "contact_changed": "**the address on file was changed within the last 30 days**, so it was not used: make sure "
    "yourself, by another contact that is older",
    "undeliverable": "**the mail to the address on file was refused**: make sure yourself",
}


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def ask_identity() -> None:
    """Asks whoever is on file whether it is them who asks: a link by mail to an address that was there before the
    request, never to one that is only in the ticket. Who opens it has a code sent to the same address, good once and
    for ten minutes; for an erasure a second code is in the ticket. *prepare* shows whether they have confirmed; it
    waits without a slot, and the upkeep reminds them. Where numbers that only a form states lead to doubtful records,
    the same contact is asked by another mail to show that they hold the phone.

    Clear it alone to ask again after the link has ended.
    """
    from dsr.steps import ask_identity as step
    from dsr.steps.tell import ask

    request_id = this_request(place := Workplace())
    case = place.case(request_id)

    def tell(text: str, code: str) -> None:
        ask(case, "identity", text, mark=step.TOLD, answer=place.answer, at=now(), secret=code)

    outcome = step.ask_identity(
        case, DECLARATIONS, challenges=place.challenges, ledger=place.ledger, send_mail=place.send_mail, tell=tell,
        at=now(), settings=place.settings,
    )  # fmt: skip
    log.info("asked: %s", outcome)
    ask_number(place, request_id)


@task(show_return_value_in_logs=False)
@coded
def remind() -> None:
    """Reminds those who were asked who they are and have not answered, after two days and after five; forgets what
    ended a month ago. A mail that can't be sent now is sent tomorrow; so is one that asks about a number."""
    from datetime import timedelta

    from dsr.errors import DsrError
    from dsr.steps import ask_identity as step

    place, at = Workplace(), now()
    sent = failed = 0
    for pending in place.challenges.pending(at):
        try:
            case = place.case(pending.request_id)
            reminded = step.remind(
                case,
                pending,
                place.challenges,
                ledger=place.ledger,
                send_mail=place.send_mail,
                at=at,
                settings=place.settings,
            )
        except DsrError as error:
            failed += 1
            log.warning("%s %s", pending.request_id, error.code)
            continue
        if reminded:
            place.ledger.append(pending.request_id, "identity_asked", {"outcome": "reminded"}, at=at)
            sent += 1
    gone = place.challenges.forget(at - timedelta(days=30))
    log.info("reminded %s, failed %s, forgotten %s", sent, failed, gone)
    mail_unsent(place, at)


def standing(place: Workplace, request_id: str) -> str:
    """What an officer sees of it: a line of codes and dates, and how many tickets were joined to the request: one of
    those may be the person's, and this an impostor's."""
    events = place.ledger.events(request_id)
    joined = sum(e.kind == "linked" and "from" in e.detail for e in events)
    return f"{_standing(events)}{f' Tickets about the same that were joined to this: {joined}.' if joined else ''}"


def _standing(events: "Sequence[Event]") -> str:
    from dsr.standing import identified

    if identified(events):
        word = _last_word(events)
        return f"Who asks: **confirmed**, {word.detail.get('method', '')}, {word.at:%Y-%m-%d}."
    if any(e.kind == "identity_verified" for e in events) and _last_word(events).detail.get("by") != "program":
        return "Who asks: **in doubt** since somebody said so."
    asked = [e for e in events if e.kind == "identity_asked" and e.detail["outcome"] != "reminded"]
    refused = [e.detail.get("code", "") for e in events if e.kind == "identity_refused"]
    wrong = f" Wrong answers: {refused.count('')}." if "" in refused else ""
    wrong += "".join(f" The customer portal's word does not count: {code}." for code in refused if code)
    if any(e.kind == "identity_verified" for e in events):
        wrong += " The customer portal's word does not count: its address is not the one on file, or only lately."
    if not asked:
        return f"Who asks: not asked.{wrong}"
    return f"Who asks: {_STANDING[asked[-1].detail['outcome']]} (asked {asked[-1].at:%Y-%m-%d}).{wrong}"


def confirmed(place: Workplace, request_id: str) -> bool:
    """Whether the person has confirmed, by the challenge or by the customer portal's word, and nobody doubts it. The
    event of the challenge is written here where the page was cut off before it."""
    from dsr.standing import PORTAL, identified
    from dsr.steps.ask_identity import note

    found = place.challenges.confirmed(request_id)
    if found is None:
        events = place.ledger.events(request_id)
        return identified(events) and _last_word(events).detail.get("by") == "person"
    words = [e.detail for e in place.ledger.events(request_id) if e.kind == "identity_verified"]
    if all(word.get("by") == "program" or word.get("method") == PORTAL for word in words):
        note(place.ledger, request_id, both=found.second, at=now())
    return identified(place.ledger.events(request_id))


def _last_word(events: "Sequence[Event]") -> "Event":
    return [e for e in events if e.kind == "identity_verified"][-1]
