"""kill -9 in what goes on beside the requests' own runs: more time for one, and the nights. It ends as it does when
nobody is killed; more often in a soak, see `test_killed`."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from kills import killed_again_and_again, processes
from office import SYSTEMS, Office
from outcomes import outcome
from running_sandbox import Sandbox

import dsr_extending
import dsr_identity
import dsr_keeping
from dsr.errors import TransientError
from dsr.tables import subject_index
from extractors import SOURCES
from sandbox.people import Person

__all__ = ["processes"]

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

SOAK = int(os.environ.get("DSR_SOAK_TIMES", "50"))
NINE_YEARS = timedelta(days=9 * 366)
"""A year of the books that has begun ends in the next; the seventh year after that one ends in December."""
_TRIES = 20


def extend(folder: Path, endpoints: Mapping[str, Any], ledger_url: str, request_id: str) -> None:
    """What the run of `dsr_extension` does that an officer has started."""
    office = Office(folder, endpoints, ledger_url)
    conf = {"request_id": request_id, "reason": "complexity"}
    run = SimpleNamespace(run_id="manual__1", dag_id="dsr_extension", conf=conf, triggering_user_name="officer")
    with office.at_work(), set_current_context({"dag_run": run, "ti": SimpleNamespace(task_id="extend", try_number=1)}):
        dsr_extending.extend.function()
    office.close()


def night(folder: Path, endpoints: Mapping[str, Any], ledger_url: str, _: str) -> None:
    """All that `dsr_upkeep` does."""
    office = Office(folder, endpoints, ledger_url)
    run = SimpleNamespace(run_id="scheduled__1", dag_id="dsr_upkeep", conf={})
    instance = SimpleNamespace(get_dr_count=lambda **_: 0, task_id="upkeep", try_number=1)
    with set_current_context({"dag_run": run, "ti": instance}):
        for task in (dsr_keeping.end_links, dsr_keeping.sweep, dsr_identity.remind):
            again_until_done(office, task.function)
        for source in SOURCES:
            if source.declaration.indexed:
                again_until_done(office, dsr_keeping.index.function, source.declaration.name)
        for name in reversed(SYSTEMS):
            again_until_done(office, dsr_keeping.end_retention.function, name)
    office.close()


def again_until_done(office: Office, task: Callable[..., object], *arguments: str) -> None:
    """One task, tries and waits included."""
    for _ in range(_TRIES):
        try:
            with office.at_work():
                task(*arguments)
            return
        except TransientError as error:
            office.wait(error.retry_after or timedelta(minutes=1))
    raise AssertionError("never done")


@pytest.fixture
def twice(
    way_sandbox: Sandbox, new_ledger: Callable[[], str], tmp_path: Path, processes: Any
) -> Callable[..., Iterator[tuple[Office, str]]]:
    """Goes the same way two times, in the same systems with a ledger of its own each: once without a kill."""

    def go(person: Person, ask: Callable[[Office], str], work: Callable[..., None], kills: int) -> Iterator[Any]:
        chance, seconds = random.Random(kills), 0.0
        offset = way_sandbox.admin.get("/clock").json()["offset"]
        for number in range(2):
            snapshot = way_sandbox.admin.post("/snapshots").raise_for_status().json()["id"]
            office = Office(tmp_path / str(number), way_sandbox.endpoints, new_ledger())
            office.upkeep()
            before, notices = office.state(), len(office.notices())
            request_id = ask(office)
            arguments = (office.folder, office.endpoints, office.ledger_url, request_id)
            began = time.monotonic()
            killed = killed_again_and_again(processes, work, arguments, seconds, chance, kills if number else 0)
            seconds = time.monotonic() - began
            assert bool(killed) is bool(number)
            yield office, request_id, outcome(office, request_id, person, before, notices)
            office.close()
            way_sandbox.admin.put("/clock", json={"offset": offset}).raise_for_status()
            way_sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
            way_sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()

    return go


def indexed(office: Office) -> set[tuple[Any, ...]]:
    """What leads to what in the indexes."""
    with office.engine.connect() as connection:
        found = connection.execute(subject_index.select())
        return {(row.source, row.identifier, row.dataset, row.record_id) for row in found}


@pytest.mark.parametrize("kills", [3, pytest.param(SOAK, marks=pytest.mark.soak)])
def test_more_time_is_told_once(way_sandbox: Sandbox, twice: Callable[..., Any], kills: int) -> None:
    """One message, one event, one new day; and what was asked for stands as it was."""
    person = random.Random(1).choice(way_sandbox.population.people)

    def ask(office: Office) -> str:
        request_id = office.ask(person.email, "restriction", ground="accuracy_contested")
        office.until(request_id, "approve")
        return request_id

    ends, due = [], []
    for office, request_id, end in twice(person, ask, extend, kills):
        due.append(office.case(request_id).read_json("request")["due"]["extended_latest"])
        assert [answer["closed"] for answer in office.answers(request_id)] == [False]
        assert office.kinds(request_id).count("extended") == 1
        ends.append(end)
    assert due[0] == due[1]
    assert ends[0].differs(ends[1]) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [6, pytest.param(SOAK, marks=pytest.mark.soak)])
def test_nights_erase_what_was_kept_and_index_what_is_new(
    way_sandbox: Sandbox, twice: Callable[..., Any], kills: int
) -> None:
    """Nine years after an erasure: the same is gone, the indexes hold the same, cases are ended alike."""
    person = next(p for p in way_sandbox.population.people if way_sandbox.truth_of(p.key, "invoicing_invoice"))

    def ask(office: Office) -> str:
        request_id = office.ask(person.email, "erasure")
        assert office.finish(request_id).failed == {}
        office.wait(NINE_YEARS)
        return request_id

    ends, indexes = [], []
    for office, request_id, end in twice(person, ask, night, kills):
        assert "retention_ended" in office.kinds(request_id)
        indexes.append(indexed(office))
        ends.append(end)
    assert indexes[0]
    assert indexes[0] == indexes[1]
    assert ends[0].differs(ends[1]) == []
