"""What a record says about whose it is: names told apart, addresses and numbers that many people use.

Everything here is a plain question about one value; the decision over all records is `dsr.identity`.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import phonenumbers

from dsr.mailboxes import is_role_mailbox
from dsr.model import Identifier, Match
from dsr.vocabulary import IDENTIFIER_KINDS

VENDOR_LINKS: Final = frozenset(IDENTIFIER_KINDS) - {"email", "phone", "customer_number", "salesforce_account"}
"""Kinds of vendors' ids that stand for one human. An account is a company: a link to it says nothing."""

_MOBILE: Final = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.PERSONAL_NUMBER)
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"})
_NOBODY: Final = frozenset({("not", "provided"), ("unknown",), ("okand",), ("n", "a"), ("na",), ("none",), ("null",)})
_LONG_ENOUGH: Final = 5

Name = tuple[str, ...]
"""The words of a name in order, without case, accents and punctuation; () = nothing that tells people apart."""


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """The words of a name. Placeholders of systems that demand one, and addresses put in its place, are no name.

    "Öhrnqvist D'Arcy, Åsa-Lärka" and "asa larka OHRNQVIST DARCY" hold the same words; a comma puts the family first.
    """
    if "@" in text and " " not in text.strip():
        return ()
    family, comma, given = text.partition(",")
    ordered = f"{given} {family}" if comma else text
    decomposed = unicodedata.normalize("NFKD", ordered.casefold().translate(_LETTERS))
    plain = "".join(c for c in decomposed if not unicodedata.category(c).startswith(("M", "Cf")) and c not in "'’´`")
    words = tuple("".join(c if c.isalnum() else " " for c in plain).split())
    return () if words in _NOBODY else words


def comparable(one: Name, other: Name) -> bool:
    """Whether both may name the same human: all words of one are among the other's."""
    return set(one) <= set(other) or set(other) <= set(one)


def kindred(one: Name, other: Name) -> bool:
    """Whether a vendor's link between both is believable: comparable, or the same given name, as after a marriage."""
    return comparable(one, other) or one[0] == other[0]


def misspelt(one: Name, other: Name) -> bool:
    """Whether two names differ by one slip of the fingers that makes no other name of it: any slip in a family name of
    five letters or more; in the given name, which comes first, only letters exchanged or doubled: "Erik" is not
    "Erika", who may live in the same household."""
    if len(one) != len(other) or len(one) < 2:
        return False
    different = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(different) != 1:
        return False
    a, b = one[different[0]], other[different[0]]
    if min(len(a), len(b)) < _LONG_ENOUGH:
        return False
    return _slip(a, b) if different[0] else _exchanged(a, b) or _doubled(a, b) or _doubled(b, a)


def strangers(one: Name, other: Name) -> bool:
    """Whether two whole names have no word in common, not even a misspelt one, but perhaps the given name, which comes
    first and which many bear."""
    if len(one) < 2 or len(other) < 2:
        return False
    alike = {(n, m) for n, a in enumerate(one) for m, b in enumerate(other) if a == b or _slip(a, b)}
    return alike <= {(0, 0)}


def spells(address: Identifier, name: Name) -> bool:
    """Whether the local part of an address is made of this name: the given and a family name stand in it. Such a
    mailbox is one human's, of that name."""
    local = address.value.partition("@")[0]
    words = "".join(name_of(local.replace(".", " ").replace("_", " ").replace("-", " ")))
    return address.kind == "email" and len(name) > 1 and name[0] in words and any(w in words for w in name[1:])


def _slip(one: str, other: str) -> bool:
    """One letter left out, put in, exchanged with the next or replaced, in words that are long enough to tell."""
    if min(len(one), len(other)) < _LONG_ENOUGH:
        return False
    if len(one) == len(other):
        return _exchanged(one, other) or sum(a != b for a, b in zip(one, other, strict=True)) == 1
    long, short = (one, other) if len(one) > len(other) else (other, one)
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))


def _exchanged(one: str, other: str) -> bool:
    return any(one[:n] + one[n + 1] + one[n] + one[n + 2 :] == other for n in range(len(one) - 1))


def _doubled(one: str, other: str) -> bool:
    return any(one[: n + 1] + one[n:] == other for n in range(len(one)))


def agrees(name: Name, known: Iterable[Name]) -> bool:
    """Whether a name may belong to somebody known under `known`: it says no more than one of these, or it adds to one
    that says most among them and is more than a lone family name (which a household shares)."""
    words, sets = set(name), [set(k) for k in known]
    fullest = [k for k in sets if not any(k < other for other in sets)]
    return any(words <= k for k in sets) or any(k <= words and len(k) > 1 for k in fullest)


@lru_cache(maxsize=4096)
def is_common(identifier: Identifier) -> bool:
    """Whether an identifier never suffices, whoever answers to it: a role mailbox, a number that is no mobile's
    (a switchboard may stand behind any fixed line), a company's account."""
    if identifier.kind == "email":
        return is_role_mailbox(identifier.value)
    if identifier.kind == "phone":
        return not _is_mobile(identifier.value)
    return identifier.kind != "customer_number" and identifier.kind not in VENDOR_LINKS


def _is_mobile(number: str) -> bool:
    try:
        return phonenumbers.number_type(phonenumbers.parse(number)) in _MOBILE
    except phonenumbers.NumberParseException:
        return False


@dataclass(frozen=True)
class Sighting:
    """A match as one source reported it. `unchecked`: whoever fills in a form makes such a record
    (`source.Dataset.unchecked`)."""

    source: str
    match: Match
    unchecked: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Source, dataset and record id: what tells records apart."""
        return (self.source, self.match.dataset, self.match.record_id)

    @cached_property
    def name(self) -> Name:
        """The name on the record; () = it bears none."""
        return name_of(self.match.person)

    @cached_property
    def identifiers(self) -> frozenset[Identifier]:
        """All that the record answers to."""
        return self.match.by | self.match.holds

    @cached_property
    def addresses(self) -> frozenset[Identifier]:
        """Its e-mail addresses that are not a role's."""
        return frozenset(i for i in self.identifiers if i.kind == "email" and not is_common(i))

    @cached_property
    def own(self) -> frozenset[Identifier]:
        """What of it could be one human's alone: addresses and mobile numbers."""
        return frozenset(i for i in self.identifiers if i.kind in ("email", "phone") and not is_common(i))
