"""More time, a refusal by whoever releases or approves, another plan: done by officers in a real Airflow, told in the
ticket."""

import httpx
import pytest
from observed import PATIENCE, Observed
from privacy_office import CONFIRMED, VERIFIED

from dsr.standing import Standing, deadline
from extractors import SOURCES
from sandbox.comparison import difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

DAG = "dsr_extension"
NOT_PROVEN = "Refuse: who asks is not proven"
OBLIGED = "Refuse: a law demands the processing"


def extend(stack: Observed, request_id: str, reason: str, user: str = "officer") -> str:
    """As an officer does from the form; how the run ended."""
    officer = stack.user(user)
    run_id = officer.start(DAG, conf={"request_id": request_id, "reason": reason})
    return officer.wait_for_end(DAG, run_id, PATIENCE)


def told(stack: Observed, request_id: str) -> list[str]:
    return [event.detail["outcome"] for event in stack.events(request_id) if event.kind == "answered"]


@pytest.mark.thorough
def test_an_access_request_is_extended_once_and_then_refused(stack: Observed) -> None:
    request_id = stack.ask(stack.population.canary.email, "T-extend")
    assert stack.decision(request_id)["task_id"] == "release"
    assert extend(stack, request_id, "complexity", "second") == "success"
    assert extend(stack, request_id, "number") == "failed"
    events = [event.detail for event in stack.events(request_id) if event.kind == "extended"]
    standing = Standing.of(stack.events(request_id))
    assert standing is not None
    assert events == [{"reason": "complexity", "by": "second", "latest": standing.deadline.isoformat()}]
    assert deadline(stack.case(request_id).read_json("request")["due"]) == standing.deadline > standing.legal_latest
    stack.decide(request_id, "release", NOT_PROVEN)
    assert stack.end(request_id) == "success"
    letters = stack.requester.answers(request_id)
    assert [letter["closed"] for letter in letters] == [False, True]
    assert all("IMY" in letter["text"] and "domstol" in letter["text"] for letter in letters)
    assert told(stack, request_id) == ["extended", "refused"]
    assert stack.requester.mails(request_id) == []
    assert not stack.case(request_id).exists("package")
    assert extend(stack, request_id, "number") == "failed", "answered by now"


@pytest.mark.thorough
def test_who_asks_another_plan_a_refusal_by_the_second_officer_and_four_eyes(stack: Observed) -> None:
    """Until the person has opened the page of the mail the officer is asked again, and sees how it stands. Who prepared
    can't approve, but can want another plan; then *prepare* asks anew, and whoever approves refuses."""
    erasure, before = stack.of("erasure"), stack.state()
    request_id = erasure.ask(stack.population.canary.email, "T-refuse", language="en")
    asked = erasure.decision(request_id)
    assert (asked["task_id"], "no answer yet" in asked["body"]) == ("prepare", True)
    assert extend(stack, request_id, "number") == "success"
    erasure.decide(request_id, "prepare", CONFIRMED)
    assert erasure.decision(request_id)["task_id"] == "prepare"
    assert "decision" not in stack.kinds(request_id)
    stack.requester.confirm(request_id)
    erasure.decide(request_id, "prepare", CONFIRMED)
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", "Approve")
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", "Plan anew")
    stack.user("officer").wait(lambda: stack.kinds(request_id).count("planned") == 2, "another plan", PATIENCE)
    assert erasure.decision(request_id)["task_id"] == "prepare"
    erasure.decide(request_id, "prepare", VERIFIED, user="second")
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", OBLIGED)
    assert erasure.end(request_id) == "success"
    assert told(stack, request_id) == ["extended", "refused"]
    assert "17(3)(b)" in stack.requester.answers(request_id)[-1]["text"]
    choices = [(d["decision"], d["choice"], d["by"]) for d in _decisions(stack, request_id)]
    assert choices == [
        ("prepare", "approve", "officer"),
        ("approve", "plan_anew", "officer"),
        ("prepare", "approve", "second"),
        ("approve", "refuse", "officer"),
    ]
    assert "enforced" not in stack.kinds(request_id)
    systems = {source.declaration.name for source in SOURCES}
    assert [c for c in difference(before, stack.state()) if c.system in systems] == []


def test_the_form_takes_an_id_and_a_reason_and_nothing_else(stack: Observed) -> None:
    """So that no address comes into Airflow by it; and a program extends nothing."""
    for conf in (
        {"request_id": "asa@kvarnberget.example", "reason": "number"},
        {"request_id": f"dsr-{'a' * 26}", "reason": "holidays"},
        {"request_id": f"dsr-{'a' * 26}"},
    ):
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            stack.user("officer").start(DAG, conf=conf)
    assert extend(stack, f"dsr-{'a' * 26}", "number") == "failed", "nobody asked for it"


def _decisions(stack: Observed, request_id: str) -> list[dict[str, str]]:
    return [dict(event.detail) for event in stack.events(request_id) if event.kind == "decision"]
