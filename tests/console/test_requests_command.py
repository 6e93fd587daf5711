"""How requests stand, at the terminal."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from console_desk import ALL
from made_up_ledger import fill
from sqlalchemy import text

from dsr.__main__ import main
from dsr.database import connect
from dsr.overview import Asked, Overview, Row


@pytest.fixture(scope="module")
def url(new_ledger: Callable[[], str]) -> str:
    """A ledger of 60 requests until now."""
    url = new_ledger()
    fill(url, 60, datetime.now(UTC))
    return url


@pytest.fixture
def said(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command; its exit code and what it says."""
    monkeypatch.setenv("DSR_LEDGER_URL", url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(bytes(32)).decode())

    def say(*arguments: str) -> tuple[int, str]:
        return main(arguments), capsys.readouterr().out

    return say


def rows(url: str, **asked: Any) -> list[Row]:
    """As the overview has them."""
    overview = Overview(connect(url))
    overview.bring_up()
    return overview.rows(Asked(ALL, datetime.now(UTC).date(), **asked))


def test_all_of_them(said: Callable[..., tuple[int, str]], url: str) -> None:
    """As a table whose columns stand below each other, and as JSON."""
    code, table = said("requests")
    lines = table.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[1:]] == [row.request_id for row in rows(url)]
    place = lines[0].index("received")
    assert all(line[place - 1] == " " and line[place : place + 2] == "20" for line in lines[1:])
    code, found = said("requests", "--json")
    assert code == 0
    for told, row in zip(json.loads(found), rows(url), strict=True):
        assert told["request_id"] == row.request_id
        assert told["latest"] == row.latest.isoformat()
        assert (told["place"], told["waits"], told["phase"]) == (row.place, row.waits, row.phase)


def test_some_of_them(said: Callable[..., tuple[int, str]], url: str) -> None:
    """Those that are open, those of a right, and both."""
    for arguments, asked in (
        (["--open"], {"phase": "open"}),
        (["--right", "access"], {}),
        (["--open", "--right", "access"], {"phase": "open"}),
    ):
        found = json.loads(said("requests", "--json", *arguments)[1])
        expected = [r for r in rows(url, **asked) if "--right" not in arguments or r.right == "access"]
        assert [told["request_id"] for told in found] == [row.request_id for row in expected] != []


def test_one_of_them(said: Callable[..., tuple[int, str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Its way and its events; another id is none."""
    code, shown = said("show", "dsr-made-000001")
    assert code == 0
    assert "Received through" in shown
    assert "unaltered" in shown
    code, found = said("show", "dsr-made-000001", "--json")
    told = json.loads(found)
    assert code == 0
    assert told["events"][0]["kind"] == "request_received"
    assert told["way"][0] == {"step": "receive", "state": "done", "at": told["events"][0]["at"]}
    assert f"{len(told['events'])} events, unaltered" in shown
    assert main(["show", "dsr-made-999999"]) == 1
    assert "request.unknown" in capsys.readouterr().err


def test_the_chain(
    said: Callable[..., tuple[int, str]], new_ledger: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unbroken, with its head; or not."""
    code, found = said("verify-ledger", "--json")
    told = json.loads(found)
    assert (code, told["unbroken"]) == (0, True)
    assert said("verify-ledger")[1] == f"{told['events']} events, unbroken. Head: {told['head']}\n"
    other = new_ledger()
    fill(other, 5, datetime.now(UTC))
    with connect(other).begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_only_grow"))
        connection.execute(text("UPDATE events SET kind = 'closed' WHERE seq = 3"))
    monkeypatch.setenv("DSR_LEDGER_URL", other)
    assert said("verify-ledger", "--json") == (1, '{"unbroken": false}\n')
