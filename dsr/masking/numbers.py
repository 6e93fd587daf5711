"""Numbers with check digits in a text: Swedish personal and organisation numbers, payment cards, IBANs.

Sources: the Swedish Tax Agency's SKV 704 (personnummer, samordningsnummer: 60 more than the day), SKV 709
(organisationsnummer: third digit 2 or more), ISO/IEC 7812 (cards), ISO 13616 (IBAN).
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Final

_DASH: Final = r"[-+‐-―−]"
_SWEDISH: Final = re.compile(rf"(?<!\d)(?<!\d[.,])(?=((\d\d)?(\d{{6}})(?: ?({_DASH}) ?| )?(\d{{4}}))(?!\d))")
_VAT: Final = re.compile(r"(?<![^\W_])SE ?(\d{10})01(?![^\W_])", re.IGNORECASE)
_CARD: Final = re.compile(
    r"(?<![^\W_])(?<!\d[.,])(?=(\d{13,19}"
    r"|\d{4}(?P<a>[ \u00a0-])\d{4}(?P=a)\d{4}(?P=a)\d{4}(?P<more>(?P=a)\d{1,3}(?!\d))?"
    r"|\d{4}(?P<b>[ \u00a0-])\d{6}(?P=b)\d{4,5})(?!\d))"
)
"""Look ahead only, so that finds may overlap: one that doesn't check hides none that does."""
_IBAN: Final = re.compile(r"(?<![^\W_])(?=[A-Za-z]{2}\d{2}[ \u00a0-]?[A-Za-z0-9])")
_NETWORKS: Final = re.compile(r"3[0-9]|4|5[0-9]|6[0-9]|2[2-7]|81")
_REGISTRY: Final = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18
FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21
LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24
SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
"""Country → characters of its IBANs, from the registry that SWIFT keeps for ISO 13616."""


def numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of every number whose check digits and form are right."""
    for found in _SWEDISH.finditer(text):
        kind = _swedish(*found.groups()[1:])
        if kind:
            yield *found.span(1), kind
    for vat in _VAT.finditer(text):
        if luhn(vat[1]):
            yield *vat.span(), "organisation_number" if int(vat[1][2:4]) >= 20 else "personal_number"
    for found in _CARD.finditer(text):
        whole, more = found[1], found["more"] or ""
        for number in (whole, whole.removesuffix(more)) if more else (whole,):
            digits = compact(number)
            if _NETWORKS.match(digits) and luhn(digits):
                yield found.start(), found.start() + len(number), "card_number"
                break
    for found in _IBAN.finditer(text):
        end = _iban(text, found.start())
        if end:
            yield found.start(), end, "iban"


def _swedish(century: str | None, birth: str, dash: str | None, rest: str) -> str:
    """personal_number, organisation_number or "". What tells a number of an organisation from any other of ten digits
    is a hyphen, or the 16 before it."""
    if not luhn(birth + rest):
        return ""
    if int(birth[2:4]) < 20:
        return "personal_number" if _born(century, birth) else ""
    marked = century == "16" or (century is None and dash is not None)
    return "organisation_number" if marked and birth[0] not in "04" else ""


def _born(century: str | None, birth: str) -> bool:
    """Whether six digits are a date in that century, in any without one; a day may have 60 added."""
    if century not in (None, "18", "19", "20"):
        return False
    day = int(birth[4:])
    for hundred in (century,) if century else ("19", "20"):
        try:
            date(int(hundred + birth[:2]), int(birth[2:4]), day - 60 if day > 60 else day)
        except ValueError:
            continue
        return True
    return False


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, modulus 10). All zeros don't count."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and total > 0


def _iban(text: str, start: int) -> int:
    """Where an IBAN that begins there ends; 0 when there is none. Blanks and hyphens may part it anywhere."""
    length = _LENGTHS.get(text[start : start + 2].upper(), 0)
    found = _parted(length).match(text, start) if length else None
    if not found:
        return 0
    seen = compact(found[0])
    return found.end() if int("".join(str(int(c, 36)) for c in seen[4:] + seen[:4])) % 97 == 1 else 0


@cache
def _parted(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9](?:[ \u00a0-]?[A-Za-z0-9]){{{length - 1}}}(?![^\W_])")


def compact(number: str) -> str:
    """A number without what parts it: letters in upper case, digits as ASCII."""
    return "".join(str(int(c)) if c.isdecimal() else c.upper() for c in number if c.isalnum())


def loosely(number: str) -> re.Pattern[str] | None:
    """Where this number stands, however it is parted; None when it has fewer than five characters. The century of a
    personal number may be there or not."""
    characters = compact(number)
    if len(characters) < 5:
        return None
    if len(characters) == 12 and characters.isdigit() and characters[:2] in ("16", "18", "19", "20"):
        head, characters = f"(?:{characters[:2]})?", characters[2:]
    else:
        head = ""
    parted = r"[ \u00a0./+‐-―−-]{0,2}".join(map(re.escape, characters))
    return re.compile(rf"(?<![^\W_]){head}{parted}(?![^\W_])", re.IGNORECASE)
