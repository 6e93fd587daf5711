"""What the second officer can choose and what each choice leads to; what a kept restriction and a refused package tell.
Without a running Airflow."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import DagRunTriggerException
from made_up_acting import AT, MadeUp, World, case_of
from made_up_place import CHECKED, Place, answered, kinds

import dsr_acting
import dsr_approvals
import dsr_decisions
import dsr_extending
import dsr_lifting
import dsr_planning_anew
import dsr_reviewing
import dsr_triaging
from dsr import approval
from dsr import plan as plans
from dsr.errors import PermanentError, TransientError
from dsr.refusal import reasons
from dsr_refusals import REFUSE, refusals_of
from dsr_shown import show

pytestmark = pytest.mark.airflow
RIGHTS = ("erasure", "restriction", "rectification")
EFFECT = {"erasure": "erase", "restriction": "restrict", "rectification": "rectify"}


def prepared(place: Place, tmp_path: Path, request_id: str, right: str = "erasure") -> str:
    """A plan that "one" has prepared and that is shown to whoever approves; its digest."""
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: EFFECT[right], request_id, right)
    digest = plans.read(case).digest
    for decision in ("prepare", "approve"):
        show(case, decision, {"digest": digest})
    dsr_approvals._prepared(answered(CHECKED, "one"))
    return digest


def decided(place: Place, request_id: str) -> list[dict[str, Any]]:
    return [dict(e.detail) for e in place.ledger.events(request_id) if e.kind == "decision"]


@pytest.mark.parametrize(
    "operator",
    [
        *(
            kind(task_id="x", right=right)
            for kind in (dsr_approvals.Prepare, dsr_approvals.Approve)
            for right in RIGHTS
        ),
        dsr_approvals.DecideLift(task_id="x"),
        dsr_approvals.DecideObjection(task_id="x"),
        dsr_decisions.DecideIncomplete(task_id="x"),
        *(dsr_decisions.Release(task_id="x", right=right) for right in ("access", "portability")),
    ],
    ids=lambda operator: type(operator).__name__,
)
def test_whoever_decides_reads_what_each_answer_leads_to(operator: Any) -> None:
    """Above what they decide about: Airflow shows a task's documentation on another page."""
    explained, _, shown = operator.body.partition("\n\n---\n\n")
    unsaid = [o for o in operator.options if not {f"**{o}**", f"**{o.partition(':')[0]}: …**"} & set(bold(explained))]
    assert unsaid == []
    assert shown.startswith("{{ ti.xcom_pull(")


@pytest.mark.parametrize(
    "kind",
    [
        dsr_approvals.Prepare, dsr_approvals.Approve, dsr_approvals.DecideLift, dsr_approvals.DecideObjection,
        dsr_decisions.DecideIncomplete, dsr_decisions.Release, dsr_reviewing.Review, dsr_triaging.Decide,
    ],
)  # fmt: skip
def test_whoever_was_to_be_asked_is_asked_again_when_airflow_gave_the_task_up(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between asking and waiting: the next try begins where an answer is expected, and there is none."""
    asked, told = list[Any](), list[Any]()
    monkeypatch.setattr(kind, "execute", lambda self, context: asked.append(context))
    monkeypatch.setattr(kind, "execute_complete", lambda self, context, event: told.append(event))
    more = {"right": "erasure"} if kind in (dsr_approvals.Prepare, dsr_approvals.Approve) else {}
    operator = kind(task_id="x", **(more or ({"right": "access"} if kind is dsr_decisions.Release else {})))
    operator.resume_execution("execute_complete", {}, {"of": "the second try"})
    assert (asked, told) == ([{"of": "the second try"}], [])
    operator.resume_execution("execute_complete", {"event": {"chosen_options": ["Stop"]}}, {})
    assert (len(asked), told) == (1, [{"chosen_options": ["Stop"]}])


def bold(text: str) -> list[str]:
    return re.findall(r"\*\*[^*]+\*\*", text.replace("\n", " "))


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("by", ["one", "two"])
def test_a_refusal_instead_of_an_approval_is_told_once(
    place: Place, tmp_path: Path, request_id: str, right: str, by: str
) -> None:
    """By whom ever: not to approve needs no second person."""
    option, reason = list(refusals_of(right).items())[-1]
    digest = prepared(place, tmp_path, request_id, right)
    dsr_approvals._approved(answered(option, by))
    assert decided(place, request_id)[-1] == {
        "decision": "approve", "choice": "refuse", "by": by, "digest": digest, "reason": reason,
    }  # fmt: skip
    for _ in range(2):
        dsr_acting.refuse.function()
    (answer,) = place.said
    assert answer.close
    for words in ("12.4", "IMY", "domstol"):
        assert words in answer.text
    assert kinds(place.ledger, request_id).count("refused") == 1
    with pytest.raises(PermanentError, match=r"approval\.absent"):
        approval.approved(place.case(request_id), place.ledger, request_id, at=AT)


@pytest.mark.parametrize("option", ["Plan anew", "Stop"])
def test_neither_another_plan_nor_a_stop_approves(place: Place, tmp_path: Path, request_id: str, option: str) -> None:
    """Not even after an approval of the same plan: the last word counts."""
    digest = prepared(place, tmp_path, request_id)
    dsr_approvals._approved(answered("Approve", "two"))
    case = place.case(request_id)
    assert approval.approved(case, place.ledger, request_id, at=AT).digest == digest
    dsr_approvals._approved(answered(option, "one"))
    assert decided(place, request_id)[-1]["choice"] == option.lower().replace(" ", "_")
    with pytest.raises(PermanentError, match=r"approval\.absent"):
        approval.approved(case, place.ledger, request_id, at=AT)
    assert place.said == []


def test_every_answer_leads_where_it_says() -> None:
    """Each option has its task, and every reason that the right knows before anything is done can be chosen."""
    for right in RIGHTS:
        approve = dsr_approvals.Approve(task_id=f"approve_{right}", right=right)
        assert list(approve.options_mapping) == approve.options
        refusals = {o: t for o, t in approve.options_mapping.items() if o in REFUSE}
        assert set(refusals.values()) == {"reject"}
        assert {REFUSE[option] for option in refusals} == set(reasons(right))
        rest = {o: t for o, t in approve.options_mapping.items() if o not in REFUSE}
        assert rest == {"Approve": "suppress", "Plan anew": "plan_anew", "Stop": "shred"}
        prepare = dsr_approvals.Prepare(task_id=f"prepare_{right}", right=right)
        assert {o for o, t in prepare.options_mapping.items() if t == "refuse"} == set(refusals)
        assert [o for o, t in prepare.options_mapping.items() if t == "replan"] == ["Plan anew"]
    for right in ("access", "portability"):
        release = dsr_decisions.Release(task_id=f"release_{right}", right=right)
        assert release.options_mapping["Approve"] == "deliver"
        assert release.options_mapping["Reject"] == "shred"
        refused = {REFUSE[o] for o, t in release.options_mapping.items() if t == "refuse"}
        assert refused == {"identity", "manifestly_excessive", "manifestly_unfounded"}


@pytest.mark.parametrize("right", ["access", "portability"])
def test_a_refused_package_is_told_with_its_reason(place: Place, tmp_path: Path, request_id: str, right: str) -> None:
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "keep", request_id)
    case.write_json("request", case.read_json("request") | {"right": right})
    package = {"sha256": "ab" * 32}
    (option,) = (o for o, reason in refusals_of(right).items() if reason == "manifestly_unfounded")
    dsr_decisions.note("release", answered(option, "one"), package | dsr_decisions.reason_of(option))
    assert decided(place, request_id) == [
        {"decision": "release", "choice": "refuse", "by": "one", "reason": "manifestly_unfounded", **package}
    ]
    for _ in range(2):
        dsr_acting.refuse.function()
    (answer,) = place.said
    assert answer.close
    assert "artikel 12.5 b" in answer.text
    assert kinds(place.ledger, request_id)[-2:] == ["answered", "refused"]


def test_a_restriction_that_stays_is_told_and_the_ticket_closed(place: Place, tmp_path: Path, request_id: str) -> None:
    case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "restriction")
    decide = dsr_approvals.DecideLift(task_id="decide_lift")
    assert decide.options_mapping[dsr_approvals.KEEP] == "keep_restricted"
    for _ in range(2):
        dsr_lifting.keep_restricted.function()
    (answer,) = place.said
    assert answer.close
    assert "ligger kvar tills vidare" in answer.text
    assert [e.detail["outcome"] for e in place.ledger.events(request_id)] == ["kept"]


@pytest.mark.parametrize("option", list(dsr_approvals.OVERRIDE))
def test_an_objection_is_refused_for_the_ground_that_was_found(
    place: Place, tmp_path: Path, request_id: str, option: str
) -> None:
    ground = {"ground": "legitimate_interest"}
    case_of(tmp_path, MadeUp(World.of()), lambda d, i: "restrict", request_id, "objection", **ground)
    more = {"reason": "objection_decided", "refused_for": dsr_approvals.OVERRIDE[option]}
    dsr_approvals._decided("objection", answered(option, "one"), "refuse", more)
    dsr_lifting.announce_lift.function()
    (answer,) = place.said
    assert ("rättsligt anspråk" in answer.text) == (dsr_approvals.OVERRIDE[option] == "legal_claims")
    assert ("tvingande berättigade skäl" in answer.text) == (dsr_approvals.OVERRIDE[option] == "compelling_grounds")
    refused = [e.detail for e in place.ledger.events(request_id) if e.kind == "refused"]
    assert refused == [{"reason": dsr_approvals.OVERRIDE[option]}]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, request_id: str) -> SimpleNamespace:
    """The task's context: a run of the request, and how many runs of it are active."""
    run = SimpleNamespace(run_id=request_id, dag_id="dsr_erasure", conf={}, triggering_user_name="officer")
    state = SimpleNamespace(run=run, active=0)
    instance = SimpleNamespace(get_dr_count=lambda **_: state.active, try_number=1)
    for module in (dsr_planning_anew, dsr_extending):
        monkeypatch.setattr(module, "get_current_context", lambda: {"dag_run": run, "ti": instance})
    return state


def started(task: Any) -> Any:
    """The run that a task starts as it ends."""
    with pytest.raises(DagRunTriggerException) as raised:
        task.function()
    return raised.value


def test_the_run_starts_over_once_it_has_ended(
    place: Place, tmp_path: Path, request_id: str, running: SimpleNamespace
) -> None:
    prepared(place, tmp_path, request_id)
    dsr_approvals._approved(answered("Plan anew", "two"))
    first = started(dsr_planning_anew.plan_anew)
    assert (first.trigger_dag_id, first.dag_run_id) == ("dsr_planning_anew", f"{request_id}.1")
    assert first.conf == {"request_id": request_id, "dag_id": "dsr_erasure"}
    assert (first.reset_dag_run, first.skip_when_already_exists) == (False, True)
    assert started(dsr_planning_anew.plan_anew).dag_run_id == first.dag_run_id
    running.run.conf, running.active = first.conf, 1
    with pytest.raises(TransientError, match=r"run\.active"):
        dsr_planning_anew.start_over.function()
    running.active = 0
    over = started(dsr_planning_anew.start_over)
    assert (over.trigger_dag_id, over.dag_run_id, over.reset_dag_run) == ("dsr_erasure", request_id, True)
    place.ledger.append(request_id, "planned", {}, at=AT + timedelta(minutes=5))
    with pytest.raises(PermanentError, match=r"planning\.unwanted"):
        dsr_planning_anew.start_over.function()


def test_nobody_starts_a_run_over_by_hand(
    place: Place, tmp_path: Path, request_id: str, running: SimpleNamespace
) -> None:
    for option in ("", "Approve", "Stop"):
        prepared(place, tmp_path, request_id)
        if option:
            dsr_approvals._approved(answered(option, "two"))
        running.run.conf = {"request_id": request_id, "dag_id": "dsr_erasure"}
        with pytest.raises(PermanentError, match=r"planning\.unwanted"):
            dsr_planning_anew.start_over.function()
    running.run.conf = {}
    with pytest.raises(PermanentError, match=r"planning\.unwanted"):
        dsr_planning_anew.start_over.function()


@pytest.mark.parametrize(
    ("user", "by"),
    [("officer", "officer"), ("anna@controller.example", "sha256."), ("", None), (None, None), ("intake", None)],
)
def test_who_extends_is_a_person_and_noted_without_their_address(
    place: Place, user: str | None, by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "settings", SimpleNamespace(airflow_user="intake"))
    if by is None:
        with pytest.raises(PermanentError, match=r"extension\.nobody"):
            dsr_extending._by(place, user)
        return
    assert dsr_extending._by(place, user).startswith(by)
    assert "anna" not in dsr_extending._by(place, user)
