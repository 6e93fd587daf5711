"""`python -m dsr retained`: what is kept, what is overdue, and the way on for what is refused."""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kept_records import Installation
from made_up_books import ASA, INVOICE, LINE, PAYMENT, Books
from sqlalchemy import Engine

from dsr.__main__ import main
from dsr.settings import subkey

THIS = datetime.now(UTC).year
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def books() -> Books:
    """Åsa with an invoice that was kept to the end of last year, and one that is kept for years."""
    made = Books()
    made.contact(1, ASA, "Berg")
    made.invoice(10, 1, THIS - 8)
    made.invoice(11, 1, THIS - 2)
    return made


@pytest.fixture
def place(own_engine: Engine, tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation in the environment; Åsa was erased two years ago."""
    master = secrets.token_bytes(32)
    made = Installation(own_engine, master, tmp_path, subkey(master, "ledger"))
    made.erase([books], REQUEST, ASA, datetime(THIS - 2, 12, 31, 12, tzinfo=UTC))
    name = books.declaration.name

    class Kind:
        declaration = books.declaration

        @classmethod
        def connect(cls, connection: Any) -> Books:
            assert connection.host == "for-writing"
            return books

    monkeypatch.setattr("dsr.__main__._kinds", lambda: {name: Kind})
    monkeypatch.setenv("DSR_LEDGER_URL", own_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(master).decode())
    monkeypatch.setenv(f"AIRFLOW_CONN_DSR_{name.upper()}", json.dumps({"host": "for-reading"}))
    monkeypatch.setenv(f"AIRFLOW_CONN_DSR_{name.upper()}_WRITE", json.dumps({"host": "for-writing"}))
    return made


REQUEST = "dsr-abcdefghijklmnop"


@pytest.fixture
def run(place: Installation, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command: exit code, and all that it prints."""

    def command(*arguments: str) -> tuple[int, str]:
        code = main(["retained", *arguments])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return command


def test_what_is_kept(run: Run, books: Books) -> None:
    code, shown = run("--json")
    lines = {(line["dataset"], line["until"]): (line["count"], line["overdue"]) for line in json.loads(shown)}
    last, later = f"{THIS - 1}-12-31", f"{THIS + 5}-12-31"
    assert lines == {
        (INVOICE, last): (1, 1), (LINE, last): (2, 2), (PAYMENT, last): (1, 1),
        (INVOICE, later): (1, 0), (LINE, later): (2, 0), (PAYMENT, later): (1, 0),
    }  # fmt: skip
    assert code == 1
    assert {line["source"] for line in json.loads(shown)} == {books.declaration.name}
    code, shown = run()
    assert (code, shown.count("gdpr:JustificationA17LegallyRequired")) == (1, 6)
    assert REQUEST not in shown
    code, shown = run("--overdue")
    assert (code, shown.count(REQUEST), shown.count(last)) == (1, 3, 3)


def test_one_request_at_once(run: Run, books: Books, place: Installation) -> None:
    code, shown = run("--request", REQUEST)
    assert (code, "4 erased" in shown) == (0, True)
    assert (INVOICE, "10") not in books.rows
    assert (INVOICE, "11") in books.rows
    assert run("--overdue", "--json") == (0, "[]\n")
    assert len(place.events(REQUEST)) == 1


def test_what_has_changed_goes_on_a_persons_word(run: Run, books: Books, place: Installation) -> None:
    books.rows[LINE, "101"]["description"] = "Something else"
    code, shown = run("--request", REQUEST)
    assert (code, "4 refused: not surely" in shown) == (1, True)
    code, shown = run("--request", REQUEST, "--confirm-changed", "--source", books.declaration.name)
    assert (code, "4 erased" in shown) == (0, True)
    assert place.events(REQUEST)[-1]["confirmed"] == ["changed"]


def test_what_is_gone_is_taken_off_on_a_persons_word(run: Run, books: Books, place: Installation) -> None:
    books.rows = {}
    assert run("--request", REQUEST)[0] == 1
    code, shown = run("--request", REQUEST, "--confirm-gone")
    assert (code, "4 settled" in shown) == (0, True)
    assert len(place.retained.kept(books.declaration.name, REQUEST)) == 4
    assert run()[0] == 0


def test_a_persons_word_is_for_one_request(run: Run, books: Books) -> None:
    code, shown = run("--confirm-changed")
    assert (code, "retained.request" in shown) == (1, True)


def test_without_a_connection(run: Run, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("", "_WRITE"):
        monkeypatch.delenv(f"AIRFLOW_CONN_DSR_{books.declaration.name.upper()}{end}")
    code, shown = run("--request", REQUEST)
    assert (code, "connection.missing" in shown) == (1, True)
