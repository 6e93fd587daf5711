"""Runs that wait for a person, or for a time, cost Airflow's scheduler nothing.

Airflow 3.3 looks in each turn at the 20 running runs that it hasn't looked at for longest, and a run that waits for an
answer runs: with a thousand of them every other one waits its turn for half a minute between two tasks
(`benchmarks/waiting.py`). Here Airflow's own query is narrowed: whoever waits, while nothing of it is under way and
nothing has changed since it was looked at, is left out. An answer puts the task under way, and the run is back.
docs/decisions/0027 says why, and what else was tried.
"""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Interval,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import ColumnElement

_SETTLED: Final = timedelta(minutes=1)
"""So long after its last change, and before it is tried again, a run is looked at: clocks of machines differ, and
transactions take time."""
_ALL_THE_SAME: Final = 3600.0
"""Seconds in which each is looked at whatever it does, a few at a time."""
_READ_EVERY: Final = (5.0, 30.0)
_OF_THE_TIME: Final = 20.0
"""Seconds between two readings of who waits, and no more than one part in so many of the scheduler's time."""
_MOVING: Final = (
    TaskInstanceState.SCHEDULED, TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING,
    TaskInstanceState.DEFERRED, TaskInstanceState.UP_FOR_RESCHEDULE,
)  # fmt: skip


class Quiet:
    """Which runs can't go on before a person answers or a time has come, as last read. `clock`: seconds that only
    grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ids: frozenset[int] = frozenset()
        self._read_at = self._read_again_at = clock()
        self._due = 0.0

    def ids(self, session: Any) -> frozenset[int]:
        """Numbers of the runs; read anew when that is due. Those that nobody has looked at for longest are let go."""
        began = self._clock()
        if began >= self._read_again_at:
            waiting = list(session.scalars(_quiet()))
            self._due, let_go = math.modf(self._due + len(waiting) * (began - self._read_at) / _ALL_THE_SAME)
            self._ids = frozenset(waiting[int(let_go) :])
            took = self._clock() - began
            self._read_at = began
            self._read_again_at = began + took + min(max(_READ_EVERY[0], _OF_THE_TIME * took), _READ_EVERY[1])
        return self._ids

    def narrow(self, query: Select[Any], session: Any) -> Select[Any]:
        """The query for runs to look at, without those."""
        ids = self.ids(session)
        return query.where(_not_among(ids)) if ids else query

    def woken(self, runs: Iterator[DagRun]) -> Iterator[DagRun]:
        """These runs are looked at now: those among them that waited don't wait any more, for all that is known."""
        for run in runs:
            self._ids -= {run.id}
            yield run


def leave_out() -> None:
    """Make Airflow's scheduler, in this process, leave out whoever waits."""
    stock, quiet = DagRun.get_running_dag_runs_to_examine, Quiet()

    def narrowed(_: type[DagRun], session: Any) -> Iterator[DagRun]:
        return quiet.woken(stock(session=cast("Session", _Narrowing(session, quiet))))

    DagRun.get_running_dag_runs_to_examine = classmethod(narrowed)  # type: ignore[method-assign,assignment]


class _Narrowing:
    """A session whose query is narrowed; all else is the session's own."""

    def __init__(self, session: Any, quiet: Quiet) -> None:
        self._session, self._quiet = session, quiet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def scalars(self, query: Select[Any]) -> Any:
        return self._session.scalars(self._quiet.narrow(query, self._session))


def _quiet() -> Select[Any]:
    """Runs with a task that rests, none under way, and nothing new since they were looked at; those first that were
    looked at longest ago."""
    rests, moves = (func.sum(case((of, 1), else_=0)) for of in (_is_resting(), _is_moving()))
    query = select(DagRun.id).join(
        TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id)
    )
    unchanged = func.max(TaskInstance.updated_at) < DagRun.last_scheduling_decision - literal(_SETTLED, Interval())
    query = query.where(DagRun.state == DagRunState.RUNNING).group_by(DagRun.id)
    return query.having(and_(rests > 0, moves == 0, unchanged)).order_by(DagRun.last_scheduling_decision)


def _is_resting() -> ColumnElement[bool]:
    """Whether a task awaits an answer, or the time at which the policy of its retries lets it run again."""
    awaits = TaskInstance.state == TaskInstanceState.AWAITING_INPUT
    return or_(awaits, and_(TaskInstance.state == TaskInstanceState.UP_FOR_RETRY, func.coalesce(_is_early(), false())))


def _is_moving() -> ColumnElement[bool]:
    retried = and_(TaskInstance.state == TaskInstanceState.UP_FOR_RETRY, not_(func.coalesce(_is_early(), false())))
    return or_(TaskInstance.state.in_(_MOVING), retried)


def _is_early() -> ColumnElement[bool]:
    """Whether a retry is not due for some time. Unknown where Airflow reckons the delay itself."""
    delay = func.make_interval(0, 0, 0, 0, 0, 0, TaskInstance.retry_delay_override)
    return TaskInstance.end_date + delay > literal(datetime.now(UTC) + _SETTLED, DateTime(timezone=True))


def _not_among(ids: frozenset[int]) -> ColumnElement[bool]:
    """Not of these runs, unless a task of theirs is under way since, or they were cleared."""
    listed = func.unnest(bindparam("quiet_runs", sorted(ids), ARRAY(BigInteger))).column_valued("number")
    moving = select(TaskInstance.dag_id, TaskInstance.run_id).where(TaskInstance.state.in_(_MOVING))
    return or_(
        not_(DagRun.id.in_(select(listed))),
        tuple_(DagRun.dag_id, DagRun.run_id).in_(moving),
        DagRun.last_scheduling_decision.is_(None),
    )
