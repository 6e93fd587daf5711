"""The index finds what was put in, says how fresh it is, and gives nobody away."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from dsr.model import Identifier, IndexEntry
from dsr.subjects import SubjectIndex

KEY = b"s" * 32


@pytest.fixture
def index(engine: Engine) -> Iterator[SubjectIndex]:
    yield SubjectIndex(engine, KEY)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE subject_index, index_freshness"))


def entry(value: str, record: str = "r1", kind: str = "email", **reference: object) -> IndexEntry:
    return IndexEntry(Identifier(kind, value), "webinar_registration", record, reference)


def test_put_and_lookup(index: SubjectIndex, now: datetime) -> None:
    entries = [entry("anna@example.se", meeting=1), entry("anna@example.se", "r2"), entry("bo@example.se", "r3")]
    assert index.put("webinars", iter(entries), now) == 3
    assert index.lookup("webinars", [Identifier("email", "anna@example.se")]) == entries[:2]
    assert index.lookup("recordings", [Identifier("email", "anna@example.se")]) == []
    assert index.lookup("webinars", [Identifier("phone", "anna@example.se")]) == []
    assert index.lookup("webinars", [Identifier("email", "anna@example.s"), Identifier("email", "%")]) == []
    assert index.lookup("webinars", []) == []


def test_putting_again_replaces(index: SubjectIndex, now: datetime) -> None:
    index.put("webinars", [entry("a@b.se", n=1), entry("a@b.se", n=2)], now)
    index.put("webinars", [entry("a@b.se", n=3)], now)
    assert index.lookup("webinars", [Identifier("email", "a@b.se")]) == [entry("a@b.se", n=3)]


def test_freshness(index: SubjectIndex, now: datetime) -> None:
    assert index.freshness("webinars") is None
    index.put("webinars", [], now)
    assert index.freshness("webinars") == now
    index.put("webinars", [], now - timedelta(hours=1))
    assert index.freshness("webinars") == now
    assert index.freshness("recordings") is None


def test_a_listing_that_fails_half_way_leaves_the_index_as_it_was(index: SubjectIndex, now: datetime) -> None:
    def failing() -> Iterator[IndexEntry]:
        for n in range(5000):
            yield entry(f"p{n}@example.se")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        index.put("webinars", failing(), now)
    assert index.freshness("webinars") is None
    assert index.lookup("webinars", [Identifier("email", "p1@example.se")]) == []


def test_identifiers_are_not_stored(index: SubjectIndex, engine: Engine, now: datetime) -> None:
    index.put("webinars", [entry("anna@example.se")], now)
    with engine.begin() as connection:
        dump = str(connection.execute(text("SELECT s::text FROM subject_index s")).all())
    assert "anna" not in dump
    assert b"anna".hex() not in dump
    assert SubjectIndex(engine, b"t" * 32).lookup("webinars", [Identifier("email", "anna@example.se")]) == []


def test_large_batches_are_quick_and_found_by_index(index: SubjectIndex, engine: Engine, now: datetime) -> None:
    before = time.perf_counter()
    assert index.put("webinars", (entry(f"p{n}@example.se", f"r{n}") for n in range(20_000)), now) == 20_000
    taken = time.perf_counter() - before
    assert taken < 15
    asked = [Identifier("email", f"p{n}@example.se") for n in range(0, 20_000, 4)]
    assert len(index.lookup("webinars", asked)) == 5000
    with engine.begin() as connection:
        connection.execute(text("ANALYZE subject_index"))
        plan = connection.execute(
            text(
                "EXPLAIN SELECT * FROM subject_index"
                " WHERE source = 'webinars' AND identifier = ANY(ARRAY['\\x00'::bytea])"
            )
        ).scalars()
        assert "Index" in next(iter(plan))


def test_a_source_can_be_forgotten(index: SubjectIndex, now: datetime) -> None:
    index.put("webinars", [entry("a@b.se")], now)
    index.put("recordings", [entry("a@b.se")], now)
    assert index.forget("webinars") == 1
    assert index.freshness("webinars") is None
    assert len(index.lookup("recordings", [Identifier("email", "a@b.se")])) == 1
