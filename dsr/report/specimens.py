"""Every letter, mail and answer in a ticket that there is, in both languages, about nobody: what those who answer for
the words read, and what tests hold against the law."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Final

from dsr.notices import KINDS
from dsr.refusal import reasons
from dsr.report import made_up, notices
from dsr.report.acting import EXTENSIONS, LIFTINGS, ActingLetter, page
from dsr.report.answers import Access, Letter, Transfer
from dsr.report.identity import IdentityLetter
from dsr.report.letters import LANGUAGES, Texts
from dsr.report.number import NumberLetter
from dsr.report.reminder import reminder
from dsr.report.transmission import Sent, TransmissionLetter
from dsr.report.triage import TriageLetter
from dsr.report.unheld import unheld
from dsr.settings import Settings
from dsr.steps.watch import OVERDUE, Reminder
from dsr.vocabulary import RIGHTS as ALL_RIGHTS
from dsr.vocabulary import UNCLEAR

RIGHTS: Final = (
    ("erasure", ""),
    ("restriction", ""),
    ("rectification", ""),
    ("objection", "direct_marketing"),
    ("objection", "legitimate_interest"),
    ("withdrawal", ""),
)
DISCLOSING: Final = (("access", ""), ("portability", ""))
"""Rights that are answered with the package."""
UNDECIDED: Final = ((UNCLEAR, ""),)
"""A ticket that doesn't say which right it is about."""
TICKET, MAIL, TEXT, OTHERS, OFFICERS = "ticket", "mail", "text", "others", "officers"
"""Who reads it where: the person in their ticket, as a mail, on their phone, recipients and others who answer,
officers."""
_EFFECT: Final = {"erasure": "erase", "rectification": "rectify"}
_PORTAL: Final = "https://data.exempel.example"


@dataclass(frozen=True)
class Specimen:
    """`name`: letters, digits and hyphens, the same in both languages, its first word the group that it stands in;
    `way`: one of the above; `text`: "" for what is HTML only."""

    name: str
    language: str
    way: str
    title: str
    text: str
    html: str

    @property
    def stem(self) -> str:
        """Of file names and addresses."""
        return f"{self.name}.{self.language}"


def specimens(settings: Settings) -> Iterator[Specimen]:
    """All of them. `settings` gives the controller; what it doesn't say is made up."""
    made_up_for = made_up.CONTROLLER
    controller = settings.controller if settings.controller.name else made_up_for
    shown = replace(settings, controller=controller, mail_from=settings.mail_from or made_up_for.mail)
    for language in LANGUAGES:
        yield from _triage(shown, language)
        yield from _identity(shown, language)
        yield from _number(shown, language)
        for right, _ in DISCLOSING:
            yield from _disclosing(Letter(made_up.REQUEST, language, shown, right, made_up.RECEIVED))
        for right, ground in (*DISCLOSING, *RIGHTS, *UNDECIDED):
            yield from _acting(ActingLetter(made_up.REQUEST, language, shown, right, ground, made_up.RECEIVED))
        yield from _notices(shown, language)
    yield _reminder(shown)


def _in_ticket(name: str, language: str, title: str, text: str) -> Specimen:
    return Specimen(name, language, TICKET, title, text, page(text, title, language))


def _mailed(name: str, language: str, message: EmailMessage, way: str = MAIL) -> Specimen:
    """As a mail program shows it; a mail without HTML as it would be with it."""
    title, parts = str(message["Subject"]), {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    text, html = (part.get_content() if part else "" for part in parts.values())
    return Specimen(name, language, way, title, text, html or page(text, title, language))


def _triage(settings: Settings, language: str) -> Iterator[Specimen]:
    """What is said before a request is worked on."""
    letter = TriageLetter(made_up.REQUEST, language, settings, "erasure", made_up.RECEIVED)
    title = Texts(language, {}, "acting")("mail.subject_done")
    received = Texts(language, {}, "triage")("acknowledged.subject")
    for right in (*ALL_RIGHTS, UNCLEAR):
        text = replace(letter, right=right).acknowledged(made_up.DUE)
        yield _in_ticket(f"first-acknowledged-{right}", language, received, text)
    told = {
        "joined": letter.joined(made_up.RECEIVED - timedelta(days=2), made_up.DUE),
        "customer": letter.customer(made_up.CUSTOMER),
        "customer-unnamed": letter.customer(None),
        "recruiting": letter.recruiting(made_up.DUE),
        "which": letter.which(ALL_RIGHTS),
        "taken": letter.taken("erasure", made_up.DUE),
    }
    for name, text in told.items():
        yield _in_ticket(f"first-{name}", language, title, text)
    yield _mailed("others-customer", language, letter.to_customer(made_up.CUSTOMER, made_up.RECEIVED), OTHERS)
    handed = letter.to_recruiting("1001", made_up.DUE, made_up.RECEIVED)
    yield _mailed("others-recruiting", language, handed, OTHERS)


def _identity(settings: Settings, language: str) -> Iterator[Specimen]:
    """The question who asks, its reminder and its code, and what the ticket says of it."""
    made, ends = made_up.RECEIVED, made_up.RECEIVED + timedelta(days=7)
    for right in ("erasure", "restriction", "rectification"):
        letter = IdentityLetter(made_up.REQUEST, language, settings, right, made_up.RECEIVED)
        second, url = right == "erasure", f"{settings.portal_url or _PORTAL}/confirm?lang={language}#example"
        mails = {
            "asked": letter.asking(made_up.TO, url, ends, made, second=second),
            "reminder": letter.asking(made_up.TO, url, ends, made, second=second, reminder=1),
            "unknown": letter.unknown(made_up.TO, made_up.NOTHING, made),
            "code": letter.code(made_up.TO, "7K3F-9QXM", made + timedelta(minutes=10), made),
        }
        for name, mail in mails.items():
            yield _mailed(f"identity-{right}-{name}", language, mail)
        text = letter.ticket("7K3F-9QXM-2HTP" if second else "")
        yield _in_ticket(f"identity-{right}-ticket", language, str(mails["asked"]["Subject"]), text)


def _number(settings: Settings, language: str) -> Iterator[Specimen]:
    """The question whether a phone is theirs, and the text with its code."""
    made, letter = made_up.RECEIVED, NumberLetter(made_up.REQUEST, language, settings, made_up.RECEIVED)
    url = f"{settings.portal_url or _PORTAL}/number?lang={language}#example"
    pages = [("45", url), ("06", f"{url}2")]
    yield _mailed("number-question", language, letter.asking(made_up.TO, pages, made + timedelta(days=7), made))
    title, text = Texts(language, {}, "number")("mail.subject"), letter.text("7K3F-9QXM")
    yield Specimen("number-code", language, TEXT, title, text, page(text, title, language))


def _disclosing(letter: Letter) -> Iterator[Specimen]:
    """The answer to access and portability: the mail with the link, the ticket with the code."""
    title = Texts(letter.language, {}, "acting")("mail.subject_done")
    found, nothing = made_up.FOUND, made_up.NOTHING
    partly = replace(found, doubtful=3, unreviewed=2, incomplete=("Pardot",))
    url = f"{letter.settings.portal_url or _PORTAL}/?lang={letter.language}#example"
    ends = (made_up.RECEIVED + timedelta(days=30)).astimezone(letter.settings.zone)
    plain = Access(url, "7K3F-9QXM-2HTP", ends)
    opened = {"": plain, "zip": replace(plain, encryption="zip", password=made_up.PASSWORD),
              "age": replace(plain, encryption="age")}  # fmt: skip
    for name, access in opened.items():
        stem = "-".join(filter(None, (letter.right, "link", name)))
        yield _mailed(f"{stem}-mail", letter.language, letter.mail(made_up.TO, access, found, made_up.RECEIVED))
        yield _in_ticket(f"{stem}-ticket", letter.language, title, letter.ticket(access, found))
    told = {
        "link-zip-again-ticket": letter.ticket(replace(opened["zip"], password=""), found),
        "link-partly-ticket": letter.ticket(plain, partly),
        "only-doubtful": letter.ticket(None, replace(nothing, doubtful=3)),
        "nothing-held": letter.ticket(None, nothing),
        "nothing-but-erased-before": letter.ticket(None, replace(nothing, erased_before=True)),
        "nothing-in-what-could-be-searched": letter.ticket(None, replace(nothing, incomplete=("Pardot",))),
    }
    if letter.right == "portability":
        sending = TransmissionLetter(letter.request_id, letter.language, letter.settings, letter.received)
        sent = Sent("Exempelbanken", ends, made_up.RECEIPT, sealed=False)
        told |= {
            "link-transfer-ticket": letter.ticket(plain, found, Transfer("Exempelbanken", possible=True)),
            "link-no-transfer-ticket": letter.ticket(plain, found, Transfer("exempelbanken", possible=False)),
            "transmitted": sending.sent(sent),
            "transmitted-sealed": sending.sent(replace(sent, sealed=True)),
            "transmission-declined": sending.declined(),
        }
    for name, text in told.items():
        yield _in_ticket(f"{letter.right}-{name}", letter.language, title, text)
    mail = letter.mail(made_up.TO, plain, partly, made_up.RECEIVED)
    yield _mailed(f"{letter.right}-link-partly-mail", letter.language, mail)


def _acting(letter: ActingLetter) -> Iterator[Specimen]:
    """The answers to one right that can be given in words, and what can be said about any right."""
    texts = Texts(letter.language, {}, "acting")
    done = () if (letter.right, letter.ground) in (*DISCLOSING, *UNDECIDED) else _done(letter)
    for name, kind, text in (*done, *_not_done(letter)):
        stem = "-".join(filter(None, (letter.right, letter.ground, name))).replace("_", "-")
        yield _in_ticket(stem, letter.language, texts(f"mail.subject_{kind}"), text)


def _done(letter: ActingLetter) -> Iterator[tuple[str, str, str]]:
    """(name, kind, text) of what can be said when systems were changed for one right."""
    effect = _EFFECT.get(letter.right, "restrict")
    told = made_up.told({"erase": "erasure", "rectify": "rectification"}.get(effect, "restriction"))
    if letter.right == "withdrawal" or letter.ground == "direct_marketing":
        told = ()  # Art. 19 doesn't cover these
        for name, summary, listed in (
            ("nothing-held", made_up.NOTHING, True),
            ("nothing-held-shared-mailbox", made_up.NOTHING, False),
            ("only-doubtful", replace(made_up.NOTHING, doubtful=3), True),
        ):
            yield name, "done", unheld(letter, summary, listed=listed)
    yield "full", "done", letter.done(made_up.certificate(effect, whole=True), told)
    yield "partial", "done", letter.done(made_up.certificate(effect, whole=False), told)
    yield "none", "done", letter.done({"lines": [made_up.kept(effect)]})
    if letter.right == "erasure":
        yield "anonymised", "done", letter.done(made_up.anonymised(), told)
    yield "recipients", "recipients", letter.recipients(told)
    if letter.right == "restriction":
        yield "kept", "kept", letter.kept()
        for reason in LIFTINGS:
            yield f"lifting-{reason}", "lifting", letter.lifting(made_up.LIFTED, reason, made_up.ANNOUNCED)
    if letter.ground == "legitimate_interest":
        yield "meanwhile", "meanwhile", letter.meanwhile(made_up.DUE)
        for reason in ("compelling_grounds", "legal_claims"):
            yield f"overridden-{reason}", "refused", letter.overridden(reason, made_up.LIFTED, made_up.ANNOUNCED)


def _not_done(letter: ActingLetter) -> Iterator[tuple[str, str, str]]:
    """(name, kind, text) of what can be said about any right: that it is refused, that it takes longer."""
    for reason in reasons(letter.right, letter.ground):
        yield f"refused-{reason}", "refused", letter.refused([reason])
    for reason in EXTENSIONS:
        text = letter.extended(made_up.DEADLINES, [reason], made_up.RECEIVED.date(), date(2026, 12, 10))
        yield f"extended-{reason}", "extended", text


def _notices(settings: Settings, language: str) -> Iterator[Specimen]:
    for kind in KINDS:
        mail = notices.mail(made_up.notice(kind, language), settings, made_up.RECEIVED)
        yield _mailed(f"others-notice-{kind}", language, mail, OTHERS)


def _reminder(settings: Settings) -> Specimen:
    due = [
        Reminder(made_up.REQUEST, "erasure", OVERDUE, -3, made_up.DUE),
        Reminder(made_up.REQUEST, "access", 1, 1, made_up.DUE + timedelta(days=4)),
        Reminder(made_up.REQUEST, "objection", 7, 7, made_up.DUE + timedelta(days=10)),
    ]
    title, html = reminder(due, settings)
    return Specimen("officers-reminder", "en", OFFICERS, title, "", html)
