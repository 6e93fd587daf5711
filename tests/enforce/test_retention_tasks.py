"""The upkeep's task, without a running Airflow: red when something needs a person, after all others were done."""

import logging
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kept_records import AT, REGISTER, Installation
from made_up_books import ASA, BO, INVOICE, LINE, Books
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_keeping
from dsr.errors import PermanentError, TransientError
from dsr.register import Register
from dsr.settings import Settings

pytestmark = pytest.mark.airflow


@dataclass
class Place:
    """As `Workplace`, with one system."""

    installation: Installation
    books: Books
    connected: list[str] = field(default_factory=list)
    register: Register = REGISTER
    settings: Settings = field(default_factory=lambda: Settings("", "", b""))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.installation, name)

    def acting(self, name: str) -> Any:
        self.connected.append(name)
        return self.books, self.books.declaration


@pytest.fixture
def books() -> Books:
    """Åsa and Bo, with an invoice of 2020 each."""
    made = Books()
    for number, address in ((1, ASA), (2, BO)):
        made.contact(number, address, "Berg")
        made.invoice(number * 10, number, 2020)
    return made


@pytest.fixture
def place(engine: Engine, tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Both were erased; it is the night after the last day."""
    made = Place(Installation(engine, secrets.token_bytes(32), tmp_path), books)
    for address in (ASA, BO):
        made.installation.erase([books], f"dsr-{secrets.token_hex(8)}", address)
    monkeypatch.setattr(dsr_keeping, "Workplace", lambda: made)
    monkeypatch.setattr(dsr_keeping, "now", lambda: AT.replace(year=2028, month=1, day=1))
    return made


def end(books: Books) -> None:
    """The task."""
    dsr_keeping.end_retention.function(books.declaration.name)


def test_green_when_all_is_done(place: Place, books: Books) -> None:
    end(books)
    assert not [key for key in books.rows if key[0] == INVOICE]
    end(books)


def test_nothing_due_costs_no_connection(place: Place, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsr_keeping, "now", lambda: AT.replace(year=2027))
    end(books)
    assert place.connected == []


def test_red_after_all_others_were_done(place: Place, books: Books, caplog: pytest.LogCaptureFixture) -> None:
    """The log says of whom by the request's id, how many and why, and nothing else."""
    books.rows[LINE, "101"]["description"] = "Something that Åsa Berg wrote"
    with caplog.at_level(logging.INFO, "dsr"), pytest.raises(PermanentError, match=r"retention\.needs_person"):
        end(books)
    assert (INVOICE, "10") in books.rows
    assert (INVOICE, "20") not in books.rows
    assert "'refused': 4" in caplog.text
    for word in ("Berg", ASA, "101"):
        assert word not in caplog.text


def test_up_for_retry_when_the_system_is_down(place: Place, books: Books) -> None:
    """The other request is gone on with all the same."""
    asked = []

    def down(step: str) -> None:
        asked.append(step)
        if len(asked) == 1:
            raise TransientError("http.503", "books")

    books.on_step = down
    with pytest.raises(TransientError, match=r"http\.503"):
        end(books)
    assert len([key for key in books.rows if key[0] == INVOICE]) == 1
    end(books)
    assert not [key for key in books.rows if key[0] == INVOICE]


def test_a_system_that_stays_down_is_left(place: Place, books: Books) -> None:
    for number in range(3, 8):
        address = f"p{number}@kvarn.example"
        books.contact(number, address, "Ek")
        books.invoice(number * 10, number, 2020)
        place.installation.erase([books], f"dsr-{secrets.token_hex(8)}", address)
    books.calls.clear()

    def down(step: str) -> None:
        raise TransientError("http.503", "books")

    books.on_step = down
    with pytest.raises(TransientError, match=r"http\.503"):
        end(books)
    assert books.calls == ["find"] * 3


def test_a_red_night(place: Place) -> None:
    with pytest.raises(PermanentError, match=r"retention\.needs_person"):
        dsr_keeping.needs_person.function()
