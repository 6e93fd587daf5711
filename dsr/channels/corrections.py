"""The corrections of a request for rectification (Art. 16 GDPR): what may be said, and in which form it is kept.

A value goes into the systems of record as it stands, so what no value of a register has is refused: control and
invisible characters, which hide what a text says, markup and template brackets, and a formula's first character.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

ATTRIBUTES: Final = ("name", "email", "phone", "address", "organisation", "language", "title")
"""Attributes of the person that can be corrected wherever a dataset's declaration says that it holds them."""

MOST: Final = 50
LONGEST: Final = 500
_FIELD: Final = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\.([A-Za-z][A-Za-z0-9_]{0,62})")
_HIDING: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_BRACKETS: Final = frozenset("<>{}")
_FORMULA: Final = ("=", "@", "\t")
_NATIONAL: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{3,30}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,16}(-[A-Za-z0-9]{2,8})?")
_LARGEST: Final = 2**53 - 1


def corrected(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The corrections as the request keeps them, attributes beside dataset → field, in a fixed order; and what is
    wrong: (JSON pointer below the corrections, what), without any value."""
    if len(given) > MOST:
        return {}, [("", f"has more than {MOST} entries")]
    kept: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for key in sorted(given, key=str):
        attribute, field = key.strip().lower(), _FIELD.fullmatch(key.strip())
        if attribute not in ATTRIBUTES and not field:
            # Not named: it may be a value that somebody put in the wrong place.
            problems.append(("", "has an entry that is not known here"))
            continue
        what = _wrong(attribute if not field else "", given[key])
        if what is None and not field and attribute in kept:
            what = "stands twice"
        if what:
            problems.append((f"/{key.strip() if field else attribute}", what))
        elif field:
            kept.setdefault(field[1], {})[field[2]] = _kept("", given[key])
        else:
            kept[attribute] = _kept(attribute, given[key])
    return kept, problems


def _wrong(attribute: str, value: Any) -> str | None:
    """Why a value can't be one; None when it can."""
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= _LARGEST):
        return "has the wrong type" if attribute else None
    if not isinstance(value, str):
        return "has the wrong type"
    return next(_text_problems(attribute, value.strip()), None)


def _text_problems(attribute: str, text: str) -> Iterator[str]:
    if not text:
        yield "is empty"
    if len(text) > LONGEST:
        yield "is too long"
    if any(unicodedata.category(c) in _HIDING for c in text):
        yield "has control or invisible characters"
    if _BRACKETS & set(text) or text.startswith(_FORMULA):
        yield "has characters that are not accepted here"
    if attribute == "email" and _email(text) is None:
        yield "is no e-mail address"
    if attribute == "phone" and not _NATIONAL.fullmatch(text):
        yield "is no telephone number"
    if attribute == "language" and not _LANGUAGE.fullmatch(text):
        yield "is no language"


def _kept(attribute: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value.strip())
    return _email(text) if attribute == "email" else text


def _email(text: str) -> str | None:
    """The address in the form that is kept; None when it is none. Whether its domain exists is not asked: that would
    tell a name server about the person. A character that only becomes an ASCII letter in lower case is refused."""
    if any(not c.isascii() and c.lower().isascii() for c in text):
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None
