"""What the process that forks tasks does ahead of them."""

import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_preload

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize("warm", dsr_preload._ONCE)
def test_each_can_be_done_ahead(warm: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_LEDGER_URL", "postgresql://nobody@127.0.0.1:1/none")
    warm()


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
