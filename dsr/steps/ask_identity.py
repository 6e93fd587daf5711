"""ask_identity: asks whoever is on file whether it is them who asks, before anything of theirs is changed.

A link goes by mail to the contact on file, never to an address that is only in the ticket; where data is to be erased a
second code goes into the ticket. What is sent is drawn once and lies in the case file until the case is shredded, since
the page mails codes to that contact and the upkeep reminds it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.challenges import Challenges, Pending
from dsr.contact import changed_lately, on_file
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.links import new_code, new_link
from dsr.mailing import SendMail, keep_mail
from dsr.report.identity import IdentityLetter
from dsr.settings import Settings
from dsr.source import Declaration
from dsr.standing import PORTAL, SECOND, identified

ASKED: Final = "identity/asked"
"""{"link", "second", "address", "expires_at"}: what was drawn, and whom it goes to."""
BY_CONTACT: Final = "contact_on_file"
BY_BOTH: Final = "contact_on_file_and_ticket"
TOLD: Final = "identity/told"
"""The ticket was told; what is drawn anew is told anew."""
_MAILED: Final = "identity/mailed"
_REMIND_AFTER: Final = (timedelta(days=2), timedelta(days=5))

Tell = Callable[[str, str], object]
"""Writes a text into the ticket, once; beside it the code that stands in it, "" = none."""


@dataclass(frozen=True)
class Question:
    """What was drawn for a request. `second`: the code for the ticket, "" for none; `expires_at`: aware."""

    link: str
    second: str
    address: str
    expires_at: datetime

    @classmethod
    def of(cls, case: CaseFile) -> "Question | None":
        """That of this case; None when nobody was asked."""
        if not case.exists(ASKED):
            return None
        kept = case.read_json(ASKED)
        return cls(kept["link"], kept["second"], kept["address"], datetime.fromisoformat(kept["expires_at"]))

    def url(self, settings: Settings, language: str) -> str:
        """The page that it is answered on, the secret in the fragment, which a browser keeps to itself."""
        return f"{settings.portal_url}/confirm?lang={language}#{self.link}.{int(self.expires_at.timestamp())}"


def ask_identity(
    case: CaseFile,
    declarations: Sequence[Declaration],
    *,
    challenges: Challenges,
    ledger: Ledger,
    send_mail: SendMail,
    tell: Tell,
    at: datetime,
    settings: Settings,
) -> str:
    """Asks, and says how it went; the event `identity_asked` says so too:

    sent             the contact on file was written to
    verified         they have been verified before, by an event that nobody has taken back. The customer portal's
                     word is taken back here when its address isn't the contact on file, or hasn't been for long
    no_contact       no record that surely is theirs carries an address
    contact_changed  the address on file was changed lately, perhaps by whoever asks
    undeliverable    the mail was refused for good

    After all but the first two a person has to make sure in another way. A transient error of the mail or the ticket
    is passed on; called again it goes on where it stopped.
    """
    request = case.read_json("request")
    if identified(ledger.events(case.case_id)):
        if _stands(case, declarations, request, ledger, at):
            return "verified"
        doubt = {"by": "program", "method": "contact_differs", "ok": False}
        ledger.append(case.case_id, "identity_verified", doubt, at=at)
    letter = IdentityLetter.of(request, settings)
    outcome = _sent(case, declarations, request, letter, challenges, ledger, send_mail, at)
    question = Question.of(case)
    tell_asked(letter, question.second if question else "", tell)
    detail: dict[str, Any] = {"outcome": outcome}
    if outcome == "sent" and question is not None:
        detail |= {"expires_at": question.expires_at.isoformat(), "factors": 2 if question.second else 1}
    if not any(e.kind == "identity_asked" and e.detail == detail for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "identity_asked", detail, at=at)
    return outcome


def tell_asked(letter: IdentityLetter, second: str, tell: Tell) -> None:
    """What the ticket says: the same whether we know them or not, a code that fits nothing in place of the second where
    nobody was asked."""
    code = second or (new_code() if letter.right in SECOND else "")
    tell(letter.ticket(code), code)


def remind(
    case: CaseFile,
    pending: Pending,
    challenges: Challenges,
    *,
    ledger: Ledger,
    send_mail: SendMail,
    at: datetime,
    settings: Settings,
) -> bool:
    """Reminds whoever was asked and has not answered (`pending`), after some days; whether a mail went out."""
    question = Question.of(case)
    if question is None:
        return False
    due = sum(at - pending.created_at >= after for after in _REMIND_AFTER)
    if due <= pending.reminders:
        return False
    request = case.read_json("request")
    letter = IdentityLetter.of(request, settings)
    message = _asking(question, letter, at, due)
    send_mail(message)
    keep_mail(case, ledger, "identity_reminded", message, at=at, secrets=(question.link,))
    challenges.reminded(case.case_id, due)
    return True


def note(ledger: Ledger, request_id: str, *, both: bool, at: datetime) -> None:
    """The event that the person has confirmed, once; `both`: with the code of the ticket too."""
    detail = {"by": "person", "method": BY_BOTH if both else BY_CONTACT, "ok": True}
    if not any(e.kind == "identity_verified" and e.detail == detail for e in ledger.events(request_id)):
        ledger.append(request_id, "identity_verified", detail, at=at)


def _stands(
    case: CaseFile, declarations: Sequence[Declaration], request: Mapping[str, Any], ledger: Ledger, at: datetime
) -> bool:
    """Whether what was verified holds for the records that were found. The portal knows an address and not its owner of
    former years: it must be the contact on file, and have been for a while."""
    word = [e.detail for e in ledger.events(case.case_id) if e.kind == "identity_verified"][-1]
    if word.get("method") != PORTAL:
        return True
    if changed_lately(case, declarations, at):
        return False
    stated = str(request["subject"]["email"])
    try:
        return on_file(case, stated) == stated
    except PermanentError as error:
        if error.code != "address.absent":
            raise
        return False


def _sent(
    case: CaseFile,
    declarations: Sequence[Declaration],
    request: Mapping[str, Any],
    letter: IdentityLetter,
    challenges: Challenges,
    ledger: Ledger,
    send_mail: SendMail,
    at: datetime,
) -> str:
    if changed_lately(case, declarations, at):
        return "contact_changed"
    try:
        question = _drawn(case, request, letter.settings, at)
    except PermanentError as error:
        if error.code != "address.absent":
            raise
        return "no_contact"
    challenges.create(
        case.case_id, question.link, question.address, question.second, expires_at=question.expires_at, at=at
    )
    if not case.exists(_MAILED):
        try:
            message = _asking(question, letter, at)
            send_mail(message)
        except PermanentError:
            return "undeliverable"
        keep_mail(case, ledger, "identity_asked", message, at=at, secrets=(question.link,))
        case.write_json(_MAILED, True)
    return "sent"


def _asking(question: Question, letter: IdentityLetter, at: datetime, reminder: int = 0) -> EmailMessage:
    url, second = question.url(letter.settings, letter.language), bool(question.second)
    return letter.asking(question.address, url, question.expires_at, at, second=second, reminder=reminder)


def _drawn(case: CaseFile, request: Mapping[str, Any], settings: Settings, at: datetime) -> Question:
    """What lies in the case file and still opens, else drawn anew."""
    question = Question.of(case)
    address = on_file(case, request["subject"]["email"])
    if question is not None and question.expires_at > at and question.address == address:
        return question
    case.remove("identity/")
    expires_at = (at + timedelta(days=settings.challenge_days)).replace(microsecond=0)
    second = new_code() if request["right"] in SECOND else ""
    drawn = {"link": new_link(), "second": second, "address": address, "expires_at": expires_at.isoformat()}
    case.write_json(ASKED, drawn)
    return Question(drawn["link"], second, address, expires_at)
