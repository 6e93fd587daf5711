"""Where a request stands on its way, by its events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from console_desk import NOW

from dsr.ledger import Event
from dsr.overview import Row
from dsr.report.event_words import TITLES
from dsr.way import way

Told = tuple[str, Mapping[str, Any]]
SEARCHED: Told = ("source_searched", {"source": "calls", "status": "found"})
EXTRACTED: Told = ("source_extracted", {"source": "calls", "status": "found", "records": 3})
COMPOSED: Told = ("composed", {"sha256": "ab"})
PLANNED: Told = ("planned", {"digest": "cd", "right": "erasure", "effects": {"erase": 2}})
ASKED: Told = ("identity_asked", {"outcome": "sent"})
CONFIRMED: Told = ("identity_verified", {"by": "person", "ok": True})


def said(decision: str, choice: str, **more: str) -> Told:
    """An officer's decision."""
    return "decision", {"decision": decision, "choice": choice, "by": "officer", **more}


def events(right: str, *told: Told) -> list[Event]:
    """Of one request, an hour apart."""
    dates = {"received_at": NOW.isoformat(), "target": "2026-12-14", "legal_latest": "2026-12-21"}
    first: Told = ("request_received", {"channel": "zendesk", "right": right, **dates})
    at = [NOW + timedelta(hours=n) for n in range(len(told) + 3)]
    begun = [first, ("triaged", {"questions": ["right"] if right == "unclear" else [], "within_year": 1}),
             ("run_started", {}), *told]  # fmt: skip
    return [Event(n, "dsr-made-1", kind, detail, at[n], "") for n, (kind, detail) in enumerate(begun)]


LETTER: Told = ("answer_kept", {"answer": 1, "closes": True})
CLOSED: Told = ("closed", {"outcome": "answered"})
STOOD: Mapping[str, tuple[str, list[Told], str, str]] = {
    "nothing was searched": ("access", [], "search", ""),
    "which right": ("unclear", [], "settle", "officer"),
    "another's data": ("access", [SEARCHED, EXTRACTED], "review", "officer"),
    "a source is down": (
        "access",
        [SEARCHED, ("source_failed", {"source": "mail", "code": "http.503"}), EXTRACTED],
        "incomplete",
        "officer",
    ),
    "without it": (
        "access",
        [SEARCHED, ("source_failed", {"source": "mail", "code": "http.503"}), said("incomplete", "release_without")],
        "review",
        "officer",
    ),
    "to release": ("access", [SEARCHED, EXTRACTED, said("review", "all_is_reviewed"), COMPOSED], "release", "officer"),
    "to send": ("access", [SEARCHED, EXTRACTED, COMPOSED, said("release", "approve")], "deliver", ""),
    "a letter to be sent": (
        "access",
        [SEARCHED, EXTRACTED, LETTER, ("answered", {"outcome": "nothing_held"}), CLOSED],
        "send",
        "officer",
    ),
    "a question to be sent": ("erasure", [SEARCHED, EXTRACTED, PLANNED, LETTER, ASKED], "identity", "officer"),
    "a letter that was sent": (
        "access",
        [
            SEARCHED,
            EXTRACTED,
            LETTER,
            ("answered", {"outcome": "nothing_held"}),
            CLOSED,
            ("answer_sent", {"answer": 1, "on": "2026-11-25", "way": "letter", "by": "officer"}),
        ],
        "",
        "",
    ),
    "to send on": (
        "portability",
        [
            SEARCHED,
            ("composed", {"transmit_to": "other"}),
            said("release", "approve"),
            ("delivered", {}),
            ("answered", {"outcome": "link"}),
        ],
        "transmit",
        "",
    ),
    "who is it": ("erasure", [SEARCHED, PLANNED, ASKED], "identity", "person"),
    "no contact": (
        "erasure",
        [SEARCHED, PLANNED, ("identity_asked", {"outcome": "no_contact"})],
        "identity",
        "officer",
    ),
    "it is them": ("erasure", [SEARCHED, PLANNED, ASKED, CONFIRMED], "prepare", "officer"),
    "a second officer": (
        "erasure",
        [SEARCHED, PLANNED, ASKED, CONFIRMED, said("prepare", "approve")],
        "approve",
        "officer",
    ),
    "another plan": (
        "erasure",
        [SEARCHED, PLANNED, ASKED, CONFIRMED, said("prepare", "approve"), said("approve", "plan_anew")],
        "search",
        "",
    ),
    "planned anew": (
        "erasure",
        [SEARCHED, PLANNED, ASKED, CONFIRMED, said("prepare", "plan_anew"), SEARCHED, PLANNED],
        "prepare",
        "officer",
    ),
    "the vendor does it later": (
        "erasure",
        [
            SEARCHED,
            PLANNED,
            ASKED,
            CONFIRMED,
            said("prepare", "approve"),
            said("approve", "approve"),
            ("suppressed", {"scope": "all"}),
            ("enforced", {"source": "calls", "attempt": 1, "effect": "erase", "outcome": "scheduled"}),
        ],
        "enforce",
        "source",
    ),
    "remains": (
        "erasure",
        [
            SEARCHED,
            PLANNED,
            CONFIRMED,
            said("prepare", "approve"),
            said("approve", "approve"),
            ("suppressed", {}),
            ("enforced", {"source": "calls", "attempt": 1, "outcome": "done"}),
            ("verified", {"ok": False}),
        ],
        "verify",
        "operator",
    ),
    "no plan after the list": ("objection", [SEARCHED, ("suppressed", {"scope": "marketing"})], "plan", ""),
    "restricted": (
        "restriction",
        [SEARCHED, PLANNED, ("certified", {}), ("answered", {"outcome": "done"})],
        "decide_lift",
        "officer",
    ),
    "lifted on a day": (
        "restriction",
        [
            SEARCHED,
            PLANNED,
            ("answered", {"outcome": "done"}),
            said("lift", "lift"),
            ("lift_announced", {"on": "2027-01-01"}),
        ],
        "lift",
        "day",
    ),
    "lifted and told to recipients": (
        "restriction",
        [
            SEARCHED,
            PLANNED,
            ("verified", {"ok": True}),
            ("answered", {"outcome": "done"}),
            said("lift", "lift"),
            ("lift_announced", {"on": "2027-01-01"}),
            ("lifted", {}),
            ("notified", {"kind": "lifted"}),
        ],
        "close",
        "",
    ),
    "meanwhile restricted": (
        "objection",
        [("suppressed", {}), SEARCHED, PLANNED, ("certified", {}), ("answered", {"outcome": "meanwhile"})],
        "decide_objection",
        "officer",
    ),
    "failed": ("access", [SEARCHED, ("failed", {"task": "combine"}), ("deadline_near", {})], "read", "operator"),
    "mended": ("access", [SEARCHED, ("failed", {"task": "combine"}), SEARCHED, EXTRACTED], "review", "officer"),
    "stopped": (
        "access",
        [SEARCHED, EXTRACTED, said("review", "stop"), ("shredded", {"outcome": "stopped"})],
        "review",
        "officer",
    ),
    "answered and closed": ("access", [SEARCHED, ("answered", {"outcome": "nothing_held"}), ("closed", {})], "", ""),
    "joined": ("access", [("linked", {"to": "dsr-other-1"})], "join", ""),
    "referred": ("unclear", [said("triage", "refer"), ("referred", {"to": "customer"})], "close", ""),
}


@pytest.mark.parametrize("name", STOOD)
def test_where_it_stands(name: str) -> None:
    """And whom it waits for; what was done lies before it and what wasn't is ahead."""
    right, told, place, waits = STOOD[name]
    found = way(events(right, *told))
    assert (found.place, found.waits) == (place, waits)
    assert all(step.key in TITLES for step in found.steps)
    states = [step.state for step in found.steps]
    if place:
        here = [step.key for step in found.steps].index(place)
        assert states[here] == ("failed" if name in ("failed", "stopped") else "here")
        confirmed = {"done"} if name == "another plan" else set()  # who it is needn't be asked again
        assert set(states[here + 1 :]) <= {"ahead"} | confirmed
        assert set(states[:here]) <= {"done", "skipped"}
    else:
        assert set(states) <= {"done", "skipped"}
    assert all((step.at is not None) == (step.state == "done") for step in found.steps)


def test_which_sources_and_tasks() -> None:
    """Are named."""
    right, told, *_ = STOOD["a source is down"]
    assert way(events(right, *told)).sources == ("mail",)
    right, told, *_ = STOOD["the vendor does it later"]
    assert way(events(right, *told)).sources == ("calls",)
    done = ("enforced", {"source": "calls", "attempt": 2, "effect": "erase", "outcome": "done"})
    assert way(events(right, *told, done)).sources == ()
    right, told, *_ = STOOD["failed"]
    assert way(events(right, *told)).failed == "combine"
    right, told, *_ = STOOD["stopped"]
    assert way(events(right, *told)).stopped


OUTCOMES: Mapping[str, list[Told]] = {
    "disclosed": [("answered", {"outcome": "link", "incomplete": [], "not_reviewed": 0})],
    "disclosed_in_part": [("answered", {"outcome": "link", "incomplete": ["mail"], "not_reviewed": 0})],
    "nothing_held": [("answered", {"outcome": "nothing_held"}), ("closed", {"outcome": "answered"})],
    "done": [("answered", {"outcome": "meanwhile"}), ("answered", {"outcome": "done"})],
    "refused": [("answered", {"outcome": "refused"}), ("refused", {"reason": "identity"})],
    "referred": [("referred", {"to": "customer"}), ("closed", {"outcome": "referred"})],
    "linked": [
        ("linked", {"to": "dsr-other-1"}),
        ("answered", {"outcome": "linked"}),
        ("closed", {"outcome": "linked"}),
    ],
    "ended": [("closed", {"outcome": "ended"})],
    "": [("answered", {"outcome": "extended"})],
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_became_of_it(outcome: str) -> None:
    """And whether the person was answered: a case that was given up isn't."""
    row = Row.of(events("objection", *OUTCOMES[outcome]))
    assert row is not None
    assert row.outcome == outcome
    assert (row.answered_at is None) == (outcome in ("ended", ""))
    assert row.refused_for == ("identity" if outcome == "refused" else "")


KEPT: Told = ("answer_kept", {"answer": 1, "closes": True})


def test_what_an_officer_has_yet_to_send_nobody_has_had() -> None:
    """The table for the authority counts to the day on which it went out, not to that on which it was written."""
    told = [KEPT, ("answered", {"outcome": "refused"}), ("refused", {"reason": "identity"})]
    row = Row.of(events("erasure", *told))
    assert row is not None
    assert (row.settled, row.answered_at) == (False, None)
    on = NOW.date() + timedelta(days=40)
    sent = Event(99, "dsr-made-1", "answer_sent", {"answer": 1, "on": on.isoformat(), "way": "letter", "by": "officer"},
                 NOW + timedelta(days=41), "")  # fmt: skip
    row = Row.of([*events("erasure", *told), sent])
    assert row is not None
    assert row.answered_at is not None
    assert (row.settled, row.answered_at.date()) == (True, on)


def test_a_ticket_that_was_down_had_the_answer_later() -> None:
    """A mail with the link alone opens nothing: the code stands in the ticket."""
    mailed: Told = ("written", {"kind": "answer", "by": "mail", "sha256": "ab"})
    told = [mailed, ("answered", {"outcome": "link", "incomplete": [], "not_reviewed": 0})]
    before = Row.of(events("access", *told))
    later = NOW + timedelta(days=3)
    written = Event(99, "dsr-made-1", "written", {"kind": "answer", "by": "ticket", "sha256": "cd"}, later, "")
    row = Row.of([*events("access", *told), written])
    assert before is not None
    assert row is not None
    assert before.answered_at is not None
    assert (before.answered_at < later, row.answered_at) == (True, later)


def test_an_event_that_says_less_than_today_s_keeps_no_request_from_the_list() -> None:
    """One that raised would keep all of them: the rows are made in one go."""
    told: list[Told] = [("extended", {"latest": "2027-02-22"}), ("refused", {})]
    row = Row.of(events("access", *told))
    assert row is not None
    assert (row.extended_for, row.outcome, row.refused_for) == ("", "refused", "")
