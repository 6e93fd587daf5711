"""Requests that were accepted while Airflow was away are started later: in the order of receipt, each once, whatever
breaks meanwhile; and it costs nothing when none waits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import made_up_ledger
import pytest
from front_desk import MASTER, NOW, SECRETS, FakeAirflow
from sqlalchemy import event, func, select

from dsr.alone import alone
from dsr.casefile import CaseFile
from dsr.errors import TransientError
from dsr.settings import subkey
from dsr.steps import accept, triage
from dsr.tables import unstarted
from dsr.unstarted import Unstarted
from dsr.web.intake import Desk, _take
from sandbox.tickets.sender import signed, ticket_body

CHANNEL = "standard_webhooks"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def ledger_url(new_ledger: Callable[[], str]) -> str:
    """One of its own: what other tests left waiting would be started too."""
    return new_ledger()


def ask(desk: Desk, number: int, right: str = "access") -> str:
    """A request that comes in; its id."""
    body = ticket_body(CHANNEL, f"P-{number}", email=f"person.{number}@example.org", right=right, at=NOW)
    headers, raw = signed(CHANNEL, body, SECRETS[CHANNEL], NOW, f"msg-{number}")
    return _take(desk, desk.channels[CHANNEL], (SECRETS[CHANNEL],), headers, raw).request_id


def start_pending(desk: Desk, **how: Any) -> accept.Started:
    """As `dsr_tickets` does."""

    def settle(case: CaseFile, _: object) -> str:
        return triage.triage(case, desk.requesters, desk.ledger, at=NOW, settings=desk.settings)

    engine = desk.ledger.engine
    lock = partial(alone, engine, what="start")
    how = {"at": LATER, **how}
    return accept.start_pending(desk.ledger, Unstarted(engine), desk.cases, desk.run, settle, lock, **how)


def starts(desk: Desk) -> list[str]:
    """The requests whose start the ledger notes, in that order."""
    return [e.request_id for e in desk.ledger.events() if e.kind == accept.STARTED]


@pytest.fixture
def waiting(desk: Desk, airflow: FakeAirflow) -> list[str]:
    """Twelve that came while Airflow was away, in the order of receipt; it is back."""
    airflow.refuse = 503
    ids = [ask(desk, number) for number in range(12)]
    airflow.refuse = airflow.starts = 0
    assert airflow.runs == {}
    return ids


def test_in_the_order_of_receipt_and_once(desk: Desk, airflow: FakeAirflow, waiting: list[str]) -> None:
    assert start_pending(desk) == accept.Started(12, ())
    assert list(airflow.runs) == starts(desk) == waiting
    assert start_pending(desk).count == 0
    assert airflow.starts == 12


def test_so_many_each_time_and_the_rest_next_time(desk: Desk, airflow: FakeAirflow, waiting: list[str]) -> None:
    assert [start_pending(desk, most=5).count for _ in range(4)] == [5, 5, 2, 0]
    assert list(airflow.runs) == starts(desk) == waiting


def test_two_at_once_start_each_once_and_in_order(desk: Desk, airflow: FakeAirflow, waiting: list[str]) -> None:
    with ThreadPoolExecutor(3) as several:
        found = list(several.map(lambda _: start_pending(desk), range(3)))
    assert sum(started.count for started in found) == 12
    assert airflow.starts == 12
    assert list(airflow.runs) == starts(desk) == waiting


@pytest.mark.parametrize("before", [True, False], ids=["before the call", "before the start is noted"])
def test_killed_in_between_it_goes_on_where_it_stopped(
    desk: Desk, airflow: FakeAirflow, waiting: list[str], before: bool
) -> None:
    """What Airflow has got already, it doesn't get a second time: the run's id is the request's."""

    def run(way: str, request_id: str, received_at: datetime) -> None:
        if before and len(airflow.runs) == 3:
            raise KeyboardInterrupt
        desk.run(way, request_id, received_at)
        if not before and len(airflow.runs) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_pending(replace(desk, run=run))
    assert len(starts(desk)) == 3
    assert start_pending(desk).count == 9
    assert list(airflow.runs) == starts(desk) == waiting


def test_none_overtakes_another_while_airflow_goes_away_again(
    desk: Desk, airflow: FakeAirflow, waiting: list[str]
) -> None:
    """And it isn't asked in vain for each of them, which could last for hours."""
    asked = []

    def run(way: str, request_id: str, received_at: datetime) -> None:
        asked.append(request_id)
        if len(asked) == 4:
            raise TransientError("connection.failed", "airflow")
        desk.run(way, request_id, received_at)

    away = start_pending(replace(desk, run=run))
    assert (away.count, away.failed) == (3, ((waiting[3], "connection.failed"),))
    assert asked == waiting[:4]
    assert start_pending(desk).count == 9
    assert list(airflow.runs) == waiting


@pytest.mark.parametrize("code", ["http.403", "http.404"])
def test_one_that_has_a_reason_of_its_own_keeps_no_other_waiting(
    desk: Desk, airflow: FakeAirflow, waiting: list[str], code: str
) -> None:
    """Its DAG is not there or not the service user's to start, or its case file is gone."""
    desk.cases.open(waiting[5]).close()

    def run(way: str, request_id: str, received_at: datetime) -> None:
        if request_id == waiting[2]:
            raise TransientError(code, "airflow")
        desk.run(way, request_id, received_at)

    started = start_pending(replace(desk, run=run))
    assert (started.count, started.failed) == (10, ((waiting[2], code), (waiting[5], "case.closed")))
    assert list(airflow.runs) == [one for one in waiting if one not in (waiting[2], waiting[5])]
    assert start_pending(desk).failed == ((waiting[5], "case.closed"),)
    desk.ledger.append(waiting[5], "closed", {"outcome": "ended"}, at=LATER)
    assert start_pending(desk) == accept.Started(0, ())


def test_what_comes_when_airflow_is_back_is_started_at_once(
    desk: Desk, airflow: FakeAirflow, waiting: list[str]
) -> None:
    """Requests don't depend on one another; those that wait keep their order among themselves."""
    new = ask(desk, 99)
    assert list(airflow.runs) == [new]
    assert start_pending(desk).count == 12
    assert list(airflow.runs) == [new, *waiting]


def test_one_that_is_just_being_taken_is_left_to_its_intake(desk: Desk, waiting: list[str]) -> None:
    assert start_pending(desk, at=NOW + timedelta(seconds=30)).count == 0
    assert start_pending(desk).count == 12


def test_a_delivery_that_came_twice_at_once_does_not_wait_again(
    desk: Desk, airflow: FakeAirflow, waiting: list[str]
) -> None:
    """Both note the receipt; the second one's note may come after the start."""
    start_pending(desk)
    first = desk.ledger.events(waiting[0])[0]
    desk.ledger.append(first.request_id, first.kind, first.detail, at=NOW)
    assert waiting_rows(desk) == 0


def waiting_rows(desk: Desk) -> int:
    with desk.ledger.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(unstarted)).scalar_one())


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """All that the database is asked meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(desk.ledger.engine, "before_cursor_execute", note)
    yield seen
    event.remove(desk.ledger.engine, "before_cursor_execute", note)


def test_looking_costs_one_statement_that_no_request_of_before_weighs_on(desk: Desk, ledger_url: str) -> None:
    """It reads the one table in which there is nothing then; not the ledger, whose requests get ever more."""
    made_up_ledger.fill(ledger_url, 400, NOW, key=subkey(MASTER, "ledger"))
    with statements(desk) as seen:
        assert start_pending(desk).count == 0
    assert len(seen) == 1
    assert "unstarted" in seen[0]
    assert "events" not in seen[0]
    assert waiting_rows(desk) == 0
