"""How all requests stand: one row for each, made from its events in the ledger and kept beside them, so that a list of
a hundred thousand needs no look at millions of events.

Nothing is decided by it and nothing in it is evidence: that is the ledger alone, from which it can be made again at any
time. `bring_up` takes in the events that came since; without it the rows are as old as its last call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Executable, and_, case, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from dsr.correspondence import WRITTEN
from dsr.database import transaction
from dsr.ledger import Event
from dsr.overview_tables import overview, overview_searches, overview_state
from dsr.standing import EXTENDED, KEPT, SENT, Standing, is_final, unsent
from dsr.tables import events as ledger_events
from dsr.tables import ledger_head
from dsr.triage import TRIAGED, settled
from dsr.way import WAITS, way

__all__ = ["OPEN", "PHASES", "SORTS", "Asked", "Overview", "Row"]

FORM: Final = 1
"""Of the rows. Raise it when one of them would come out otherwise: all are made anew then."""
_PLACE: Final = "overview"
TRIAGE: Final = "triage"
_AT_ONCE: Final = 10_000
_LOCK: Final = 2_907_415_533
OPEN, ANSWERED, CLOSED = "open", "answered", "closed"
PHASES: Final = (OPEN, ANSWERED, CLOSED)
"""open: without an answer; answered: something is still to be done after it; closed: at its end."""
_LINK: Final = "link"
_BY_LINK: Final = "answer"
"""Kind of the text that gives a link's code."""
_o = overview.c
SORTS: Final[Mapping[str, tuple[ColumnElement[Any], ...]]] = {
    "left": (_o.settled, case((_o.settled, None), else_=_o.latest), _o.received_at.desc()),
    "received": (_o.received_at.desc(),),
    "oldest": (_o.received_at,),
    "right": (_o.right, _o.latest),
}
"""left: the fewest days left first, then those that have their answer, the newest first."""


@dataclass(frozen=True)
class Row:
    """One request. Days in the controller's time zone; moments aware.

    legal_latest  last day of the first month; `latest`: the last day by law, as extended
    extended_for  reason of the extension, a code of `acting.EXTENSIONS`; "" = not extended
    settled       answered or closed
    answered_at   when the person had the answer proper; None = not yet, or never
    outcome       disclosed, disclosed_in_part, nothing_held, only_doubtful, done, refused, referred, linked, ended
                  (closed without an answer); "" = none yet
    refused_for   one of `refusal.REASONS`; "" = not refused
    place, waits, sources   as `way.Way`
    failed        "stopped", or the task that its run failed in; "" = neither
    run           in place of a right for `airflow_client.dag_of`: "triage" while its run is the one that settles it
    """

    request_id: str
    right: str
    received_at: datetime
    target: date
    legal_latest: date
    latest: date
    extended_for: str
    settled: bool
    answered_at: datetime | None
    closed: bool
    outcome: str
    refused_for: str
    place: str
    waits: str
    sources: tuple[str, ...]
    failed: str
    run: str

    @property
    def phase(self) -> str:
        """One of PHASES."""
        return CLOSED if self.closed else ANSWERED if self.settled else OPEN

    @classmethod
    def of(cls, events: Sequence[Event]) -> Self | None:
        """From the events of one request, oldest first; None when it was never received."""
        standing = Standing.of(events)
        if standing is None:
            return None
        at, outcome, refused_for = _answer(events)
        extended_for = [str(e.detail.get("reason", "")) for e in events if e.kind == EXTENDED]
        now = way(events)
        return cls(
            request_id=standing.request_id,
            right=standing.right,
            received_at=standing.received_at,
            target=standing.target,
            legal_latest=standing.legal_latest,
            latest=standing.deadline,
            extended_for=extended_for[-1] if extended_for else "",
            settled=standing.answered,
            answered_at=at,
            closed=any(e.kind == "closed" for e in events),
            outcome=outcome,
            refused_for=refused_for,
            place=now.place,
            waits=now.waits,
            sources=now.sources,
            failed="stopped" if now.stopped else now.failed,
            run=_run(events, standing.right),
        )


@dataclass(frozen=True)
class Asked:
    """Which requests, and in which order. rights: of any of them; phase: one of PHASES; overdue: without an answer, and
    their last day before `today`; waits: one of `way.WAITS`; ids: only these. "" and None = whichever."""

    rights: frozenset[str]
    today: date
    phase: str = ""
    overdue: bool = False
    waits: str = ""
    ids: tuple[str, ...] | None = None
    sort: str = "left"

    def where(self) -> ColumnElement[bool]:
        """As a condition on the rows."""
        asked: list[ColumnElement[bool]] = [_o.right.in_(self.rights)]
        phases = {OPEN: ~_o.settled, ANSWERED: and_(_o.settled, ~_o.closed), CLOSED: _o.closed}
        if self.phase:
            asked.append(phases[self.phase])
        if self.overdue:
            asked.append(and_(~_o.settled, _o.latest < self.today))
        if self.waits:
            asked.append(_o.waits == self.waits)
        if self.ids is not None:
            asked.append(_o.request_id.in_(self.ids))
        return and_(*asked)


class Overview:
    """The overview in the database behind `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def bring_up(self, most: int | None = None) -> int:
        """Takes in the events since the last call, in any number of processes at once; how many are left when `most`
        of them, or a few more, were taken. None = all. Other errors as `database.transaction`."""
        taken = 0
        while True:
            with transaction(self._engine, _PLACE) as connection:
                taken += (step := _taken_in(connection))
                left = _left(connection)
            if step == 0 or left == 0 or (most is not None and taken >= most):
                return left

    def rows(self, asked: Asked, limit: int | None = None, offset: int = 0) -> list[Row]:
        """Those that are asked for, in order."""
        query = select(overview).where(asked.where()).order_by(*SORTS[asked.sort], _o.request_id)
        return [_row(found) for found in self._found(query.limit(limit).offset(offset))]

    def count(self, asked: Asked) -> int:
        """How many are asked for."""
        (found,) = self._found(select(func.count()).select_from(overview).where(asked.where()))
        return int(found[0])

    def tallies(self, asked: Asked) -> dict[str, int]:
        """How many of those that are asked for are open, overdue, and wait for whom."""
        open_, late = ~_o.settled, and_(~_o.settled, _o.latest < asked.today)
        columns = [func.count().filter(condition) for condition in (open_, late, *(_o.waits == who for who in WAITS))]
        (found,) = self._found(select(*columns).where(asked.where()))
        return dict(zip((OPEN, "overdue", *WAITS), found, strict=True))

    def row(self, request_id: str) -> Row | None:
        """That of one request."""
        found = self._found(select(overview).where(_o.request_id == request_id))
        return _row(found[0]) if found else None

    def _found(self, query: Executable) -> list[Any]:
        with transaction(self._engine, _PLACE) as connection:
            return list(connection.execute(query))


def _answer(events: Sequence[Event]) -> tuple[datetime | None, str, str]:
    """When the person had the answer (None while it waits for an officer to send it), what it came to, and for what it
    was refused."""
    final = next((e for e in events if is_final(e)), None)
    refused = next((e for e in reversed(events) if e.kind == "refused"), None)
    told = [e for e in (final, refused, next((e for e in events if e.kind == "referred"), None)) if e is not None]
    at = _had(events, told[0]) if told else None
    if refused is not None:
        return at, "refused", str(refused.detail.get("reason", ""))
    if final is not None:
        outcome = str(final.detail.get("outcome", ""))
        if outcome == _LINK:
            part = final.detail.get("incomplete") or final.detail.get("not_reviewed")
            outcome = "disclosed_in_part" if part else "disclosed"
        return at, outcome, ""
    closed = next((e for e in events if e.kind == "closed"), None)
    return at, str(closed.detail.get("outcome", "")) if closed is not None else "", ""


def _had(events: Sequence[Event], answer: Event) -> datetime | None:
    """When the person had this answer: a ticket that was down got it later, and what an officer sends goes out on the
    day that they note, of which noon UTC stands for the whole; None = it waits for them."""
    if unsent(events):
        return None
    kinds = (answer.detail.get("outcome"), _BY_LINK)
    written = [e.at for e in events if e.kind == WRITTEN and e.detail["kind"] in kinds and e.detail["by"] != "mail"]
    at = max([answer.at, *written[:1]])
    kept = {e.detail["answer"] for e in events if e.kind == KEPT and e.seq < answer.seq}
    sent = [e for e in events if e.kind == SENT and e.detail["answer"] in kept]
    for event in sent:
        noon = datetime.combine(date.fromisoformat(event.detail["on"]), time(12), UTC)
        at = max(at, min(noon, event.at))
    return at


def _run(events: Sequence[Event], right: str) -> str:
    return right if settled(events) or not any(e.kind == TRIAGED for e in events) else TRIAGE


def _taken_in(connection: Connection) -> int:
    """Takes in the next events; how many. One process at a time."""
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    form, seq = connection.execute(select(overview_state.c.form, overview_state.c.seq)).one()
    if form != FORM:
        connection.execute(delete(overview))
        connection.execute(delete(overview_searches))
        seq = 0
    # The head is only moved on with its events, so that below it no number is missing.
    head = connection.execute(select(ledger_head.c.count)).scalar_one()
    until = min(head, seq + _AT_ONCE)
    if until > seq:
        _put(connection, seq, until)
        connection.execute(_SEARCHES, {"after": seq, "until": until})
    connection.execute(update(overview_state).values(form=FORM, seq=until))
    return int(until - seq)


def _left(connection: Connection) -> int:
    left = (
        select(ledger_head.c.count - overview_state.c.seq).select_from(ledger_head).join(overview_state, text("true"))
    )
    return int(connection.execute(left).scalar_one())


def _put(connection: Connection, after: int, until: int) -> None:
    """The rows of all requests that have an event in between, unless they know of it already."""
    e = ledger_events.c
    touched = (
        select(e.request_id, func.max(e.seq).label("seq")).where(e.seq > after, e.seq <= until).group_by(e.request_id)
    ).subquery()
    stale = (
        select(touched.c.request_id)
        .outerjoin(overview, overview.c.request_id == touched.c.request_id)
        .where(or_(_o.seq.is_(None), _o.seq < touched.c.seq))
    )
    query = select(e.seq, e.request_id, e.kind, e.detail, e.at, e.hash).where(e.request_id.in_(stale))
    found = connection.execute(query.order_by(e.request_id, e.seq))
    rows = []
    for _, group in groupby((Event(*event) for event in found), key=lambda event: event.request_id):
        events = list(group)
        row = Row.of(events)
        if row is not None:
            rows.append({**vars(row), "sources": " ".join(row.sources), "seq": events[-1].seq})
    if rows:
        put = insert(overview)
        changed = {column.name: put.excluded[column.name] for column in overview.c if not column.primary_key}
        connection.execute(put.on_conflict_do_update(index_elements=[_o.request_id], set_=changed), rows)


_SEARCHES: Final = text(
    "INSERT INTO overview_searches (source, day, status, count) "
    "SELECT detail->>'source', (at AT TIME ZONE 'UTC')::date, detail->>'status', count(*) FROM events "
    "WHERE seq > :after AND seq <= :until AND kind = 'source_searched' AND detail ?& array['source', 'status'] "
    "GROUP BY 1, 2, 3 "
    "ON CONFLICT (source, day, status) DO UPDATE SET count = overview_searches.count + excluded.count"
)


def _row(found: Any) -> Row:
    known = dict(found._mapping)
    del known["seq"]
    return Row(**{**known, "sources": tuple(known["sources"].split())})
