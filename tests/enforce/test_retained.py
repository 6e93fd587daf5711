"""The table of what is kept: nothing readable, nothing changed unseen, nothing under another key."""

import secrets
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_records import AT
from made_up_sources import NOTE, PERSON, email, phone
from sqlalchemy import Engine

from dsr import schema
from dsr.errors import PermanentError
from dsr.holds import Holds, HoldsInForce
from dsr.kept import Kept, Signs, Ways, is_due
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Match
from dsr.retained import Retained

ASA, NUMBER = "asa@kvarn.example", "+46701740605"
DAY = date(2033, 12, 31)


@pytest.fixture
def retained(engine: Engine) -> Retained:
    """Under a key of this test's own."""
    return Retained(engine, secrets.token_bytes(32))


@pytest.fixture
def source() -> str:
    """A name of this test's own."""
    return f"crm_{secrets.token_hex(6)}"


def kept(record_id: str = "n1", **more: Any) -> Kept:
    """A note that a law keeps."""
    given = {"later": {"day": "2026-12-31"}, "words": {"text": "ab" * 8}}
    known = Kept(NOTE, "gdpr:A17", "retention.duty", DAY, "d" * 64, AT, record_id, Signs(b"v" * 32, **given))
    return replace(known, **more)


WAYS = Ways(
    frozenset({Identifier(PERSON, "person-0815"), email(ASA)}),
    frozenset({(PERSON, "person-0815")}),
    {PERSON: {"person-0815": "mark"}},
    Found("crm", (Match("dsr-1", PERSON, "person-0815", frozenset({phone(NUMBER)}), frozenset(), "Åsa Berg"),)),
)


def test_what_was_noted_is_there_again(retained: Retained, source: str, request_id: str) -> None:
    records = [kept(), kept("n2", until=None, asked_at=AT), kept("\ud800 å\0", ground="", signs=Signs())]
    assert retained.note(request_id, source, records, WAYS, [b"s" * 32]) == 3
    assert sorted(retained.kept(source, request_id), key=lambda k: k.record_id) == sorted(
        records, key=lambda k: k.record_id
    )
    assert retained.ways(source, request_id) == WAYS
    assert retained.subjects(request_id) == {b"s" * 32}
    assert retained.note(request_id, source, records, WAYS, [b"s" * 32]) == 3
    assert len(retained.kept(source, request_id)) == 3


def test_changed_and_let_go(retained: Retained, source: str, request_id: str) -> None:
    retained.note(request_id, source, [kept(), kept("n2")], WAYS, [b"s" * 32])
    retained.put(request_id, source, [kept(until=date(2040, 1, 1))])
    assert {k.until for k in retained.kept(source, request_id)} == {DAY, date(2040, 1, 1)}
    assert retained.let_go(request_id, source, [(NOTE, "n1"), (NOTE, "n3")]) == 1
    assert retained.ways(source, request_id) == WAYS
    assert retained.let_go(request_id, source, [(NOTE, "n2")]) == 1
    assert (retained.ways(source, request_id), retained.subjects(request_id)) == (Ways(), frozenset())
    assert retained.requests(source) == []
    assert source not in retained.sources()


def test_many_records(retained: Retained, source: str, request_id: str) -> None:
    assert retained.note(request_id, source, (kept(f"n{n}") for n in range(4500)), WAYS, []) == 4500
    assert len({k.record_id for k in retained.kept(source, request_id)}) == 4500


def test_which_requests_may_be_due(retained: Retained, source: str) -> None:
    """Held ones and those without an end always, the others after their day."""
    ids = {name: f"dsr-{secrets.token_hex(8)}" for name in ("duty", "hold", "endless")}
    retained.note(ids["duty"], source, [kept()], WAYS, [])
    retained.note(ids["hold"], source, [kept("n2", reason="hold.legal")], WAYS, [])
    retained.note(ids["endless"], source, [kept("n3", until=None)], WAYS, [])
    assert set(retained.requests(source, DAY)) == {ids["hold"], ids["endless"]}
    assert set(retained.requests(source, date(2034, 1, 1))) == set(ids.values()) == set(retained.requests(source))


def test_a_later_request_takes_over(retained: Retained, source: str) -> None:
    """With whom the earlier was about; and the earlier can't take it back."""
    first, second = (f"dsr-{secrets.token_hex(8)}" for _ in range(2))
    retained.note(first, source, [kept(), kept("n2")], WAYS, [b"1" * 32])
    retained.note(second, source, [kept(digest="e" * 64)], WAYS, [b"2" * 32])
    assert [k.record_id for k in retained.kept(source, first)] == ["n2"]
    assert [k.digest for k in retained.kept(source, second)] == ["e" * 64]
    assert retained.subjects(second) == {b"1" * 32, b"2" * 32}
    retained.put(first, source, [kept()])
    assert retained.let_go(first, source, [(NOTE, "n1")]) == 0
    assert [k.digest for k in retained.kept(source, second)] == ["e" * 64]


def test_nothing_readable(retained: Retained, engine: Engine, source: str, request_id: str) -> None:
    """Neither whom nor which record it is about, nor what was written in it."""
    holds = Holds(Ledger(engine, b"l" * 32), b"h" * 32)
    batch = schema.batch(NOTE, [("note-4711", {"text": "pays late", "day": "2030-01-02", "share": 1.0})])
    signs = retained.signs(NOTE, batch, AT)["note-4711"]
    assert signs.later == {"day": "2030-01-02"}
    subjects = holds.subjects([email(ASA), phone(NUMBER), Identifier(PERSON, "person-0815")])
    assert len(subjects) == 2
    retained.note(request_id, source, [kept("note-4711", signs=signs)], WAYS, subjects)
    with engine.connect() as connection:
        dump = "".join(
            str(connection.exec_driver_sql(f"SELECT t::text FROM {table} t").all())  # noqa: S608
            for table in ("retained", "retained_ways", "retained_subjects")
        )
    for word in (ASA, "Berg", "note-4711", "person-0815", "pays late", "2030-01-02", NUMBER):
        assert word not in dump
        assert word.encode().hex() not in dump


@pytest.mark.parametrize(
    "change",
    [
        "until = until + 1", "until = NULL", "ground = 'x'", "reason = 'hold.legal'", "digest = repeat('e', 64)",
        "dataset = 'made_up_person'", "version = 'x'", "noted_at = now()", "asked_at = now()",
        "sealed = overlay(sealed PLACING '\\x00' FROM 20)", "request_id = 'dsr-another'",
    ],
)  # fmt: skip
def test_a_row_that_was_changed_does_not_open(
    retained: Retained, engine: Engine, source: str, request_id: str, change: str
) -> None:
    retained.note(request_id, source, [kept()], WAYS, [])
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE retained SET {change} WHERE source = %s", (source,))  # noqa: S608
    [holder] = retained.requests(source)
    with pytest.raises(PermanentError, match=r"retained\.tampered"):
        retained.kept(source, holder)


def test_ways_of_another_request_do_not_open(retained: Retained, engine: Engine, source: str, request_id: str) -> None:
    retained.note(request_id, source, [kept()], WAYS, [])
    other = f"dsr-{secrets.token_hex(8)}"
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retained_ways SET request_id = %s WHERE source = %s", (other, source))
    with pytest.raises(PermanentError, match=r"retained\.tampered"):
        retained.ways(source, other)


def test_another_key(retained: Retained, engine: Engine, source: str, request_id: str) -> None:
    retained.note(request_id, source, [kept()], WAYS, [])
    other = Retained(engine, b"x" * 32)
    for read in (other.kept, other.ways):
        with pytest.raises(PermanentError, match=r"retained\.tampered"):
            read(source, request_id)


@given(
    until=st.none() | st.dates(date(2026, 1, 1), date(2040, 1, 1)),
    day=st.dates(date(2026, 1, 1), date(2040, 1, 1)),
    reason=st.sampled_from(["retention.duty", "hold.legal", "s3.compliance"]),
    asked=st.booleans(),
    person=st.booleans(),
    record=st.booleans(),
)
def test_when_a_record_is_due(
    until: date | None, day: date, reason: str, asked: bool, person: bool, record: bool
) -> None:
    known = kept(until=until, reason=reason, asked_at=AT if asked else None)
    holds = _Some(person=person, record=record)
    expected = until < day if until else asked
    if reason == "hold.legal":
        expected = not (person or record)
    assert is_due(known, "crm", day, holds, [b"s"]) is expected


class _Some(HoldsInForce):
    """Whether one stands on the person, on the record."""

    def __init__(self, *, person: bool, record: bool) -> None:
        self._person, self._record = person, record

    def on_subjects(self, subjects: Any) -> Any:
        assert list(subjects) == [b"s"]
        return object() if self._person else None

    def on_records(self, source: str, dataset: str, ids: pa.Array) -> Any:
        assert (source, dataset, ids.to_pylist()) == ("crm", NOTE, ["n1"])
        return {"n1": object()} if self._record else {}


def test_a_hold_by_hashes(engine: Engine) -> None:
    """What stands on an address stands on its hash; other kinds have none."""
    holds = Holds(Ledger(engine, b"l" * 32), secrets.token_bytes(32))
    subjects = holds.subjects([email(ASA), phone(NUMBER), Identifier("salesforce_contact", "003")])
    assert len(subjects) == 2
    assert holds.in_force(DAY).on_subjects(subjects) is None
    holds.add_person(email("bo@kvarn.example"), by="legal", at=AT)
    holds.add_person(phone(NUMBER), by="legal", at=AT, until=date(2040, 1, 1))
    assert holds.in_force(DAY).on_subjects(subjects).until == date(2040, 1, 1)
    held = holds.add_person(email(ASA), by="legal", at=AT)
    assert holds.in_force(DAY).on_subjects(subjects).until is None
    holds.end(held, by="legal", at=AT)
    assert holds.in_force(date(2040, 1, 2)).on_subjects(subjects) is None
