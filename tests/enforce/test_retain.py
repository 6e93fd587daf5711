"""What an erasure leaves is noted once it was seen to be as planned, and so that it is found again."""

import secrets
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kept_records import AT, Installation
from made_up_books import ASA, CONTACT, INVOICE, Books
from made_up_sources import email, request
from sqlalchemy import Engine

from dsr.errors import PermanentError, TransientError
from dsr.kept import Kept, Signs
from dsr.model import Identifier, Match
from dsr.reaching import asks_of
from dsr.source import Acting
from dsr.steps.retain import retain


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> Installation:
    """An installation of this test's own."""
    return Installation(engine, secrets.token_bytes(32), tmp_path)


@pytest.fixture
def books() -> Books:
    """Åsa with an invoice that is kept."""
    made = Books()
    made.contact(1, ASA, "Berg")
    made.invoice(10, 1, 2026)
    return made


def again(place: Installation, books: Books, request_id: str, source: Acting | None) -> int:
    """Noted once more."""
    name = books.declaration.name
    return retain(
        place.cases.open(request_id),
        {name: source},
        [books.declaration],
        retained=place.retained,
        holds=place.holds,
        at=AT,
    )


def test_by_their_ids_alone(place: Installation, books: Books, request_id: str) -> None:
    """Nothing of the person leads to them any more, and nothing of the person is needed."""
    place.erase([books], request_id, ASA)
    name = books.declaration.name
    ways = place.retained.ways(name, request_id)
    assert ways.asks == {Identifier(CONTACT, "1")}
    assert ways.matches == {(CONTACT, "1")}
    kept = place.retained.kept(name, request_id)
    assert {k.noted_at for k in kept} == {AT}
    assert all(k.signs.version for k in kept)
    assert [k.signs.later for k in kept if k.dataset == INVOICE] == [{"fiscal_year_end": "2026-12-31"}]
    assert place.retained.subjects(request_id) == place.holds.subjects([email(ASA)])
    assert again(place, books, request_id, books) == 4
    assert {k.key: k for k in place.retained.kept(name, request_id)} == {k.key: k for k in kept}


@pytest.mark.parametrize(
    ("dataset", "indexed", "asked"),
    [
        ("salesforce_contact", False, {"salesforce_contact", "salesforce_lead"}),
        ("salesforce_case", False, {"salesforce_lead", "email"}),
        ("salesforce_contact", True, {"salesforce_contact", "salesforce_lead", "email"}),
    ],
)
def test_an_address_only_where_an_id_is_not_enough(dataset: str, indexed: bool, asked: set[str]) -> None:
    """Of a record that has no id to be found by, and of a system that shows records only to whom they name."""
    kinds = ("salesforce_contact", "salesforce_lead", "email", "phone")
    declared = replace(Books().declaration, finds_by=kinds, indexed=indexed)
    held = frozenset({Identifier("salesforce_lead", "00Q"), Identifier("phone", "+46701740605")})
    match = Match("dsr-1", dataset, "003", frozenset({email(ASA)}), held | {email(ASA)})
    assert {identifier.kind for identifier in asks_of(declared, [match])} == asked


def test_only_after_it_was_seen(place: Installation, books: Books, request_id: str) -> None:
    place.erase([books], request_id, ASA)
    case = place.cases.open(request_id)
    case.write_json("verified", {**case.read_json("verified"), "ok": False})
    with pytest.raises(PermanentError, match=r"retain\.unverified"):
        again(place, books, request_id, books)
    case.remove("verified")
    with pytest.raises(PermanentError, match=r"retain\.unverified"):
        again(place, books, request_id, books)


def test_a_system_that_can_not_be_asked(place: Installation, books: Books, request_id: str) -> None:
    """Nothing is told as done before what is kept was noted."""
    place.erase([books], request_id, ASA)
    with pytest.raises(PermanentError, match=r"retain\.not_connected"):
        again(place, books, request_id, None)

    def down(step: str) -> None:
        raise TransientError("http.503", "books")

    books.on_step = down
    with pytest.raises(TransientError, match=r"http\.503"):
        again(place, books, request_id, books)


def test_what_nothing_leads_to_is_noted_all_the_same(place: Installation, books: Books, request_id: str) -> None:
    """A law keeps it, so somebody must see to it when that ends."""
    place.erase([books], request_id, ASA)
    books.rows[INVOICE, "10"]["contact_id"] = 99
    assert again(place, books, request_id, books) == 4
    assert {k.signs.version for k in place.retained.kept(books.declaration.name, request_id)} == {b""}
    [ended] = place.night(books, "2034-01-01")
    assert (ended.counts, ended.needs_person) == ({"unseen": 4}, True)


def test_nothing_of_a_restriction(place: Installation, books: Books, request_id: str) -> None:
    """What is restricted at the person's own wish is not to be erased one day."""
    case = place.cases.create(request_id)
    case.write_json("request", {**request(ASA, "restriction"), "request_id": request_id})
    place.planned(case, [books])
    place.carried_out(case, [books])
    assert again(place, books, request_id, books) == 0
    assert place.retained.requests(books.declaration.name) == []


def test_a_new_plan_takes_off_what_it_erases(place: Installation, books: Books, request_id: str) -> None:
    """Planned anew, when the invoice is kept no longer; what the new plan doesn't know stays noted."""
    case, name = place.erase([books], request_id, ASA), books.declaration.name
    other = Kept(INVOICE, "gdpr:A17", "retention.duty", date(2040, 1, 1), "d" * 64, AT, "77", Signs())
    place.retained.note(request_id, name, [other], place.retained.ways(name, request_id), [])
    books.contact(1, ASA, "Berg")
    later: Any = AT.replace(year=2034)
    place.index.read = later
    place.planned(case, [books], later)
    place.carried_out(case, [books], later)
    assert (INVOICE, "10") not in books.rows
    assert [k.record_id for k in place.retained.kept(name, request_id)] == ["77"]
