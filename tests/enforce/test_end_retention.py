"""What the law or a legal hold keeps is erased when that ends, and nothing else, and not a day before."""

import secrets
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from kept_records import AT, Installation
from made_up_books import ASA, BO, CONTACT, INVOICE, LINE, PAYMENT, Books, declared
from made_up_sources import email
from sqlalchemy import Engine

from dsr.model import Identifier

LAST, AFTER = "2033-12-31", "2034-01-01"
"""Of an invoice of 2026: the Bookkeeping Act keeps it through the seventh year after."""


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> Installation:
    """An installation of this test's own."""
    return Installation(engine, secrets.token_bytes(32), tmp_path)


@pytest.fixture
def books() -> Books:
    """Åsa with an invoice of 2026, one of 2020 and a draft, Bo with one of each year."""
    made = Books()
    for number, address, name in ((1, ASA, "Berg"), (2, BO, "Ek")):
        made.contact(number, address, name)
        made.invoice(number * 10, number, 2026)
        made.invoice(number * 10 + 1, number, 2020)
        made.invoice(number * 10 + 2, number, None)
    return made


@pytest.fixture
def erased(place: Installation, books: Books, request_id: str) -> Books:
    """After Åsa's erasure."""
    place.erase([books], request_id, ASA)
    return books


def test_what_an_erasure_leaves(erased: Books, place: Installation, request_id: str) -> None:
    kept = place.retained.kept(erased.declaration.name, request_id)
    assert {record.key for record in kept} == {key for key in erased.of(1) if key[0] != CONTACT}
    assert {(r.key, r.until) for r in kept if r.dataset == INVOICE} == {
        ((INVOICE, "10"), date(2033, 12, 31)),
        ((INVOICE, "11"), date(2027, 12, 31)),
    }
    assert {record.reason for record in kept} == {"retention.duty"}


def test_erased_on_the_day_after_and_not_before(erased: Books, place: Installation, request_id: str) -> None:
    before, bos = erased.copy(), erased.of(2)
    for day in ("2026-11-21", "2027-12-31"):
        assert place.night(erased, day) == []
    assert erased.rows == before
    assert place.counts(erased, "2028-01-01") == [{"erased": 4}]
    assert {key for key in before if key not in erased.rows} == {
        (INVOICE, "11"), (LINE, "111"), (LINE, "112"), (PAYMENT, "119"),
    }  # fmt: skip
    assert place.night(erased, LAST) == []
    assert place.counts(erased, AFTER) == [{"erased": 4}]
    assert erased.of(1) == {(CONTACT, "1")}
    assert {key: erased.rows[key] for key in bos} == {key: before[key] for key in bos}
    assert place.night(erased, "2040-01-01") == []
    assert [e["counts"] for e in place.events(request_id)] == [{"erased": 4}, {"erased": 4}]


def test_the_day_is_the_controllers(erased: Books, place: Installation) -> None:
    """Half an hour into the year in Stockholm it is still the year before in UTC."""
    assert place.night(erased, "2027-12-31T23:30") == []
    assert len(place.night(erased, "2028-01-01T00:30")) == 1


def test_a_restored_invoice_is_erased_again(erased: Books, place: Installation, request_id: str) -> None:
    """The erasure ledger has it, so `replay` finds it."""
    before = erased.copy()
    place.night(erased, AFTER)
    noted = {(e.dataset, e.record_id) for e in place.erasures.erased(erased.declaration.name, request_id)}
    assert noted >= {key for key in before if key not in erased.rows}


def test_a_hold_on_the_person_years_later(erased: Books, place: Installation, request_id: str) -> None:
    """Nobody knows the address any more, but the hold stops it; when an officer ends it, the night after erases."""
    before = erased.copy()
    held = place.holds.add_person(email(ASA), by="legal", at=AT)
    assert place.counts(erased, AFTER) == [{"kept": 8}]
    assert erased.rows == before
    kept = place.retained.kept(erased.declaration.name, request_id)
    assert {(record.reason, record.until) for record in kept} == {("hold.legal", None)}
    assert place.night(erased, "2036-05-06") == []
    place.holds.end(held, by="legal", at=AT)
    assert place.counts(erased, "2036-05-07") == [{"erased": 8}]
    assert erased.of(1) == {(CONTACT, "1")}


def test_a_hold_that_ends_frees_what_no_law_keeps(place: Installation, books: Books, request_id: str) -> None:
    """While it stands all is restricted; then the law is asked anew: accounts are kept on, all else goes."""
    held = place.holds.add_person(email(ASA), by="legal", at=AT)
    place.erase([books], request_id, ASA)
    assert all(books.rows[key].get("restricted") for key in books.of(1))
    assert place.night(books, "2027-06-01") == []
    place.holds.end(held, by="legal", at=AT)
    assert place.counts(books, "2027-06-01") == [{"erased": 4, "kept": 8}]
    assert books.rows[CONTACT, "1"]["family_name"] == "Anonym"
    assert books.rows[CONTACT, "1"]["email"] is None
    assert (INVOICE, "12") not in books.rows
    ways = place.retained.ways(books.declaration.name, request_id)
    assert (ways.before, ways.asks) == (None, {Identifier(CONTACT, "1")})
    assert place.counts(books, AFTER) == [{"erased": 8}]
    assert books.of(1) == {(CONTACT, "1")}


def test_what_reads_otherwise_by_our_own_doing(place: Installation, books: Books, request_id: str) -> None:
    """Lines without any time that show the contact's name: emptying the contact changes them, and they are still the
    same."""
    books.naming = True
    held = place.holds.add_person(email(ASA), by="legal", at=AT)
    place.erase([books], request_id, ASA)
    place.holds.end(held, by="legal", at=AT)
    assert place.counts(books, "2027-06-01") == [{"erased": 4, "kept": 8}]
    assert place.counts(books, AFTER) == [{"erased": 8}]


@pytest.mark.parametrize(
    "empties", [{}, {"family_name": "Anonym"}, {"email": None, "family_name": "X", "role": f"was {ASA}"}]
)
def test_anonymous_is_seen_not_said(
    place: Installation, books: Books, request_id: str, empties: dict[str, str | None]
) -> None:
    """The system says that it is done, and still shows who it was."""
    held = place.holds.add_person(email(ASA), by="legal", at=AT)
    place.erase([books], request_id, ASA)
    place.holds.end(held, by="legal", at=AT)
    books.empties = lambda: empties
    assert place.counts(books, "2027-06-01") == [{"erased": 3, "kept": 8, "waiting": 1}]
    noted = {e.dataset for e in place.erasures.erased(books.declaration.name, request_id)}
    assert CONTACT not in noted
    assert place.retained.ways(books.declaration.name, request_id).before
    books.empties = lambda: {"email": None, "family_name": "Anonym", "role": None}
    assert place.counts(books, "2027-06-02") == [{"erased": 1}]


def test_a_hold_with_a_last_day(place: Installation, books: Books, request_id: str) -> None:
    place.holds.add_person(email(ASA), by="legal", at=AT, until=date(2029, 6, 30))
    place.erase([books], request_id, ASA)
    assert place.night(books, "2029-06-30") == []
    assert place.counts(books, "2029-07-01") == [{"erased": 8, "kept": 4}]


def test_a_hold_on_a_part_keeps_the_whole(erased: Books, place: Installation) -> None:
    """A payment that a court wants keeps its invoice with all that belongs to it; the other invoice goes."""
    held = place.holds.add_record(erased.declaration.name, PAYMENT, "109", by="legal", at=AT)
    assert place.counts(erased, AFTER) == [{"erased": 4, "kept": 4}]
    assert (INVOICE, "10") in erased.rows
    assert (INVOICE, "11") not in erased.rows
    assert place.counts(erased, "2034-01-02") == [{"kept": 3}]
    place.holds.end(held, by="legal", at=AT)
    assert place.counts(erased, "2034-01-03") == [{"erased": 4}]


def test_the_register_of_that_day(erased: Books, place: Installation, request_id: str) -> None:
    """The law was changed meanwhile: twelve years instead of seven."""
    activity = place.register.activities["invoicing"]
    longer = [replace(entry, duration="P12Y") if entry.duty else entry for entry in activity.retention]
    changed = replace(activity, retention=tuple(longer))
    place.register = replace(place.register, activities={**place.register.activities, "invoicing": changed})
    assert place.counts(erased, AFTER) == [{"erased": 4, "kept": 4}]
    kept = place.retained.kept(erased.declaration.name, request_id)
    assert {record.until for record in kept} == {date(2038, 12, 31)}


def test_somebody_elses_record_under_the_old_id(erased: Books, place: Installation, request_id: str) -> None:
    """Numbers are handed out again after a restore: a new invoice is not the one that was kept."""
    erased.rows[INVOICE, "11"] |= {"issued_at": "2027-02-03", "booked_at": "2027-02-03T00:00:00Z"}
    erased.rows[INVOICE, "11"] |= {"fiscal_year_end": "2020-12-31", "buyer_name": "Bo Ek"}
    before = erased.copy()
    [ended] = place.night(erased, "2028-01-01")
    assert ended.counts == {"refused": 4}
    assert ended.needs_person
    assert erased.rows == before
    assert place.counts(erased, "2028-01-02") == [{"refused": 4}]
    assert len(place.events(request_id)) == 1
    assert place.counts(erased, "2028-01-03", request_id=request_id, confirmed=["changed"]) == [{"erased": 4}]
    assert (INVOICE, "11") not in erased.rows
    assert place.events(request_id)[-1]["confirmed"] == ["changed"]


def test_an_edit_of_before_the_noting_is_no_other_record(erased: Books, place: Installation) -> None:
    """It tells times, none of them younger than the noting but its due date, which it told then."""
    erased.rows[INVOICE, "10"]["status"] = "paid"
    assert place.counts(erased, AFTER) == [{"erased": 8}]


def test_a_payment_that_came_later(erased: Books, place: Installation, request_id: str) -> None:
    """Nobody approved it, and without it the invoice can't go: all of it stays until a person has looked."""
    erased.payment(777, 10, "2026-12-24T12:00:00Z")
    assert place.counts(erased, AFTER) == [{"erased": 4, "refused": 4}]
    assert (PAYMENT, "777") in erased.rows
    assert (LINE, "101") in erased.rows
    confirmed = {"request_id": request_id, "confirmed": ["changed"]}
    assert place.counts(erased, AFTER, **confirmed) == [{"erased": 5}]
    assert erased.of(1) == {(CONTACT, "1")}


def test_a_contact_that_became_somebody_elses(erased: Books, place: Installation, request_id: str) -> None:
    """What hangs on it may be theirs: nothing of it is touched."""
    erased.rows[CONTACT, "1"] |= {"email": "eva@kvarn.example", "family_name": "Eva"}
    before = erased.copy()
    assert place.counts(erased, AFTER) == [{"refused": 8}]
    assert erased.rows == before


def test_what_can_not_be_reached(erased: Books, place: Installation, request_id: str) -> None:
    """Never called erased, and red until a person says that it is gone."""
    for key in list(erased.of(1)):
        del erased.rows[key]
    [ended] = place.night(erased, AFTER)
    assert (ended.counts, ended.needs_person) == ({"unseen": 8}, True)
    name = erased.declaration.name
    assert not [e for e in place.erasures.erased(name, request_id) if e.dataset == INVOICE and e.record_id != "12"]
    assert place.counts(erased, AFTER, request_id=request_id, confirmed=["gone"]) == [{"settled": 8}]
    assert place.retained.kept(name, request_id) == []
    assert place.night(erased, AFTER) == []


def test_what_the_system_refuses(erased: Books, place: Installation) -> None:
    erased.refuses = {(LINE, "101")}
    [ended] = place.night(erased, AFTER)
    assert (ended.counts, ended.needs_person) == ({"erased": 6, "left": 2}, True)
    assert {(LINE, "101"), (INVOICE, "10")} <= erased.of(1)
    erased.refuses = set()
    assert place.counts(erased, "2034-01-02") == [{"erased": 2}]


def test_what_was_refused_and_is_out_of_reach(erased: Books, place: Installation, request_id: str) -> None:
    """The system deleted the invoice and refused a line of it: which of the lines are gone nobody sees, so none is said
    to be."""
    erased.refuses, erased.careless = {(LINE, "101")}, True
    assert place.counts(erased, AFTER) == [{"erased": 4, "left": 4}]
    gone = {e.record_id for e in place.erasures.erased(erased.declaration.name, request_id) if e.dataset == LINE}
    assert gone == {"121", "122"}
    [ended] = place.night(erased, "2034-01-02")
    assert (ended.counts, ended.needs_person) == ({"unseen": 4}, True)


def test_what_the_system_keeps_out_of_reach(erased: Books, place: Installation, request_id: str) -> None:
    """By its own word it keeps one of the lines, and nothing leads to any of them: as many are erased as it says."""
    erased.locked, erased.careless = {(LINE, "101"): None}, True
    [ended] = place.night(erased, AFTER)
    assert (ended.counts, ended.needs_person) == ({"erased": 7, "retained": 1}, False)
    assert place.retained.kept(erased.declaration.name, request_id) == []


def test_what_the_system_does_later(erased: Books, place: Installation) -> None:
    """Seen again the next night, green until it takes too long."""
    erased.lag = 3
    for day in ("2034-01-01", "2034-01-02", "2034-01-03"):
        [ended] = place.night(erased, day)
        assert (ended.counts, ended.needs_person) == ({"waiting": 8}, False)
    assert place.counts(erased, "2034-01-04") == [{"erased": 8}]


def test_what_takes_too_long_is_a_persons_business(erased: Books, place: Installation) -> None:
    erased.lag = 100
    assert place.counts(erased, "2034-01-01") == [{"waiting": 8}]
    [ended] = place.night(erased, "2034-02-15")
    assert (ended.counts, ended.needs_person) == ({"left": 8}, True)


def test_what_is_said_anew_while_it_is_put_off(erased: Books, place: Installation) -> None:
    """A half-deleted record differs by our own doing; new words in one that tells no times are somebody's."""
    erased.lag = 2
    place.night(erased, AFTER)
    erased.rows[LINE, "101"]["description"] = "for the court"
    assert place.counts(erased, "2034-01-02") == [{"refused": 4, "waiting": 4}]
    assert place.counts(erased, "2034-01-03") == [{"erased": 4, "refused": 4}]
    assert erased.rows[LINE, "101"]["description"] == "for the court"


def test_a_lock_of_the_systems_own(place: Installation, books: Books, request_id: str) -> None:
    """What it keeps until a day although its erasure was asked for goes after that day."""
    books.locked = dict.fromkeys(((INVOICE, "12"), (LINE, "121"), (LINE, "122")), date(2027, 5, 31))
    place.erase([books], request_id, ASA)
    kept = {r.key: r.until for r in place.retained.kept(books.declaration.name, request_id) if not r.ground}
    assert kept == books.locked
    assert place.night(books, "2027-05-31") == []
    books.locked = {(INVOICE, "12"): date(2027, 6, 30)}
    assert place.counts(books, "2027-06-01") == [{"erased": 2, "kept": 1}]
    assert place.night(books, "2027-06-30") == []
    books.locked = {}
    assert place.counts(books, "2027-07-01") == [{"erased": 1}]


def test_a_lock_without_an_end(place: Installation, books: Books, request_id: str) -> None:
    """Looked at every night, told once."""
    books.locked = {(INVOICE, "12"): None}
    place.erase([books], request_id, ASA)
    for day in ("2027-05-31", "2027-06-01"):
        [ended] = place.night(books, day)
        assert (ended.counts, ended.needs_person) == ({"kept": 1}, False)
    assert len(place.events(request_id)) == 1
    books.locked = {}
    assert place.counts(books, "2027-06-02") == [{"erased": 1}]


def test_without_an_approval_in_the_ledger(erased: Books, place: Installation) -> None:
    before = erased.copy()
    place.approved_as = "0" * 64
    [ended] = place.night(erased, AFTER)
    assert (ended.failed, ended.needs_person) == ("replay.approval", True)
    assert erased.rows == before


def test_an_edit_of_the_plan_that_nobody_approved(place: Installation, books: Books, request_id: str) -> None:
    """What the tables say is no approval: only the ledger is."""
    place.erase([books], request_id, ASA)
    name = books.declaration.name
    forged = [replace(k, digest="f" * 64) for k in place.retained.kept(name, request_id)]
    place.retained.put(request_id, name, forged)
    before = books.copy()
    assert [e.failed for e in place.night(books, AFTER)] == ["replay.approval"]
    assert books.rows == before


def test_one_request_never_stops_the_others(place: Installation, books: Books, engine: Engine) -> None:
    """Somebody has changed the first one's row; the second's is erased all the same."""
    first, second = (f"dsr-{secrets.token_hex(8)}" for _ in range(2))
    place.erase([books], first, ASA)
    place.erase([books], second, BO)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE retained SET until = '2027-01-01' WHERE request_id = %s AND until > '2030-01-01'", (first,)
        )
    ended = {e.request_id: e for e in place.night(books, AFTER)}
    assert ended[first].failed == "retained.tampered"
    assert ended[second].counts == {"erased": 8}
    assert (INVOICE, "10") in books.rows
    assert (INVOICE, "20") not in books.rows


def test_the_other_system_first(place: Installation, books: Books, request_id: str) -> None:
    """`erase_after`: as long as the CRM holds records of the request that are due, this one waits."""
    crm = Books()
    crm.contact(5, ASA, "Berg")
    crm.invoice(50, 5, 2020)
    books.declaration = declared((crm.declaration.name,))
    place.erase([crm, books], request_id, ASA)
    assert place.counts(books, "2028-01-01") == [{"waiting": 4}]
    assert place.counts(crm, "2028-01-01") == [{"erased": 4}]
    assert place.counts(books, "2028-01-01") == [{"erased": 4}]


def test_two_erasures_of_the_same_record(place: Installation, books: Books) -> None:
    """Under a hold the person asks again: the record goes under the later approval; a hold on what either knew of the
    person stops it."""
    first, second = (f"dsr-{secrets.token_hex(8)}" for _ in range(2))
    held = place.holds.add_person(email(ASA), by="legal", at=AT)
    place.erase([books], first, ASA)
    books.rows[CONTACT, "1"]["email"] = "asa.new@kvarn.example"
    other = place.holds.add_person(email("asa.new@kvarn.example"), by="legal", at=AT)
    place.erase([books], second, "asa.new@kvarn.example")
    assert place.retained.kept(books.declaration.name, first) == []
    place.holds.end(other, by="legal", at=AT)
    assert place.night(books, "2027-01-01") == []
    place.holds.end(held, by="legal", at=AT)
    assert place.counts(books, AFTER) == [{"erased": 12}]
