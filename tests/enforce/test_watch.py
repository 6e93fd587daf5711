"""An open request near its day raises an alarm, once in the evidence, every day in Airflow; and a reminder at each
distance, once."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dsr.ledger import Ledger
from dsr.report.reminder import reminder
from dsr.setting_values import SettingError
from dsr.settings import Settings
from dsr.steps.watch import OVERDUE, Reminder, remind, reminders, watch

AT = datetime(2026, 12, 17, 5, tzinfo=UTC)
TARGET, LATEST = date(2026, 12, 19), date(2026, 12, 21)
"""A Saturday, and the Monday after it."""
DISTANCES = (14, 7, 3, 1)


@pytest.fixture
def received(own_engine: Engine) -> Ledger:
    """Three requests with the same days, in a ledger of their own; one was answered, one extended."""
    ledger = Ledger(own_engine, b"l" * 32)
    detail = {"channel": "zendesk", "right": "access", "received_at": "2026-11-19T08:00:00+00:00",
              "target": TARGET.isoformat(), "legal_latest": LATEST.isoformat()}  # fmt: skip
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


def morning(ledger: Ledger, day: date) -> list[tuple[str, int]]:
    """Who is reminded of at which distance; noted as the task does."""
    due = reminders(ledger, day=day, distances=DISTANCES)
    for one in due:
        remind(ledger, one, at=datetime(day.year, day.month, day.day, 5, tzinfo=UTC))
    return [(one.request_id, one.before) for one in due]


def test_three_days_before_and_after(received: Ledger) -> None:
    """Not a day earlier. It counts to the day that no weekend has moved; past is only the last day by law."""
    assert alarms(received, date(2026, 12, 15)) == []
    assert alarms(received, date(2026, 12, 16)) == [("dsr-open0001", 3, "deadline_near")]
    assert alarms(received, LATEST) == [("dsr-open0001", -2, "deadline_near")]
    assert alarms(received, date(2026, 12, 22)) == [("dsr-open0001", -3, "deadline_passed")]
    kinds = [e.kind for e in received.events("dsr-open0001")]
    assert kinds == ["request_received", "deadline_near", "deadline_passed"]


def test_extended_and_near_again(received: Ledger) -> None:
    """The most urgent first; the new last day counts."""
    alarms(received, LATEST)
    found = alarms(received, date(2027, 2, 22))
    assert found == [("dsr-open0001", -65, "deadline_passed"), ("dsr-extended", 0, "deadline_near")]
    received.append("dsr-extended", "closed", {"outcome": "answered"}, at=AT)
    assert [name for name, _, _ in alarms(received, date(2027, 3, 1))] == ["dsr-open0001"]


def test_a_suspension_moves_no_alarm_and_no_reminder(received: Ledger) -> None:
    """What the person took to confirm is theirs to lose, but nobody here works by it."""
    asked = datetime(2026, 11, 20, 8, tzinfo=UTC)
    received.append("dsr-open0001", "identity_asked", {"outcome": "sent"}, at=asked)
    received.append("dsr-open0001", "identity_verified", {"by": "person", "ok": True}, at=asked + timedelta(days=20))
    assert alarms(received, date(2026, 12, 16)) == [("dsr-open0001", 3, "deadline_near")]
    assert alarms(received, date(2026, 12, 22)) == [("dsr-open0001", -3, "deadline_passed")]
    assert morning(received, date(2026, 12, 22)) == [("dsr-open0001", OVERDUE)]


def test_what_the_ticket_does_not_have_yet_is_no_answer(received: Ledger) -> None:
    """Nor is an extension: the person is to be told of it within the first month (Art. 12(3))."""
    at = datetime(2026, 12, 18, 5, tzinfo=UTC)
    waiting = ("dsr-answered", "dsr-extended")
    found = watch(received, day=at.date(), within=3, at=at, undelivered=waiting)
    assert sorted(a.request_id for a in found) == ["dsr-answered", "dsr-extended", "dsr-open0001"]
    assert {a.left for a in found} == {1}
    due = reminders(received, day=at.date(), distances=DISTANCES, undelivered=waiting)
    assert {(one.request_id, one.before) for one in due} == {(a.request_id, 1) for a in found}


def test_an_extension_that_no_officer_has_sent_is_none(received: Ledger) -> None:
    """Whose request was entered by an officer has no ticket; the day counts once the letter is out."""
    days = {"channel": "staff", "right": "access", "received_at": "2026-11-19T08:00:00+00:00",
            "target": TARGET.isoformat(), "legal_latest": LATEST.isoformat()}  # fmt: skip
    received.append("dsr-entered0", "request_received", days, at=AT - timedelta(days=27))
    received.append("dsr-entered0", "answer_kept", {"answer": 1, "closes": False}, at=AT)
    extended = {"reason": "complexity", "by": "officer", "latest": "2027-02-22"}
    received.append("dsr-entered0", "extended", extended, at=AT)
    late = date(2026, 12, 22)
    assert ("dsr-entered0", -3, "deadline_passed") in alarms(received, late)
    assert ("dsr-entered0", OVERDUE) in morning(received, late)
    sent = {"answer": 1, "on": "2026-12-22", "way": "letter", "by": "officer"}
    received.append("dsr-entered0", "answer_sent", sent, at=AT)
    assert "dsr-entered0" not in {name for name, _, _ in alarms(received, late)}
    received.append("dsr-entered0", "answer_kept", {"answer": 2, "closes": True}, at=AT)
    assert "dsr-entered0" not in {name for name, _, _ in alarms(received, late)}, "a later letter says nothing of it"


def test_an_extension_that_the_ticket_has_counts_whatever_else_waits(received: Ledger) -> None:
    """Nothing may say that a day has passed which is still to come."""
    told = {"kind": "extended", "by": "ticket", "sha256": "a" * 64}
    received.append("dsr-extended", "written", told, at=AT)
    day = date(2027, 1, 20)
    found = watch(received, day=day, within=3, at=AT, undelivered=("dsr-extended",))
    assert "dsr-extended" not in {alarm.request_id for alarm in found}


def test_every_distance_is_reminded_of_once(received: Ledger) -> None:
    given_ = {}
    for days in range(1, 60):
        day = date(2026, 11, 25) + timedelta(days=days)
        for _ in range(2):
            given_.update(dict.fromkeys(morning(received, day), day))
    own = {before: day for (name, before), day in given_.items() if name == "dsr-open0001"}
    assert own == {
        14: date(2026, 12, 5), 7: date(2026, 12, 12), 3: date(2026, 12, 16), 1: date(2026, 12, 18),
        OVERDUE: date(2026, 12, 22),
    }  # fmt: skip
    events = [e.detail for e in received.events("dsr-open0001") if e.kind == "reminded"]
    assert [e["before"] for e in events] == [14, 7, 3, 1, OVERDUE]
    assert not [name for name, _ in given_ if name == "dsr-answered"]


def test_after_an_extension_it_is_reminded_of_again(received: Ledger) -> None:
    assert ("dsr-extended", 3) not in morning(received, date(2026, 12, 16))
    assert ("dsr-extended", 3) in morning(received, date(2027, 2, 19))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-20, 40), min_size=1, max_size=12))
def test_whatever_mornings_are_missed_the_last_reminder_is_the_nearest(ledger: Ledger, offsets: list[int]) -> None:
    """A scheduler that was down makes up for nothing and repeats nothing."""
    name = f"dsr-{secrets.token_hex(16)}"
    detail = {"channel": "zendesk", "right": "access", "received_at": "2026-11-19T08:00:00+00:00",
              "target": TARGET.isoformat(), "legal_latest": LATEST.isoformat()}  # fmt: skip
    ledger.append(name, "request_received", detail, at=AT)
    seen: list[int] = []
    for offset in sorted(offsets, reverse=True):
        seen += [before for who, before in morning(ledger, TARGET - timedelta(days=offset)) if who == name]
    assert seen == sorted(set(seen), reverse=True)
    left = min(offsets)
    reached = OVERDUE if left < -2 else min((n for n in DISTANCES if left <= n), default=None)
    assert (seen[-1] if seen else None) == reached
    ledger.append(name, "closed", {"outcome": "answered"}, at=AT)


def test_the_mail_names_ids_rights_and_days_only() -> None:
    due = [
        Reminder("dsr-aaaaaaaaaaaaaaaa", "erasure", OVERDUE, -3, LATEST),
        Reminder("dsr-bbbbbbbbbbbbbbbb", "access", 7, 7, date(2027, 1, 4)),
    ]
    subject, page = reminder(due, Settings.from_environment({}, need=()))
    assert subject == "Requests about personal data: 1 overdue, 1 due soon"
    assert "<strong>Overdue</strong>: erasure, last day by law 2026-12-21" in page
    assert "7 days left: access, last day by law 2027-01-04" in page
    assert "dsr-bbbbbbbbbbbbbbbb" in page


def test_the_settings() -> None:
    made = Settings.from_environment(
        {"DSR_REMIND_DAYS": "2, 10,2", "DSR_REMIND_TO": "a@x.example, b@x.example"}, need=()
    )
    assert (made.remind_days, made.remind_to) == ((10, 2), ("a@x.example", "b@x.example"))
    plain = Settings.from_environment({}, need=())
    assert (plain.remind_days, plain.remind_to, plain.identity_asked_within) == (DISTANCES, (), 3)
    for name, value in (
        ("REMIND_DAYS", "soon"), ("REMIND_DAYS", "-1"), ("REMIND_DAYS", "90"), ("REMIND_TO", "privacy team"),
        ("IDENTITY_ASKED_WITHIN", "31"),
    ):  # fmt: skip
        with pytest.raises(SettingError, match=f"DSR_{name}"):
            Settings.from_environment({f"DSR_{name}": value}, need=())
