"""The ledger: what happened to each request, in one chain that can only grow. Evidence for an auditor.

Every event holds the SHA-256 of the one before it, over its RFC 8785 form; the head (count and last hash) is kept
apart and signed, so that an edit, a deletion, a new order and a cut at the end all show. What can't show by itself
is the whole database put back to an older state: `dsr.anchor` notes the head elsewhere.

No personal data: `schemas/event.schema.json` only lets codes, counts and hashes in.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import jsonschema_rs
import rfc8785
from sqlalchemy import Connection, Engine, insert, select, update

from dsr import schema, telemetry
from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.tables import events, ledger_head

_PLACE: Final = "ledger"
_START: Final = "0" * 64
_COLUMNS: Final = (events.c.seq, events.c.request_id, events.c.kind, events.c.detail, events.c.at, events.c.hash)


@dataclass(frozen=True)
class Event:
    """One thing that happened. `seq` counts from 1 over all requests; `at` is aware, in UTC; `hash` is hex."""

    seq: int
    request_id: str
    kind: str
    detail: Mapping[str, Any]
    at: datetime
    hash: str


@dataclass(frozen=True)
class Head:
    """Where the chain ends: how many events, hash of the last (64 zeros when there is none)."""

    count: int
    hash: str


START: Final = Head(0, _START)
"""Of a ledger without events."""


def since(told: Sequence[Event], kind: str) -> Sequence[Event]:
    """Those after the last event of that kind; all where there is none. What is noted once is noted once in each round,
    and a round begins with such an event."""
    last = max((number for number, event in enumerate(told) if event.kind == kind), default=-1)
    return told[last + 1 :]


class Ledger:
    """The ledger in the database behind `engine`.

    `key` signs the head: `subkey(master_key, "ledger")`. Without a key the head stays unsigned and whoever can
    write to the database can cut the end off unseen: only for tests. All who append use the same key.
    """

    def __init__(self, engine: Engine, key: bytes | None = None) -> None:
        self._engine = engine
        self._key = key

    @property
    def engine(self) -> Engine:
        """Of its database, for what is kept beside it."""
        return self._engine

    def append(self, request_id: str, kind: str, detail: Mapping[str, Any] | None = None, *, at: datetime) -> Event:
        """Adds an event and commits it. PermanentError("ledger.detail") when it holds anything but codes, counts and
        hashes, or an unknown kind; PermanentError("ledger.tampered") when the head isn't what was signed."""
        content: dict[str, Any] = {"request_id": request_id, "kind": kind, "detail": dict(detail or {})}
        content["at"] = _moment(at)
        if not _admissible(content):
            raise PermanentError("ledger.detail", _PLACE)
        with transaction(self._engine, _PLACE) as connection:
            head = self._head(connection, lock=True)
            seq = head.count + 1
            digest = _digest(content, seq, head.hash)
            row = {**content, "at": at, "seq": seq, "previous": head.hash, "hash": digest}
            connection.execute(insert(events), row)
            after = Head(seq, digest)
            changed = {"count": seq, "hash": digest, "signature": self._signature(after)}
            connection.execute(update(ledger_head).where(ledger_head.c.id == 1), changed)
        telemetry.note(kind, content["detail"])
        return Event(seq, request_id, kind, content["detail"], at.astimezone(UTC), digest)

    def events(self, request_id: str | None = None) -> list[Event]:
        """The events of a request, oldest first; None = of all. [] when there is none."""
        query = select(*_COLUMNS).order_by(events.c.seq)
        if request_id is not None:
            query = query.where(events.c.request_id == request_id)
        with transaction(self._engine, _PLACE) as connection:
            return [_event(row) for row in connection.execute(query)]

    def head(self) -> Head:
        """The end of the chain, to be noted outside this database."""
        with transaction(self._engine, _PLACE) as connection:
            return self._head(connection)

    def holds(self, head: Head) -> bool:
        """Whether the chain ended so at some time: it has at least so many events, the last of them with that hash."""
        if head == Head(0, _START):
            return True
        query = select(events.c.hash).where(events.c.seq == head.count)
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(query).scalar() == head.hash

    def verify(self) -> int:
        """Walks the whole chain; the number of events. PermanentError("ledger.tampered") when anything was edited,
        taken away, put in or moved."""
        return sum(1 for _ in self.walk())

    def walk(self, after: Head = START, *, signed: bool = True) -> Iterator[Event]:
        """The events that came after an end that was seen before, oldest first, each checked as `verify` does; errors
        as there. Not `signed`: the head's signature is left to those who have the key, each append among them."""
        engine = self._engine.execution_options(isolation_level="REPEATABLE READ")
        count, previous = after.count, after.hash
        with transaction(engine, _PLACE) as connection:
            head = self._head(connection, signed=signed)
            query = select(*_COLUMNS, events.c.previous).where(events.c.seq > count).order_by(events.c.seq)
            for row in connection.execute(query.execution_options(yield_per=1000)):
                count += 1
                if (row.seq, row.previous) != (count, previous) or not _fits(row):
                    raise PermanentError("ledger.tampered", _PLACE)
                previous = row.hash
                yield _event(row)
        if (head.count, head.hash) != (count, previous):
            raise PermanentError("ledger.tampered", _PLACE)

    def verify_request(self, request_id: str) -> int:
        """Looks whether the events of this request are as they were written and where they were: each fits its hash,
        and its neighbours in the chain; how many. PermanentError("ledger.tampered") when not. That none of them was
        taken away only `verify` can tell, which walks the whole chain."""
        before, after = events.alias(), events.alias()
        query = (
            select(*_COLUMNS, events.c.previous, before.c.hash.label("before"), after.c.previous.label("after"))
            .outerjoin(before, before.c.seq == events.c.seq - 1)
            .outerjoin(after, after.c.seq == events.c.seq + 1)
            .where(events.c.request_id == request_id)
        )
        engine, count = self._engine.execution_options(isolation_level="REPEATABLE READ"), 0
        with transaction(engine, _PLACE) as connection:
            head = self._head(connection)
            for row in connection.execute(query):
                count += 1
                following = head.hash if row.seq == head.count else row.after
                if (row.previous, following) != (row.before or _START, row.hash) or not _fits(row):
                    raise PermanentError("ledger.tampered", _PLACE)
        return count

    def _head(self, connection: Connection, *, lock: bool = False, signed: bool = True) -> Head:
        """The head; its signature is checked unless `signed` is False. The lock on its one row lets appenders pass one
        at a time."""
        query = select(ledger_head.c.count, ledger_head.c.hash, ledger_head.c.signature).where(ledger_head.c.id == 1)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise PermanentError("ledger.tampered", _PLACE)
        head = Head(row[0], row[1])
        if signed and head != START and not hmac.compare_digest(row[2].encode(), self._signature(head).encode()):
            raise PermanentError("ledger.tampered", _PLACE)
        return head

    def _signature(self, head: Head) -> str:
        if self._key is None:
            return ""
        return hmac.digest(self._key, f"{head.count}:{head.hash}".encode(), "sha256").hex()


def _admissible(content: Mapping[str, Any]) -> bool:
    try:
        return _validator().is_valid(content)
    except (TypeError, ValueError):  # not JSON at all
        return False


def _fits(row: Any) -> bool:
    """Whether an event is what its hash was made over."""
    content = {"request_id": row.request_id, "kind": row.kind, "detail": row.detail, "at": _moment(row.at)}
    return bool(row.hash == _digest(content, row.seq, row.previous))


def _digest(content: Mapping[str, Any], seq: int, previous: str) -> str:
    return hashlib.sha256(rfc8785.dumps({**content, "seq": seq, "previous": previous})).hexdigest()


def _event(row: Any) -> Event:
    return Event(row.seq, row.request_id, row.kind, row.detail, row.at.astimezone(UTC), row.hash)


def _moment(at: datetime) -> str:
    """UTC with microseconds, which PostgreSQL keeps. A naive time is a mistake of the caller."""
    if at.tzinfo is None:
        raise PermanentError("ledger.naive_time", _PLACE)
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema.load("event"), validate_formats=True)
