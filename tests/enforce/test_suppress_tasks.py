"""The tasks around a decision, without a running Airflow: what they write down once, for which plan and which run."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, case_of, search_and_plan
from made_up_place import CHECKED, Clock, Place, answered, kinds
from made_up_sources import email

import dsr_acting
import dsr_approvals
import dsr_lifting
import dsr_tasks
from dsr import plan as plans
from dsr.errors import PermanentError, TransientError
from dsr.steps.suppress import suppress
from dsr_refusals import refusals_of
from dsr_shown import show

pytestmark = pytest.mark.airflow

INTEREST = {"ground": "legitimate_interest"}


def test_an_answer_is_about_the_plan_that_was_shown(place: Place, tmp_path: Path, request_id: str) -> None:
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, lambda d, i: "erase", request_id)
    first = plans.read(case).digest
    show(case, "prepare", {"digest": first})
    search_and_plan(case, [source], lambda d, i: "keep")
    with pytest.raises(dsr_approvals.AnotherPlan, match=r"approval\.digest"):
        dsr_approvals._prepared(answered(CHECKED, "one"))
    assert kinds(place.ledger, request_id) == []
    second = plans.read(case).digest
    show(case, "prepare", {"digest": second})
    dsr_approvals._prepared(answered(CHECKED, "one"))
    show(case, "approve", {"digest": first})
    with pytest.raises(dsr_approvals.AnotherPlan):
        dsr_approvals._approved(answered("Approve", "two"))
    show(case, "approve", {"digest": second})
    with pytest.raises(dsr_approvals.SamePerson):
        dsr_approvals._approved(answered("Approve", "one"))
    dsr_approvals._approved(answered("Approve", "two"))
    decided = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    assert [(d["decision"], d["digest"]) for d in decided] == [("prepare", second), ("approve", second)]


@pytest.mark.parametrize("right", ["erasure", "restriction", "rectification"])
def test_every_refusal_is_told_once(place: Place, tmp_path: Path, request_id: str, right: str) -> None:
    for number, (option, reason) in enumerate(refusals_of(right).items()):
        case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "keep", request_id, right)
        case.remove("told/")
        dsr_approvals._prepared(answered(option, "one"))
        dsr_acting.refuse.function()
        dsr_acting.refuse.function()
        assert len(place.said) == number + 1
        assert "12.4" in place.said[-1].text, reason
        assert place.said[-1].close
    told = [e.detail["reason"] for e in place.ledger.events(request_id) if e.kind == "refused"]
    assert told == list(refusals_of(right).values())
    assert {"identity", "manifestly_excessive", "manifestly_unfounded"} < set(refusals_of(right).values())


def test_a_refused_objection(place: Place, tmp_path: Path, request_id: str, clock: Clock) -> None:
    """Told, lifted on the day told and not before, and then no longer on the list."""
    place.suppression.remove([email(ASA)], "marketing", "consent.given", AT)  # what other tests left
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "objection", **INTEREST)
    suppress(case, place.suppression, place.ledger, at=AT)
    dsr_approvals._decided("objection", answered("x", "one"), "refuse", {"reason": "objection_decided"})
    for _ in range(2):
        dsr_lifting.announce_lift.function()
    assert len(place.said) == 1
    assert [e.detail for e in place.ledger.events(request_id) if e.kind == "refused"] == [
        {"reason": "compelling_grounds"}
    ]
    (told,) = (e.detail for e in place.ledger.events(request_id) if e.kind == "lift_announced")
    with pytest.raises(TransientError, match=r"lift\.announced"):
        dsr_lifting.lift.function()
    assert "marketing" in place.suppression.asks([email(ASA)])
    clock.at = AT + timedelta(days=7)
    assert told["on"] == clock.at.date().isoformat()
    dsr_lifting.lift.function()
    assert place.suppression.asks([email(ASA)]) & {"marketing"} == frozenset()


def test_no_notice_still_waits_for_the_day_told(
    place: Place, tmp_path: Path, request_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dsr_lifting, "_NOTICE", timedelta(0))
    case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "restriction")
    dsr_approvals._decided("lift", answered("x", "one"), "lift", {"reason": "requested"})
    dsr_lifting.announce_lift.function()
    with pytest.raises(TransientError, match=r"lift\.announced"):
        dsr_lifting.lift.function()
    clock.at = AT + timedelta(days=1)
    dsr_lifting.lift.function()


def test_cut_off_between_the_letter_and_the_ledger(place: Place, tmp_path: Path, request_id: str, clock: Clock) -> None:
    """The ledger then has the day that the person was told, not a later one."""
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "restriction")
    case.write_json("lift/announced", {"on": "2026-11-27", "reason": "requested"})
    case.write_json("told/lifting", {"outcome": "lifting"})
    clock.at = AT + timedelta(days=2)
    dsr_lifting.announce_lift.function()
    events = {e.kind: e.detail for e in place.ledger.events(request_id)}
    assert events == {
        "answered": {"outcome": "lifting"},
        "lift_announced": {"on": "2026-11-27", "reason": "requested"},
    }
    assert place.said == []


@pytest.mark.parametrize("task", [dsr_tasks.open_case, dsr_tasks.shred])
def test_a_run_of_another_right_touches_nothing(
    task: Any, place: Place, tmp_path: Path, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "erase", request_id)
    before = sorted(case.names())
    run = SimpleNamespace(run_id=request_id, dag_id="dsr_access", conf={"request_id": request_id})
    monkeypatch.setattr(dsr_tasks, "get_current_context", lambda: {"dag_run": run, "ti": object()})
    with pytest.raises(Exception, match=r"run\.right"):
        task.function()
    assert sorted(case.names()) == before
    assert kinds(place.ledger, request_id) == []
    run.dag_id = "dsr_erasure"
    with pytest.raises(Exception, match=r"run\.untriaged"):
        task.function()
    assert sorted(case.names()) == before
    place.ledger.append(request_id, "triaged", {"questions": []}, at=AT)
    assert dsr_tasks.this_request(dsr_tasks.Workplace()) == request_id
    run.conf = {}
    with pytest.raises(PermanentError, match=r"run\.request"):
        dsr_tasks.this_request(dsr_tasks.Workplace())
