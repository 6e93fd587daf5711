"""Which requests have something in their outbox: ids, times and codes, so that nobody has to open all case files."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.tables import outbox

_PLACE: Final = "outbox"
LIMITED: Final = "http.429"
"""The code of a system that asked to be left alone for a while."""


@dataclass(frozen=True)
class Waiting:
    """One request; times in UTC.

    answer  the person waits for something; else only notes do
    due     when it is tried next
    tries   how many were in vain
    code    of the last error; "" = not tried
    held    a person has to see to it
    """

    request_id: str
    channel: str
    answer: bool
    since: datetime
    due: datetime
    tries: int
    code: str
    held: bool


class WaitingRequests:
    """The requests that wait, in the database behind `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enter(self, request_id: str, channel: str, at: datetime, *, answer: bool) -> None:
        """Something of this request waits, or will in a moment; one that waits already keeps its place."""
        row = {"request_id": request_id, "channel": channel, "answer": answer, "since": at, "due": at}
        either = {"answer": or_(outbox.c.answer, literal(answer))}
        self._do(insert(outbox).values(row).on_conflict_do_update(index_elements=["request_id"], set_=either))

    def put_off(self, request_id: str, due: datetime, code: str, *, held: bool, answer: bool) -> None:
        """It was tried in vain, and is tried again from then on. `answer`: as `Waiting` has it, by now."""
        values = {"due": due, "code": code, "held": held, "answer": answer, "tries": outbox.c.tries + 1}
        self._do(update(outbox).where(outbox.c.request_id == request_id).values(values))

    def leave(self, request_id: str) -> None:
        """Nothing of it waits any more."""
        self._do(delete(outbox).where(outbox.c.request_id == request_id))

    def all(self) -> list[Waiting]:
        """All that wait, those first that are to be tried first."""
        with transaction(self._engine, _PLACE) as connection:
            rows = connection.execute(select(outbox).order_by(outbox.c.due, outbox.c.request_id))
            return [_waiting(row) for row in rows]

    def one(self, request_id: str) -> Waiting | None:
        """That request; None when nothing of it waits."""
        with transaction(self._engine, _PLACE) as connection:
            row = connection.execute(select(outbox).where(outbox.c.request_id == request_id)).one_or_none()
        return None if row is None else _waiting(row)

    def untold(self) -> Collection[str]:
        """The requests whose person waits for something."""
        with transaction(self._engine, _PLACE) as connection:
            return frozenset(connection.execute(select(outbox.c.request_id).where(outbox.c.answer)).scalars())

    def limited_until(self, channel: str, at: datetime) -> datetime | None:
        """Until when that system asked to be left alone; None when it may be called."""
        row = outbox.c
        query = select(func.max(row.due)).where(row.channel == channel, row.code == LIMITED, row.due > at)
        with transaction(self._engine, _PLACE) as connection:
            found = connection.execute(query).scalar_one()
        return None if found is None else found.astimezone(UTC)

    def _do(self, statement: Any) -> None:
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(statement)


def _waiting(row: Any) -> Waiting:
    since, due = row.since.astimezone(UTC), row.due.astimezone(UTC)
    return Waiting(row.request_id, row.channel, row.answer, since, due, row.tries, row.code, row.held)
