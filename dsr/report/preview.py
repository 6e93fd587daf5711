"""Every letter in both languages with made-up data, to be read by those who answer for the words:
`python -m dsr letters preview FOLDER`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from dsr.notices import Notice
from dsr.notices.told import Told
from dsr.referring import Customer
from dsr.refusal import reasons
from dsr.register.nouns import Notification, Recipient
from dsr.report import notices
from dsr.report.acting import EXTENSIONS, LIFTINGS, ActingLetter, page
from dsr.report.answers import Summary
from dsr.report.identity import IdentityLetter
from dsr.report.letters import LANGUAGES, Texts
from dsr.report.triage import TriageLetter
from dsr.settings import Controller, Settings
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
"""Rights whose other letters come with the package."""
UNDECIDED: Final = ((UNCLEAR, ""),)
"""A ticket that doesn't say which right it is about."""
_EFFECT: Final = {"erasure": "erase", "rectification": "rectify"}
_KEPT: Final = {"erase": "restrict"}
"""What is kept of what was to be erased is restricted meanwhile."""
_REQUEST: Final = "dsr-exampleexampleexampleexa"
_RECEIVED: Final = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
_DEADLINES: Final = {"target": "2026-12-25", "legal_latest": "2026-12-28", "extended_latest": "2027-02-25"}
_ANNOUNCED: Final = date(2027, 2, 15)
_LIFTED: Final = date(2027, 3, 1)
_CRM: Final = {"sv": "Kundregister (Salesforce)", "en": "Customer register (Salesforce)"}
_INVOICES: Final = {"sv": "Fakturering", "en": "Invoicing"}
_WEBINARS: Final = {"sv": "Webbinarier", "en": "Webinars"}
_CALLS: Final = {"sv": "Inspelade samtal", "en": "Recorded calls"}
_BOOKS: Final = {
    "sv": "Bokföringslagen kräver att räkenskapsinformation bevaras i sju år.",
    "en": "The Bookkeeping Act demands that accounting records are kept for seven years.",
}
_UNKNOWN: Final = Summary(held=False, doubtful=0, searched=("Salesforce", "Zoom"), incomplete=())
_NO_REASON: Final[Mapping[str, str]] = {"sv": "", "en": ""}


def preview(folder: Path, settings: Settings) -> int:
    """Write every letter as `<name>.<language>.txt` and `.html`; how many. `settings` gives the controller; what it
    doesn't say is made up."""
    folder.mkdir(parents=True, exist_ok=True)
    made_up = Controller("Exempel AB", "dataskydd@exempel.example", "Storgatan 1, 111 11 Stockholm")
    controller = settings.controller if settings.controller.name else made_up
    shown = replace(settings, controller=controller, mail_from=settings.mail_from or made_up.mail)
    count = 0
    for name, language, title, text in letters(shown):
        stem = f"{name}.{language}"
        (folder / f"{stem}.txt").write_text(text, encoding="utf-8")
        (folder / f"{stem}.html").write_text(page(text, title, language), encoding="utf-8")
        count += 1
    return count


def letters(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """(name, language, title, text) of every letter."""
    for language in LANGUAGES:
        texts = Texts(language, {}, "acting")
        for right, ground in (*DISCLOSING, *RIGHTS, *UNDECIDED):
            letter = ActingLetter(_REQUEST, language, settings, right, ground)
            done = () if (right, ground) in (*DISCLOSING, *UNDECIDED) else _done(letter)
            for name, kind, text in (*done, *_not_done(letter)):
                stem = "-".join(filter(None, (right, ground, name)))
                yield stem, language, texts(f"mail.subject_{kind}"), text
        yield from _identity(settings, language)
        yield from _triage(settings, language)
        for kind in ("erasure", "restriction", "rectification"):
            notice = _notice(kind, language)
            subject = texts(f"notice.subject_{kind}", reference=notice.notice_id)
            yield f"notice-{kind}", language, subject, notices.body(notice, settings)


def _identity(settings: Settings, language: str) -> Iterator[tuple[str, str, str, str]]:
    """The question who asks, its reminder and its code, and what the ticket says of it."""
    made, ends = _RECEIVED, _RECEIVED + timedelta(days=7)
    for right in ("erasure", "restriction", "rectification"):
        letter, second = IdentityLetter(_REQUEST, language, settings, right), right == "erasure"
        url = f"{settings.portal_url or 'https://data.exempel.example'}/confirm#example"
        mails = {
            "asked": letter.asking("asa@exempel.example", url, ends, made, second=second),
            "reminder": letter.asking("asa@exempel.example", url, ends, made, second=second, reminder=1),
            "unknown": letter.unknown("asa@exempel.example", _UNKNOWN, made),
            "code": letter.code("asa@exempel.example", "7K3F-9QXM", made + timedelta(minutes=10), made),
        }
        for name, mail in mails.items():
            body = mail.get_body(("plain",))
            yield f"identity-{right}-{name}", language, str(mail["Subject"]), body.get_content() if body else ""
        text = letter.ticket("7K3F-9QXM-2HTP" if second else "")
        yield f"identity-{right}-ticket", language, str(mails["asked"]["Subject"]), text


def _triage(settings: Settings, language: str) -> Iterator[tuple[str, str, str, str]]:
    """What is said before a request is worked on."""
    letter = TriageLetter(_REQUEST, language, settings, "erasure", _RECEIVED)
    customer, until = Customer("Exempelkommunen", "dataskydd@kommunen.example"), date(2026, 12, 28)
    texts = Texts(language, {}, "acting")("mail.subject_done")
    told = {
        "joined": letter.joined(_RECEIVED - timedelta(days=2), until),
        "customer": letter.customer(customer),
        "customer-unnamed": letter.customer(None),
        "recruiting": letter.recruiting(until),
        "which": letter.which(ALL_RIGHTS),
        "taken": letter.taken("erasure", until),
    }
    for name, text in told.items():
        yield f"triage-{name}", language, texts, text
    for name, mail in (
        ("customer", letter.to_customer(customer, _RECEIVED)),
        ("recruiting", letter.to_recruiting("1001", until, _RECEIVED)),
    ):
        body = mail.get_body(("plain",))
        yield f"notice-triage-{name}", language, str(mail["Subject"]), body.get_content() if body else ""


def _done(letter: ActingLetter) -> Iterator[tuple[str, str, str]]:
    """(name, kind, text) of what can be said when systems were changed for one right."""
    effect = _EFFECT.get(letter.right, "restrict")
    told = _told({"erase": "erasure", "rectify": "rectification"}.get(effect, "restriction"))
    if letter.right == "withdrawal" or letter.ground == "direct_marketing":
        told = ()  # Art. 19 doesn't cover these
    kept = _line("invoicing", _INVOICES, _KEPT.get(effect, "keep"), "done", 7, _BOOKS, "2033-12-31")
    yield "full", "done", letter.done(_certificate(effect, whole=True), told)
    yield "partial", "done", letter.done(_certificate(effect, whole=False), told)
    yield "none", "done", letter.done({"lines": [kept]})
    yield "recipients", "recipients", letter.recipients(told)
    if letter.right == "restriction":
        yield "kept", "kept", letter.kept()
        for reason in LIFTINGS:
            yield f"lifting-{reason}", "lifting", letter.lifting(_LIFTED, reason, _ANNOUNCED)
    if letter.ground == "legitimate_interest":
        yield "meanwhile", "meanwhile", letter.meanwhile(date(2026, 12, 28))
        for reason in ("compelling_grounds", "legal_claims"):
            yield f"overridden-{reason}", "refused", letter.overridden(reason, _LIFTED, _ANNOUNCED)


def _not_done(letter: ActingLetter) -> Iterator[tuple[str, str, str]]:
    """(name, kind, text) of what can be said about any right: that it is refused, that it takes longer."""
    for reason in reasons(letter.right, letter.ground):
        yield f"refused-{reason}", "refused", letter.refused([reason])
    for reason in EXTENSIONS:
        text = letter.extended(_DEADLINES, [reason], _RECEIVED.date(), date(2026, 12, 10))
        yield f"extended-{reason}", "extended", text


def _certificate(effect: str, *, whole: bool) -> Mapping[str, Any]:
    lines = [_line("salesforce", _CRM, effect, "done", 12), _line("invoicing", _INVOICES, effect, "done", 1)]
    if effect == "erase":
        lines.append(_line("invoicing", _INVOICES, "erase", "absent", 2))
        lines.append(_line("invoicing", _INVOICES, "anonymise", "done", 2))
    if whole:
        return {"lines": lines, "remaining": [], "manual": []}
    lines += [
        _line("invoicing", _INVOICES, _KEPT.get(effect, "keep"), "done", 7, _BOOKS, "2033-12-31"),
        _line("salesforce", _CRM, effect, "scheduled", 3, until="2026-12-31"),
        _line("recordings", _CALLS, effect, "manual", 1),
        _line("salesforce", _CRM, effect, "changed", 1),
        _line("recordings", _CALLS, effect, "blocked", 2),
        _line("recordings", _CALLS, "expire", "done", 4, until="2027-01-31"),
    ]
    if effect == "erase":
        lines.append(_line("recordings", _CALLS, "restrict", "manual", 1, _BOOKS, "2033-12-31"))
    doubtful = [{"title": _CRM, "count": 2}]
    return {"lines": lines, "remaining": [], "manual": [], "doubtful": doubtful, "nothing": [_WEBINARS]}


def _line(
    source: str,
    title: Mapping[str, str],
    effect: str,
    outcome: str,
    count: int,
    ground: Mapping[str, str] = _NO_REASON,
    until: str = "",
) -> dict[str, Any]:
    what = {"source": source, "title": title, "dataset": f"{source}_{outcome}", "effect": effect, "outcome": outcome}
    return {**what, "count": count, "ground": "", "ground_words": ground, "until": until}


def _told(kind: str) -> tuple[Told, ...]:
    reason = {
        "sv": "Får bara uppgifter ur bokföringen, och den måste vi bevara oförändrad.",
        "en": "Only receives information from our accounts, which we have to keep unchanged.",
    }
    return (
        Told("1", "crm", "Salesforce.com, Inc.", "opendsr", kind, _RECEIVED, "completed"),
        Told("2", "post", "Brev & Paket AB", "mail", kind, None, "failed", "smtp.550"),
        Told("3", "tax", "Skatteverket", "none", kind, None, "none", reason=reason),
    )


def _notice(kind: str, language: str) -> Notice:
    way = Notification("mail", "", "dataskydd@brev.example", language, "sha256", _NO_REASON)
    recipient = Recipient("post", "Brev & Paket AB", "processor", "SE", _NO_REASON, way)
    titles = ({"sv": "Marknadsföring via e-post och webbplats", "en": "Marketing by e-mail and on the website"},)
    corrections = {"email": "ny@person.example"} if kind == "rectification" else {}
    emails = ("asa@person.example",)
    return Notice(_REQUEST, recipient, kind, ("marketing",), titles, _RECEIVED, emails, corrections)
