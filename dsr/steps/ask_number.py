"""ask_number: asks whoever is on file whether they hold the phone of a number that only a form of theirs states.

A link goes by mail to the contact on file, never to an address that is only in the ticket; the text goes out when they
press the button on the page that it opens (`dsr.web.number`), so that nobody makes us send texts by filling in forms.
What is proven makes a number lead to records and says nothing about who asks.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final

from dsr import provable
from dsr.casefile import CaseFile
from dsr.contact import changed_lately, on_file
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.links import new_link
from dsr.mailing import SendMail, keep_mail
from dsr.possession import Possessions
from dsr.provable import Asked
from dsr.report.number import NumberLetter
from dsr.settings import Settings
from dsr.source import Declaration

MOST: Final = 3
"""So many numbers a person is asked about, those that lead to most."""
NOT_ASKED: Final = "none"


def ask_number(
    case: CaseFile,
    declarations: Sequence[Declaration],
    *,
    possessions: Possessions,
    ledger: Ledger,
    send_mail: SendMail,
    at: datetime,
    settings: Settings,
) -> str:
    """Asks about each number once, and says how it went; the event `number_asked` says so too:

    none             there is no such number, or no texts are sent here: no event
    sent             the contact on file was written to
    no_contact       no record that surely is theirs carries an address
    contact_changed  the address on file was changed lately, perhaps by whoever asks
    undeliverable    the mail was refused for good

    A transient error of the mail is passed on; called again it goes on where it stopped.
    """
    shown = {identifier.value for identifier in provable.proven(case, possessions)}
    wanted = [n for n in provable.provable(case) if n not in shown and settings.texting.reaches(n)][:MOST]
    gone_out = {one.number for one in provable.asked(case) if one.mailed and one.expires_at > at}
    if set(wanted) <= gone_out:
        return NOT_ASKED
    outcome = _asked(case, declarations, wanted, possessions, ledger, send_mail, at, settings)
    detail = {"outcome": outcome, "numbers": len(wanted)}
    if not any(e.kind == "number_asked" and e.detail == detail for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "number_asked", detail, at=at)
    return outcome


def send_unsent(case: CaseFile, *, ledger: Ledger, send_mail: SendMail, at: datetime, settings: Settings) -> bool:
    """Mails what was drawn and has not gone out, to the address that was on file last; whether there was something."""
    questions = provable.asked(case)
    unsent = [one for one in questions if not one.mailed and one.expires_at > at]
    if not unsent:
        return False
    unsent = [one for one in unsent if one.address == unsent[-1].address]
    message = _message(case, unsent, at, settings)
    send_mail(message)
    keep_mail(case, ledger, "number_asked", message, at=at, secrets=[one.link for one in unsent])
    provable.write_asked(case, [replace(one, mailed=True) if one in unsent else one for one in questions])
    return True


def _asked(
    case: CaseFile,
    declarations: Sequence[Declaration],
    numbers: Sequence[str],
    possessions: Possessions,
    ledger: Ledger,
    send_mail: SendMail,
    at: datetime,
    settings: Settings,
) -> str:
    if changed_lately(case, declarations, at):
        return "contact_changed"
    try:
        address = on_file(case, case.read_json("request")["subject"]["email"])
    except PermanentError as error:
        if error.code != "address.absent":
            raise
        return "no_contact"
    for one in _drawn(case, numbers, address, at, settings):
        possessions.create(case.case_id, one.link, one.address, one.number, expires_at=one.expires_at, at=at)
    try:
        send_unsent(case, ledger=ledger, send_mail=send_mail, at=at, settings=settings)
    except PermanentError:
        return "undeliverable"
    return "sent"


def _drawn(case: CaseFile, numbers: Sequence[str], address: str, at: datetime, settings: Settings) -> Sequence[Asked]:
    """A question for each number: what lies in the case file and still opens, else drawn anew. What was asked before
    about others stays: it may be proven."""
    known = {one.number: one for one in provable.asked(case)}
    expires_at = (at + timedelta(days=settings.challenge_days)).replace(microsecond=0)
    for number in numbers:
        if number not in known or known[number].expires_at <= at or known[number].address != address:
            known[number] = Asked(number, new_link(), address, expires_at)
    provable.write_asked(case, known.values())
    return [known[number] for number in numbers]


def _message(case: CaseFile, questions: Sequence[Asked], at: datetime, settings: Settings) -> EmailMessage:
    letter = NumberLetter.of(case.read_json("request"), settings)
    address, expires_at = questions[0].address, min(one.expires_at for one in questions)
    pages = [(one.number[-2:], url(one, settings, letter.language)) for one in questions]
    return letter.asking(address, pages, expires_at, at)


def url(question: Asked, settings: Settings, language: str) -> str:
    """The page that it is answered on, the secret in the fragment, which a browser keeps to itself."""
    return f"{settings.portal_url}/number?lang={language}#{question.link}.{int(question.expires_at.timestamp())}"
