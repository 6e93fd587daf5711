"""The rights that change systems, from the webhook to the answer, through a real Airflow: what was planned changed, and
nothing of anybody else's."""

from collections import Counter

import pytest
from observed import Observed

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

VERIFIED = "It is them, and the plan is right"
_ERASED, _OBJECTING = "formula", "right_to_left"


def changes(stack: Observed, before: list[str]) -> list[Change]:
    """What is otherwise in any system by now."""
    return difference(before, stack.state())


def of_others(found: list[Change], key: str) -> list[Change]:
    """Those that touch a record of somebody else's. What is nobody's own (counters, the CRM's history of changes)
    has no person."""
    return [change for change in found if change.person and key not in change.person.split(",")]


def test_erasure_takes_two_officers_and_touches_nobody_else(stack: Observed) -> None:
    person = stack.population.person(_ERASED)
    erasure, before = stack.of("erasure"), stack.state()
    request_id = erasure.ask(person.email, "T-erase")
    assert erasure.decision(request_id)["task_id"] == "prepare"
    erasure.decide(request_id, "prepare", VERIFIED)
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", "Approve", user="second")
    erasure.closed(request_id)
    found = changes(stack, before)
    assert found
    assert of_others(found, _ERASED) == [], [vars(c) for c in of_others(found, _ERASED)]
    kinds = Counter(stack.kinds(request_id))
    assert {"planned", "identity_verified", "suppressed", "enforced", "verified", "certified"} <= set(kinds)
    (answer,) = stack.requester.answers(request_id)
    assert "IMY" in answer["text"] or answer["closed"]


def test_who_prepared_a_plan_cannot_approve_it(stack: Observed) -> None:
    erasure, before = stack.of("erasure"), stack.state()
    request_id = erasure.ask(stack.population.canary.email, "T-four-eyes-erase")
    assert erasure.decision(request_id)["task_id"] == "prepare"
    erasure.decide(request_id, "prepare", VERIFIED)
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", "Approve")
    assert erasure.decision(request_id)["task_id"] == "approve"
    erasure.decide(request_id, "approve", "Stop", user="second")
    assert erasure.end(request_id) == "success"
    assert "enforced" not in stack.kinds(request_id)
    assert changes(stack, before) == []


def test_an_objection_to_marketing_needs_nobody(stack: Observed) -> None:
    """At once, in the CRM and the marketing platform; contracts' mail stays possible."""
    person = stack.population.person(_OBJECTING)
    objection, before = stack.of("objection"), stack.state()
    request_id = objection.ask(person.email, "T-object", ground="direct_marketing")
    objection.closed(request_id)
    found = changes(stack, before)
    assert of_others(found, _OBJECTING) == []
    assert "decision" not in stack.kinds(request_id)
    assert {change.system for change in found} >= {"salesforce", "pardot"}


def test_a_system_that_cannot_be_searched_means_that_nothing_is_erased_anywhere(stack: Observed) -> None:
    erasure, before = stack.of("erasure"), stack.state()
    stack.requester.fault(system="pardot", path="/api/", status=401)
    request_id = erasure.ask(stack.population.canary.email, "T-erase-blind")
    assert erasure.end(request_id) == "failed"
    assert erasure.states(request_id)["make_plan"] == "failed"
    stack.mend()
    assert changes(stack, before) == []
