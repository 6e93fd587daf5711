"""Challenges: does whoever asks read the contact that was on file before?

A link goes to that contact and opens for some days. Who follows it has a code sent there, which is good once and for
ten minutes (OWASP ASVS 5.0, 6.5.5), and where more is at stake enters the code from the ticket besides. None of the
three is stored: of the link there is a hash, of the codes an HMAC keyed by the link and a pepper from the master key.
Wrong answers and codes are counted per request and per address, in the database, so that no restart forgets them.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, and_, case, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.links import new_code, typed
from dsr.tables import challenges

CODE_LIVES: Final = timedelta(minutes=10)
MOST_CODES: Final = 10
"""So many codes are mailed for one challenge."""
_PER_ADDRESS: Final = 20
"""So many wrong answers, and so many codes, an address stands within `_WITHIN`, whatever it was asked for."""
_WITHIN: Final = timedelta(days=30)
_PLACE: Final = "challenges"
_GROUPS: Final = 2
"""40 random bits are enough for a code that is good for minutes and stands a few wrong answers."""


@dataclass(frozen=True)
class Pending:
    """A challenge that nobody has answered. Times are UTC; `reminders`: how often the person was reminded."""

    request_id: str
    created_at: datetime
    expires_at: datetime
    reminders: int


class Challenges:
    """The challenges kept in the database behind `engine`.

    pepper    `subkey(master_key, "challenges")`
    attempts  wrong answers a challenge stands; after those it refuses the right one too
    """

    def __init__(self, engine: Engine, pepper: bytes, attempts: int = 10) -> None:
        self._engine, self._pepper, self._attempts = engine, pepper, attempts

    def create(
        self, request_id: str, link: str, address: str, second: str, *, expires_at: datetime, at: datetime
    ) -> None:
        """Makes a link valid until `expires_at`; other links of the request end. `address`: the contact it goes to;
        `second`: the code that goes into the ticket, "" when none is needed. The same call again changes nothing.
        PermanentError("challenge.conflict") when the link is another request's."""
        row = {
            "link": _hash(link),
            "request_id": request_id,
            "contact": self._contact(address),
            "second": self._code(link, second) if second else None,
        }
        times = {"created_at": at, "expires_at": expires_at}
        with transaction(self._engine, _PLACE) as connection:
            others = challenges.c.request_id == request_id, challenges.c.link != row["link"]
            connection.execute(update(challenges).where(*others).values(expires_at=at))
            connection.execute(insert(challenges).values({**row, **times}).on_conflict_do_nothing())
            query = select(challenges.c.request_id).where(challenges.c.link == row["link"])
            if connection.execute(query).scalar_one() != request_id:
                raise PermanentError("challenge.conflict", _PLACE)

    def send_code(self, link: str, at: datetime) -> tuple[str, str] | None:
        """Draws a code, which replaces the one before; request id and code. None for everything that gets none alike:
        no such link, ended, confirmed already, too many codes or wrong answers."""
        code = new_code(_GROUPS)
        statement = (
            update(challenges)
            .where(self._open(link, at), challenges.c.codes < MOST_CODES)
            .values(code=self._code(link, code), code_until=at + CODE_LIVES, codes=challenges.c.codes + 1)
            .returning(challenges.c.request_id)
        )
        with transaction(self._engine, _PLACE) as connection:
            request_id = connection.execute(statement).scalar_one_or_none()
        return (request_id, code) if request_id else None

    def confirm(self, link: str, code: str, second: str, at: datetime) -> tuple[str, bool] | None:
        """The request, and whether a code of the ticket was needed too, when all fit: once. None for everything else
        alike: no such link, ended, confirmed before, wrong or old code, wrong code of the ticket, too many attempts."""
        given, other = self._code(link, code), self._code(link, second)
        c = challenges.c
        fits = and_(c.code == given, c.code_until > at, or_(c.second.is_(None), c.second == other))
        # One statement: the row's lock makes attempts that come at once count one after the other.
        statement = (
            update(challenges)
            .where(self._open(link, at))
            .values(
                attempts=c.attempts + case((fits, 0), else_=1),
                confirmed_at=case((fits, at), else_=null()),
                code=case((fits, null()), else_=c.code),
            )
            .returning(c.request_id, c.second, c.confirmed_at)
        )
        with transaction(self._engine, _PLACE) as connection:
            row = connection.execute(statement).one_or_none()
        return (row.request_id, row.second is not None) if row and row.confirmed_at else None

    def confirmed(self, request_id: str) -> Row[Any] | None:
        """Columns `confirmed_at` and `second` (whether a code of the ticket was needed) of the challenge by which
        this request was confirmed; None when none was."""
        c = challenges.c
        query = select(c.confirmed_at, c.second.is_not(None).label("second"))
        query = query.where(c.request_id == request_id, c.confirmed_at.is_not(None)).order_by(c.confirmed_at).limit(1)
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(query).one_or_none()

    def owner(self, link: str) -> str | None:
        """The request a link belongs to, whether it still opens or not; None when there is no such link. For the
        ledger only: what is shown must not depend on it."""
        with transaction(self._engine, _PLACE) as connection:
            query = select(challenges.c.request_id).where(challenges.c.link == _hash(link))
            return connection.execute(query).scalar_one_or_none()

    def pending(self, at: datetime) -> Iterator[Pending]:
        """Those that are open and unanswered, the oldest first."""
        c = challenges.c
        query = select(c.request_id, c.created_at, c.expires_at, c.reminders)
        query = query.where(c.confirmed_at.is_(None), c.expires_at > at, c.attempts < self._attempts)
        with transaction(self._engine, _PLACE) as connection:
            rows = connection.execute(query.order_by(c.created_at)).all()
        for row in rows:
            created, expires = row.created_at.astimezone(UTC), row.expires_at.astimezone(UTC)
            yield Pending(row.request_id, created, expires, row.reminders)

    def reminded(self, request_id: str, reminders: int) -> None:
        """Notes that so many mails have reminded of what is open."""
        of = challenges.c.request_id == request_id, challenges.c.confirmed_at.is_(None)
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(update(challenges).where(*of).values(reminders=reminders))

    def forget(self, before: datetime) -> int:
        """Removes challenges that ended before that moment, how many; attempts per address are counted until then."""
        with transaction(self._engine, _PLACE) as connection:
            gone = delete(challenges).where(challenges.c.expires_at < before)
            return connection.execute(gone).rowcount

    def _open(self, link: str, at: datetime) -> ColumnElement[bool]:
        """Whether a challenge can still be answered; an address that was tried too often can't by any."""
        c, same = challenges.c, challenges.alias("same")
        used = (
            select(func.greatest(func.sum(same.c.attempts), func.sum(same.c.codes)))
            .where(same.c.contact == c.contact, same.c.created_at > at - _WITHIN)
            .scalar_subquery()
        )
        alive = and_(c.link == _hash(link), c.expires_at > at, c.confirmed_at.is_(None), c.attempts < self._attempts)
        return and_(alive, used < _PER_ADDRESS)

    def _contact(self, address: str) -> bytes:
        return hmac.digest(self._pepper, address.casefold().encode("utf-8", "replace"), "sha256")

    def _code(self, link: str, code: str) -> bytes:
        return hmac.digest(self._pepper + link.encode("utf-8", "replace"), typed(code), "sha256")


def _hash(link: str) -> bytes:
    return hashlib.sha256(link.encode("utf-8", "replace")).digest()
