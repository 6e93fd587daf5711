"""What stops a change of systems, through a real Airflow: then nothing is changed anywhere. What goes through is in
`test_acting_ways`."""

import pytest
from observed import Observed
from privacy_office import VERIFIED

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def changes(stack: Observed, before: list[str]) -> list[Change]:
    """What is otherwise in any system by now."""
    return difference(before, stack.state())


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


def test_a_system_that_cannot_be_searched_means_that_nothing_is_erased_anywhere(stack: Observed) -> None:
    erasure, before = stack.of("erasure"), stack.state()
    stack.requester.fault(system="pardot", path="/api/", status=401)
    request_id = erasure.ask(stack.population.canary.email, "T-erase-blind")
    assert erasure.end(request_id) == "failed"
    assert erasure.states(request_id)["make_plan"] == "failed"
    stack.mend()
    assert changes(stack, before) == []
