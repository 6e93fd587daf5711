"""Runs that wait for a person cost the scheduler nothing, and none of them is forgotten: Airflow's own query for the
runs that it looks at, on Airflow's own tables."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, insert, text, update
from sqlalchemy.orm import Session

from sandbox.postgres import Postgres

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_quiet

pytestmark = pytest.mark.airflow

NOW = datetime.now(UTC)
DAG = "dsr_erasure"
LONG_AGO = NOW - timedelta(minutes=30)
STATES = (None, "scheduled", "queued", "running", "success", "failed", "skipped", "upstream_failed", "removed",
          "up_for_retry", "up_for_reschedule", "restarting", "deferred")  # fmt: skip
SOON, LATER = 30.0, 21600.0
UNDER_WAY = {"scheduled", "queued", "running", "up_for_retry", "up_for_reschedule", "restarting", "deferred"}


@pytest.fixture(scope="module")
def session(postgres: Postgres) -> Iterator[Session]:
    """Airflow's tables, empty but for one DAG."""
    postgres.ensure_database("quiet")
    engine = create_engine(postgres.url("quiet"))
    import_all_models()
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        # Rows that nothing here reads aren't made.
        opened.execute(text("SET session_replication_role = replica"))
        opened.add(
            DagModel(dag_id=DAG, bundle_name="dsr", fileloc="", timetable_type="", is_paused=False, is_stale=False)
        )
        opened.flush()
        yield opened
        opened.rollback()
    engine.dispose()


def made(
    session: Session,
    *states: str | tuple[str, float] | None,
    looked: datetime | None = NOW,
    changed: datetime = LONG_AGO,
) -> int:
    """A run with tasks in these states, a retry with the seconds until it is due; its number."""
    name = f"run-{uuid4()}"
    run = DagRun(dag_id=DAG, run_id=name, run_type=DagRunType.MANUAL, state=DagRunState.RUNNING, run_after=LONG_AGO,
                 triggered_by=DagRunTriggeredByType.REST_API)  # fmt: skip
    run.last_scheduling_decision = looked
    session.add(run)
    session.flush()
    for place, one in enumerate(states):
        state, due = one if isinstance(one, tuple) else (one, None)
        ended = changed if due is None else datetime.now(UTC)
        task = {
            "id": uuid4(),
            "dag_id": DAG,
            "task_id": f"t{place}",
            "run_id": name,
            "state": state,
            "end_date": ended,
            "retry_delay_override": due,
            "updated_at": changed,
            "pool": "default_pool",
            "pool_slots": 1,
        }
        session.execute(insert(TaskInstance).values(task))
    return run.id


def emptied(session: Session) -> None:
    """No runs."""
    session.execute(delete(TaskInstance))
    session.execute(delete(DagRun))


@pytest.fixture
def runs(session: Session) -> Callable[..., int]:
    """Makes a run, of which there are none yet."""
    emptied(session)
    return partial(made, session)


@pytest.fixture
def looked_at(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """The runs that the scheduler would look at in this turn. What the module replaces is put back afterwards."""
    monkeypatch.setattr(DagRun, "get_running_dag_runs_to_examine", DagRun.__dict__["get_running_dag_runs_to_examine"])
    dsr_quiet.leave_out()
    return lambda: [run.id for run in DagRun.get_running_dag_runs_to_examine(session=session)]


def change(session: Session, run: int, place: int, state: str | None, at: datetime) -> None:
    """A task of that run goes into a state."""
    of = TaskInstance.run_id == DagRun.run_id, DagRun.id == run, TaskInstance.task_id == f"t{place}"
    session.execute(update(TaskInstance).where(*of).values(state=state, updated_at=at))


def test_the_one_that_goes_on_is_before_thousands_that_wait(runs: Callable[..., int], looked_at: Any) -> None:
    for _ in range(50):
        runs("success", "awaiting_input", None)
    going = runs("success", "running", None)
    assert looked_at() == [going]


def test_an_answer_brings_it_back_at_once(session: Session, runs: Callable[..., int], looked_at: Any) -> None:
    run = runs("success", "awaiting_input", None)
    assert looked_at() == []
    change(session, run, 1, "scheduled", NOW)
    assert looked_at() == [run]
    change(session, run, 1, "success", NOW)
    assert looked_at() == [run]  # what comes next is to be begun


def test_a_run_that_was_cleared_is_back(session: Session, runs: Callable[..., int], looked_at: Any) -> None:
    run = runs("success", "awaiting_input", None)
    assert looked_at() == []
    session.execute(update(DagRun).where(DagRun.id == run).values(last_scheduling_decision=None))
    assert looked_at() == [run]


def test_a_task_that_was_cleared_or_marked_by_hand_is_seen_with_the_next_reading(
    session: Session, runs: Callable[..., int]
) -> None:
    """Airflow changes only the task of a run that runs."""
    now = [0.0]
    quiet, run = dsr_quiet.Quiet(lambda: now[0]), runs("success", "awaiting_input", None)
    assert quiet.ids(session) == {run}
    change(session, run, 0, None, NOW)
    now[0] += 31
    assert quiet.ids(session) == set()


@given(
    states=st.lists(st.sampled_from(STATES), max_size=4),
    waits=st.sampled_from((None, "awaiting_input", ("up_for_retry", SOON), ("up_for_retry", LATER))),
    changed=st.sampled_from((timedelta(0), timedelta(seconds=50), timedelta(seconds=70), timedelta(days=3))),
    seen=st.sampled_from((None, timedelta(0), timedelta(minutes=61))),
)
def test_only_what_can_go_on_by_itself_is_looked_at(
    session: Session,
    states: list[str | None],
    waits: str | tuple[str, float] | None,
    changed: timedelta,
    seen: timedelta | None,
) -> None:
    """Left alone is what waits for an answer or a far time, while nothing is under way, and it was looked at since its
    last change."""
    emptied(session)
    looked = None if seen is None else datetime.now(UTC) - seen
    run = made(session, *states, waits, looked=looked, changed=(looked or NOW) - changed)
    rests = waits in ("awaiting_input", ("up_for_retry", LATER)) and not UNDER_WAY & set(states)
    rests = rests and looked is not None and changed > timedelta(minutes=1)
    assert dsr_quiet.Quiet().ids(session) == (frozenset({run}) if rests else frozenset())


def test_a_retry_that_is_far_away_comes_back_in_time(runs: Callable[..., int], looked_at: Any) -> None:
    runs("success", ("up_for_retry", LATER))
    due = runs("success", ("up_for_retry", SOON))
    assert looked_at() == [due]


def test_everything_is_looked_at_once_an_hour_and_never_all_at_once(session: Session) -> None:
    """Those that nobody has looked at for longest come first, also when all are long overdue."""
    now = [0.0]
    quiet = dsr_quiet.Quiet(lambda: now[0])
    long_ago = [NOW - timedelta(hours=50 - number) for number in range(40)]
    emptied(session)
    ids = [made(session, "awaiting_input", looked=looked, changed=NOW - timedelta(days=9)) for looked in long_ago]
    assert quiet.ids(session) == set(ids)
    let_go = []
    for _ in range(120):
        now[0] += 30.1
        gone = set(ids) - quiet.ids(session)
        assert len(gone) <= 1
        let_go += gone
        for run in gone:
            session.execute(update(DagRun).where(DagRun.id == run).values(last_scheduling_decision=datetime.now(UTC)))
    assert let_go == ids


def test_who_waits_is_read_seldom(session: Session, runs: Callable[..., int]) -> None:
    """Never more often than every five seconds, and never more than a twentieth of the time."""
    now = [0.0]
    quiet = dsr_quiet.Quiet(lambda: now[0])
    first = runs("awaiting_input")
    assert quiet.ids(session) == {first}
    second = runs("awaiting_input")
    now[0] = 4.9
    assert quiet.ids(session) == {first}
    now[0] = 5.1
    assert quiet.ids(session) == {first, second}
