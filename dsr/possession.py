"""Possession: does whoever asks hold the phone of a number that only a form states?

Each number has a link of its own, which goes to the contact on file. Who follows it has a code sent to the phone, good
once and for ten minutes, and types it in. Neither is stored: of the link there is a hash, of the code an HMAC keyed by
the link and a pepper from the master key, of contact and number keyed hashes. Texts and wrong answers are counted per
link, request, contact and number, in the database: no restart forgets them, and whoever files request upon request gets
no more of either. What is proven here is that somebody holds a phone, never who they are: that is `dsr.challenges`.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.challenges import CODE_LIVES
from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.links import link_hash, new_code, typed
from dsr.tables import possessions

MOST_TEXTS: Final = 3
"""So many texts a link gives."""
_TEXTS: Final = {"request_id": 6, "contact": 6, "number": 5}
_WRONG: Final = {"request_id": 10, "contact": 20, "number": 10}
"""So many texts, and so many wrong answers, within `_WITHIN`, whatever link they came by."""
_WITHIN: Final = timedelta(days=30)
_PLACE: Final = "possessions"
_GROUPS: Final = 2
_LOCK: Final = 4_019_361_378  # any number that nothing else in this database locks


class Possessions:
    """Those kept in the database behind `engine`.

    pepper    `subkey(master_key, "possessions")`
    attempts  wrong answers a link stands; after those it refuses the right one too
    """

    def __init__(self, engine: Engine, pepper: bytes, attempts: int = 10) -> None:
        self._engine, self._pepper, self._attempts = engine, pepper, attempts

    def create(
        self, request_id: str, link: str, address: str, number: str, *, expires_at: datetime, at: datetime
    ) -> None:
        """Makes a link for one number valid until `expires_at`. `address`: the contact it goes to; `number`: E.164. The
        same call again changes nothing. PermanentError("possession.conflict") when the link is another request's."""
        row = {
            "link": link_hash(link),
            "request_id": request_id,
            "contact": self._keyed("contact", address.casefold()),
            "number": self._keyed("number", number),
            "created_at": at,
            "expires_at": expires_at,
        }
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(insert(possessions).values(row).on_conflict_do_nothing())
            query = select(possessions.c.request_id).where(possessions.c.link == row["link"])
            if connection.execute(query).scalar_one() != request_id:
                raise PermanentError("possession.conflict", _PLACE)

    def send_code(self, link: str, at: datetime) -> tuple[str, str] | None:
        """Draws a code, which replaces the one before; request id and code. None for everything that gets none alike:
        no such link, ended, proven already, too many texts or wrong answers."""
        p, code = possessions.c, new_code(_GROUPS)
        few = [_spent(p.texts, name, at) < most for name, most in _TEXTS.items()]
        statement = (
            update(possessions)
            .where(self._open(link, at), p.texts < MOST_TEXTS, *few)
            .values(code=self._code(link, code), code_until=at + CODE_LIVES, texts=p.texts + 1)
            .returning(p.request_id)
        )
        with self._counted() as connection:
            request_id = connection.execute(statement).scalar_one_or_none()
        return (request_id, code) if request_id else None

    def prove(self, link: str, code: str, at: datetime) -> str | None:
        """The request, when link and code fit: once. None for everything else alike: no such link, ended, proven
        before, wrong or old code, too many attempts."""
        p = possessions.c
        fits = and_(p.code == self._code(link, code), p.code_until > at)
        statement = (
            update(possessions)
            .where(self._open(link, at))
            .values(
                attempts=p.attempts + case((fits, 0), else_=1),
                proven_at=case((fits, at), else_=null()),
                code=case((fits, null()), else_=p.code),
            )
            .returning(p.request_id, p.proven_at)
        )
        with self._counted() as connection:
            row = connection.execute(statement).one_or_none()
        return str(row.request_id) if row and row.proven_at else None

    def proven(self, request_id: str) -> frozenset[bytes]:
        """Hashes (`links.link_hash`) of the request's links whose number is proven."""
        p = possessions.c
        query = select(p.link).where(p.request_id == request_id, p.proven_at.is_not(None))
        with transaction(self._engine, _PLACE) as connection:
            return frozenset(bytes(link) for link in connection.execute(query).scalars())

    def owner(self, link: str) -> str | None:
        """The request a link belongs to, whether it still opens or not; None when there is no such link. For the
        ledger only: what is shown must not depend on it."""
        with transaction(self._engine, _PLACE) as connection:
            query = select(possessions.c.request_id).where(possessions.c.link == link_hash(link))
            return connection.execute(query).scalar_one_or_none()

    def pending(self, at: datetime) -> list[str]:
        """The requests with a link that is open and unanswered, sorted."""
        p = possessions.c
        query = select(p.request_id).where(p.proven_at.is_(None), p.expires_at > at).distinct().order_by(p.request_id)
        with transaction(self._engine, _PLACE) as connection:
            return list(connection.execute(query).scalars())

    def forget(self, before: datetime) -> int:
        """Removes those that ended before that moment, how many; they are counted until then."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(possessions).where(possessions.c.expires_at < before)).rowcount

    @contextmanager
    def _counted(self) -> Iterator[Connection]:
        """One after the other: what several links count together must not be counted by two at once."""
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    def _open(self, link: str, at: datetime) -> ColumnElement[bool]:
        p = possessions.c
        alive = and_(p.link == link_hash(link), p.expires_at > at, p.proven_at.is_(None), p.attempts < self._attempts)
        return and_(alive, *(_spent(p.attempts, name, at) < most for name, most in _WRONG.items()))

    def _keyed(self, what: str, value: str) -> bytes:
        return hmac.digest(self._pepper, f"{what}\0{value}".encode("utf-8", "replace"), "sha256")

    def _code(self, link: str, code: str) -> bytes:
        return hmac.digest(self._pepper + link.encode("utf-8", "replace"), typed(code), "sha256")


def _spent(what: ColumnElement[int], by: str, at: datetime) -> ColumnElement[int]:
    """The sum of a count over all links with the same `by`."""
    same = possessions.alias(f"same_{by}")
    return (
        select(func.sum(same.c[what.name]))
        .where(same.c[by] == possessions.c[by], same.c.created_at > at - _WITHIN)
        .scalar_subquery()
    )
