"""What stops a change of systems, through a real Airflow: then nothing is changed anywhere. What goes through is in
`test_acting_ways`."""

import pytest
from observed import Observed
from privacy_office import CONFIRMED

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def changes(stack: Observed, before: list[str]) -> list[Change]:
    """What is otherwise in any system by now, but for what people were told."""
    return [change for change in difference(before, stack.state()) if change.system not in ("callback", "mail")]


def test_prepared_once_they_confirmed_and_not_approved_by_who_prepared_it(stack: Observed) -> None:
    """The person opens the page of the mail; until then the officer is asked again, and sees how it stands."""
    erasure, before = stack.of("erasure"), stack.state()
    request_id = erasure.ask(stack.population.canary.email, "T-four-eyes-erase")
    asked = erasure.decision(request_id)
    assert (asked["task_id"], "no answer yet" in asked["body"]) == ("prepare", True)
    erasure.decide(request_id, "prepare", CONFIRMED)
    assert erasure.decision(request_id)["task_id"] == "prepare"
    assert "decision" not in stack.kinds(request_id)
    stack.requester.confirm(request_id)
    erasure.decide(request_id, "prepare", CONFIRMED)
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
