"""The night's mail that says where the ledger ends: to a real mail server, and checked as an auditor would."""

import base64
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from dsr import database
from dsr.__main__ import main
from dsr.errors import DsrError
from dsr.ledger import Ledger
from dsr.post import smtp_sender
from dsr.settings import Settings, subkey
from dsr.source import Connection
from sandbox.mail.system import Mail

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "dags"))
pytestmark = pytest.mark.airflow

AT = datetime(2026, 12, 16, 3, 17, tzinfo=UTC)
MASTER = bytes(range(32))
AUDITOR = "auditor@auditors.example"


@pytest.fixture
def engine(new_ledger: Callable[[], str]) -> Iterator[Engine]:
    found = database.connect(new_ledger())
    yield found
    found.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    made = Ledger(engine, subkey(MASTER, "ledger"))
    for name in ("dsr-anchored1", "dsr-anchored2"):
        made.append(name, "run_started", at=AT)
    return made


@pytest.fixture
def night(ledger: Ledger, server: Mail, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The task, as it runs."""
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite://")
    import dsr_anchoring
    import dsr_coded

    def run(to: str = AUDITOR) -> None:
        values: dict[str, Any] = {
            "DSR_MAIL_FROM": "noreply@controller.example",
            "DSR_ANCHOR_TO": to,
            "DSR_MASTER_KEY": base64.b64encode(MASTER).decode(),
        }
        extra = {"disable_ssl": True, "disable_tls": True}
        relay = Connection("dsr_mail", "127.0.0.1", server.port, "dsr", "sandbox-mail", extra=extra)
        settings = Settings.from_environment(values, need=())
        place = SimpleNamespace(settings=settings, ledger=ledger, send_mail=smtp_sender(relay))
        monkeypatch.setattr(dsr_anchoring, "Workplace", lambda: place)
        monkeypatch.setattr(dsr_anchoring, "now", lambda: AT)
        monkeypatch.setattr(dsr_coded, "die_with_supervisor", lambda: None)  # this process isn't a task's
        dsr_anchoring.anchor_ledger.function()

    return run


def test_an_auditor_can_check_a_mail_as_it_came(
    night: Callable[..., None],
    engine: Engine,
    ledger: Ledger,
    server: Mail,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Saved from a mailbox, with its headers: the ledger that went on holds it, one that was put back doesn't."""
    monkeypatch.setenv("DSR_LEDGER_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(MASTER).decode())
    night()
    (mail,) = server.messages.values()
    assert mail["to"] == [AUDITOR]
    assert mail["subject"] == "Ledger of requests about personal data: 2 events"
    saved = tmp_path / "saved.eml"
    saved.write_text(mail["raw"])
    ledger.append("dsr-anchored1", "closed", {"outcome": "answered"}, at=AT)
    assert main(["verify-ledger", "--anchor", str(saved)]) == 0
    ended = Ledger(engine, subkey(MASTER, "ledger"))
    night()
    saved.write_text(list(server.messages.values())[-1]["raw"])
    _cut(engine, ended)
    assert main(["verify-ledger", "--anchor", str(saved)]) != 0
    assert "anchor" in capsys.readouterr().err


def test_nobody_named_is_mailed_and_the_ledger_is_walked(
    night: Callable[..., None], engine: Engine, server: Mail
) -> None:
    """What was edited makes it red, and no mail says that all is well."""
    night("")
    assert not server.messages
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE events SET kind = 'closed' WHERE seq = 1"))
    for to in ("", AUDITOR):
        with pytest.raises(DsrError) as caught:
            night(to)
        assert caught.value.code == "ledger.tampered"
    assert not server.messages


def test_who_is_refused_keeps_it_from_nobody_else(night: Callable[..., None], server: Mail) -> None:
    """The task is red all the same, so that somebody looks; whoever comes after has the mail."""
    with pytest.raises(DsrError) as caught:
        night(f"gone@refused.example, {AUDITOR}")
    assert caught.value.code == "smtp.550"
    (mail,) = server.messages.values()
    assert mail["to"] == [AUDITOR]


def _cut(engine: Engine, ledger: Ledger) -> None:
    """The last event is gone, and the head is signed as it was before: a backup put back by who has the key."""
    from dsr.ledger import Head

    events = ledger.events()
    head = Head(len(events) - 1, events[-2].hash)
    values = {"count": head.count, "hash": head.hash, "signature": ledger._signature(head)}
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        connection.execute(text("DELETE FROM events WHERE seq > :count"), {"count": head.count})
        connection.execute(text("UPDATE ledger_head SET count = :count, hash = :hash, signature = :signature"), values)
