"""Identifiers as databases hold them: addresses with capitals and blanks, numbers as people type them."""

from collections.abc import Iterable

import phonenumbers

BLANKS = " \u00a0-()/."
"""What people put between the digits of a number; taken out on both sides of a comparison."""


def email(raw: str) -> str:
    """Normal form of an address: without blanks around, lower case; "" when there is none."""
    return raw.strip().lower()


def written(address: str) -> list[str]:
    """The ways in which an address stands in a column once blanks are trimmed: as it is, or with what imports and
    pasting leave beside it, which a database's trim does not take off. A list, so that an index still serves."""
    beside = ("\t", "\n", "\r", "\r\n", "\u00a0")
    return [address, *(f"{address}{rest}" for rest in beside), *(f"{rest}{address}" for rest in beside)]


def phone(raw: str, region: str) -> str:
    """E.164 of a number as it was typed; `region` for those without a country code. "" when it is no number."""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def typed(e164: str, region: str) -> list[str]:
    """The ways in which people type that number once `BLANKS` are taken out; [] when it is no E.164 number."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return []
    code, national = str(number.country_code), phonenumbers.national_significant_number(number)
    forms = [f"+{code}{national}", f"00{code}{national}", f"{code}{national}", f"+{code}0{national}"]
    if number.country_code == phonenumbers.country_code_for_region(region):
        forms += [f"0{national}", national]
    return forms


def sendable(values: Iterable[str]) -> list[str]:
    """Those that a database can be asked for: no text that is empty, holds NUL or can't be encoded."""
    return sorted({v for v in values if v and "\0" not in v and _encodable(v)})


def key(value: str) -> int | None:
    """The number that a record id spells, in its one spelling and within 64 bits; None for anything else."""
    if value.isascii() and value.isdigit() and str(int(value[:20])) == value and int(value) < 2**63:
        return int(value)
    return None


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
