"""What goes while an erasure is on its way, in the production shape: each ends as if nothing had gone, with nothing
done twice, and the ledger's chain whole."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from killing import processes
from observed import PATIENCE, Observed
from outcome import Outcome
from privacy_office import Office, Way
from production import Production

from embedded.client import FINAL

pytestmark = [pytest.mark.production, pytest.mark.timeout(1800)]

_WAY: Final = Way("erasure", "p000010")
_SYSTEM: Final = "salesforce"
_SLOW: Final = 8.0
"""Seconds that each call of `_SYSTEM` takes while something goes, so that its task is met at work."""
_UNTIL: Final = {
    "reread.salesforce": {"approve": {"awaiting_input"}},
    "enforce.salesforce": {"reread.salesforce": FINAL},
}
"""Task → what is so before it begins."""


class Underway:
    """An erasure that is at work, in a shape in which something can go."""

    def __init__(self, stack: Observed, ticket_id: str) -> None:
        self.stack, self.office, self.before = stack.of(_WAY.right), Office(stack), stack.state()
        self.shape: Production = stack.running
        self.request_id = self.office.ask(_WAY, ticket_id)

    def meet(self, task_id: str) -> str:
        """Until that task is at work; which worker has it."""
        self.office.work([self.request_id], rests=_UNTIL[task_id])
        self.stack.requester.fault(system=_SYSTEM, kind="slow", seconds=_SLOW)
        officer = self.stack.user("officer")
        instance = str(officer.tasks(_WAY.dag, self.request_id)[task_id]["id"])
        self.office.work([self.request_id], rests={"approve": FINAL})
        process = officer.wait(lambda: processes().get(instance), f"{task_id} at work", PATIENCE)
        return self.shape.keeper.name_of(process.pid)

    def end(self) -> Outcome:
        """All systems as quick as ever; to the end of the run."""
        self.stack.mend()
        self.office.work([self.request_id])
        return Outcome.of(self.stack, self.office, self.request_id, self.before)


@pytest.fixture(scope="module")
def snapshot(shared_stack: Observed) -> Iterator[Callable[[], None]]:
    """Puts the systems back to what they were."""
    with httpx.Client(base_url=shared_stack.running.endpoints["admin"], trust_env=False, timeout=120) as admin:
        made = admin.post("/snapshots").raise_for_status().json()["id"]
        yield lambda: admin.post(f"/snapshots/{made}/restore").raise_for_status() and None
        admin.post(f"/snapshots/{made}/restore").raise_for_status()


@pytest.fixture(scope="module")
def whole(shared_stack: Observed, snapshot: Callable[[], None]) -> Outcome:
    """What comes of it when nothing goes."""
    outcome = Underway(shared_stack, "T-whole").end()
    assert outcome.failed == []
    assert outcome.changes
    return outcome


@pytest.fixture
def underway(stack: Observed, whole: Outcome, snapshot: Callable[[], None], request: Any) -> Underway:
    """Asked for anew, in systems as they were before."""
    snapshot()
    return Underway(stack, f"T-{re.sub('[^0-9a-z]+', '-', request.node.name).strip('-')[-40:]}")


def tries(underway: Underway, task_id: str) -> int:
    task = underway.stack.user("officer").tasks(_WAY.dag, underway.request_id)[task_id]
    return int(task["try_number"])


def test_postgresql_is_restarted(underway: Underway, whole: Outcome) -> None:
    underway.meet("enforce.salesforce")
    underway.shape.postgres.stop()
    underway.shape.postgres.start()
    underway.shape.wait_until_healthy("apiserver", "scheduler", "scheduler-2")
    assert whole.differs(underway.end()) == []


def test_redis_is_killed_and_has_kept_nothing(underway: Underway, whole: Outcome) -> None:
    underway.meet("reread.salesforce")
    underway.shape.keeper.signal("redis", signal.SIGKILL)
    underway.shape.wait_until_healthy("redis")
    assert whole.differs(underway.end()) == []


def test_a_worker_is_killed_and_another_takes_its_task(underway: Underway, whole: Outcome) -> None:
    worker = underway.meet("enforce.salesforce")
    underway.shape.keeper.take_away(worker)
    outcome = underway.end()
    underway.shape.keeper.bring_back(worker)
    underway.shape.wait_until_healthy(worker)
    assert tries(underway, "enforce.salesforce") > 1
    assert whole.differs(outcome) == []


@pytest.mark.soak
@pytest.mark.parametrize("process", ["apiserver", "portal", "dag-processor", "triggerer", "s3"])
def test_a_process_is_killed_and_comes_back(underway: Underway, whole: Outcome, process: str) -> None:
    underway.meet("enforce.salesforce")
    underway.shape.keeper.signal(process, signal.SIGKILL)
    underway.shape.wait_until_healthy(process)
    assert whole.differs(underway.end()) == []


@pytest.mark.soak
def test_postgresql_is_killed(underway: Underway, whole: Outcome) -> None:
    underway.meet("enforce.salesforce")
    postgres = underway.shape.postgres
    os.kill(int((postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    postgres.start()
    underway.shape.wait_until_healthy("apiserver", "scheduler", "scheduler-2")
    assert whole.differs(underway.end()) == []


@pytest.mark.soak
def test_no_worker_is_there_for_longer_than_airflow_waits(stack: Observed) -> None:
    """By itself it fails for good what was put into the queue anew twice."""
    keeper, engineer = stack.running.keeper, stack.user("engineer")
    for worker in ("worker", "worker-2"):
        keeper.take_away(worker)
    request_id = stack.ask("nobody.at.all@nowhere.example", "T-no-worker")
    anew = {"dag_id": stack.dag, "run_id": request_id, "event": "stuck in queued reschedule"}
    engineer.wait(lambda: engineer.get("eventLogs", **anew)["total_entries"] > 2, "a third time", PATIENCE, every=2)
    for worker in ("worker", "worker-2"):
        keeper.bring_back(worker)
    assert stack.end(request_id) == "success"
    assert len(stack.requester.answers(request_id)) == 1


@pytest.mark.soak
def test_one_of_two_schedulers_is_killed(underway: Underway, whole: Outcome) -> None:
    underway.meet("reread.salesforce")
    underway.shape.keeper.take_away("scheduler")
    outcome = underway.end()
    underway.shape.keeper.bring_back("scheduler")
    underway.shape.wait_until_healthy("scheduler")
    assert whole.differs(outcome) == []


@pytest.mark.soak
def test_a_worker_that_was_given_up_comes_back_and_does_nothing_twice(underway: Underway, whole: Outcome) -> None:
    worker = underway.meet("enforce.salesforce")
    stopped = {instance for instance, process in processes().items() if process.pid in pids(underway, worker)}
    underway.shape.keeper.signal(worker, signal.SIGSTOP)
    outcome = underway.end()
    assert tries(underway, "enforce.salesforce") > 1
    underway.shape.keeper.signal(worker, signal.SIGCONT)
    officer = underway.stack.user("officer")
    officer.wait(lambda: not stopped & set(processes()), "what was stopped to end", PATIENCE)
    underway.shape.wait_until_healthy(worker)
    after = Outcome.of(underway.stack, underway.office, underway.request_id, underway.before)
    assert whole.differs(outcome) == whole.differs(after) == []


def pids(underway: Underway, worker: str) -> set[int]:
    return {process.pid for process in underway.shape.keeper.family(worker)}


def test_nobody_was_told_twice(shared_stack: Observed) -> None:
    with httpx.Client(base_url=shared_stack.running.endpoints["admin"], trust_env=False) as admin:
        assert {entry["posted"] for entry in admin.get("/processor/requests").json()} == {1}
