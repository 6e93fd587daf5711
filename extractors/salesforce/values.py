"""Normal forms of what Salesforce holds: ids, addresses, numbers, times."""

import re
from datetime import datetime
from functools import lru_cache
from string import ascii_uppercase
from typing import Any, Final

import phonenumbers

from dsr.model import Identifier

_SUFFIX: Final = ascii_uppercase + "012345"
_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_LONGEST_ADDRESS: Final = 320


def full_id(value: Any) -> str:
    """The 18-character form of an id of 15 or 18 characters; "" when the value is no id.

    The 15-character form tells capitals apart; the other adds three characters that encode which are capitals.
    """
    return _full(value[:15]) if isinstance(value, str) and _ID.fullmatch(value) else ""


@lru_cache(maxsize=1 << 16)
def _full(text: str) -> str:
    chunks = (text[n : n + 5] for n in (0, 5, 10))
    sums = (sum(1 << n for n, c in enumerate(chunk) if c in ascii_uppercase) for chunk in chunks)
    return text + "".join(_SUFFIX[s] for s in sums)


def email(value: Any) -> str:
    """An address stripped and in lower case; "" when it can't be one that Salesforce holds."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if "@" not in text or len(text) > _LONGEST_ADDRESS or not text.isprintable():
        return ""
    return text


def phone(value: Any, region: str) -> str:
    """E.164 of a number as somebody typed it, national forms read as of that region; "" when it is no number."""
    if not isinstance(value, str) or not value.strip():
        return ""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def national_digits(number: str) -> str:
    """The digits of an E.164 number that every way to write it has in common: without the country's."""
    return str(phonenumbers.parse(number, None).national_number)


def normal(identifier: Identifier, region: str) -> Identifier | None:
    """An identifier in the form in which records' are compared; None when nothing here can answer to it."""
    if identifier.kind == "email":
        value = email(identifier.value)
    elif identifier.kind == "phone":
        value = phone(identifier.value, region)
    elif identifier.kind.startswith("salesforce_"):
        value = full_id(identifier.value)
    else:
        return None
    return Identifier(identifier.kind, value) if value else None


def moment(value: str) -> str:
    """RFC 3339 of Salesforce's `2024-01-02T03:04:05.000+0000`; anything else as it is."""
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", value)
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return value
    return text
