"""The vendor's limits per second are kept, however many are asked for at once: it counts violations."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from zoom_server import ZoomServer, serving

from dsr.model import Identifier, Subject
from extractors.webinars import Webinars
from extractors.webinars.client import Pace

_MANY = 16


@pytest.fixture(scope="module")
def zoom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZoomServer]:
    """One account."""
    with serving(tmp_path_factory.mktemp("zoom")) as server:
        yield server


def test_no_limit_is_exceeded_and_nothing_asked_twice(zoom: ZoomServer) -> None:
    """As many at a time as the pool has places, each with as many calls as it makes."""
    known: defaultdict[Identifier, set[Identifier]] = defaultdict(set)
    for entry in Webinars.connect(zoom.connection()).index(None):
        known[entry.identifier] |= {entry.identifier, Identifier("webinar_registrant", entry.record_id)}
    zoom.reset()

    def read(number: int) -> int:
        source, person = Webinars.connect(zoom.connection()), zoom.population.people[number % 8]
        subject = Subject(f"dsr-{number:08}", frozenset(known[Identifier("email", person.email)]))
        return sum(1 for _ in source.extract(source.find([subject])))

    with ThreadPoolExecutor(Webinars.declaration.concurrency) as places:
        assert sum(places.map(read, range(_MANY)))
    limits = zoom.system.api.limits
    assert limits.taken["heavy"] > 2 * limits.per_second["heavy"]
    assert not limits.refused


@pytest.mark.parametrize(
    ("kind", "limit", "left", "waits"),
    [
        ("QPS", "40", "16", []),
        ("QPS", "40", "15", [1.0]),
        ("QPS", "10", "5", []),
        ("QPS", "10", "4", [1.0]),
        ("Daily-limit", "60000", "3", []),
        ("QPS", "many", "1", []),
        ("QPS", "", "", []),
    ],
)
def test_it_waits_when_little_is_left_of_a_second(kind: str, limit: str, left: str, waits: list[float]) -> None:
    """Whatever the plan, and for nothing else that a header may say."""
    slept: list[float] = []
    pace = Pace(clock=lambda: 100.0, sleep=slept.append)
    pace.told({"X-RateLimit-Type": kind, "X-RateLimit-Limit": limit, "X-RateLimit-Remaining": left})
    pace.told({})
    pace.wait()
    assert slept == waits
