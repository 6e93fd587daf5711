"""The form by which an officer enters a request: what was typed, the request that it comes to, and what is wrong with
which field, in plain words and without repeating it."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self

from dsr.channels import staff
from dsr.channels.ticket import Refused, Ticket
from dsr.settings import Settings
from dsr.steps import accept
from dsr.vocabulary import UNCLEAR

_LISTS: Final = ("rights", "purposes")
_LONGEST: Final = 20_000
_OLDEST: Final = timedelta(days=2 * 365)
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_AT: Final[Mapping[str, str]] = {
    "right": "rights",
    "received_at": "day",
    "ticket": "reference",
    "subject/email": "email",
    "subject/name": "name",
    "subject/phone": "phone",
    "subject/customer_number": "customer_number",
    "package/encryption": "encryption",
    "package/age_recipient": "age_recipient",
}
"""Where something stands in the request → the form's field; others have the same name in both."""
_EMAIL: Final = "Write one e-mail address and nothing else, such as anna@example.se."
_WORDS: Final[Mapping[tuple[str, str], str]] = {
    ("email", "is required"): "An e-mail address is needed: the search starts from it. If they gave none, ask for one, "
    "or take the one that we have on file for them.",
    ("email", "is not in the form that the schema asks for"): _EMAIL,
    ("reference", "is not in the form that the schema asks for"): "Use letters, digits, full stops and hyphens only.",
    ("corrections", "is required with rectification"): "Write what is to be corrected, one line each.",
    ("corrections", "is for rectification only"): "Corrections go with rectification (Art. 16) only: tick that right "
    "alone, or empty this field.",
    ("purposes", "is required with withdrawal"): "Tick what they no longer consent to.",
    ("ground", "is required with objection"): "An objection needs one: marketing, or another legitimate interest.",
    ("age_recipient", "is no age X25519 recipient"): "This is no age key: it begins with age1 and has 62 characters.",
}


@dataclass(frozen=True)
class Typed:
    """What stands in the form's fields, as typed; "" and () = nothing. `key`: drawn with the form, so that the same
    form makes one case however often it is sent."""

    key: str = ""
    way: str = ""
    day: str = ""
    time: str = ""
    rights: tuple[str, ...] = ()
    email: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    customer_number: str = field(default="", repr=False)
    language: str = "sv"
    reference: str = field(default="", repr=False)
    corrections: str = field(default="", repr=False)
    purposes: tuple[str, ...] = ()
    ground: str = ""
    encryption: str = ""
    age_recipient: str = field(default="", repr=False)
    transmit_to: str = ""
    about: str = ""
    customer: str = ""

    @classmethod
    def new(cls) -> Self:
        """An empty form."""
        return cls(key=secrets.token_hex(16))

    @classmethod
    def of(cls, form: Mapping[str, Sequence[str]]) -> Self:
        """As a browser sends it."""
        given: dict[str, Any] = {}
        for one in fields(cls):
            values = [value[:_LONGEST] for value in form.get(one.name, ())]
            if one.name in _LISTS:
                given[one.name] = tuple(values)
            else:
                given[one.name] = values[0].strip() if values else ""
        return cls(**given)

    def pairs(self) -> list[tuple[str, str]]:
        """Name and value of each field that holds something."""
        found = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return [(name, v) for name, value in found for v in ((value,) if isinstance(value, str) else value) if v]

    def value(self, received_at: datetime) -> dict[str, Any]:
        """The request in our own form, see `staff.parse`; what is empty is left out."""
        named = [] if self.rights == (UNCLEAR,) else list(self.rights)
        subject = {n: getattr(self, n) for n in ("email", "name", "phone", "customer_number") if getattr(self, n)}
        package = {n: getattr(self, n) for n in ("encryption", "age_recipient") if getattr(self, n)}
        parts = {
            "right": named,
            "language": self.language,
            "received_at": received_at.isoformat(),
            "ticket": {"id": self.reference or f"entered-{self.key[:10]}"},
            "subject": subject,
            "corrections": self.corrections,
            "purposes": list(self.purposes),
        }
        for name in ("ground", "transmit_to", "about", "customer"):
            parts[name] = getattr(self, name)
        if package:
            parts["package"] = {"encryption": "", **package}
        return {name: part for name, part in parts.items() if part or name in ("right", "subject")}


@dataclass(frozen=True)
class Stated:
    """What was typed comes to a request. received_at: aware, in the controller's zone."""

    ticket: Ticket
    received_at: datetime


@dataclass(frozen=True)
class Wrong:
    """Field → what is wrong with it, in words."""

    words: Mapping[str, str]


def read(typed: Typed, settings: Settings, now: datetime) -> Stated | Wrong:
    """Looks at all fields at once, so that nobody corrects one after the other."""
    wrong: dict[str, str] = {}
    if not _KEY.fullmatch(typed.key):
        wrong["way"] = "This form is too old: open a new one."
    if typed.way not in staff.WAYS:
        wrong["way"] = "Say how it reached us."
    if not typed.rights:
        wrong["rights"] = "Tick what they ask for, or that it isn't clear."
    received_at = _received(typed, settings, now, wrong)
    try:
        ticket = staff.parse(typed.value(received_at or now))
        accept.check(ticket, settings, now)
    except Refused as refused:
        for pointer, what in refused.problems or (("", "can't be read"),):
            name = _field(pointer)
            wrong.setdefault(name, _words(name, what))
        return Wrong(wrong)
    return Wrong(wrong) if wrong or received_at is None else Stated(ticket, received_at)


def _received(typed: Typed, settings: Settings, now: datetime, wrong: dict[str, str]) -> datetime | None:
    """Without a time of day the day itself counts: the month is reckoned from it either way."""
    try:
        day = date.fromisoformat(typed.day)
        at = time.fromisoformat(typed.time) if typed.time else time()
        received = datetime.combine(day, at.replace(tzinfo=None), settings.zone)
    except ValueError:
        wrong["day"] = "Write the day on which it reached us, and the time if you know it."
        return None
    if received > now:
        wrong["day"] = "This is in the future: write when it reached us."
    elif received < now - _OLDEST:
        wrong["day"] = "This is more than two years ago: look at the year."
    return received


def _field(pointer: str) -> str:
    path = pointer.removeprefix("#").strip("/")
    for start, name in _AT.items():
        if path == start or path.startswith(f"{start}/"):
            return name
    return path.partition("/")[0] or "way"


def _words(name: str, what: str) -> str:
    return _WORDS.get((name, what)) or f"This {what}."
