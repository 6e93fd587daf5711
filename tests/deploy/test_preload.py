"""What the process that forks tasks does ahead of them."""

import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import QueuePool

from dsr import database

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_preload

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def ledger_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.mark.parametrize("warm", dsr_preload._ONCE)
def test_each_can_be_done_ahead(warm: Callable[[], None], ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_LEDGER_URL", ledger_url)
    warm()


def test_no_connection_is_there_when_a_task_begins(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that wrote into one would destroy what the other says. What the server is, tasks know already."""
    monkeypatch.setenv("DSR_LEDGER_URL", ledger_url)
    dsr_preload._warm_database()
    engine = database.shared(ledger_url)
    assert isinstance(engine.pool, QueuePool)
    assert (engine.pool.checkedin(), engine.pool.checkedout()) == (0, 0)
    assert engine.dialect.server_version_info is not None


def test_a_database_that_is_away_is_the_tasks_to_notice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DSR_LEDGER_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(dsr_preload, "_ONCE", (dsr_preload._warm_database,))
    monkeypatch.setattr(dsr_preload, "MODULES", ())
    monkeypatch.setattr(gc, "freeze", lambda: None)
    caplog.set_level(logging.WARNING)
    dsr_preload.preload()
    assert "_warm_database, TransientError" in caplog.text


def test_none_keeps_a_worker_from_starting(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The log names it, by the kind of error alone; the others are done."""
    done = []

    def fails() -> None:
        raise RuntimeError("asa@example.com")

    monkeypatch.setattr(dsr_preload, "_ONCE", (fails, lambda: done.append(1)))
    monkeypatch.setattr(dsr_preload, "MODULES", ())
    monkeypatch.setattr(gc, "freeze", lambda: None)
    caplog.set_level(logging.WARNING)
    dsr_preload.preload()
    assert done == [1]
    assert "fails, RuntimeError" in caplog.text
    assert "example.com" not in caplog.text
