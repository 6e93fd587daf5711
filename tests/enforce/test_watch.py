"""An open request near its last day by law raises an alarm, once in the evidence, every day in Airflow."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dsr.ledger import Ledger
from dsr.steps.watch import watch

AT = datetime(2026, 12, 17, 5, tzinfo=UTC)
LATEST = date(2026, 12, 21)


@pytest.fixture
def received(ledger: Ledger) -> Ledger:
    """Three requests with the same last day; one was answered, one extended."""
    detail = {"channel": "zendesk", "right": "access", "received_at": "2026-11-20T08:00:00+00:00",
              "target": "2026-12-18", "legal_latest": LATEST.isoformat()}  # fmt: skip
    for name in ("dsr-open0001", "dsr-answered", "dsr-extended"):
        ledger.append(name, "request_received", detail, at=AT - timedelta(days=27))
    ledger.append("dsr-answered", "answered", {"outcome": "delivered"}, at=AT)
    more: dict[str, Any] = {"reason": "complexity", "by": "officer", "latest": "2027-02-22"}
    ledger.append("dsr-extended", "extended", more, at=AT)
    return ledger


def alarms(ledger: Ledger, day: date) -> list[tuple[str, int, str]]:
    """Who, days left, and what the event is."""
    at = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    return [(a.request_id, a.left, a.kind) for a in watch(ledger, day=day, within=3, at=at)]


def test_three_days_before_and_after(received: Ledger) -> None:
    """Not a day earlier; the last day itself is not past."""
    assert alarms(received, date(2026, 12, 17)) == []
    assert alarms(received, date(2026, 12, 18)) == [("dsr-open0001", 3, "deadline_near")]
    assert alarms(received, LATEST) == [("dsr-open0001", 0, "deadline_near")]
    assert alarms(received, date(2026, 12, 22)) == [("dsr-open0001", -1, "deadline_passed")]
    kinds = [e.kind for e in received.events("dsr-open0001")]
    assert kinds == ["request_received", "deadline_near", "deadline_passed"]


def test_extended_and_near_again(received: Ledger) -> None:
    """The most urgent first; the new last day counts."""
    alarms(received, LATEST)
    found = alarms(received, date(2027, 2, 22))
    assert found == [("dsr-open0001", -63, "deadline_passed"), ("dsr-extended", 0, "deadline_near")]
    received.append("dsr-extended", "closed", {"outcome": "answered"}, at=AT)
    assert [name for name, _, _ in alarms(received, date(2027, 3, 1))] == ["dsr-open0001"]


def test_what_the_ticket_does_not_have_yet_is_no_answer(received: Ledger) -> None:
    """Nor is an extension: the person is to be told of it within the first month (Art. 12(3))."""
    at = datetime(2026, 12, 20, 5, tzinfo=UTC)
    waiting = ("dsr-answered", "dsr-extended")
    found = watch(received, day=at.date(), within=3, at=at, undelivered=waiting)
    assert sorted(a.request_id for a in found) == ["dsr-answered", "dsr-extended", "dsr-open0001"]
    assert {a.left for a in found} == {1}
