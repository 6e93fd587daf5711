"""Runs that wait for a person cost Airflow's scheduler nothing.

Airflow 3.3 looks in each turn at the 20 running runs that it hasn't looked at for longest, and a run that waits for an
answer runs: with a thousand of them every other one waits its turn for half a minute between two tasks
(`benchmarks/waiting.py`). Here Airflow's own query is narrowed: whoever waits, while nothing of it is under way and
nothing has changed since it was looked at, is left out. An answer puts the task under way, and the run is back.
docs/decisions/0027 says why, and what else was tried.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, State, TaskInstanceState
from sqlalchemy import ARRAY, BigInteger, Interval, and_, bindparam, case, func, literal, not_, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import ColumnElement

_SETTLED: Final = timedelta(minutes=1)
"""So long after its last change a run is still looked at: clocks of machines differ, and transactions take time."""
_ALL_THE_SAME: Final = timedelta(hours=1)
"""So often every run is looked at whatever it does."""
_READ_EVERY: Final = 5.0
_OF_THE_TIME: Final = 20.0
"""Seconds between two readings of who waits, and never more than one part in so many of the scheduler's time."""
_UNDER_WAY: Final = tuple(
    state for state in TaskInstanceState
    if state not in State.finished and state != TaskInstanceState.AWAITING_INPUT
)  # fmt: skip


class Quiet:
    """Which runs can't go on before a person answers, as last read. `clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ids: frozenset[int] = frozenset()
        self._read_again_at = float("-inf")

    def ids(self, session: Any) -> frozenset[int]:
        """Numbers of the runs; read anew when that is due."""
        began = self._clock()
        if began >= self._read_again_at:
            self._ids = frozenset(session.scalars(_quiet()))
            took = self._clock() - began
            self._read_again_at = began + took + max(_READ_EVERY, _OF_THE_TIME * took)
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
    """Runs with a task that awaits an answer, none under way, and nothing new since they were looked at."""
    now = datetime.now(UTC)
    waits, moves = (func.sum(case((of, 1), else_=0)) for of in (_is_awaiting(), TaskInstance.state.in_(_UNDER_WAY)))
    query = select(DagRun.id).join(
        TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id)
    )
    query = query.where(DagRun.state == DagRunState.RUNNING, DagRun.last_scheduling_decision > now - _ALL_THE_SAME)
    unchanged = func.max(TaskInstance.updated_at) < DagRun.last_scheduling_decision - literal(_SETTLED, Interval())
    return query.group_by(DagRun.id).having(and_(waits > 0, moves == 0, unchanged))


def _is_awaiting() -> ColumnElement[bool]:
    return TaskInstance.state == TaskInstanceState.AWAITING_INPUT


def _not_among(ids: frozenset[int]) -> ColumnElement[bool]:
    """Not of these runs, unless a task of theirs is under way since, or they were cleared."""
    listed = func.unnest(bindparam("quiet_runs", sorted(ids), ARRAY(BigInteger))).column_valued("number")
    moving = select(TaskInstance.dag_id, TaskInstance.run_id).where(TaskInstance.state.in_(_UNDER_WAY))
    return or_(
        not_(DagRun.id.in_(select(listed))),
        tuple_(DagRun.dag_id, DagRun.run_id).in_(moving),
        DagRun.last_scheduling_decision.is_(None),
    )
