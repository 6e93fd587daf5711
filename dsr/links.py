"""Download links: a link that goes to the person by mail and a code that goes another way; both are needed.

Neither is stored. Of the link there is a hash; of the code an HMAC keyed by the link itself (and a pepper from the
master key), so that a copy of the table lets nobody guess codes.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.tables import links

_PLACE: Final = "links"
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


@dataclass(frozen=True)
class Redeemed:
    """Link and code agree. `expires_at`: until when the package can be had, UTC."""

    request_id: str
    expires_at: datetime


def new_link() -> str:
    """A link's secret part: 192 random bits, 32 URL-safe characters."""
    return secrets.token_urlsafe(24)


def new_code(groups: int = 3) -> str:
    """A code that people can type: groups of four characters of Crockford's base 32, 20 random bits each, with hyphens
    between; by default 60 bits, `XXXX-XXXX-XXXX`."""
    return "-".join("".join(secrets.choice(_CROCKFORD) for _ in range(4)) for _ in range(groups))


def typed(code: str) -> bytes:
    """A code as it was typed, without blanks and hyphens, letters that look like digits read as those."""
    return "".join(code.upper().split()).translate(_READ_AS).encode("utf-8", "replace")


class Links:
    """The links kept in the database behind `engine`.

    pepper    `subkey(master_key, "links")`
    attempts  wrong codes a link stands; after those it refuses the right one too
    """

    def __init__(self, engine: Engine, pepper: bytes = b"", attempts: int = 10) -> None:
        self._engine = engine
        self._pepper = pepper
        self._attempts = attempts

    def create(self, request_id: str, link: str, code: str, expires_at: datetime, at: datetime) -> None:
        """Makes link and code valid until `expires_at`. The same call again changes nothing, not even the expiry or
        the attempts used; PermanentError("link.conflict") when the link has another request or code."""
        row = {"link": link_hash(link), "code": self._code(link, code), "request_id": request_id}
        times = {"created_at": at, "expires_at": expires_at}
        with transaction(self._engine, _PLACE) as connection:
            added = connection.execute(insert(links).values({**row, **times}).on_conflict_do_nothing())
            if added.rowcount == 1:
                return
            query = select(links.c.request_id, links.c.code).where(links.c.link == row["link"])
            stored = connection.execute(query).one_or_none()
        if stored is None or (stored.request_id, bytes(stored.code)) != (request_id, row["code"]):
            raise PermanentError("link.conflict", _PLACE)

    def redeem(self, link: str, code: str, at: datetime) -> Redeemed | None:
        """The request when link and code agree and it isn't too late; any number of times until the expiry.
        None for everything else alike: no such link, ended, wrong code, too many attempts."""
        digest = self._code(link, code)
        # One statement: the row's lock makes attempts that come at once count one after the other.
        wrong = case((links.c.code == digest, 0), else_=1)
        statement = (
            update(links)
            .where(links.c.link == link_hash(link), links.c.expires_at > at, links.c.attempts < self._attempts)
            .values(attempts=links.c.attempts + wrong)
            .returning(links.c.request_id, links.c.code, links.c.expires_at)
        )
        with transaction(self._engine, _PLACE) as connection:
            row = connection.execute(statement).one_or_none()
        stored = bytes(row.code) if row else bytes(len(digest))
        if not hmac.compare_digest(stored, digest) or row is None:
            return None
        return Redeemed(row.request_id, row.expires_at.astimezone(UTC))

    def owner(self, link: str) -> str | None:
        """The request a link belongs to, whether it still opens or not; None when there is no such link. For the
        ledger's `code_refused` only: what the person is shown must not depend on it."""
        with transaction(self._engine, _PLACE) as connection:
            query = select(links.c.request_id).where(links.c.link == link_hash(link))
            return connection.execute(query).scalar_one_or_none()

    def expire(self, at: datetime) -> list[str]:
        """The requests whose last link has ended by `at`, sorted. A request is told again until `forget` is called
        for it, so that a crash between the two leaves no case file behind."""
        query = select(links.c.request_id).group_by(links.c.request_id).having(func.max(links.c.expires_at) <= at)
        with transaction(self._engine, _PLACE) as connection:
            return sorted(connection.execute(query).scalars())

    def forget(self, request_id: str) -> int:
        """Removes a request's links: they open nothing from now on; how many there were."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(links).where(links.c.request_id == request_id)).rowcount

    def _code(self, link: str, code: str) -> bytes:
        return hmac.digest(self._pepper + link.encode("utf-8", "replace"), typed(code), "sha256")


def link_hash(link: str) -> bytes:
    """As a table keeps it."""
    return hashlib.sha256(link.encode("utf-8", "replace")).digest()
