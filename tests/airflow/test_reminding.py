"""The mail that reminds, by Airflow's own notifier, to a real mail server; and nothing noted that nobody got."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

from dsr import database
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.settings import Settings
from sandbox.mail.system import Mail

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "dags"))
pytestmark = pytest.mark.airflow

AT = datetime(2026, 12, 16, 5, tzinfo=UTC)
"""Three days before the target."""
TEAM = ("privacy@controller.example", "dpo@controller.example")


@pytest.fixture(scope="module")
def engine(new_ledger: Callable[[], str]) -> Iterator[Engine]:
    found = database.connect(new_ledger())
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def ledger(engine: Engine) -> Ledger:
    made = Ledger(engine, b"l" * 32)
    detail = {"channel": "zendesk", "right": "access", "received_at": "2026-11-19T08:00:00+00:00",
              "target": "2026-12-19", "legal_latest": "2026-12-21"}  # fmt: skip
    for name in ("dsr-open0001", "dsr-open0002"):
        made.append(name, "request_received", detail, at=AT)
    return made


@pytest.fixture
def morning(ledger: Ledger, server: Mail, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The task, as it runs: `to` and the server's port are what is set up."""
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite://")
    import dsr_coded
    import dsr_reminding

    def run(to: tuple[str, ...] = TEAM, port: int | None = None) -> None:
        waiting = SimpleNamespace(untold=set)  # no ticket has yet to get anything
        place = SimpleNamespace(settings=_settings(to), ledger=ledger, waiting=waiting)
        monkeypatch.setattr(dsr_reminding, "Workplace", lambda: place)
        monkeypatch.setattr(dsr_reminding, "now", lambda: AT)
        monkeypatch.setattr(dsr_reminding, "get_current_context", dict)
        monkeypatch.setattr(dsr_coded, "die_with_supervisor", lambda: None)  # this process isn't a task's
        uri = (
            f"smtp://dsr:sandbox-mail@127.0.0.1:{port or server.port}/?disable_ssl=true&disable_tls=true&retry_limit=0"
        )
        monkeypatch.setenv("AIRFLOW_CONN_DSR_MAIL", uri)
        dsr_reminding.remind.function()

    return run


def _settings(to: tuple[str, ...]) -> Settings:
    values: dict[str, Any] = {"DSR_MAIL_FROM": "noreply@controller.example", "DSR_REMIND_TO": ",".join(to)}
    return Settings.from_environment(values, need=())


def reminded(ledger: Ledger) -> int:
    return sum(event.kind == "reminded" for event in ledger.events())


def test_a_reminder_is_noted_once_somebody_has_it(
    morning: Callable[..., None], ledger: Ledger, server: Mail, unused_port: int
) -> None:
    """Nobody named, a server that is down, an address that it refuses: nothing is noted, and it comes again."""
    morning(())
    failing: tuple[tuple[dict[str, Any], type[DsrError], str], ...] = (
        ({"port": unused_port}, TransientError, "connection.failed"),
        ({"to": ("team@refused.example",)}, PermanentError, "smtp.550"),
    )
    for given, kind, code in failing:
        with pytest.raises(kind) as caught:
            morning(**given)
        assert caught.value.code == code
        assert "@" not in str(caught.value)
    assert (len(server.messages), reminded(ledger)) == (0, 0)
    morning()
    morning()
    (mail,) = server.messages.values()
    assert mail["to"] == list(TEAM)
    assert mail["subject"] == "Requests about personal data: 2 due soon"
    headers = {name.lower(): value for name, value in mail["headers"]}
    assert headers["auto-submitted"] == "auto-generated"
    assert headers["from"] == "noreply@controller.example"
    assert all(name in mail["html"] for name in ("dsr-open0001", "dsr-open0002", "3 days left: access"))
    assert reminded(ledger) == 2


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
