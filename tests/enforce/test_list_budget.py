"""An erasure list and what the vendors allow a day, through the wire: it stops in time, goes on the next day, and no
system ever has to refuse it."""

import base64
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.execution_time.context import set_current_context
from running_sandbox import Sandbox, start_sandbox, stop_sandbox

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_keeping
import dsr_listing
import dsr_workplace
from dsr import budget, database, erasurelist
from dsr.erasurelist import ErasureList, Line
from dsr.errors import PermanentError, TransientError
from dsr.report.event_words import told
from dsr.requestid import new_id
from dsr_retries import DEFAULT_ARGS
from embedded.processing import confirmed_register
from extractors import SOURCES
from sandbox.people import Person

pytestmark = pytest.mark.slow

PER_DAY = 150
"""Calls that the vendor allows here; a fifth of them is for others."""
SPENT_AT_MOST = PER_DAY * 4 // 5


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """All systems, for this module alone: people are erased."""
    process, running = start_sandbox(tmp_path_factory.mktemp("budget-sandbox") / "state", "--people", "40")
    yield running
    stop_sandbox(process)


@pytest.fixture(scope="module")
def crowd(systems: Sandbox) -> Iterator[Person]:
    return iter(systems.population.crowd[1:])


@pytest.fixture(scope="module")
def desk(systems: Sandbox, new_ledger: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> "Desk":
    return Desk(systems, new_ledger(), tmp_path_factory.mktemp("budget-desk"))


@pytest.fixture(autouse=True)
def sound(systems: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of two people; the next test has the vendors' own limits again, and a day of its own."""
    for name in [name for name in os.environ if name.startswith("DSR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(erasurelist, "CHUNK", 2)
    systems.forget()
    yield
    systems.admin.put("/pardot/settings", json={}).raise_for_status()
    systems.admin.post("/salesforce/settings", json={"daily_limit": 100_000, "used": 0}).raise_for_status()
    systems.forget()


class Desk:
    """Where the tasks of a list run, on the clock of the systems."""

    def __init__(self, systems: Sandbox, ledger_url: str, folder: Path) -> None:
        self.systems, self.engine = systems, database.connect(ledger_url)
        self._env = {
            "DSR_CASE_STORE": str(folder / "cases"),
            "DSR_LEDGER_URL": ledger_url,
            "DSR_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
            "DSR_PORTAL_URL": "https://portal.controller.example",
            "DSR_AIRFLOW_URL": "https://airflow.controller.example",
            "DSR_AIRFLOW_USER": "intake",
            "DSR_AIRFLOW_PASSWORD": "unused",
            "DSR_MAIL_FROM": "privacy@controller.example",
            **confirmed_register(folder / "register"),
        }
        self.offset = 0.0
        self.days: list[list[dict[str, Any]]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def wait(self, time: timedelta) -> None:
        """Lets it pass for everybody. `days`: the calls of Account Engagement, of each day that is over."""
        if (self.now() + time).date() != self.now().date():
            self.days.append(self.systems.calls("pardot"))
            self.systems.forget()
        self.offset += time.total_seconds()
        self.systems.admin.put("/clock", json={"offset": self.offset}).raise_for_status()

    def next_day(self) -> None:
        """Until eight in the morning, after the night's upkeep; the log begins anew."""
        now = self.now()
        self.wait((now + timedelta(days=1)).replace(hour=8, minute=0) - now)
        with self.at_work():
            for source in SOURCES:
                if source.declaration.indexed:
                    dsr_keeping.index.function(source.declaration.name)
        self.systems.forget()

    @contextmanager
    def at_work(self, list_id: str = "") -> Iterator[dsr_workplace.Workplace]:
        context: Any = {
            "dag_run": SimpleNamespace(run_id=list_id, dag_id="dsr_erasure_list", conf={"list_id": list_id}),
            "ti": SimpleNamespace(task_id="task", try_number=1, max_tries=5),
        }
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self._env))
            stack.enter_context(mock.patch.object(database, "connect", return_value=self.engine))
            stack.enter_context(mock.patch.object(dsr_workplace, "clock", self.now))
            stack.enter_context(mock.patch.object(dsr_workplace, "AirflowConnection", SimpleNamespace(get=self._get)))
            stack.enter_context(set_current_context(context))
            yield dsr_workplace.Workplace()

    def _get(self, conn_id: str) -> Any:
        known: Mapping[str, Any] = self.systems.endpoints["connections"]
        if conn_id not in known:
            raise AirflowNotFoundException(conn_id)
        fields = {**dict.fromkeys(("host", "port", "login", "password", "schema")), **known[conn_id]}
        return SimpleNamespace(**fields, extra_dejson=fields.get("extra") or {})


class OnList:
    """A list as its tasks bring it on."""

    def __init__(self, desk: Desk, people: Sequence[Person]) -> None:
        self.desk = desk
        with desk.at_work() as place:
            case = place.cases.create(new_id("list"))
            lines = [Line(new_id(), person.email) for person in people]
            listed = ErasureList.make(case, lines, reason="no_longer_needed", by="dpo", at=desk.now())
        self.list_id, self.ids, self.chunks = listed.list_id, [line.request_id for line in lines], listed.chunks

    def task(self, name: str, chunk: int) -> None:
        """One try of one task."""
        with self.desk.at_work(self.list_id):
            getattr(dsr_listing, name).function(chunk)

    def bring_on(self, name: str) -> None:
        """All chunks, each as long as it takes."""
        for chunk in range(1, self.chunks + 1):
            for _ in range(60):
                try:
                    self.task(name, chunk)
                    break
                except TransientError as error:
                    self.desk.wait(error.retry_after or timedelta(minutes=1))
            else:
                raise AssertionError("never done")

    def listed(self) -> ErasureList:
        with self.desk.at_work() as place:
            return ErasureList(place.case(self.list_id))

    def waited(self) -> list[Mapping[str, Any]]:
        """What the ledger says of the times when it stopped."""
        with self.desk.at_work() as place:
            events = [event for event in place.ledger.events(self.list_id) if event.kind == "budget_waited"]
        assert all("Waits: " in told(event).words and "unknown" not in told(event).words for event in events)
        return [event.detail for event in events]

    def approve(self) -> None:
        """By two officers."""
        with self.desk.at_work() as place:
            listed = ErasureList(place.case(self.list_id))
            digest = listed.total().digest
            listed.case.write_json("total", {"digest": digest})
            for decision, user in (("prepare", "officer"), ("approve", "second")):
                detail = {"decision": decision, "choice": "approve", "by": user, "digest": digest}
                place.ledger.append(self.list_id, "decision", detail, at=self.desk.now())

    def closed(self) -> list[str]:
        with self.desk.at_work() as place:
            known = [event for i in self.ids for event in place.ledger.events(i)]
        return [event.detail["outcome"] for event in known if event.kind == "closed"]


def stopped(listed: OnList, name: str, chunk: int) -> TransientError:
    with pytest.raises(TransientError, match=r"budget\.reserve") as caught:
        listed.task(name, chunk)
    return caught.value


def test_it_stops_in_time_and_goes_on_the_next_day(
    desk: Desk, systems: Sandbox, crowd: Iterator[Person], caplog: pytest.LogCaptureFixture
) -> None:
    """Planning: what is left for others is never touched, nobody asks again within the hour, and the log and the ledger
    say why it waits. A single request goes on meanwhile."""
    desk.next_day()
    systems.admin.put("/pardot/settings", json={"per_day": PER_DAY}).raise_for_status()
    run = OnList(desk, list(islice(crowd, 6)))
    with caplog.at_level(logging.INFO, "dsr"):
        run.task("plan_chunk", 1)
        run.task("plan_chunk", 2)
        error = stopped(run, "plan_chunk", 3)
    assert (error.place, error.retry_after) == ("pardot", budget.AGAIN)
    made = len(systems.calls("pardot"))
    assert 0 < made <= SPENT_AT_MOST
    (said,) = run.waited()
    assert (said["source"], said["a_day"], said["reserve"]) == ("pardot", PER_DAY, 20)
    assert said["left"] == PER_DAY - made
    assert f"pardot has {said['left']} of its {PER_DAY} calls a day left" in caplog.text
    desk.wait(timedelta(minutes=20))
    again = stopped(run, "plan_chunk", 3).retry_after
    assert again is not None
    assert timedelta(minutes=39) < again <= timedelta(minutes=40)
    assert len(systems.calls("pardot")) == made
    desk.wait(timedelta(hours=1))
    stopped(run, "plan_chunk", 3)
    assert len(systems.calls("pardot")) == made + 1
    assert len(run.waited()) == 1
    with desk.at_work() as place:
        assert place.source("pardot").check().calls_left == PER_DAY - made - 3  # type: ignore[union-attr]
    desk.next_day()
    run.task("plan_chunk", 3)
    assert run.listed().waits() is None
    assert run.listed().total().people == 6


def test_carried_out_over_days_and_never_refused(desk: Desk, systems: Sandbox, crowd: Iterator[Person]) -> None:
    """To its end, with waits as they come; the vendor hasn't refused a single call, and a fifth of each day is left."""
    desk.next_day()
    desk.days.clear()
    systems.admin.put("/pardot/settings", json={"per_day": PER_DAY}).raise_for_status()
    run = OnList(desk, list(islice(crowd, 4)))
    run.bring_on("plan_chunk")
    run.approve()
    run.bring_on("carry_out")
    run.bring_on("follow_notices")
    assert run.closed() == ["done"] * 4
    assert run.waited()
    desk.next_day()
    made = [call for day in desk.days for call in day]
    assert made
    assert all(call["status"] < 300 for call in made if call["status"] != 404)
    assert max(len(day) for day in desk.days) <= SPENT_AT_MOST


def test_the_crm_too(desk: Desk, systems: Sandbox, crowd: Iterator[Person]) -> None:
    """It tells of the last 24 hours, whoever has called."""
    desk.next_day()
    systems.admin.post("/salesforce/settings", json={"daily_limit": 1000, "used": 730}).raise_for_status()
    run = OnList(desk, list(islice(crowd, 2)))
    run.task("plan_chunk", 1)
    run = OnList(desk, list(islice(crowd, 2)))
    systems.admin.post("/salesforce/settings", json={"used": 750}).raise_for_status()
    assert stopped(run, "plan_chunk", 1).place == "salesforce"
    systems.admin.post("/salesforce/settings", json={"used": 1000}).raise_for_status()
    desk.wait(timedelta(hours=2))
    assert stopped(run, "plan_chunk", 1).place == "salesforce"  # refused the question, too
    desk.next_day()
    run.task("plan_chunk", 1)


def test_what_no_day_has_room_for_is_a_persons_to_see_to(desk: Desk, systems: Sandbox, crowd: Iterator[Person]) -> None:
    desk.next_day()
    systems.admin.put("/pardot/settings", json={"per_day": 80}).raise_for_status()
    run = OnList(desk, list(islice(crowd, 2)))
    with pytest.raises(PermanentError, match=r"pardot: budget\.too_small"):
        run.task("plan_chunk", 1)


def test_waits_are_no_tries(desk: Desk, systems: Sandbox, crowd: Iterator[Person]) -> None:
    """However long it has waited, a system that is down for a moment sets nobody aside; one that stays down does."""
    desk.next_day()
    systems.admin.post("/salesforce/settings", json={"daily_limit": 100, "used": 90}).raise_for_status()
    run, tries = OnList(desk, list(islice(crowd, 1))), int(DEFAULT_ARGS["retries"])
    for _ in range(2 * tries):
        assert stopped(run, "plan_chunk", 1).place == "salesforce"
        desk.wait(budget.AGAIN)
    desk.next_day()
    systems.fault(system="salesforce", path="composite", status=503)
    for _ in range(tries):
        with pytest.raises(TransientError, match=r"http\.503"):
            run.task("plan_chunk", 1)
    assert run.listed().planned(1) == {}
    run.task("plan_chunk", 1)
    assert run.listed().total().people == 0


def test_a_last_try_that_was_killed_is_a_persons_to_see_to(desk: Desk, crowd: Iterator[Person]) -> None:
    """Not tried for months; cleared, it is tried anew."""
    desk.next_day()
    run = OnList(desk, list(islice(crowd, 1)))
    for _ in range(1 + int(DEFAULT_ARGS["retries"])):
        run.listed().begin_to_plan(1)
    with pytest.raises(PermanentError, match=r"list\.tries"):
        run.task("plan_chunk", 1)
    run.task("plan_chunk", 1)
    assert run.listed().total().people == 1
