"""The identifiers that a vendor's record carries, in normal form."""

from collections.abc import Mapping
from typing import Any

import phonenumbers

from dsr.model import Identifier

_REGION = "SE"
"""Country of numbers that are written without one."""


def email(text: Any) -> str:
    """An e-mail address in normal form; "" when there is none."""
    return text.strip().lower() if isinstance(text, str) and "@" in text else ""


def phone(text: Any) -> str:
    """A phone number in E.164; "" for what isn't a possible one."""
    if not isinstance(text, str) or not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def identifiers(record: Mapping[str, Any]) -> set[Identifier]:
    """E-mail and phone of a registrant, panelist or participant."""
    address = email(record.get("email") or record.get("user_email"))
    number = phone(record.get("phone"))
    pairs = (("email", address), ("phone", number))
    return {Identifier(kind, value) for kind, value in pairs if value}


def person(record: Mapping[str, Any]) -> str:
    """The name as the record holds it; "" when it holds none."""
    parts = [record.get("name")] if record.get("name") else [record.get("first_name"), record.get("last_name")]
    return " ".join(str(part).strip() for part in parts if part)
