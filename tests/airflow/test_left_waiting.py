"""A request that waits for a person is left alone by the scheduler, and goes on with the answer as if it had not."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from observed import PATIENCE, Observed
from privacy_office import TRIAGED, VERIFIED

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.thorough]

_ALONE = timedelta(seconds=20)


def test_it_is_not_looked_at_and_goes_on_with_the_answer(stack: Observed) -> None:
    erasure = stack.of("erasure")
    request_id = erasure.ask(stack.population.person(TRIAGED[0]).email, "T-left-waiting")
    assert erasure.decision(request_id)["task_id"] == "prepare"
    engineer = stack.user("engineer")

    def unseen_for() -> timedelta:
        run = engineer.get(f"dags/dsr_erasure/dagRuns/{request_id}")
        return datetime.now(UTC) - datetime.fromisoformat(run["last_scheduling_decision"])

    # Of the runs that are looked at each comes round within a second.
    engineer.wait(lambda: unseen_for() > _ALONE, "the scheduler to leave it alone", PATIENCE)
    erasure.decide(request_id, "prepare", VERIFIED)
    answered = time.monotonic()
    assert erasure.decision(request_id)["task_id"] == "approve"
    assert time.monotonic() - answered < _ALONE.total_seconds()
    erasure.decide(request_id, "approve", "Stop", user="second")
    assert erasure.end(request_id) == "success"
