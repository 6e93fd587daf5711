"""Who sat where: which rows of a participants report are one subject's, and which other traces follow from them.

A row is the subject's when it bears the registrant id of a registration that is surely theirs and no foreign
address, or when `find` matched the row itself. Everything else that looks like them is unsure: an address that also
stands on such a row, or a display name that anybody else bore in the same instance, proves nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsr.model import Match
from extractors.webinars.carried import email
from extractors.webinars.chat import same_name
from extractors.webinars.client import Record
from extractors.webinars.references import ATTENDEE, PANELIST, REGISTRANT, Reference

_NOBODY = ("", same_name("Anonymous Attendee"))


@dataclass
class Guest:
    """What is surely one subject's in one webinar: registrant and panelist ids, (uuid, user id), addresses.

    `registered`: the address of each registration, which others may use too; filled in when they have been read.
    """

    request_id: str
    registrants: set[str] = field(default_factory=set)
    registered: dict[str, str] = field(default_factory=dict)
    panelists: set[str] = field(default_factory=set)
    users: set[tuple[str, str]] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)


def guests(matches: Iterable[Match]) -> dict[str, dict[str, Guest]]:
    """webinar id → request id → guest."""
    tables: dict[str, dict[str, Guest]] = {}
    for match in matches:
        reference = Reference.parse(match.record_id)
        if reference is None:
            continue
        guest = tables.setdefault(reference.webinar, {}).setdefault(match.request_id, Guest(match.request_id))
        guest.emails |= {i.value for i in match.by | match.holds if i.kind == "email"}
        if reference.kind == ATTENDEE:
            guest.users.add((reference.uuid, reference.person))
        else:
            {REGISTRANT: guest.registrants, PANELIST: guest.panelists}[reference.kind].add(reference.person)
    return tables


@dataclass(frozen=True)
class Seat:
    """One guest in one instance. `rows`: theirs; `unsure`: rows that look like theirs; `others`: display names that
    somebody else bore."""

    guest: Guest
    rows: Sequence[Record]
    unsure: Sequence[Record]
    others: frozenset[str]

    @property
    def names(self) -> set[str]:
        """Display names of the guest, in comparable form."""
        return {same_name(row.get("name")) for row in self.rows} - set(_NOBODY)

    def knows(self, address: str) -> bool:
        """Whether the guest is reached by that address or sat here under it."""
        return address in self.guest.emails or any(email(row.get("user_email")) == address for row in self.rows)

    def is_named(self, name: Any) -> bool:
        """Whether that display name was the guest's and nobody else's in this instance."""
        text = same_name(name)
        return text in self.names and text not in self.others

    def owns(self, record: Record) -> bool | None:
        """Whether a question or answer given in the instance is the guest's: by address; without one by display
        name. None = can't tell: somebody else bore the same."""
        address = email(record.get("email"))
        if address:
            if not self.knows(address):
                return False
            if any(email(row.get("user_email")) == address for row in self.unsure):
                return None
            # An address that they only sat under may be their whole department's.
            return True if address in self.guest.emails or self.is_named(record.get("name")) else None
        if same_name(record.get("name")) not in self.names:
            return False
        return True if self.is_named(record.get("name")) else None


def seat(guest: Guest, uuid: str, participants: Sequence[Record]) -> Seat:
    """The guest's seat in the instance; without rows when they weren't there."""
    own = [row for row in participants if _is_own(guest, uuid, row)]
    rest = [row for row in participants if not _is_own(guest, uuid, row)]
    others = frozenset(same_name(row.get("name")) for row in rest)
    names = {same_name(row.get("name")) for row in own} - set(_NOBODY)
    addresses = guest.emails | {email(row.get("user_email")) for row in own} - {""}
    return Seat(guest, own, [row for row in rest if _is_like(guest, addresses, names, row)], others)


def _is_own(guest: Guest, uuid: str, row: Record) -> bool:
    address = email(row.get("user_email"))
    if (uuid, str(row.get("user_id"))) in guest.users and address in guest.emails:
        return True
    registrant = str(row.get("registrant_id") or "")
    known = not address or address in guest.emails or address == guest.registered.get(registrant)
    return registrant in guest.registrants and known


def _is_like(guest: Guest, addresses: set[str], names: set[str], row: Record) -> bool:
    """Bears the guest's link, an address that they have or sat under, or, with neither of its own, their name."""
    address, registrant = email(row.get("user_email")), str(row.get("registrant_id") or "")
    if registrant in guest.registrants or address in addresses:
        return True
    return not address and not registrant and same_name(row.get("name")) in names
