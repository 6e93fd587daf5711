"""What happens when something breaks: nothing is released thinner than a person decided, nothing is doubled."""

import functools
import time
from pathlib import Path

import pytest
from killing import TASK, WORKER, Killer
from observed import PATIENCE, Observed

from embedded.journey import DAG
from embedded.verification import Package

# As the person reads them.
RELEASE_WITHOUT, TRY_AGAIN, STOP = "Release without", "Try again", "Stop"

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def test_unknown_person_is_answered_without_failure(stack: Observed) -> None:
    request_id = stack.ask("nobody.at.all@nowhere.example", "T-unknown")
    assert stack.end(request_id) == "success"
    assert stack.states(request_id)["answer_nothing"] == "success"
    assert stack.states(request_id)["release"] == "skipped"
    assert len(stack.requester.answers(request_id)) == 1
    assert stack.requester.mails(request_id) == []
    assert [e.detail["outcome"] for e in stack.events(request_id) if e.kind == "answered"] == ["nothing_held"]
    assert stack.kinds(request_id)[-1] == "shredded"


def test_source_that_fails_for_good_waits_for_a_person_and_is_named(stack: Observed, tmp_path: Path) -> None:
    stack.requester.fault(system="pardot", path="/api/", status=500)
    request_id = stack.ask(stack.population.canary.email, "T-500")
    decision = stack.decision(request_id)
    assert decision["task_id"] == "decide_incomplete"
    assert "| pardot | failed | http.500 |" in decision["body"]
    assert stack.requester.mails(request_id) == []
    stack.decide(request_id, "decide_incomplete", RELEASE_WITHOUT)
    assert stack.decision(request_id)["task_id"] == "release"
    stack.decide(request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    package = Package(stack.download(request_id, tmp_path / "package.zip"))
    assert package.sources()["pardot"].status == "failed"
    assert package.faults(stack.population, stack.truth, without=["pardot"]) == []
    assert stack.requester.answers(request_id)[0]["closed"] is False
    choices = [e.detail["choice"] for e in stack.events(request_id) if e.kind == "decision"]
    assert choices == ["release_without", "all_is_reviewed", "approve"]


@pytest.mark.thorough
def test_try_again_completes_and_a_rejection_sends_nothing(stack: Observed) -> None:
    stack.requester.fault(system="invoicing", kind="missing_table", table="invoice")
    request_id = stack.ask(stack.population.canary.email, "T-again")
    assert stack.decision(request_id)["task_id"] == "decide_incomplete"
    stack.decide(request_id, "decide_incomplete", TRY_AGAIN)
    time.sleep(3)
    assert stack.decision(request_id)["task_id"] == "decide_incomplete", "asked again while the cause is there"
    stack.mend()
    stack.decide(request_id, "decide_incomplete", TRY_AGAIN)
    decision = stack.decision(request_id)
    assert decision["task_id"] == "release"
    assert "failed" not in decision["body"]
    stack.decide(request_id, "release", "Reject")
    assert stack.end(request_id) == "success"
    assert stack.states(request_id)["deliver"] == "skipped"
    assert stack.requester.mails(request_id) == []
    assert stack.requester.answers(request_id) == []
    assert [e.detail["outcome"] for e in stack.events(request_id) if e.kind == "shredded"] == ["rejected"]
    told = ("judged/", "correspondence/", "outbox/", "sent/")  # the ticket may have been told how far it is
    kept = {name for name in stack.case(request_id).names() if not name.startswith(told)}
    assert kept <= {"request", "deadlines", "relation", "release/shown"}


@pytest.mark.thorough
def test_revoked_token_can_be_stopped_without_anything_sent(stack: Observed) -> None:
    stack.requester.fault(system="salesforce", path="/services/", status=401)
    request_id = stack.ask(stack.population.canary.email, "T-401")
    assert "| salesforce | failed | http.401 |" in stack.decision(request_id)["body"]
    stack.decide(request_id, "decide_incomplete", STOP)
    stack.end(request_id)
    states = stack.states(request_id)
    assert {states[name] for name in ("compose", "release", "deliver", "answer_nothing", "close")} == {"skipped"}
    assert states["shred"] == "success"
    assert stack.requester.answers(request_id) == []
    assert [e.detail["outcome"] for e in stack.events(request_id) if e.kind == "shredded"] == ["stopped"]


@pytest.mark.thorough
def test_killed_while_reading_ends_right_and_nothing_is_doubled(stack: Observed, tmp_path: Path) -> None:
    """kill -9 of the process that reads from one system; and of the worker that watches over that of another."""
    request_id, victims = stack.ask(stack.population.canary.email, "T-kill"), ("salesforce", "pardot")
    with (
        Killer(stack, DAG, request_id, {"salesforce.collect": 1.0}, TASK) as task,
        Killer(stack, DAG, request_id, {"pardot.collect": 1.0}, WORKER) as worker,
    ):
        states, officer = functools.partial(stack.states, request_id), stack.user("officer")
        officer.wait(lambda: states()["identify"] == "success", "identify to end", PATIENCE, every=0.1)
        for system in victims:
            stack.requester.fault(system=system, kind="slow", seconds=3)
        officer.wait(lambda: task.killed and worker.killed, "both kills", PATIENCE)
        stack.mend()
    assert stack.decision(request_id)["task_id"] == "release"
    tasks = stack.user("officer").tasks(DAG, request_id)
    assert all(tasks[f"{system}.collect"]["try_number"] > 1 for system in victims)
    stack.decide(request_id, "release", "Approve")
    assert stack.end(request_id) == "success"
    package = Package(stack.download(request_id, tmp_path / "package.zip"))
    assert package.faults(stack.population, stack.truth) == []
