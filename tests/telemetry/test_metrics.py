"""The metrics against the ledger that they are read from."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import made_up_ledger
import pytest
from otlp_collector import collecting
from sqlalchemy import text

from dsr import database
from dsr.__main__ import main
from dsr.checks import NOT_CONNECTED, Check, Checks
from dsr.counted import Counted
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.metrics import METRICS, Readings, read
from dsr.settings import subkey
from dsr.waiting import WaitingRequests

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
KEY_OF_LEDGER = subkey(bytes(32), "ledger")


@pytest.fixture(scope="module")
def url(new_ledger: Callable[[], str]) -> str:
    """A ledger of 300 requests."""
    made = new_ledger()
    made_up_ledger.fill(made, 300, NOW)
    return made


def readings(url: str, counted: Counted | None = None, at: datetime = NOW) -> Readings:
    engine = database.connect(url)
    return read(engine, counted or Counted(Ledger(engine)), at, at.date(), "Europe/Stockholm")


def total(found: Readings, name: str, **labels: str) -> float:
    return sum(value for has, value in found[name] if labels.items() <= has.items())


def test_counters_are_what_the_ledger_says(url: str) -> None:
    found, events = readings(url), Ledger(database.connect(url)).events()
    kinds = Counter(event.kind for event in events)
    assert total(found, "dsr.requests.received") == kinds["request_received"] == 300
    assert total(found, "dsr.source.searches") == kinds["source_searched"]
    assert total(found, "dsr.source.failures", code="http.503") == kinds["source_failed"] > 0
    records = sum(e.detail["records"] for e in events if e.kind == "source_extracted" and e.detail["source"] == "calls")
    assert total(found, "dsr.source.records", source="calls") == records > 0
    assert total(found, "dsr.runs.failed") == kinds["failed"] > 0
    assert total(found, "dsr.downloads") == kinds["downloaded"] > 0
    open_ones = total(found, "dsr.requests.open")
    answered = total(found, "dsr.requests.answered")
    assert 0 < open_ones < 300
    assert 300 - open_ones >= answered > 0
    assert total(found, "dsr.requests.overdue") > 0
    assert min(value for _, value in found["dsr.requests.days_left"]) < 0
    assert 0 < total(found, "dsr.answers.in_time") < 1
    assert total(found, "dsr.answers.days", quantile="0.5") <= total(found, "dsr.answers.days", quantile="0.9")
    assert total(found, "dsr.ledger.verified") == total(found, "dsr.ledger.events") == len(events)
    assert total(found, "dsr.ledger.intact") == 1


def test_labels_are_those_that_are_declared_and_nobodys_id(url: str) -> None:
    declared = {metric.name: set(metric.labels) for metric in METRICS}
    found = readings(url)
    assert {name: set(labels) for name, points in found.items() for labels, _ in points}.items() <= declared.items()
    assert not [v for points in found.values() for labels, _ in points for v in labels.values() if "dsr-" in v]


def test_a_process_that_starts_anew_goes_on_where_the_other_was(url: str) -> None:
    """And one that has walked already walks on from there."""
    engine = database.connect(url)
    ledger, counted = Ledger(engine, KEY_OF_LEDGER), Counted(Ledger(engine))
    before = readings(url, counted)
    detail = {"source": "pardot", "status": "found", "records": 5, "attachments": 0, "calls": 7, "milliseconds": 1500}
    ledger.append("dsr-made-000001", "source_extracted", detail, at=NOW)
    later, anew = readings(url, counted), readings(url)
    assert later == anew
    for name, more in (("records", 5), ("calls", 7), ("time", 1.5)):
        name = f"dsr.source.{name}"
        assert total(later, name, source="pardot") - total(before, name, source="pardot") == pytest.approx(more)


def test_a_ledger_that_was_changed_is_told_and_mended_too(new_ledger: Callable[[], str]) -> None:
    """An event further back is edited: seen by the walk of the next day."""
    url = new_ledger()
    made_up_ledger.fill(url, 20, NOW)
    engine = database.connect(url)
    counted = Counted(Ledger(engine))
    before = readings(url, counted)
    edit = text("UPDATE events SET detail = detail || '{\"records\": 99}' WHERE seq = 3")
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # past the trigger that forbids it
        kept = connection.execute(text("SELECT detail::text FROM events WHERE seq = 3")).scalar_one()
        connection.execute(edit)
    assert total(readings(url, counted), "dsr.ledger.intact") == 1  # nothing new to walk
    found = readings(url, counted, NOW + timedelta(days=1))
    assert total(found, "dsr.ledger.intact") == 0
    assert total(found, "dsr.source.records") == total(before, "dsr.source.records")
    with pytest.raises(PermanentError, match=r"ledger\.tampered"):
        Ledger(engine, KEY_OF_LEDGER).verify()
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE events SET detail = CAST(:kept AS jsonb) WHERE seq = 3"), {"kept": kept})
    assert total(readings(url, counted, NOW + timedelta(days=1)), "dsr.ledger.intact") == 1


def test_what_waits_and_how_the_sources_are(new_ledger: Callable[[], str]) -> None:
    url = new_ledger()
    engine = database.connect(url)
    waiting, checks = WaitingRequests(engine), Checks(engine)
    for number in range(3):
        waiting.enter(f"dsr-made-{number:06}", "zendesk", NOW, answer=True)
    waiting.put_off("dsr-made-000000", NOW, "http.404", held=True, answer=True)
    checks.note(Check("salesforce", NOW, calls_left=900, calls_a_day=1000))
    checks.note(Check("pardot", NOW, "http.401"))
    checks.note(Check("webinars", NOW, NOT_CONNECTED))
    found = readings(url)
    assert found["dsr.outbox.waiting"] == [({"channel": "zendesk"}, 3)]
    assert found["dsr.outbox.held"] == [({"channel": "zendesk"}, 1)]
    assert sorted((labels["source"], up) for labels, up in found["dsr.source.up"]) == [("pardot", 0), ("salesforce", 1)]
    assert found["dsr.source.calls_left"] == [({"source": "salesforce"}, 900)]
    assert found["dsr.source.calls_a_day"] == [({"source": "salesforce"}, 1000)]


@pytest.fixture
def command(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, with nothing but the database's address."""
    for name in [name for name in os.environ if name.startswith(("DSR_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DSR_LEDGER_URL", url)

    def run(*arguments: str, **variables: str) -> int:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return main(["metrics", *arguments])

    return run


def test_the_command_sends_them_without_any_key(command: Callable[..., int]) -> None:
    with collecting() as collector:
        assert command("--once", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) == 0
        got: dict[str, Any] = {metric.name: metric for metric in collector.metrics()}
    assert got["dsr.requests.received"].sum.is_monotonic
    assert got["dsr.source.time"].unit == "s"
    assert {point.as_int for point in got["dsr.ledger.intact"].gauge.data_points} == {1}


def test_the_command_says_when_nobody_listens(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--once") == 1
    assert capsys.readouterr().err == "dsr: metrics: setting.otel_exporter_otlp_endpoint\n"
    assert command("--once", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1") == 1
    assert command("--print") == 0
    assert "dsr.requests.received{right=access} " in capsys.readouterr().out
