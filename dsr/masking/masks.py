"""The nouns: a proposed mask, and what is known of a human."""

from dataclasses import dataclass, field
from typing import Final

KINDS: Final = (
    "person",
    "staff",
    "email",
    "phone",
    "personal_number",
    "organisation_number",
    "card_number",
    "iban",
    "address",
    "other_speaker",
)
"""What a mask hides. person, staff: a name, of anybody else or of an employee in their role; personal_number:
personnummer and samordningsnummer; address: a postal one; other_speaker: all that somebody else said."""


@dataclass(frozen=True, order=True)
class Mask:
    """A proposal to hide `text[start:end]`: offsets in code points of the text (Python's, not UTF-16's), never inside
    a grapheme. `kind`: one of KINDS. `mentioned`: it stands in the subject's own words, where less speaks for hiding
    it: they know what they said."""

    start: int
    end: int
    kind: str
    mentioned: bool = False


@dataclass(frozen=True)
class Person:
    """What is known of one human, the subject or another. All in `repr` is left out: it is personal data.

    names       as records hold them, given name first or after a comma; former names and other spellings too
    emails      lower case, whole
    phones      E.164
    addresses   lines as records hold them: "Gamla Ekvägen 212", with or without the town
    numbers     anything else that is theirs alone: personal number, organisation number, IBAN, card, customer number;
                blanks, hyphens and case don't count
    staff       an employee of the controller, known in this role
    """

    names: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    addresses: tuple[str, ...] = field(default=(), repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    staff: bool = False
