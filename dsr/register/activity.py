"""One activity of the register: how it is read from its YAML, and which of its required parts are blank."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from dsr.register.nouns import (
    LANGUAGES,
    LEGITIMATE_INTEREST,
    PORTABLE,
    AutomatedDecisions,
    Basis,
    Confirmed,
    Dimension,
    Input,
    Origin,
    Purpose,
    Recipient,
    Retention,
    Transfer,
    Words,
)

_STAND_INS: Final = frozenset({"tbd", "tba", "todo", "fixme", "n/a", "xxx", "lorem ipsum"})
CONFIRMATION: Final = "confirmed"
NOBODY: Final = "none"
"""`recipients: none` states that nobody receives the data; an empty list states nothing."""


@dataclass(frozen=True)
class Activity:
    """One row of the register (Art. 30(1)).

    automated   processed by automated means; False = paper
    categories  keys of `vocabulary.CATEGORIES`; data_subjects in words
    recipients  those that are defined; `undefined` are the keys that recipients.yaml lacks
    nobody      the row states that nobody receives the data
    needs_tool  recipients outside the EU/EEA for whom no transfer tool is named
    confirmed   None when nobody stands by the row as it reads now; then `stale` is an older confirmation, if any
    sha256      of the row's content and its recipients', what a confirmation is bound to
    """

    id: str
    title: Words
    automated: bool
    purposes: tuple[Purpose, ...]
    legal_basis: tuple[Basis, ...]
    categories: tuple[str, ...]
    data_subjects: Words
    recipients: tuple[Recipient, ...]
    undefined: tuple[str, ...]
    nobody: bool
    transfers: tuple[Transfer, ...]
    needs_tool: tuple[str, ...]
    retention: tuple[Retention, ...]
    sources: tuple[Origin, ...]
    automated_decisions: AutomatedDecisions
    profiling: tuple[Dimension, ...]
    confirmed: Confirmed | None
    stale: Confirmed | None
    sha256: str

    @property
    def blank(self) -> tuple[str, ...]:
        """Names of the required parts that are blank or only half filled; () when all are there."""
        parts = {
            "title": filled(self.title),
            "purposes": _each(self.purposes, lambda p: p.term and filled(p.words)),
            "legal_basis": _each(self.legal_basis, lambda b: b.term and filled(b.words)),
            "interest": all(b.interest is None or filled(b.interest) for b in self.legal_basis),
            "categories": bool(self.categories),
            "data_subjects": filled(self.data_subjects),
            "recipients": not self.undefined
            and (self.nobody or _each(self.recipients, lambda r: r.name and r.role and r.country and filled(r.words))),
            "transfers": not self.needs_tool and all(t.tool and t.link and filled(t.words) for t in self.transfers),
            "retention": _each(self.retention, _says_how_long),
            "sources": _each(self.sources, lambda s: s.term and filled(s.words)),
            "automated_decisions": _decisions_told(self.automated_decisions),
            "profiling": all(
                filled(d.title) and filled(d.logic) and filled(d.effect) and d.value for d in self.profiling
            ),
        }
        return tuple(name for name, there in parts.items() if not there)

    @property
    def portable_basis(self) -> bool:
        """Whether any basis is consent or contract (Art. 20(1)(a))."""
        return any(basis.term in PORTABLE for basis in self.legal_basis)


def filled(text: Words) -> bool:
    """Whether it says something in every language. A dash, a question mark or "TBD" says nothing."""
    return all(_says(text[language]) for language in LANGUAGES)


def words(raw: Mapping[str, Any] | None) -> Words:
    """Words from YAML: line breaks become spaces; absent = ""."""
    given = raw or {}
    return {language: " ".join(str(given.get(language) or "").split()) for language in LANGUAGES}


def activity(
    raw: Mapping[str, Any], recipients: Mapping[str, Recipient], domestic: frozenset[str], sha256: str
) -> Activity:
    """The activity in a file that its schema accepts. domestic: countries to which no tool is needed."""
    receives = raw.get("recipients")
    keys = [] if receives in (None, NOBODY) else list(receives)
    known = tuple(recipients[key] for key in keys if key in recipients)
    transfers = tuple(_transfer(item, recipients) for item in raw.get("transfers") or ())
    told = {transfer.recipient for transfer in transfers}
    confirmed = Confirmed(**raw["confirmed"]) if raw.get("confirmed") else None
    fresh = confirmed is not None and confirmed.sha256 == sha256
    return Activity(
        id=raw["id"],
        title=words(raw.get("title")),
        automated=raw.get("automated", True),
        purposes=tuple(Purpose(item.get("term") or "", words(item.get("words"))) for item in raw.get("purposes") or ()),
        legal_basis=tuple(_basis(item) for item in raw.get("legal_basis") or ()),
        categories=tuple(raw.get("categories") or ()),
        data_subjects=words(raw.get("data_subjects")),
        recipients=known,
        undefined=tuple(key for key in keys if key not in recipients),
        nobody=receives == NOBODY,
        transfers=transfers,
        needs_tool=tuple(r.id for r in known if r.country and r.country not in domestic and r.id not in told),
        retention=tuple(_retention(item) for item in raw.get("retention") or ()),
        sources=tuple(Origin(item.get("term") or "", words(item.get("words"))) for item in raw.get("sources") or ()),
        automated_decisions=_decisions(raw.get("automated_decisions") or {}),
        profiling=tuple(_dimension(item) for item in raw.get("profiling") or ()),
        confirmed=confirmed if fresh else None,
        stale=None if fresh else confirmed,
        sha256=sha256,
    )


def row_digest(raw: Mapping[str, Any], recipients: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a row without its confirmation, with the recipients that it names (RFC 8785 canonical JSON:
    comments, order of names and line breaks of the YAML don't count, words do)."""
    named = raw.get("recipients")
    keys = [] if named in (None, NOBODY) else list(named)
    content = {
        "activity": {name: value for name, value in raw.items() if name != CONFIRMATION},
        "recipients": {key: recipients.get(key) for key in keys},
    }
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def _says(text: str) -> bool:
    return any(sign.isalnum() for sign in text) and text.strip(" .!").casefold() not in _STAND_INS


def _each(items: Sequence[Any], there: Any) -> bool:
    return bool(items) and all(there(item) for item in items)


def _says_how_long(retention: Retention) -> bool:
    counted = retention.duration is None or filled(retention.anchor)
    return filled(retention.words) and counted and (retention.duty is None or filled(retention.duty))


def _decisions_told(decisions: AutomatedDecisions) -> bool:
    explained = filled(decisions.logic) and filled(decisions.consequences)
    return decisions.exists is not None and filled(decisions.words) and (explained or not decisions.exists)


def _basis(item: Mapping[str, Any]) -> Basis:
    term = item.get("term") or ""
    return Basis(
        term,
        words(item.get("words")),
        words(item.get("interest")) if term.startswith(LEGITIMATE_INTEREST) else None,
    )


def _transfer(item: Mapping[str, Any], recipients: Mapping[str, Recipient]) -> Transfer:
    key = item.get("recipient") or ""
    country = recipients[key].country if key in recipients else ""
    return Transfer(key, country, item.get("tool") or "", words(item.get("words")), item.get("link") or "")


def _retention(item: Mapping[str, Any]) -> Retention:
    duty = words(item["duty"]) if item.get("duty") else None
    field, given = item.get("field") or "", item.get("when") or ()
    when = (given,) if isinstance(given, str) else tuple(given)
    anchor, said, counted = words(item.get("anchor")), words(item.get("words")), item.get("counted_from") or ""
    return Retention(item.get("duration") or None, anchor, field, duty, said, when, counted)


def _decisions(item: Mapping[str, Any]) -> AutomatedDecisions:
    parts = (words(item.get(name)) for name in ("words", "logic", "consequences"))
    return AutomatedDecisions(item.get("exists"), *parts)


def _dimension(item: Mapping[str, Any]) -> Dimension:
    inputs = tuple(Input(words(one.get("title")), one["field"]) for one in item.get("inputs") or ())
    title, logic, effect = (words(item.get(name)) for name in ("title", "logic", "effect"))
    return Dimension(item["name"], title, item.get("value") or "", inputs, logic, effect)
