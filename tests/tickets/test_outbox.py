"""A ticket system that is down holds nobody, and loses, doubles or reorders no answer."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ticket_office import COMMENTING, EVERY, Comment, Office

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import TransientError
from dsr.outbox import waiting_in
from dsr.source import Connection

TEXT = "Hej Åsa & co <3!\n\nKoden: 7K3F-9QXM-2HTP"
CODE = "7K3F-9QXM-2HTP"
BROKEN_OFF = ("connection.failed", "body.invalid")


def words(comments: list[Comment]) -> list[str]:
    """Freshdesk keeps no line breaks in the plain form of a note."""
    return [" ".join(comment.text.split()) for comment in comments]


@pytest.mark.parametrize("channel", EVERY)
def test_at_once_when_the_system_is_up(channel: str, office: Office) -> None:
    case, ticket = office.case(), office.systems.open(channel)
    assert office.post(case, channel, ticket, TEXT, close=True, secrets=(CODE,)) == ""
    assert words(office.systems.comments(channel, ticket)) == [" ".join(TEXT.split())]
    assert office.systems.comments(channel, ticket)[0].public is True
    assert office.systems.closed(channel, ticket)
    assert office.waiting.all() == []
    copy = TEXT.replace(CODE, "…").encode()
    (event,) = office.ledger.events(case.case_id)
    assert event.detail == {"kind": "answer", "by": "ticket", "sha256": hashlib.sha256(copy).hexdigest()}
    with case.reader(f"correspondence/{event.detail['sha256'][:16]}") as file:
        assert file.read() == copy


@pytest.mark.parametrize("channel", EVERY)
def test_down_for_days_then_all_in_order_and_once(channel: str, office: Office) -> None:
    case, ticket = office.case(), office.systems.open(channel)
    office.systems.break_(channel, status=503)
    texts = [f"Svar {n}" for n in range(3)]
    for text in texts:
        assert office.post(case, channel, ticket, text, close=text == texts[-1]) == "http.503"
        assert office.post(case, channel, ticket, text, close=text == texts[-1]) == "http.503", "a task tried again"
    for _ in range(5):
        assert office.pass_(minutes=20) == ["http.503"]
    assert office.systems.comments(channel, ticket) == []
    assert office.written(case) == []
    office.systems.mend()
    assert office.pass_(minutes=16) == []
    assert office.systems.comments(channel, ticket) == [Comment(text, public=True) for text in texts]
    assert office.systems.closed(channel, ticket)
    assert office.written(case) == ["answer"] * 3
    assert waiting_in(case) == []


@pytest.mark.parametrize("channel", EVERY)
@pytest.mark.parametrize("how", ["lost", "killed"])
def test_written_but_nobody_knows(channel: str, how: str, office: Office) -> None:
    """The answer of the system was lost, or the process died before it could note anything: the ticket is looked at."""
    case, ticket = office.case(), office.systems.open(channel)
    if how == "lost":
        office.systems.break_(channel, "lost", times=1, method="PUT" if channel == "zendesk" else "POST")
        assert office.post(case, channel, ticket, TEXT, close=True) in BROKEN_OFF
    else:
        office.dies = 1
        with pytest.raises(KeyboardInterrupt):
            office.post(case, channel, ticket, TEXT, close=True)
    assert office.post(case, channel, ticket, "Och mer") == ""
    assert words(office.systems.comments(channel, ticket)) == [" ".join(TEXT.split()), "Och mer"]
    assert office.written(case) == ["answer"] * 2


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("channel", COMMENTING)
def test_cut_off_after_it_was_noted(
    channel: str, public: bool, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the ticket and noted as such; only the outbox doesn't know yet. A task that says it again adds none."""
    case, ticket = office.case(), office.systems.open(channel)
    with monkeypatch.context() as patched:
        patched.setattr(CaseFile, "remove", _unavailable)
        with pytest.raises(TransientError):
            office.post(case, channel, ticket, TEXT, public=public)
    assert office.pass_(minutes=2) == []
    assert office.post(case, channel, ticket, TEXT, public=public) == ""
    assert words(office.systems.comments(channel, ticket)) == [" ".join(TEXT.split())]
    assert waiting_in(case) == []
    assert office.written(case) == ["answer"] * public


def _unavailable(*_: object) -> int:
    raise TransientError("store.unavailable", "casefile")


@pytest.mark.parametrize("channel", COMMENTING)
def test_looked_for_on_every_page_and_only_among_its_own_kind(channel: str, office: Office) -> None:
    """A ticket with many comments; one of the same words that isn't for the person is another one."""
    case, ticket = office.case(), office.systems.open(channel)
    for n in range(205):
        _comment(office, channel, ticket, f"note {n}", public=False)
    _comment(office, channel, ticket, TEXT, public=False)
    office.systems.break_(channel, "reset", times=1)
    assert office.post(case, channel, ticket, TEXT) in BROKEN_OFF
    assert office.pass_(minutes=2) == []
    office.systems.break_(channel, "lost", times=1, method="PUT" if channel == "zendesk" else "POST")
    office.post(case, channel, ticket, "Mer")
    assert office.pass_(minutes=2) == []
    comments = office.systems.comments(channel, ticket)
    assert [c.public for c in comments[205:]] == [False, True, True]
    assert words(comments[206:]) == [" ".join(TEXT.split()), "Mer"]


def _comment(office: Office, channel: str, ticket: str, text: str, *, public: bool) -> None:
    system = office.systems.by_channel[channel]
    name, key, where = {
        "zendesk": ("body", {"public": public}, "comments"),
        "jira": ("body", {"public": public}, "comments"),
        "freshdesk": ("body_text", {"private": not public}, "notes"),
    }[channel]
    tickets = system.issues if channel == "jira" else system.tickets
    tickets[ticket] = {**tickets[ticket], where: [*tickets[ticket][where], {name: text, **key}]}


def test_the_same_words_said_before_don_t_count_as_the_attempt(office: Office) -> None:
    case, ticket = office.case(), office.systems.open("zendesk")
    assert office.post(case, "zendesk", ticket, "Samma") == ""
    office.systems.break_("zendesk", "reset", times=1)
    again: dict[str, Any] = {"kind": "later"}
    answer = office.answer(case, "zendesk", ticket, "Samma", answer_id="another", **again)
    assert office.outbox.post(case, answer, office.at) in BROKEN_OFF
    assert office.pass_(minutes=2) == []
    assert words(office.systems.comments("zendesk", ticket)) == ["Samma", "Samma"]


@pytest.mark.parametrize(
    ("channel", "how", "code"),
    [
        ("zendesk", "absent", "http.404"),
        ("jira", "absent", "http.404"),
        ("freshdesk", "absent", "http.404"),
        ("zendesk", "closed", "http.422"),
        ("zendesk", "password", "http.401"),
        ("jira", "password", "http.401"),
        ("freshdesk", "password", "http.401"),
    ],
)
def test_what_only_a_person_can_mend_holds_that_ticket_alone(channel: str, how: str, code: str, office: Office) -> None:
    held, other = office.case(), office.case()
    ticket, fine = "999" if how == "absent" else office.systems.open(channel), office.systems.open(channel)
    if how == "closed":
        tickets = office.systems.by_channel[channel].tickets
        tickets[ticket] = {**tickets[ticket], "status": "closed"}
    if how == "password":
        office.changed[channel] = {"password": "revoked"}
    assert office.post(held, channel, ticket, "Ett") == code
    assert office.post(held, channel, ticket, "Två") == code
    (waiting,) = office.waiting.all()
    assert (waiting.held, waiting.code, waiting.due - office.at) == (True, code, timedelta(hours=1))
    office.changed.clear()
    assert office.post(other, channel, fine, "Annat") == ""
    assert office.pass_(minutes=30) == [], "looked at once an hour"
    assert office.pass_(minutes=31) == ([] if how == "password" else [code])
    written = [] if how != "password" else ["Ett", "Två"]
    assert words(office.systems.comments(channel, ticket) if how != "absent" else []) == written
    assert [answer.text for answer in waiting_in(held)] == ([] if how == "password" else ["Ett", "Två"])


@pytest.mark.parametrize("channel", COMMENTING)
def test_a_system_that_asks_for_a_pause_gets_it_from_all(channel: str, office: Office) -> None:
    cases = [office.case() for _ in range(3)]
    tickets = [office.systems.open(channel) for _ in cases]
    office.systems.break_(channel, status=429, headers={"Retry-After": "900"}, times=1)
    assert office.post(cases[0], channel, tickets[0], "0") == "http.429"
    calls = len(office.systems.tap.calls)
    for case, ticket in zip(cases[1:], tickets[1:], strict=True):
        assert office.post(case, channel, ticket, "x") == "http.429"
    assert office.pass_(minutes=14) == []
    assert len(office.systems.tap.calls) == calls, "not a call in the meantime"
    assert office.pass_(minutes=2) == []
    assert [len(office.systems.comments(channel, ticket)) for ticket in tickets] == [1, 1, 1]


def test_a_system_that_is_down_is_not_called_for_each_of_a_thousand(office: Office) -> None:
    cases = [office.case() for _ in range(8)]
    tickets = [office.systems.open("zendesk") for _ in cases]
    office.systems.break_("zendesk", status=500)
    for case, ticket in zip(cases, tickets, strict=True):
        office.post(case, "zendesk", ticket, "x")
    calls = len(office.systems.tap.calls)
    assert office.pass_(minutes=20) == ["http.500"] * 3
    assert len(office.systems.tap.calls) - calls == 3
    office.systems.mend()
    assert office.pass_(minutes=20) == []
    assert office.waiting.all() == []
    assert [len(office.systems.comments("zendesk", ticket)) for ticket in tickets] == [1] * 8


def test_what_says_nothing_of_the_system_holds_up_no_other_ticket(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither case files that are gone, nor answers that a person has to give."""
    monkeypatch.setitem(office.systems.connections, "dsr_opendsr", Connection("dsr_opendsr"))
    gone, by_hand = [office.case() for _ in range(3)], [office.case() for _ in range(4)]
    office.systems.break_("jira", status=503)
    for case in gone:
        office.post(case, "jira", office.systems.open("jira"), "x")
        case.close()
    case, ticket = office.case(), office.systems.open("jira")
    office.post(case, "jira", ticket, "Svar")
    office.systems.mend()
    for case in by_hand:
        assert office.post(case, "opendsr", "t", "x") == "answer.by_hand"
    office.at += timedelta(minutes=61)
    assert sorted(office.pass_()) == ["answer.by_hand"] * 4 + ["case.closed"] * 3
    assert words(office.systems.comments("jira", ticket)) == ["Svar"]


def test_a_note_is_not_lost_when_the_answer_before_it_is_given_by_hand(office: Office) -> None:
    case, ticket = office.case(), office.systems.open("jira")
    office.changed["jira"] = {"password": "revoked"}
    assert office.post(case, "jira", ticket, "Svar") == "http.401"
    assert office.post(case, "jira", ticket, "Skickad", public=False) == "http.401"
    assert office.outbox.given(case, "dpo", office.at) == 1
    assert office.waiting.untold() == frozenset()
    office.changed.clear()
    assert office.pass_() == []
    assert office.systems.comments("jira", ticket) == [Comment("Skickad", public=False)]
    assert office.waiting.all() == []


def test_nothing_waits_and_nothing_is_opened(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    case = office.case()
    monkeypatch.setattr(type(office.cases), "open", lambda *_: pytest.fail("a case file was opened"))
    assert case.names("outbox/") == []
    assert office.pass_() == []


def test_a_note_is_for_those_who_work_on_the_ticket(office: Office) -> None:
    """It leaves the ticket's state alone and no copy; only the newest of those that wait is news."""
    for channel in EVERY:
        case, ticket = office.case(), office.systems.open(channel)
        office.post(case, channel, ticket, "Svar", close=True)
        office.systems.break_(channel, status=503)
        for text in ("Mottagen", "Sökt", "Skickad"):
            assert office.post(case, channel, ticket, text, public=False) == "http.503"
        office.systems.mend()
        assert office.pass_(minutes=20) == []
        assert office.systems.comments(channel, ticket) == [Comment("Svar", True), Comment("Skickad", False)]
        assert channel == "standard_webhooks" or office.systems.closed(channel, ticket)
        assert office.written(case) == ["answer"]


def test_a_note_that_can_t_be_written_is_let_go(office: Office) -> None:
    case = office.case()
    assert office.post(case, "zendesk", "999", "Mottagen", public=False) == ""
    assert office.waiting.all() == []


@pytest.mark.parametrize("public", [True, False])
def test_a_case_file_that_is_gone_is_said(public: bool, office: Office) -> None:
    """Unless only a note went with it."""
    case, ticket = office.case(), office.systems.open("jira")
    office.systems.break_("jira", status=503)
    office.post(case, "jira", ticket, "x", public=public)
    case.close()
    assert office.pass_(minutes=2) == (["case.closed"] if public else [])


@pytest.mark.parametrize("public", [True, False])
def test_what_can_t_be_read_now_waits_until_it_can(public: bool, office: Office, tmp_path: Path) -> None:
    """A wrong key at the terminal or in a worker: nothing of it is let go, and a person is told."""
    case, ticket = office.case(), office.systems.open("jira")
    office.systems.break_("jira", status=503)
    office.post(case, "jira", ticket, "x", public=public)
    office.systems.mend()
    right, office.cases = office.cases, CaseStore(str(tmp_path), bytes(31) + b"x")
    assert office.pass_(minutes=2) == ["key.refused"]
    office.cases = right
    assert office.pass_(minutes=61) == []
    assert office.systems.comments("jira", ticket) == [Comment("x", public)]


def test_who_waits_for_an_answer(office: Office) -> None:
    """By this case files are kept and alarms are raised; a note is nobody's answer."""
    case, ticket = office.case(), office.systems.open("jira")
    office.systems.break_("jira", status=503)
    office.post(case, "jira", ticket, "x", public=False)
    assert office.waiting.untold() == frozenset()
    office.post(case, "jira", ticket, "y")
    office.post(case, "jira", ticket, "z", public=False)
    assert office.waiting.untold() == {case.case_id}
    office.systems.mend()
    office.systems.break_("jira", status=503, times=0)
    assert office.pass_(minutes=20) == []
    assert office.waiting.untold() == frozenset()


BROKEN = st.sampled_from(["up", "lost", "reset", "503", "killed", "truncate"])


@given(channel=st.sampled_from(COMMENTING), days=st.lists(st.tuples(BROKEN, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_breaks_each_is_there_once_and_in_order(
    channel: str, days: list[tuple[str, bool]], office: Office
) -> None:
    case, ticket = office.case(), office.systems.open(channel)
    said: list[str] = []
    for how, speaks in days:
        office.systems.mend()
        office.dies = how == "killed"
        if how in ("lost", "reset", "truncate"):
            office.systems.break_(channel, how, times=1)
        if how == "503":
            office.systems.break_(channel, status=503)
        if speaks:
            said.append(f"Svar nummer {len(said)}")
        try:
            if speaks:
                office.post(case, channel, ticket, said[-1])
            else:
                office.pass_(minutes=90)
        except KeyboardInterrupt:
            continue
    office.systems.mend()
    office.dies = 0
    assert office.pass_(minutes=90) == []
    assert words(office.systems.comments(channel, ticket)) == said
    assert office.written(case) == ["answer"] * len(said)
