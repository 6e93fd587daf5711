"""A head of the ledger noted outside: it shows what the database alone can't."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, text

from dsr import anchor as anchoring
from dsr import database
from dsr.__main__ import main
from dsr.errors import PermanentError
from dsr.ledger import Head, Ledger
from dsr.settings import subkey
from dsr.signing import Signer

MASTER = bytes(range(32))
KEY = subkey(MASTER, "ledger")
AT = datetime(2026, 11, 20, 12, 0, 59, tzinfo=UTC)
SIGNER = Signer(bytes(range(1, 33)))

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def engine(new_ledger: Callable[[], str]) -> Engine:
    """A ledger of five events of two requests."""
    made = database.connect(new_ledger())
    for number in range(5):
        Ledger(made, KEY).append(f"dsr-anchored{number % 2}", "run_started", at=AT)
    return made


@pytest.fixture
def say(engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command of ours; its exit code and what it said."""
    monkeypatch.setenv("DSR_LEDGER_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(MASTER).decode())

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def older(engine: Engine, count: int) -> None:
    """The whole database as it was that many events ago, its head signed as it was then: a backup put back."""
    head = Ledger(engine, KEY).events()[count - 1]
    signature = Ledger(engine, KEY)._signature(Head(count, head.hash))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        connection.execute(text("DELETE FROM events WHERE seq > :count"), {"count": count})
        connection.execute(text("ALTER TABLE events ENABLE TRIGGER ALL"))
        values = {"count": count, "hash": head.hash, "signature": signature}
        connection.execute(text("UPDATE ledger_head SET count = :count, hash = :hash, signature = :signature"), values)


def test_the_way_of_an_auditor(say: Say, engine: Engine, tmp_path: Path) -> None:
    """A line is noted, the ledger grows, and still holds it; then it is put back, which only the line shows."""
    code, line, _ = say("anchor-ledger")
    assert code == 0
    assert line.startswith("dsr-ledger 1 5 ")
    kept = tmp_path / "anchors.txt"
    kept.write_text(f"noted by the auditor\n{line}")
    Ledger(engine, KEY).append("dsr-anchored0", "run_started", at=AT)
    code, said, _ = say("verify-ledger", "--anchor", str(kept))
    assert code == 0
    assert "up to event 5" in said
    older(engine, 4)
    assert say("verify-ledger")[0] == 0, "by itself it can't be seen"
    assert say("verify-ledger", "--anchor", str(kept))[::2] == (1, "dsr: ledger: ledger.anchor\n")
    assert say("verify-ledger", "--json", "--anchor", str(kept))[:2] == (1, '{"unbroken": false}\n')
    for number in range(3):  # made longer again, with other events
        Ledger(engine, KEY).append(f"dsr-anchored{number}", "closed", {"outcome": "ended"}, at=AT)
    assert say("verify-ledger", "--anchor", str(kept))[0] == 1


def test_what_was_tampered_with_is_not_vouched_for(say: Say, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE events SET request_id = 'dsr-anchored9' WHERE seq = 2"))
        connection.execute(text("ALTER TABLE events ENABLE TRIGGER ALL"))
    assert say("anchor-ledger") == (1, "", "dsr: ledger: ledger.tampered\n")


def test_a_file_without_one_proves_nothing(say: Say, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("nothing\n")
    for path in (empty, tmp_path / "none"):
        assert say("verify-ledger", "--anchor", str(path))[::2] == (1, "dsr: ledger: anchor.absent\n")


def test_only_with_the_key_that_is_named() -> None:
    line = anchoring.anchored(Head(7, "ab" * 32), SIGNER, AT)
    (found,) = anchoring.anchors(f"before\n  {line}\n", [Signer(bytes(32)).public_key, SIGNER.public_key])
    assert found == anchoring.Anchor(Head(7, "ab" * 32), AT)
    key = base64.b64decode(SIGNER.public_key.splitlines()[1])[10:]
    said, _, signature = line.rpartition(" ")
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature), said.encode())
    for keys in ([], [Signer(bytes(32)).public_key]):
        with pytest.raises(PermanentError, match=r"anchor\.signature"):
            list(anchoring.anchors(line, keys))


@pytest.mark.parametrize(
    "change",
    [lambda t: t.replace(" 7 ", " 6 "), lambda t: t.replace("abab", "abac", 1), lambda t: t.replace("2026", "2025"),
     lambda t: t[:-6] + "AAAA==", lambda t: t.replace("ledger 1", "ledger 2")],
)  # fmt: skip
def test_a_line_that_was_changed(change: Callable[[str], str]) -> None:
    line = change(anchoring.anchored(Head(7, "ab" * 32), SIGNER, AT))
    with pytest.raises(PermanentError, match=r"anchor\.signature"):
        list(anchoring.anchors(line, [SIGNER.public_key]))


def test_the_beginning_is_always_held(engine: Engine) -> None:
    ledger = Ledger(engine, KEY)
    assert ledger.holds(Head(0, "0" * 64))
    assert not ledger.holds(Head(0, "1" * 64))
    assert not ledger.holds(Head(99, "1" * 64))
    event = ledger.events()[2]
    assert ledger.holds(Head(3, event.hash))
    assert not ledger.holds(Head(2, event.hash))
