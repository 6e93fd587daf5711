"""A delivery that comes again, or many times at once, belongs to one request."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from dsr.deliveries import Deliveries
from dsr.errors import PermanentError


@pytest.fixture
def deliveries(engine: Engine) -> Deliveries:
    return Deliveries(engine)


def test_the_first_request_stays(deliveries: Deliveries, now: datetime) -> None:
    assert deliveries.remember("zendesk", "d1", "digest", "request-1", now) == "request-1"
    assert deliveries.remember("zendesk", "d1", "digest", "request-2", now) == "request-1"
    assert deliveries.remember("jira", "d1", "other", "request-3", now) == "request-3"


def test_channel_and_id_do_not_run_together(deliveries: Deliveries, now: datetime) -> None:
    assert deliveries.remember("a", "b\0c", "x", "request-1", now) == "request-1"
    assert deliveries.remember("a\0b", "d", "x", "request-2", now) == "request-2"


def test_the_same_id_with_another_body_is_a_conflict(deliveries: Deliveries, now: datetime) -> None:
    deliveries.remember("zendesk", "d2", "digest", "request-1", now)
    with pytest.raises(PermanentError, match=r"delivery\.conflict"):
        deliveries.remember("zendesk", "d2", "another", "request-1", now)


def test_of_many_at_once_one_wins(deliveries: Deliveries, now: datetime) -> None:
    answers: list[str] = []
    gate = threading.Barrier(20)

    def deliver(n: int) -> None:
        gate.wait()
        answers.append(deliveries.remember("zendesk", "race", "digest", f"request-{n}", now))

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len(set(answers)) == 1


def test_hostile_ids_are_just_ids_and_are_not_stored(deliveries: Deliveries, engine: Engine, now: datetime) -> None:
    for n, hostile in enumerate(["'; DROP TABLE deliveries; --", "x" * 100_000, "\0", "\ud800", "anna@example.se"]):
        assert deliveries.remember("zendesk", hostile, "digest", f"request-h{n}", now) == f"request-h{n}"
    with engine.begin() as connection:
        assert "anna" not in str(connection.execute(text("SELECT * FROM deliveries")).all())


def test_old_ones_are_forgotten(deliveries: Deliveries, now: datetime) -> None:
    deliveries.remember("zendesk", "old", "digest", "request-1", now - timedelta(days=400))
    assert deliveries.forget(now - timedelta(days=365)) == 1
    assert deliveries.remember("zendesk", "old", "digest", "request-9", now) == "request-9"
