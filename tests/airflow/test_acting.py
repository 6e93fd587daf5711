"""What stops a change of systems, through a real Airflow: then nothing is changed anywhere. What goes through is in
`test_acting_ways`, what officers stop in `test_extending`."""

import pytest
from observed import Observed

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def changes(stack: Observed, before: list[str]) -> list[Change]:
    """What is otherwise in any system by now, but for what people were told."""
    return [change for change in difference(before, stack.state()) if change.system not in ("callback", "mail")]


def test_a_system_that_cannot_be_searched_means_that_nothing_is_erased_anywhere(stack: Observed) -> None:
    erasure, before = stack.of("erasure"), stack.state()
    stack.requester.fault(system="pardot", path="/api/", status=401)
    request_id = erasure.ask(stack.population.canary.email, "T-erase-blind")
    assert erasure.end(request_id) == "failed"
    assert erasure.states(request_id)["make_plan"] == "failed"
    stack.mend()
    assert changes(stack, before) == []
