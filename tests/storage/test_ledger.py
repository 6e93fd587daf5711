"""What the ledger promises: it only grows, any change shows, and nothing about a person gets in."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from dsr import schema
from dsr.errors import PermanentError, TransientError
from dsr.ledger import Ledger

REQUEST = "3f0c2f4e-7a51-4b6e-9d0c-1f2e3d4c5b6a"
KEY = b"k" * 32
KINDS = schema.load("event")["properties"]["kind"]["enum"]


@pytest.fixture
def ledger(engine: Engine) -> Iterator[Ledger]:
    """An empty ledger; emptied again by what only a superuser can do."""
    yield Ledger(engine, KEY)
    force(
        engine,
        "DELETE FROM events",
        "UPDATE ledger_head SET count = 0, hash = repeat('0', 64), signature = ''",
    )


def force(engine: Engine, *statements: str) -> None:
    """Runs statements as a superuser who switched all triggers off."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))


def fill(ledger: Ledger, now: datetime, count: int = 6) -> None:
    for n in range(count):
        ledger.append(REQUEST, "source_searched", {"source": "salesforce", "matches": n}, at=now)


def test_events_come_back_in_order(ledger: Ledger, now: datetime) -> None:
    first = ledger.append(REQUEST, "request_received", at=now)
    detail = {
        "status": "found",
        "counts": {"invoicing_invoice": 3},
        "sha256": "ab" * 32,
        "codes": ["http.500"],
        "ok": True,
    }
    second = ledger.append("another-request", "decision", detail, at=now.astimezone(timezone(timedelta(hours=2))))
    assert (first.seq, second.seq) == (1, 2)
    assert ledger.events() == [first, second]
    assert ledger.events("another-request") == [second]
    assert ledger.events("never-heard-of") == []
    assert second.detail == detail
    assert second.at == now
    assert second.at.tzinfo is UTC
    assert ledger.verify() == 2
    assert (ledger.head().count, ledger.head().hash) == (2, second.hash)


def test_an_empty_ledger_is_sound(ledger: Ledger) -> None:
    assert ledger.verify() == 0
    assert ledger.events() == []


codes = st.from_regex(r"[a-z]{1,8}[A-Za-z0-9_.:/+=-]{0,60}", fullmatch=True)
details = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True),
    st.recursive(
        st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | codes,
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detail=details, kind=st.sampled_from(KINDS), at=st.datetimes(datetime(2000, 1, 1), timezones=st.timezones()))
def test_whatever_is_let_in_verifies(ledger: Ledger, detail, kind: str, at: datetime) -> None:
    event = ledger.append(REQUEST, kind, detail, at=at)
    assert ledger.events(REQUEST)[-1] == event
    assert ledger.verify() == event.seq


@pytest.mark.parametrize(
    "detail",
    [
        {"email": "anna@example.se"},
        {"name": "Anna Andersson"},
        {"name": "Åsa"},
        {"phone": "+46701234567"},
        {"phone": "070-123-45-67"},
        {"id": "19700101-1234"},
        {"id": "700101+1234"},
        {"text": "x" * 129},
        {"text": "a\nb"},
        {"text": None},
        {"share": 0.5},
        {"big": 2**53},
        {"nested": {"deeper": [{"text": "anna@example.se"}]}},
        {"Anna Andersson": 1},
        {"anna@example.se": 1},
        {"many": ["a"] * 65},
        {"bytes": b"a"},
        {1: "a"},
    ],
)
def test_what_could_tell_a_person_is_refused(ledger: Ledger, now: datetime, detail) -> None:
    with pytest.raises(PermanentError, match=r"ledger\.detail") as caught:
        ledger.append(REQUEST, "decision", detail, at=now)
    assert "anna" not in repr(caught.value).lower()
    assert ledger.verify() == 0


@pytest.mark.parametrize(
    "code", ["2026-03-02", "2026-03-02T09:30:00+00:00", "http.500", "ab" * 32, "sha256:00ff", "12345", "", "1.2.3"]
)
def test_codes_dates_and_hashes_are_let_in(ledger: Ledger, now: datetime, code: str) -> None:
    assert ledger.append(REQUEST, "decision", {"code": code}, at=now).detail == {"code": code}


@pytest.mark.parametrize(
    ("request_id", "kind"), [("anna@example.se", "closed"), ("short", "closed"), (REQUEST, "gossip")]
)
def test_unknown_kinds_and_odd_ids_are_refused(ledger: Ledger, now: datetime, request_id: str, kind: str) -> None:
    with pytest.raises(PermanentError, match=r"ledger\.detail"):
        ledger.append(request_id, kind, at=now)


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(PermanentError, match=r"ledger\.naive_time"):
        ledger.append(REQUEST, "closed", at=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'closed'",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM ledger_head",
        "TRUNCATE ledger_head",
    ],
)
def test_the_database_itself_refuses_changes(ledger: Ledger, engine: Engine, now: datetime, statement: str) -> None:
    fill(ledger, now)
    with pytest.raises(ProgrammingError, match="the ledger can only grow"), engine.begin() as connection:
        connection.execute(text(statement))
    assert ledger.verify() == 6


TAMPERING = {
    "edited kind": ["UPDATE events SET kind = 'closed' WHERE seq = 3"],
    "edited detail": ["UPDATE events SET detail = '{\"matches\": 9}' WHERE seq = 3"],
    "edited request": ["UPDATE events SET request_id = 'another-request' WHERE seq = 3"],
    "edited time": ["UPDATE events SET at = at + interval '1 microsecond' WHERE seq = 3"],
    "edited hash": ["UPDATE events SET hash = repeat('a', 64) WHERE seq = 3"],
    "edited last": ["UPDATE events SET kind = 'closed' WHERE seq = 6"],
    "deleted first": ["DELETE FROM events WHERE seq = 1"],
    "deleted middle": ["DELETE FROM events WHERE seq = 3"],
    "deleted middle, renumbered": ["DELETE FROM events WHERE seq = 3", "UPDATE events SET seq = seq - 1 WHERE seq > 3"],
    "two exchanged": [
        "UPDATE events SET seq = 100 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 100",
    ],
    "details exchanged": [
        "UPDATE events SET detail = jsonb_build_object('source', 'salesforce', 'matches', 7 - seq) WHERE seq IN (3, 4)"
    ],
    "cut": ["DELETE FROM events WHERE seq > 4"],
    "cut, head put back": [
        "DELETE FROM events WHERE seq > 4",
        "UPDATE ledger_head SET count = 4, hash = (SELECT hash FROM events WHERE seq = 4)",
    ],
    "emptied": ["DELETE FROM events"],
    "added": ["INSERT INTO events SELECT 7, request_id, kind, detail, at, hash, hash FROM events WHERE seq = 6"],
    "head gone": ["DELETE FROM ledger_head"],
    "signature gone": ["UPDATE ledger_head SET signature = ''"],
    "signature odd": ["UPDATE ledger_head SET signature = 'å'"],
}


@pytest.mark.parametrize("statements", TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_shows(ledger: Ledger, engine: Engine, now: datetime, statements: list[str]) -> None:
    fill(ledger, now)
    try:
        force(engine, *statements)
        with pytest.raises(PermanentError, match=r"ledger\.tampered"):
            ledger.verify()
    finally:
        force(engine, "INSERT INTO ledger_head VALUES (1, 0, '', '') ON CONFLICT DO NOTHING")


def test_appending_does_not_bless_a_forged_head(ledger: Ledger, engine: Engine, now: datetime) -> None:
    fill(ledger, now)
    force(engine, *TAMPERING["cut, head put back"])
    with pytest.raises(PermanentError, match=r"ledger\.tampered"):
        ledger.append(REQUEST, "closed", at=now)


def test_a_chain_made_anew_without_the_key_shows(ledger: Ledger, engine: Engine, now: datetime) -> None:
    fill(ledger, now)
    force(engine, "DELETE FROM events", "UPDATE ledger_head SET count = 0, hash = repeat('0', 64), signature = ''")
    forger = Ledger(engine, b"f" * 32)
    fill(forger, now)
    assert forger.verify() == 6
    with pytest.raises(PermanentError, match=r"ledger\.tampered"):
        ledger.verify()


def test_many_at_once_make_one_chain(ledger: Ledger, now: datetime) -> None:
    threads = [threading.Thread(target=fill, args=(ledger, now, 4)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify() == 200


def test_verifying_while_others_append(ledger: Ledger, now: datetime) -> None:
    writer = threading.Thread(target=fill, args=(ledger, now, 200))
    writer.start()
    while writer.is_alive():
        ledger.verify()
    assert ledger.verify() == 200


def test_appending_is_quick(ledger: Ledger, now: datetime) -> None:
    fill(ledger, now, 20)
    before = time.perf_counter()
    fill(ledger, now, 200)
    assert (time.perf_counter() - before) / 200 < 0.010  # 1 to 2 ms on an idle machine


def test_a_database_out_of_reach_is_transient(now: datetime) -> None:
    with pytest.raises(TransientError, match=r"database\.unavailable") as caught:
        Ledger(create_engine("postgresql+psycopg://u:secret@127.0.0.1:1/x"), KEY).append(REQUEST, "closed", at=now)
    assert caught.value.__suppress_context__
