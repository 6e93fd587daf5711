"""answer_unknown: the answer to whoever asks for a change and surely has no record here, so that nobody who only reads
the ticket can tell them from somebody who has.

The ticket gets what it gets when somebody is asked who they are, at the same time, and after as many days what it gets
when nobody has confirmed. That nothing is held stands in a mail to the stated address, at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final

from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.mailing import SendMail, keep_mail
from dsr.report.answers import Summary
from dsr.report.identity import IdentityLetter
from dsr.settings import Settings

_ENDS: Final = "identity/ends"
"""Until when somebody could have confirmed."""
_MAILED: Final = "identity/unknown"
"""{"mailed"}: whether the mail to the stated address went out; False when it was refused for good."""


@dataclass(frozen=True)
class Telling:
    """What writes into the ticket, each once: the question, and the answer that closes it."""

    question: Callable[[IdentityLetter], object]
    answer: Callable[[str], object]


def answer_unknown(
    case: CaseFile,
    summary: Summary,
    refusal: str,
    *,
    ledger: Ledger,
    send_mail: SendMail,
    telling: Telling,
    at: datetime,
    settings: Settings,
) -> timedelta | None:
    """How long the answer in the ticket has to wait; None when it has been given. `summary`: what the search came to;
    `refusal`: the letter that a person gets who didn't confirm, word for word. Called again it goes on where it
    stopped; the events are those of an identity that nobody could be asked for."""
    request = case.read_json("request")
    letter = IdentityLetter.of(request, settings)
    if not case.exists(_MAILED):
        message = _mailed(letter, request["subject"]["email"], summary, send_mail, at)
        if message is not None:
            keep_mail(case, ledger, "identity_unknown", message, at=at)
        case.write_json(_MAILED, {"mailed": message is not None})
    telling.question(letter)
    if not case.exists(_ENDS):
        case.write_json(_ENDS, (at + timedelta(days=settings.challenge_days)).isoformat())
        outcome = "unknown" if case.read_json(_MAILED)["mailed"] else "unknown_undeliverable"
        ledger.append(case.case_id, "identity_asked", {"outcome": outcome}, at=at)
    left = datetime.fromisoformat(case.read_json(_ENDS)) - at
    if left > timedelta(0):
        return left
    telling.answer(refusal)
    return None


def _mailed(
    letter: IdentityLetter, to: str, summary: Summary, send_mail: SendMail, at: datetime
) -> EmailMessage | None:
    """None = refused for good: an address that takes no mail is nobody's; the ticket says how to go on."""
    try:
        message = letter.unknown(to, summary, at)
        send_mail(message)
    except PermanentError:
        return None
    return message
