"""Nobody's data, for letters that are only looked at."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from dsr import notices
from dsr.notices import Notice
from dsr.notices.told import Told
from dsr.referring import Customer
from dsr.register.nouns import Notification, Recipient
from dsr.report.answers import Summary
from dsr.settings import Controller
from dsr.transmission.receipt import Receipt

CONTROLLER: Final = Controller("Exempel AB", "dataskydd@exempel.example", "Storgatan 1, 111 11 Stockholm")
REQUEST: Final = "dsr-exampleexampleexampleexa"
RECEIVED: Final = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
DEADLINES: Final = {"target": "2026-12-25", "legal_latest": "2026-12-28", "extended_latest": "2027-02-25"}
DUE: Final = date(2026, 12, 28)
ANNOUNCED: Final = date(2027, 2, 15)
LIFTED: Final = date(2027, 3, 1)
TO: Final = "asa@person.example"
PASSWORD: Final = "exempel-exempel-exempel"  # noqa: S105 - opens nothing
CUSTOMER: Final = Customer("Exempelkommunen", "dataskydd@kommunen.example")
NOTHING: Final = Summary(held=False, doubtful=0, searched=("Salesforce", "Zoom"), incomplete=())
FOUND: Final = Summary(held=True, doubtful=0, searched=("Salesforce", "Zoom"), incomplete=())
_SHA: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RECEIPT: Final = Receipt("R-2026-0042", _SHA, 1_482_311, "2026-12-10T13:05:00Z", "Exempelbanken")
_KEPT: Final = {"erase": "restrict"}
"""What is kept of what was to be erased is restricted meanwhile."""
_CRM: Final = {"sv": "Kundregister (Salesforce)", "en": "Customer register (Salesforce)"}
_INVOICES: Final = {"sv": "Fakturering", "en": "Invoicing"}
_WEBINARS: Final = {"sv": "Webbinarier", "en": "Webinars"}
_CALLS: Final = {"sv": "Inspelade samtal", "en": "Recorded calls"}
_KINDS: Final = {
    "salesforce": {"sv": "Kundkontakter: möten", "en": "Customer contacts: meetings"},
    "invoicing": {"sv": "Fakturor", "en": "Invoices"},
    "recordings": {"sv": "Samtal", "en": "Calls"},
}
_BOOKS: Final = {
    "sv": "Bokföringslagen kräver att räkenskapsinformation bevaras i sju år.",
    "en": "The Bookkeeping Act demands that accounting records are kept for seven years.",
}
_NO_REASON: Final[Mapping[str, str]] = {"sv": "", "en": ""}


def certificate(effect: str, *, whole: bool) -> Mapping[str, Any]:
    """What verification came to: all was done, or all that a letter can say of what wasn't."""
    addresses = {"sv": "Kundregister: dina e-postadresser", "en": "Customer register: your e-mail addresses"}
    lines = [_line("salesforce", _CRM, effect, "done", 12), _line("invoicing", _INVOICES, effect, "done", 1)]
    lines.append({**_line("salesforce", _CRM, effect, "done", 2), "what": addresses})
    if effect == "erase":
        lines.append(_line("invoicing", _INVOICES, "erase", "absent", 2))
        lines.append(_line("invoicing", _INVOICES, "anonymise", "done", 2))
    if whole:
        return {"lines": lines, "remaining": [], "manual": []}
    lines += [
        kept(effect),
        _line("salesforce", _CRM, effect, "scheduled", 3, until="2026-12-31"),
        _line("recordings", _CALLS, effect, "manual", 1),
        _line("salesforce", _CRM, effect, "changed", 1),
        _line("recordings", _CALLS, effect, "blocked", 2),
        _line("recordings", _CALLS, "expire", "done", 4, until="2027-01-31"),
    ]
    if effect == "erase":
        lines.append(_line("recordings", _CALLS, "restrict", "manual", 1, _BOOKS, "2033-12-31"))
    doubtful = [{"title": _CRM, "count": 2}]
    unplaced = [{"title": {"sv": "Ort (Fakturering: adresser)", "en": "City (Invoicing: addresses)"}, "count": 1}]
    more = {"unplaced": unplaced} if effect == "rectify" else {}
    return {"lines": lines, "remaining": [], "manual": [], "doubtful": doubtful, "nothing": [_WEBINARS], **more}


def anonymised() -> Mapping[str, Any]:
    """Nothing was erased that was asked for, but all was made anonymous."""
    lines = [_line("invoicing", _INVOICES, "anonymise", "done", 2)]
    return {"lines": lines, "remaining": [], "manual": []}


def kept(effect: str) -> dict[str, Any]:
    """A line about what a law keeps."""
    return _line("invoicing", _INVOICES, _KEPT.get(effect, "keep"), "done", 7, _BOOKS, "2033-12-31")


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
    return {**what, "what": _KINDS[source], "count": count, "ground": "", "ground_words": ground, "until": until}


def told(kind: str) -> tuple[Told, ...]:
    """Recipients: one that knows, one that couldn't be reached, one that need not be told; of a restriction,
    that it has ended too."""
    reason = {
        "sv": "Får bara uppgifter ur bokföringen, och den måste vi bevara oförändrad.",
        "en": "Only receives information from our accounts, which we have to keep unchanged.",
    }
    made = (
        Told("1", "crm", "Salesforce.com, Inc.", "opendsr", kind, RECEIVED, "completed"),
        Told("2", "post", "Brev & Paket AB", "mail", kind, None, "failed", "smtp.550"),
        Told("3", "tax", "Skatteverket", "none", kind, None, "none", reason=reason),
    )
    ended = Told("4", "crm", "Salesforce.com, Inc.", "mail", notices.LIFTED, RECEIVED, "sent")
    return (*made, ended) if kind == "restriction" else made


def notice(kind: str, language: str) -> Notice:
    """To a recipient that is told by mail."""
    way = Notification("mail", "", "dataskydd@brev.example", language, "sha256", _NO_REASON)
    recipient = Recipient("post", "Brev & Paket AB", "processor", "SE", _NO_REASON, way)
    titles = ({"sv": "Marknadsföring via e-post och webbplats", "en": "Marketing by e-mail and on the website"},)
    corrections = {"email": "ny@person.example"} if kind == "rectification" else {}
    notice = Notice(REQUEST, recipient, kind, ("marketing",), titles, RECEIVED, (TO,), corrections)
    return replace(notice, ends=replace(notice, kind="restriction").notice_id) if kind == notices.LIFTED else notice
