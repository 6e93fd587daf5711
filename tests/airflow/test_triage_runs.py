"""Before anything is read, through a real Airflow: an officer says which right it is and whether it is ours, a second
ticket is joined to the open request, and nobody who only reads a ticket learns whether anything is held."""

from datetime import timedelta

import httpx
import pytest
from observed import PATIENCE, Observed
from privacy_office import TRIAGED

from dsr.standing import Standing
from embedded.client import FINAL
from embedded.clock import put_ahead
from embedded.requester import is_question

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

NOBODY = "nobody.at.all@nowhere.example"
ERASURE = "They ask for erasure (Art. 17)"
ASK = "Ask them which right they mean"
CUSTOMER = "Refer to the customer on whose behalf we process: ljungby"
RECRUITING = "Refer to recruiting: it is about an application"


def answered(stack: Observed, request_id: str) -> list[str]:
    return [event.detail["outcome"] for event in stack.events(request_id) if event.kind == "answered"]


def outside(stack: Observed, ahead: timedelta) -> None:
    """The clock of everybody else: a ticket system takes no answer that seems to come from another week."""
    with httpx.Client(base_url=stack.running.endpoints["admin"], trust_env=False) as admin:
        admin.put("/clock", json={"offset": ahead.total_seconds()}).raise_for_status()


@pytest.mark.thorough
def test_an_unclear_right_is_decided_before_anything_is_searched(stack: Observed) -> None:
    triage, erasure = stack.of("triage"), stack.of("erasure")
    stack.requester.forget_calls()
    request_id = triage.ask(stack.population.person(TRIAGED[0]).email, "T-unclear", right="access, erasure")
    asked = triage.decision(request_id)
    assert asked["task_id"] == "decide"
    assert "| Named | access, erasure |" in asked["body"]
    assert not any("correction" in option for option in asked["options"]), "the ticket states none"
    triage.decide(request_id, "decide", ASK)
    again = triage.decision(request_id)
    (question,) = stack.requester.answers(request_id)
    assert "artikel 17" in question["text"]
    assert not question["closed"]
    assert "decision" not in stack.kinds(request_id)
    assert sum(stack.requester.calls(system) for system in ("salesforce", "pardot", "webinars")) == 0
    assert again["task_id"] == "decide"
    triage.decide(request_id, "decide", ERASURE)
    assert triage.end(request_id) == "success"
    decision = next(event.detail for event in stack.events(request_id) if event.kind == "decision")
    assert (decision["right"], decision["reason"], decision["by"]) == ("erasure", "answered", "officer")
    assert erasure.decision(request_id)["task_id"] == "prepare"
    assert "source_searched" in stack.kinds(request_id)
    standing = Standing.of(stack.events(request_id))
    assert standing is not None
    assert standing.right == "erasure"

    second = erasure.ask(stack.population.person(TRIAGED[0]).email.upper(), "T-once-more")
    assert triage.end(second) == "success"
    assert stack.kinds(second) == [
        "request_received", "triaged", "linked", "run_started", "answered", "closed",
    ]  # fmt: skip
    (joined,) = stack.requester.answers(second)
    assert joined["closed"]
    assert "lagt ihop" in joined["text"]
    assert stack.requester.mails(second) == []
    with stack.running.client("officer") as officer:
        assert officer.run("dsr_erasure", second) == {}
    erasure.decide(request_id, "prepare", "Stop")
    assert erasure.end(request_id) == "success"


@pytest.mark.thorough
def test_what_is_not_ours_is_referred_and_cannot_be_searched_by_hand(stack: Observed) -> None:
    triage, access = stack.of("triage"), stack.of("access")
    email = stack.population.person(TRIAGED[1]).email
    ours = triage.ask(email, "T-customer", right="access", about="on_behalf", customer="ljungby")
    applied = triage.ask(email, "T-applied", right="erasure", about="application", language="en")
    assert triage.decision(ours)["task_id"] == triage.decision(applied)["task_id"] == "decide"
    with stack.running.client("engineer") as engineer:
        engineer.start("dsr_access", ours, {"request_id": ours})
    assert access.end(ours) == "failed"
    assert access.states(ours)["identify"] == "upstream_failed"
    triage.decide(ours, "decide", CUSTOMER)
    triage.decide(applied, "decide", RECRUITING)
    assert [triage.end(request_id) for request_id in (ours, applied)] == ["success"] * 2
    for request_id, to, closed in ((ours, "dataskydd@ljungby.example", True), (applied, "recruiting@", False)):
        (told,) = stack.requester.answers(request_id)
        assert (told["closed"], "IMY" in told["text"], to in told["text"]) == (closed, True, True)
        (mail,) = stack.requester.mails(request_id)
        assert to in mail["raw"]
        assert email not in mail["raw"]
        assert "source_searched" not in stack.kinds(request_id)
        assert answered(stack, request_id) == ["referred"]
    referred = [event.detail for event in stack.events(ours) if event.kind == "referred"]
    assert referred == [{"to": "customer", "customer": "ljungby"}]


@pytest.mark.thorough
def test_the_ticket_of_somebody_unknown_says_what_that_of_somebody_known_says(stack: Observed) -> None:
    restriction = stack.of("restriction")
    known = restriction.ask(stack.population.person(TRIAGED[2]).email, "T-known")
    unknown = restriction.ask(NOBODY, "T-nobody")
    assert restriction.decision(known)["task_id"] == "prepare"
    with stack.running.client("engineer") as engineer:
        engineer.wait(
            lambda: restriction.states(unknown)["answer_nothing"] in ("up_for_retry", *FINAL), "the wait", PATIENCE
        )
        asked = [stack.requester._written(request_id) for request_id in (known, unknown)]
        assert all(len(of) == 1 and is_question(of[0]["text"]) and not of[0]["closed"] for of in asked)
        assert asked[0][0]["text"].replace(known, "") == asked[1][0]["text"].replace(unknown, "")
        (mail,) = stack.requester.mails(unknown)
        assert NOBODY in mail["raw"]
        restriction.decide(known, "prepare", "Refuse: who asks is not proven")
        assert restriction.end(known) == "success"
        put_ahead(stack.running.folder, timedelta(days=7))
        outside(stack, timedelta(days=7))
        try:
            engineer.clear("dsr_restriction", unknown, ["answer_nothing"], downstream=True)
            assert restriction.end(unknown) == "success", restriction.states(unknown)
        finally:
            put_ahead(stack.running.folder, timedelta(0))
            outside(stack, timedelta(0))
    (first,), (second,) = (stack.requester.answers(request_id) for request_id in (known, unknown))
    assert first["text"].replace(known, "") == second["text"].replace(unknown, "")
    assert first["closed"] == second["closed"] is True
    assert (answered(stack, known), answered(stack, unknown)) == (["refused"], ["nothing_held"])
