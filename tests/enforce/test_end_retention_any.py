"""Whatever the years, the holds and the nights, and wherever it is killed: gone is what nothing kept on a night."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextlib import suppress as ignored
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_records import AT, Installation
from made_up_books import ASA, BO, CONTACT, INVOICE, PAYMENT, Books, Key
from made_up_sources import email
from sqlalchemy import Engine, delete

from dsr.tables import erasures, retained, retained_subjects, retained_ways

_START, _YEARS = AT.date(), 16
_DAYS = st.integers(0, 365 * _YEARS).map(lambda days: _START + timedelta(days=days))


class Killed(BaseException):
    """As if killed."""


@dataclass(frozen=True)
class Holding:
    """A legal hold: on Åsa, on an invoice or on a payment of hers, from one day to another."""

    on: str
    number: int
    added: date
    until: date | None
    ended: date | None

    def stands(self, day: date) -> bool:
        last = min((d for d in (self.until, self.ended and self.ended - timedelta(days=1)) if d), default=date.max)
        return self.added <= day <= last


_HOLDS = st.builds(
    Holding,
    st.sampled_from(["person", INVOICE, PAYMENT]),
    st.integers(0, 2),
    st.just(_START) | _DAYS,
    st.none() | _DAYS,
    st.none() | _DAYS,
)


@dataclass(frozen=True)
class Night:
    """A night of the upkeep; kills: after so many steps of each try."""

    day: date
    kills: tuple[int, ...]


@given(
    years=st.lists(st.none() | st.integers(2017, 2027), min_size=1, max_size=3),
    holds=st.lists(_HOLDS, max_size=3),
    nights=st.lists(
        st.builds(Night, _DAYS, st.lists(st.integers(1, 90), max_size=3).map(tuple)), min_size=1, max_size=4
    ),
    lag=st.integers(0, 2),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_gone_is_what_nothing_keeps(
    engine: Engine, years: list[int | None], holds: list[Holding], nights: list[Night], lag: int
) -> None:
    books = Books()
    for number, address, name in ((1, ASA, "Berg"), (2, BO, "Ek")):
        books.contact(number, address, name)
        for place, year in enumerate(years):
            books.invoice(number * 10 + place, number, year)
    before, bos = books.copy(), books.of(2)
    with tempfile.TemporaryDirectory() as folder:
        place = Installation(engine, secrets.token_bytes(32), Path(folder))
        request_id, register = f"dsr-{secrets.token_hex(8)}", _Register(place, books, holds, len(years))
        register.until(_START)
        place.erase([books], request_id, ASA)
        gone = _free(before, holds, _START)
        assert _gone(books, before) == gone
        books.lag = lag
        for night in sorted(nights, key=lambda night: night.day):
            register.until(night.day)
            for kill in (*night.kills, *[0] * (lag + 1)):
                with _dying(place, books, kill), ignored(Killed):
                    ended = place.night(books, night.day.isoformat())
                    assert not any(e.needs_person for e in ended), ended
            gone |= _free(before, holds, night.day)
            assert _gone(books, before) == gone
        assert {key: books.rows[key] for key in bos} == {key: before[key] for key in bos}
        name = books.declaration.name
        assert {(e.dataset, e.record_id) for e in place.erasures.erased(name, request_id)} == gone
        kept = {record.key for record in place.retained.kept(name, request_id)}
        assert kept == {key for key in before if key not in gone and key not in bos}


def test_killed_after_any_step(engine: Engine, tmp_path: Path) -> None:
    """A hold has ended: the contact is emptied, a draft goes, an old invoice too, a new one is noted anew. Killed at
    any step of the source and around any writing, and called again: the same end."""
    books, request_id = Books(naming=True), f"dsr-{secrets.token_hex(8)}"
    books.contact(1, ASA, "Berg")
    books.invoice(10, 1, 2019)
    books.invoice(11, 1, None)
    books.invoice(12, 1, 2026)
    place = Installation(engine, secrets.token_bytes(32), tmp_path)
    held, name = place.holds.add_person(email(ASA), by="legal", at=AT), books.declaration.name
    place.erase([books], request_id, ASA)
    place.holds.end(held, by="legal", at=AT)
    before, kept, ways = books.copy(), place.retained.kept(name, request_id), place.retained.ways(name, request_id)
    subjects, day = place.retained.subjects(request_id), "2027-02-03"
    with _dying(place, books, 0) as steps:
        place.night(books, day)
    wanted, count = (books.copy(), _kept(place, name, request_id)), -steps[0]
    assert {(e.dataset, e.record_id) for e in place.erasures.erased(name, request_id)} == _gone(books, before)
    for kill in range(1, count + 1):
        with engine.begin() as connection:
            for table in (retained, retained_ways, retained_subjects, erasures):
                connection.execute(delete(table).where(table.c.request_id == request_id))
        books.rows = {key: dict(row) for key, row in before.items()}
        place.retained.note(request_id, name, kept, ways, subjects)
        with _dying(place, books, kill), pytest.raises(Killed):
            place.night(books, day)
        assert not any(ended.needs_person for ended in place.night(books, day)), kill
        assert place.night(books, day) == [], kill
        assert (books.rows, _kept(place, name, request_id)) == wanted, kill
        erased = {(e.dataset, e.record_id) for e in place.erasures.erased(name, request_id)}
        assert erased == _gone(books, before), kill
        assert place.counts(books, "2034-01-01") == [{"erased": 4}], kill


def _kept(place: Installation, name: str, request_id: str) -> dict[Key, Any]:
    return {k.key: (k.ground, k.reason, k.until, k.signs.version) for k in place.retained.kept(name, request_id)}


class _Register:
    """Adds and ends the holds when their day has come."""

    def __init__(self, place: Installation, books: Books, holds: list[Holding], invoices: int) -> None:
        self._place, self._books, self._holds, self._invoices = place, books, holds, invoices
        self._ids: dict[int, str] = {}
        self._ended: set[int] = set()

    def until(self, day: date) -> None:
        for number, hold in enumerate(self._holds):
            if hold.added <= day and number not in self._ids:
                self._ids[number] = self._add(hold)
            if hold.ended and hold.ended <= day and number in self._ids and number not in self._ended:
                self._place.holds.end(self._ids[number], by="legal", at=AT)
                self._ended.add(number)

    def _add(self, hold: Holding) -> str:
        given: Any = {"by": "legal", "at": AT, "until": hold.until}
        if hold.on == "person":
            return self._place.holds.add_person(email(ASA), **given)
        invoice = 10 + hold.number % self._invoices
        record_id = str(invoice) if hold.on == INVOICE else f"{invoice}9"
        return self._place.holds.add_record(self._books.declaration.name, hold.on, record_id, **given)


def _free(rows: dict[Key, dict[str, Any]], holds: list[Holding], day: date) -> set[Key]:
    """What of Åsa nothing keeps on that day: the law, written down once more."""
    standing = [hold for hold in holds if hold.stands(day)]
    if any(hold.on == "person" for hold in standing):
        return set()
    invoices = {i: row for (d, i), row in rows.items() if d == INVOICE and row["contact_id"] == 1}
    free = {(CONTACT, "1")}
    for number, row in invoices.items():
        has_payment = (PAYMENT, f"{number}9") in rows
        held = any(
            int(number) - 10 == hold.number % len(invoices) and (hold.on == INVOICE or has_payment) for hold in standing
        )
        year = int(row["fiscal_year_end"][:4]) if row.get("fiscal_year_end") else None
        if not held and (year is None or day > date(year + 7, 12, 31)):
            free |= {(d, i) for (d, i), r in rows.items() if d != CONTACT and str(r["invoice_id"]) == number}
    return free


def _gone(books: Books, before: dict[Key, dict[str, Any]]) -> set[Key]:
    return {key for key in before if key not in books.rows or books.rows[key].get("family_name") == "Anonym"}


@contextmanager
def _dying(place: Installation, books: Books, after: int) -> Iterator[list[int]]:
    """Dies at that step of the source or around that writing; 0 = never. How many steps are left until then."""
    steps = [after]

    def step(_: str) -> None:
        steps[0] -= 1
        if steps[0] == 0:
            raise Killed

    def around(verb: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> Any:
            step("")
            answer = verb(*args, **more)
            step("")
            return answer

        return called

    names = ((place.retained, ("put", "put_ways", "let_go")), (place.erasures, ("note", "confirm_only")))
    for store, verbs in names:
        for verb in verbs:
            setattr(store, verb, around(getattr(store, verb)))
    books.on_step = step
    try:
        yield steps
    finally:
        books.on_step = lambda step: None
        for store, verbs in names:
            for verb in verbs:
                delattr(store, verb)
