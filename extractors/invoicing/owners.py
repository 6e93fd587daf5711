"""Who the rows of an extraction belong to: contacts and sole traders, and what counts as naming the person."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from dsr.model import Found, Match
from extractors.invoicing import identifiers
from extractors.invoicing.mapping import Books

CONTACT: Final = "c"
CUSTOMER: Final = "k"
"""First letter of an owner's tag; the record's id follows."""

_CODE: Final = re.compile(r"[A-Z0-9/_.#:-]*[0-9][A-Z0-9/_.#:-]*")
_WORDS: Final = re.compile(r"\w+")


@dataclass
class Own:
    """What is one request's own."""

    tags: set[str] = field(default_factory=set)
    names: list[frozenset[str]] = field(default_factory=list)
    firms: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    employers: set[str] = field(default_factory=set)

    def names_them(self, value: str) -> bool:
        """Whether a text names the person or their customer, or nobody: a code such as a cost centre.

        A text of other words counts as somebody else's name: better one word withheld and counted than a name shown.
        """
        words = frozenset(_WORDS.findall(value.casefold()))
        if not words or _CODE.fullmatch(value.strip()) or value.strip().casefold() in self.firms:
            return True
        return any(words <= name for name in self.names)

    def is_theirs(self, value: str) -> bool:
        """Whether an e-mail address is the person's; an empty one is nobody's."""
        return identifiers.email(value) in self.emails | {""}

    @property
    def foreign_traders(self) -> set[str]:
        """Ids of sole traders for whom the person works without being that trader."""
        return {e for e in self.employers if CUSTOMER + e not in self.tags}


@dataclass(frozen=True)
class Owners:
    """All requests of a batch, by request id."""

    requests: dict[str, Own]

    def keys(self, kind: str) -> list[str]:
        """Record ids of all contacts or all sole traders, sorted."""
        return sorted({tag[1:] for own in self.requests.values() for tag in own.tags if tag[0] == kind})

    @property
    def several(self) -> bool:
        """Whether rows must be told apart by their owner."""
        return len(self.requests) > 1


def owners(books: Books, found: Found) -> Owners:
    """From the matches, which are certain by now."""
    traders = {p.rows.dataset for p in books.persons if p.sole_traders}
    requests: dict[str, Own] = defaultdict(Own)
    for match in found.matches:
        own = requests[match.request_id]
        own.tags.add((CUSTOMER if match.dataset in traders else CONTACT) + match.record_id)
        _learn(own, match)
    return Owners(dict(requests))


def _learn(own: Own, match: Match) -> None:
    own.names.append(frozenset(_WORDS.findall(match.person.casefold())))
    own.emails |= _values(match, "email")
    own.firms.add(str(match.reference.get("customer_name", "")).strip().casefold())
    if match.reference.get("sole_trader"):
        own.employers.add(match.reference["customer"])


def _values(match: Match, kind: str) -> set[str]:
    return {i.value for i in match.holds | match.by if i.kind == kind}
