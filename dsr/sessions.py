"""Sessions of the download page: for a while after link and code were entered, a cookie stands for them.

So a download that broke off goes on, and a page that is loaded again does no harm. The cookie is 256 random bits, of
which only a hash is kept. A session is for one package, the one that was released when it was opened; it ends after a
time that nothing prolongs (OWASP ASVS 5.0, 7.3.2), with its link, or when the person says that they are done.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, delete, func, insert, select, update

from dsr.database import transaction
from dsr.links import link_hash
from dsr.tables import links, sessions

_PLACE: Final = "sessions"
_COOKIE_BYTES: Final = 32
MOST: Final = 12
"""So many sessions a link opens within `WITHIN`: what the ledger is told of each can't fill it."""
WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Session:
    """One that is open. `digest`: SHA-256 of its package, hex; `expires_at`: of the session, `link_expires_at`: until
    when the package can be had, both UTC."""

    key: bytes
    request_id: str
    digest: str
    expires_at: datetime
    link_expires_at: datetime


class Sessions:
    """The sessions kept in the database behind `engine`; each lives for `lives`, but never beyond its link."""

    def __init__(self, engine: Engine, lives: timedelta) -> None:
        self._engine, self._lives = engine, lives

    def open(self, link: str, digest: str, at: datetime) -> str | None:
        """A new session's cookie. For a link that has just been redeemed, and the package of that digest. None when
        the link has ended or has opened `MOST` within `WITHIN`."""
        cookie, hashed = secrets.token_urlsafe(_COOKIE_BYTES), link_hash(link)
        s = sessions.c
        with transaction(self._engine, _PLACE) as connection:
            # Whoever comes at once is counted one after the other.
            lock = int.from_bytes(hashed[:8], "big", signed=True)
            connection.execute(select(func.pg_advisory_xact_lock(lock)))
            recent = select(func.count()).where(s.link == hashed, s.created_at > at - WITHIN)
            ends = connection.execute(select(links.c.expires_at).where(links.c.link == hashed)).scalar_one_or_none()
            if ends is None or ends <= at or connection.execute(recent).scalar_one() >= MOST:
                return None
            times = {"created_at": at, "expires_at": min(at + self._lives, ends)}
            row = {"session": _hash(cookie), "link": hashed, "digest": digest, **times}
            connection.execute(insert(sessions).values(row))
        return cookie

    def find(self, cookie: str, at: datetime) -> Session | None:
        """The open session of a cookie. None for everything else alike: no such one, ended, or its link has."""
        s = sessions.c
        query = (
            select(s.digest, s.expires_at, links.c.request_id, links.c.expires_at.label("link_expires_at"))
            .join(links, links.c.link == s.link)
            .where(s.session == _hash(cookie), s.ended_at.is_(None), s.expires_at > at, links.c.expires_at > at)
        )
        with transaction(self._engine, _PLACE) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        times = row.expires_at.astimezone(UTC), row.link_expires_at.astimezone(UTC)
        return Session(_hash(cookie), row.request_id, row.digest, *times)

    def end(self, cookie: str, at: datetime) -> None:
        """It opens nothing from now on; none there = done."""
        row = sessions.c.session == _hash(cookie), sessions.c.ended_at.is_(None)
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(update(sessions).where(*row).values(ended_at=at))

    def first(self, session: Session, what: str) -> bool:
        """Whether this is the first time in this session that `what`, a code, is to be noted: True once."""
        s = sessions.c
        new = update(sessions).where(s.session == session.key, ~s.noted.contains([what]))
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(new.values(noted=func.array_append(s.noted, what))).rowcount == 1

    def not_noted(self, session: Session, what: str) -> None:
        """Takes `first` back: the ledger could not be told."""
        s = sessions.c
        with transaction(self._engine, _PLACE) as connection:
            row = update(sessions).where(s.session == session.key)
            connection.execute(row.values(noted=func.array_remove(s.noted, what)))

    def forget(self, before: datetime) -> int:
        """Removes sessions that were over before that moment; how many. They are counted for `WITHIN`."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(sessions).where(sessions.c.expires_at < before - WITHIN)).rowcount


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
