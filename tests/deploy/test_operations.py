"""Every command of docs/operations.md is run by a test; here stand those that no other file runs."""

import ast
import base64
import os
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import made_up_ledger
import operations
import pytest

from dsr import __main__ as commands
from dsr import database
from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.settings import subkey

INLINE = re.compile(r"`(python -m dsr [^`]+)`")


def calls_of_block() -> set[tuple[str, str]]:
    """Section and words of every `operations.block(…)` in the tests."""
    found = set()
    for path in (operations.ROOT / "tests").rglob("test_*.py"):
        text = path.read_text()
        if "operations.block(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "operations.block":
                continue
            if all(isinstance(argument, ast.Constant) for argument in node.args):
                found.add(tuple(ast.literal_eval(argument) for argument in node.args))
    return found


def test_every_block_is_run_by_a_test() -> None:
    run = [operations.block(*call) for call in calls_of_block()]
    assert [block for block in operations.blocks() if block not in run] == []
    assert len(operations.blocks()) == operations.TEXT.count("```sh")


@pytest.mark.parametrize("line", sorted(set(INLINE.findall(operations.TEXT))))
def test_what_is_named_in_passing_is_a_command(line: str) -> None:
    args = commands._parser().parse_args(shlex.split(line)[3:])
    assert callable(args.command)


def run(line: str) -> int:
    """One of our commands, as the shell would run it."""
    return commands.main(shlex.split(os.path.expandvars(line))[3:])


def test_keys_are_wrapped_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = bytes([1] * 32), bytes([2] * 32)
    CaseStore(str(tmp_path), old).create("case-0001").write_json("request", {})
    monkeypatch.setenv("DSR_CASE_STORE", str(tmp_path))
    monkeypatch.setenv("DSR_CASE_KEY", base64.b64encode(new).decode())
    monkeypatch.setenv("DSR_FORMER_CASE_KEYS", base64.b64encode(old).decode())
    assert run(operations.block("Keys", "rewrap")) == 0
    assert CaseStore(str(tmp_path), new).open("case-0001").read_json("request") == {}
    with pytest.raises(PermanentError, match=r"key\.refused"):
        CaseStore(str(tmp_path), old).open("case-0001")


@pytest.fixture
def ledger(new_ledger: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_ledger()
    monkeypatch.setenv("DSR_LEDGER_URL", url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    return url


def test_the_metrics_are_shown(ledger: str, capsys: pytest.CaptureFixture[str]) -> None:
    made_up_ledger.fill(ledger, 5, datetime.now(UTC))
    assert run(operations.block("Metrics and traces", "--print")) == 0
    assert "dsr.requests.received{" in capsys.readouterr().out


def test_runs_are_kept_since_the_oldest_request_that_is_not_closed(
    ledger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """None is: 30 days. An older one that is closed doesn't count; one that is answered and not closed does."""
    kept = Ledger(database.connect(ledger), subkey(bytes(32), "ledger"))
    now = datetime.now(UTC)

    def since() -> datetime:
        assert run("python -m dsr requests --kept-since") == 0
        return datetime.fromisoformat(capsys.readouterr().out.strip())

    def receive(request_id: str, at: datetime) -> None:
        dates = {"received_at": at.isoformat(), "target": str(at.date()), "legal_latest": str(at.date())}
        kept.append(request_id, "request_received", {"channel": "zendesk", "right": "restriction", **dates}, at=at)

    assert abs(since() - (now - timedelta(days=30))) < timedelta(minutes=5)
    old, older = now - timedelta(days=400), now - timedelta(days=700)
    receive("dsr-old-and-waiting", old)
    kept.append("dsr-old-and-waiting", "answered", {"outcome": "done"}, at=old)
    receive("dsr-older-and-closed", older)
    kept.append("dsr-older-and-closed", "closed", {"outcome": "answered"}, at=older)
    assert abs(since() - old) < timedelta(seconds=2)
    kept.append("dsr-old-and-waiting", "closed", {"outcome": "answered"}, at=now)
    assert abs(since() - (now - timedelta(days=30))) < timedelta(minutes=5)
