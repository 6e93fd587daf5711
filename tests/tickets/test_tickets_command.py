"""`python -m dsr tickets`: what waits, its text for who must give it by hand, and the word that they have."""

import base64
from pathlib import Path

import pytest
from ticket_office import Office

from dsr.__main__ import main
from dsr.ledger import Ledger
from dsr.settings import subkey

CODE = "7K3F-9QXM-2HTP"


@pytest.fixture
def installed(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The office as the command finds it in the environment."""
    monkeypatch.setenv("DSR_LEDGER_URL", office.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DSR_CASE_STORE", str(tmp_path))
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("DSR_TIMEZONE", "Europe/Stockholm")
    office.ledger = Ledger(office.engine, subkey(bytes(32), "ledger"))
    return office


def run(*args: str) -> int:
    return main(["tickets", *args])


def test_given_by_hand(installed: Office, capsys: pytest.CaptureFixture[str]) -> None:
    case = installed.case()
    assert installed.post(case, "zendesk", "999", f"Kod: {CODE}", secrets=(CODE,), kind="done") == "http.404"
    assert run("list") == 0
    listed = capsys.readouterr().out
    assert case.case_id in listed
    assert "http.404" in listed
    assert CODE not in listed
    assert run("show", case.case_id) == 0
    assert f"Kod: {CODE}" in capsys.readouterr().out
    assert run("given", case.case_id, "--by", "dpo") == 0
    assert "1 given by hand" in capsys.readouterr().out
    given, written = installed.ledger.events(case.case_id)
    assert (written.detail["by"], written.detail["kind"]) == ("hand", "done")
    assert (given.kind, given.detail) == ("given_by_hand", {"by": "dpo", "kind": "done"})
    assert installed.waiting.all() == []
    assert all(CODE.encode() not in _read(case, name) for name in case.names())
    assert installed.post(case, "zendesk", "999", f"Kod: {CODE}", secrets=(CODE,), kind="done") == "", "a task again"
    assert run("list") == 0
    assert case.case_id not in capsys.readouterr().out


def test_what_wraps_the_cases_keys_was_changed(
    installed: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = installed.case()
    installed.post(case, "zendesk", "999", f"Kod: {CODE}", secrets=(CODE,), kind="done")
    monkeypatch.setenv("DSR_CASE_KEY", base64.b64encode(bytes(range(32))).decode())
    assert main(["keys", "rewrap"]) == 0
    capsys.readouterr()
    assert run("show", case.case_id) == 0
    assert f"Kod: {CODE}" in capsys.readouterr().out
    assert run("given", case.case_id, "--by", "dpo") == 0
    assert installed.waiting.all() == []


def test_where_the_case_file_is_gone_the_word_ends_the_alarm(installed: Office) -> None:
    case = installed.case()
    assert installed.post(case, "zendesk", "999", "Svar") == "http.404"
    case.close()
    assert installed.pass_(minutes=61) == ["case.closed"]
    assert installed.waiting.untold() == {case.case_id}
    for _ in range(2):
        assert run("given", case.case_id, "--by", "dpo") == 0
        assert installed.waiting.all() == []
    (given,) = installed.ledger.events(case.case_id)
    assert (given.kind, given.detail) == ("given_by_hand", {"by": "dpo", "kind": "lost"})


def _read(case, name: str) -> bytes:  # type: ignore[no-untyped-def]
    with case.reader(name) as file:
        return bytes(file.read())
