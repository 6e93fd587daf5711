"""The nouns of the register of processing (Art. 30 GDPR): plain frozen values.

Words are texts that a person reads, in every language of `LANGUAGES`; "" = the register does not say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("sv", "en")
PORTABLE: Final = frozenset(
    {
        "gdpr:A6-1-a",
        "gdpr:A6-1-a-explicit-consent",
        "gdpr:A6-1-a-non-explicit-consent",
        "gdpr:A9-2-a",
        "gdpr:A6-1-b",
        "gdpr:A6-1-b-contract-performance",
        "gdpr:A6-1-b-enter-into-contract",
    }
)
"""Legal bases that carry the right to data portability: consent and contract (Art. 20(1)(a))."""
LEGITIMATE_INTEREST: Final = "gdpr:A6-1-f"
"""The basis, and the start of its narrower terms, that needs the interest in words (Art. 13(1)(d))."""

Words = Mapping[str, str]


@dataclass(frozen=True)
class Problem:
    """Something missing or wrong in the register. row: id of the activity, or the file when it is none's; code:
    stable, lower case with dots; words: what and where, for a privacy officer."""

    row: str
    code: str
    words: str


@dataclass(frozen=True)
class Unsettled:
    """A row under which no answer leaves without a person's decision: `blank` names its blank parts ("row" when the
    register has no such row at all), `confirmed` whether a person stands by it as it reads now."""

    row: str
    blank: tuple[str, ...]
    confirmed: bool


@dataclass(frozen=True)
class Confirmed:
    """Who confirmed a row (a role or an id), when (RFC 3339), and the digest of what it said then."""

    by: str
    at: str
    sha256: str


@dataclass(frozen=True)
class Purpose:
    """Art. 15(1)(a). term: a purpose of DPV."""

    term: str
    words: Words


@dataclass(frozen=True)
class Basis:
    """Art. 6(1) or 9(2). interest: what the legitimate interest is; None for other bases."""

    term: str
    words: Words
    interest: Words | None


@dataclass(frozen=True)
class Notification:
    """How a recipient is told of what was rectified, erased or restricted (Art. 19).

    by          "opendsr", "mail" or "none"
    connection  the Airflow connection of their OpenDSR endpoint; "" for other ways
    to          mail address; by OpenDSR for what that has no words for, "" = none
    language    that they read mails in
    identities  "sha256": the person's address as a hash, without values; "raw": in clear, with corrected values
    reason      why they are not told; blank words for other ways
    """

    by: str
    connection: str
    to: str
    language: str
    identities: str
    reason: Words


@dataclass(frozen=True)
class Recipient:
    """Who receives the data, by identity (C-154/21). role: processor, controller or authority; country: ISO 3166;
    notify: how they are told (Art. 19), None when the register does not say."""

    id: str
    name: str
    role: str
    country: str
    words: Words
    notify: Notification | None = None


@dataclass(frozen=True)
class Transfer:
    """Art. 15(2): the safeguard for a recipient outside the EU/EEA. tool: gdpr: term; link: where it can be read."""

    recipient: str
    country: str
    tool: str
    words: Words
    link: str


@dataclass(frozen=True)
class Retention:
    """Art. 15(1)(d). duration: ISO 8601, None when only criteria can be given; anchor: what it is counted from;
    field: the same as `<dataset>.<field>`, "" when no field holds it; duty: the law that demands it, None = none.

    when          fields `<dataset>.<field>`: a duty holds only for records where one of them is filled; () = for all
    counted_from  "field": a duty counts from the field's day; "calendar_year_end": from the end of its year, which
                  also holds when nothing is said ("")
    """

    duration: str | None
    anchor: Words
    field: str
    duty: Words | None
    words: Words
    when: tuple[str, ...] = ()
    counted_from: str = ""


@dataclass(frozen=True)
class Origin:
    """Art. 15(1)(g): where the data come from. term: a data source of DPV."""

    term: str
    words: Words


@dataclass(frozen=True)
class AutomatedDecisions:
    """Art. 15(1)(h), 22. exists: None when the register does not say; logic and consequences: needed when True."""

    exists: bool | None
    words: Words
    logic: Words
    consequences: Words


@dataclass(frozen=True)
class Input:
    """What a profiling dimension draws on. field: `<dataset>.<field>`."""

    title: Words
    field: str


@dataclass(frozen=True)
class Dimension:
    """One dimension of a profiling. value: `<dataset>.<field>` that holds the present value; logic: the procedure and
    the principles actually applied (C-203/22); effect: what it changes for the person."""

    name: str
    title: Words
    value: str
    inputs: tuple[Input, ...]
    logic: Words
    effect: Words


@dataclass(frozen=True)
class Controller:
    """Art. 30(1)(a). security: Art. 30(1)(g), blank words when not described."""

    name: str
    registration: str
    address: str
    mail: str
    dpo_mail: str
    security: Words


@dataclass(frozen=True)
class Notice:
    """The privacy notice in force. updated: ISO date; sha256: of its text's bytes; url: "" when it has none."""

    title: Words
    updated: str
    sha256: str
    url: str


@dataclass(frozen=True)
class Authority:
    """Where to complain, Art. 15(1)(f)."""

    name: Words
    address: str
    mail: str
    words: Words


@dataclass(frozen=True)
class Right:
    """One of the rights that Art. 15(1)(e) names, or a remedy. term: gdpr: term."""

    term: str
    title: Words
    words: Words
