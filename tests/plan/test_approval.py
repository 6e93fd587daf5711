"""An approval: two people, a verified person, exactly this plan; what has changed since is left alone."""

import ast
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from planned_cases import (
    ASA,
    AT,
    KEY,
    PERSONS,
    REQUEST_ID,
    PaperLedger,
    held,
    ids,
    planned,
    read_case,
    request,
    selected,
)

from dsr import approval, schema
from dsr import plan as plans
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.holds import Holds, HoldsInForce
from dsr.search import SearchResult
from dsr.selection import Approval, Selection

ROOT = Path(__file__).parents[2]


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    """A case with a plan."""
    made = read_case(tmp_path)
    planned(made)
    return made


@pytest.fixture
def ledger(case: CaseFile) -> PaperLedger:
    """All that an approval needs."""
    paper = PaperLedger()
    paper.verified()
    paper.append(REQUEST_ID, "planned", approval.planned_detail(case), at=AT)
    paper.prepare(case)
    paper.approve(case)
    return paper


def ask(case: CaseFile, ledger: PaperLedger, **more: Any) -> Approval:
    return approval.approved(case, ledger, REQUEST_ID, **{"at": AT, **more})  # type: ignore[arg-type]


def refused(case: CaseFile, ledger: PaperLedger, **more: Any) -> str:
    with pytest.raises(PermanentError) as caught:
        ask(case, ledger, **more)
    return caught.value.code


def test_two_people_approve_a_plan(case: CaseFile, ledger: PaperLedger) -> None:
    found = ask(case, ledger)
    assert (found.request_id, found.digest, found.by) == (REQUEST_ID, plans.read(case).digest, "bo")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (lambda p, c: None, "approval.absent"),
        (lambda p, c: p.verified(), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c)), "approval.absent"),
        (lambda p, c: (p.verified(), p.approve(c)), "approval.absent"),
        (lambda p, c: (p.verified(), p.approve(c), p.prepare(c)), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c, choice="reject"), p.approve(c)), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c, choice="reject")), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c), p.approve(c, choice="reject")), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c), p.prepare(c, by="cy")), "approval.absent"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c, by="ada")), "approval.four_eyes"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c, by="ADA")), "approval.four_eyes"),
        (lambda p, c: (p.verified(), p.prepare(c, by="nobody"), p.approve(c)), "approval.four_eyes"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c, by="")), "approval.four_eyes"),
        (lambda p, c: (p.prepare(c), p.approve(c)), "approval.identity"),
        (lambda p, c: (p.prepare(c), p.approve(c), p.verified()), "approval.identity"),
        (lambda p, c: (p.verified(False), p.prepare(c), p.approve(c)), "approval.identity"),
        (lambda p, c: (p.verified(), p.prepare(c, ok=False), p.approve(c)), "approval.identity"),
        (lambda p, c: (p.verified(), p.prepare(c), p.approve(c), p.verified(False)), "approval.identity"),
    ],
)
def test_what_is_no_approval(case: CaseFile, said: Callable[[PaperLedger, CaseFile], Any], code: str) -> None:
    paper = PaperLedger()
    said(paper, case)
    assert refused(case, paper) == code


def test_it_grows_old(case: CaseFile, ledger: PaperLedger) -> None:
    assert ask(case, ledger, at=AT + timedelta(days=30))
    assert refused(case, ledger, at=AT + timedelta(days=30, seconds=1)) == "approval.stale"
    assert refused(case, ledger, at=AT + timedelta(hours=2), valid=timedelta(hours=1)) == "approval.stale"


def test_another_plan_is_not_approved(case: CaseFile, ledger: PaperLedger) -> None:
    """Planned again with the same result it is; with another it isn't, and not when only the ledger knows of it."""
    planned(case, at=AT + timedelta(hours=1))
    assert ask(case, ledger)
    ledger.append(REQUEST_ID, "planned", {"digest": "a" * 64}, at=AT)
    assert refused(case, ledger) == "approval.digest"


def forged(case: CaseFile, ledger: PaperLedger) -> None:
    """Somebody with the public half of the case's key writes another plan for the draft's payment."""
    batch = pa.Table.from_batches(plans.batches(case, "invoicing", "invoicing_payment")).to_pylist()
    for row in batch:
        row.update(effect="erase", until=None)
    with plans.writing(case, "invoicing", "invoicing_payment") as writer:
        writer._writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=plans.COLUMNS))


@pytest.mark.parametrize(
    "change",
    [
        forged,
        lambda case, ledger: case.remove("plan/invoicing/invoicing_payment"),
        lambda case, ledger: case.write_json("plan", {**case.read_json("plan"), "right": "restriction"}),
        lambda case, ledger: case.write_json("plan", {**case.read_json("plan"), "digest": "a" * 64}),
        lambda case, ledger: case.write_json("plan", {}),
        lambda case, ledger: case.write_json("request", request("restriction")),
        lambda case, ledger: (case.write_json("request", request(ground="child")), planned(case)),
    ],
)
def test_an_altered_plan_is_not_approved(
    case: CaseFile, ledger: PaperLedger, change: Callable[[CaseFile, PaperLedger], Any]
) -> None:
    """And a Selection that was asked for with an approval from before isn't given either."""
    before = ask(case, ledger)
    change(case, ledger)
    assert refused(case, ledger) == "approval.digest"
    with pytest.raises(PermanentError, match=r"approval\.digest"):
        selected(case, before, "invoicing", held())


def test_a_search_that_failed_since_stops_it(case: CaseFile, ledger: PaperLedger) -> None:
    case.write_json("search/salesforce", SearchResult("salesforce", "failed", AT, code="http.500").as_json())
    assert refused(case, ledger) == "plan.incomplete"


def test_what_is_as_it_was_is_selected(case: CaseFile, ledger: PaperLedger) -> None:
    given = ask(case, ledger)
    selection, left = selected(case, given, "invoicing", held())
    assert left == ()
    assert ids(selection) == {
        ("invoicing_contact", "anonymise"): ["7"],
        ("invoicing_invoice", "erase"): ["2"],
        ("invoicing_invoice", "restrict"): ["1"],
        ("invoicing_payment", "erase"): ["12"],
        ("invoicing_payment", "restrict"): ["11"],
    }
    assert [m.record_id for m in selection.found.matches] == ["7"]
    selection, left = selected(case, given, "salesforce", held())
    assert left == ()
    # What time or a person sees to tells a source whose the rest is.
    assert selection.ids("salesforce_contact_history", "expire") == ["017A"]
    (batch,) = selection.batches("salesforce_contact", "erase")
    assert batch.schema == schema.arrow_schema("salesforce_contact")


def left_alone(given: tuple[Selection, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(o.dataset, o.effect, o.outcome, o.count, o.reason) for o in given[1]]


def test_a_changed_record_is_left_alone(case: CaseFile, ledger: PaperLedger) -> None:
    """It alone; one that is new is never touched; one that is gone is said to be."""
    now = deepcopy(held())
    tasks = now["salesforce"]["salesforce_task"]
    tasks["00T1"]["Subject"] = "Ring Bo"
    del tasks["00T2"]
    tasks["00T9"] = {"Subject": "ny"}
    given = selected(case, ask(case, ledger), "salesforce", now)
    assert ids(given[0]) == {("salesforce_contact", "erase"): ["003A"]}
    assert left_alone(given) == [
        ("salesforce_task", "erase", "changed", 1, "record.changed"),
        ("salesforce_task", "erase", "absent", 1, "record.absent"),
        ("salesforce_task", "keep", "changed", 1, "appeared"),
    ]


@pytest.mark.parametrize("scope", ["person", "invoice", "payment"])
def test_a_hold_added_since_stops_it(case: CaseFile, ledger: PaperLedger, scope: str) -> None:
    """What is only restricted goes on: that keeps it."""
    book = Holds(PaperLedger(), KEY)  # type: ignore[arg-type]
    if scope == "person":
        book.add_person(ASA, by="dpo", at=AT)
    else:
        record = ("invoicing_invoice", "2") if scope == "invoice" else ("invoicing_payment", "12")
        book.add_record("invoicing", *record, by="dpo", at=AT)
    given = selected(case, ask(case, ledger), "invoicing", held(), book.in_force(AT.date()))
    stopped = {
        (d, e) for d, e, outcome, _, reason in left_alone(given) if (outcome, reason) == ("blocked", "hold.added")
    }
    wanted = {("invoicing_invoice", "erase"), ("invoicing_payment", "erase")}
    assert stopped == (wanted | {("invoicing_contact", "anonymise")} if scope == "person" else wanted)
    assert not stopped & set(ids(given[0]))
    assert ("invoicing_invoice", "restrict") in ids(given[0])


def test_a_record_that_is_somebody_elses_by_now_stops_its_system(case: CaseFile, ledger: PaperLedger) -> None:
    now = deepcopy(held())
    now["salesforce"]["salesforce_contact"]["003A"]["Email"] = "bo@kvarn.example"
    given = selected(case, ask(case, ledger), "salesforce", now)
    assert ids(given[0]) == {}
    assert ("salesforce_task", "erase", "blocked", 2, "match.changed") in left_alone(given)
    assert ("salesforce_contact", "erase", "changed", 1, "record.changed") in left_alone(given)
    assert selected(case, ask(case, ledger), "invoicing", now)[1] == ()


def test_all_gone_is_absent(case: CaseFile, ledger: PaperLedger) -> None:
    given = selected(case, ask(case, ledger), "salesforce", {})
    assert ids(given[0]) == {}
    assert {o for _, _, o, _, _ in left_alone(given)} == {"absent"}


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_in_another_order_and_other_pieces(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record once, however far it has moved."""
    from dsr import unchanged

    monkeypatch.setattr(unchanged, "_AHEAD", 10)
    tasks = {f"T{n}": {"Subject": str(n)} for n in range(100)}
    case = read_case(tmp_path, {"salesforce": {"salesforce_task": tasks}}, size=9)
    planned(case)
    ledger = PaperLedger()
    ledger.verified()
    ledger.prepare(case)
    ledger.approve(case)
    turned = dict(reversed(tasks.items()))
    turned["T50"] = {"Subject": "changed"}
    selection, left = selected(
        case, ask(case, ledger), "salesforce", {"salesforce": {"salesforce_task": turned}}, size=size
    )
    found = selection.ids("salesforce_task", "erase")
    assert sorted(found) == sorted(set(tasks) - {"T50"})
    assert selection.count("salesforce_task", "erase") == len(found) == 99
    assert [(o.outcome, o.count) for o in left] == [("changed", 1)]
    assert selection.ids("salesforce_task", "erase") == found


@pytest.mark.parametrize("right", ["objection", "withdrawal"])
def test_an_objection_waits_for_nobody(tmp_path: Path, right: str) -> None:
    """But for the plan in the ledger; and it reaches no further than restricting."""
    case = read_case(tmp_path, asked=request(right, ground="direct_marketing"))
    planned(case)
    paper = PaperLedger()
    with pytest.raises(PermanentError, match=r"approval\.absent"):
        approval.at_once(case, paper, REQUEST_ID, at=AT)  # type: ignore[arg-type]
    paper.append(REQUEST_ID, "planned", approval.planned_detail(case), at=AT)
    given = approval.at_once(case, paper, REQUEST_ID, at=AT)  # type: ignore[arg-type]
    selection, left = selected(case, given, "salesforce", held())
    assert {effect for _, effect in ids(selection)} == {"restrict"}
    assert left == ()


@pytest.mark.parametrize("right", ["erasure", "restriction"])
def test_nothing_else_goes_at_once(tmp_path: Path, right: str) -> None:
    case = read_case(tmp_path, asked=request(right))
    planned(case)
    paper = PaperLedger()
    paper.append(REQUEST_ID, "planned", approval.planned_detail(case), at=AT)
    with pytest.raises(PermanentError, match=r"approval\.not_at_once"):
        approval.at_once(case, paper, REQUEST_ID, at=AT)  # type: ignore[arg-type]


def test_another_requests_approval_is_of_no_use(case: CaseFile, ledger: PaperLedger) -> None:
    with pytest.raises(PermanentError, match=r"approval\.foreign"):
        approval.approved(case, ledger, "dsr-another-request-at-all", at=AT)  # type: ignore[arg-type]
    assert PERSONS


def test_nobody_else_makes_approvals() -> None:
    """`dsr.approval` takes the seal, and `dsr.reapproval` for what was approved and erased before; nothing else."""
    taking = []
    for folder in ("dsr", "extractors", "dags", "plugins", "embedded", "sandbox"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {n.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for n in node.names}
            attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            if (
                {"seal", "_SEAL"} & names
                or "_SEAL" in attributes
                or "selection.seal" in path.read_text(encoding="utf-8")
            ):
                taking.append(path.relative_to(ROOT).as_posix())
    assert sorted(taking) == ["dsr/approval.py", "dsr/reapproval.py"]


def test_holds_known_to_the_plan_stop_nothing_twice(tmp_path: Path) -> None:
    book = Holds(PaperLedger(), KEY)  # type: ignore[arg-type]
    book.add_record("invoicing", "invoicing_invoice", "2", by="dpo", at=AT, until=date(2027, 1, 1))
    holds: HoldsInForce = book.in_force(AT.date())
    case = read_case(tmp_path)
    planned(case, holds)
    ledger = PaperLedger()
    ledger.verified()
    ledger.prepare(case)
    ledger.approve(case)
    selection, left = selected(case, ask(case, ledger), "invoicing", held(), holds)
    assert left == ()
    assert selection.ids("invoicing_invoice", "restrict") == ["1", "2"]
    assert selection.count("invoicing_invoice", "erase") == 0
