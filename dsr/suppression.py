"""Who must not be taken in again: persons who were erased or have objected, or whose data is restricted, as keyed
hashes of what identifies them.

What imports persons asks here first, by `asks` or by `python -m dsr suppressed --stdin`: else an erased person comes
back with the next file. Art. 21(3) needs such a list, and Art. 17 doesn't end it: it holds no address and no number,
and without the key nobody can tell who is on it.

Scopes: "all" = erased, is not to be kept at all; "marketing" = has objected to direct marketing (Art. 21(2)), mail
about orders and invoices stays possible; "restricted" = is only to be stored for now, neither changed nor used
(Art. 18). Each request puts a person there by itself, and is ended by itself.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import phonenumbers
from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.model import Identifier
from dsr.tables import suppression

SCOPES: Final = ("all", "marketing", "restricted")
KINDS: Final = ("email", "phone")
"""What identifies a person wherever they come from. A customer number is a company's, a vendor's id is ever new."""
_PLACE: Final = "suppression"
_BATCH: Final = 2000
_REASON: Final = re.compile(r"[a-z0-9][a-z0-9_.]{0,63}")


@dataclass(frozen=True)
class Suppressed:
    """One entry as it may be given away: hash in hex, scope, since when (UTC)."""

    hash: str
    scope: str
    since: datetime


class Suppression:
    """The list in the database behind `engine`; `key` is `subkey(master_key, "suppression")`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine, self._key = engine, key

    def add(self, identifiers: Iterable[Identifier], scope: str, request_id: str, at: datetime) -> int:
        """Puts a person on the list for a request; how many identifiers it now holds of them, others than mail and
        phone left out. One that the request has put there already stays as it was; one that had been taken off is on
        it again from `at`. PermanentError("suppression.scope") for a scope that is none."""
        if scope not in SCOPES:
            raise PermanentError("suppression.scope", _PLACE)
        hashes = sorted({self.hash(i) for i in identifiers if i.kind in KINDS})
        if not hashes:
            return 0
        row = {"scope": scope, "request_id": request_id, "since": at, "lifted_at": None, "lifted_reason": ""}
        fresh = insert(suppression).values([{"identifier": value, **row} for value in hashes])
        again = fresh.on_conflict_do_update(
            index_elements=["identifier", "scope", "request_id"],
            set_={name: row[name] for name in ("since", "lifted_at", "lifted_reason")},
            where=suppression.c.lifted_at.is_not(None),
        )
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(again)
        return len(hashes)

    def asks(self, identifiers: Iterable[Identifier]) -> frozenset[str]:
        """The scopes in which any of these is on the list; empty = none is, they may be taken in."""
        known = self.scopes(identifiers)
        return frozenset(scope for scopes in known.values() for scope in scopes)

    def scopes(self, identifiers: Iterable[Identifier]) -> Mapping[Identifier, frozenset[str]]:
        """As `asks`, one by one; those that are not on the list are absent. Any number of them."""
        by_hash = {self.hash(i): i for i in identifiers if i.kind in KINDS}
        found: dict[Identifier, frozenset[str]] = {}
        with transaction(self._engine, _PLACE) as connection:
            for hashes in _batches(by_hash):
                query = select(suppression.c.identifier, suppression.c.scope).where(
                    suppression.c.identifier == func.any(hashes), suppression.c.lifted_at.is_(None)
                )
                for row in connection.execute(query):
                    identifier = by_hash[bytes(row.identifier)]
                    found[identifier] = found.get(identifier, frozenset()) | {row.scope}
        return found

    def remove(
        self, identifiers: Iterable[Identifier], scope: str, reason: str, at: datetime, *, request_id: str = ""
    ) -> int:
        """Takes a person off the list, since they have consented anew, their objection was refused or a restriction
        has ended: `reason` is a code that stays recorded (`consent.given`); how many entries that were. `request_id`:
        only what that request put there; "" = all. PermanentError("suppression.reason") when it is no code."""
        if not _REASON.fullmatch(reason):
            raise PermanentError("suppression.reason", _PLACE)
        hashes = sorted({self.hash(i) for i in identifiers if i.kind in KINDS})
        change = update(suppression).where(
            suppression.c.identifier == func.any(hashes),
            suppression.c.scope == scope,
            suppression.c.lifted_at.is_(None),
        )
        if request_id:
            change = change.where(suppression.c.request_id == request_id)
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(change.values(lifted_at=at, lifted_reason=reason)).rowcount

    def entries(self) -> Iterator[Suppressed]:
        """The whole list, sorted by hash and scope, for jobs that compare hashes themselves (HMAC-SHA256 under this
        list's key over kind, a zero byte and the normalised value)."""
        entry = (suppression.c.identifier, suppression.c.scope)
        query = select(*entry, func.min(suppression.c.since).label("since"))
        query = query.where(suppression.c.lifted_at.is_(None)).group_by(*entry).order_by(*entry)
        with transaction(self._engine, _PLACE) as connection:
            for row in connection.execute(query.execution_options(yield_per=_BATCH)):
                yield Suppressed(bytes(row.identifier).hex(), row.scope, row.since.astimezone(UTC))

    def hash(self, identifier: Identifier) -> bytes:
        """What stands on the list for an identifier, normalised as `model.Identifier` says."""
        message = f"{identifier.kind}\0{identifier.value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")


def identifier_of(text: str, region: str) -> Identifier | None:
    """What stands in an import file, normalised: an e-mail address when it has an @, else a phone number, without a
    country code one of `region` (ISO 3166). None when it is neither."""
    text = unicodedata.normalize("NFC", text.strip())
    if "@" in text:
        return Identifier("email", text.lower())
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return Identifier("phone", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _batches(hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(hashes)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
