"""plan: every record with one effect, a digest that changes iff anything changes, and nothing without a whole find."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planned_cases import (
    ASA,
    AT,
    DECLARATIONS,
    KEY,
    REQUEST_ID,
    PaperLedger,
    held,
    planned,
    read_case,
    request,
)

from dsr import plan as plans
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.holds import Holds, HoldsInForce
from dsr.plan import Caution
from dsr.search import SearchResult
from dsr.steps.plan import vendor_order

REQUIRED = ("gdpr:JustificationA17LegallyRequired", "2032-12-31", "retention.duty")


def plan_of(case: CaseFile) -> dict[tuple[str, str], tuple[str, str, str | None, str]]:
    """(dataset, record) → effect, ground, until, reason."""
    found = {}
    for name in case.names("plan/"):
        _, source, dataset = name.split("/")
        for batch in plans.batches(case, source, dataset):
            for row in batch.to_pylist():
                key = (dataset, row["_source_id"])
                assert key not in found
                found[key] = (row["effect"], row["ground"], row["until"], row["reason"])
    return found


def test_what_two_systems_hold(tmp_path: Path) -> None:
    """Before and after by hand."""
    case = read_case(tmp_path)
    summary = planned(case)
    plain = ("gdpr:A17", None, "")
    assert plan_of(case) == {
        ("salesforce_contact", "003A"): ("erase", *plain),
        ("salesforce_task", "00T1"): ("erase", *plain),
        ("salesforce_task", "00T2"): ("erase", *plain),
        ("salesforce_contact_history", "017A"): ("expire", "gdpr:A17", None, "vendor.expires"),
        ("invoicing_contact", "7"): ("anonymise", *plain),
        ("invoicing_invoice", "1"): ("restrict", *REQUIRED),
        ("invoicing_invoice", "2"): ("erase", *plain),
        ("invoicing_payment", "11"): ("restrict", *REQUIRED),
        ("invoicing_payment", "12"): ("erase", *plain),
    }
    assert summary.count() == 9
    assert summary.count("erase") == 5
    assert summary.order == ("salesforce", "invoicing")
    assert summary.warnings == ()
    assert case.read_json("plan") == summary.as_json()
    assert plans.check(case) == summary == plans.read(case)


def test_made_again_it_is_the_same(tmp_path: Path) -> None:
    """Later, in other batches, in another order: the same digest."""
    case = read_case(tmp_path)
    first = planned(case)
    assert planned(case, at=AT.replace(hour=15)).digest == first.digest
    turned = {s: {d: dict(reversed(r.items())) for d, r in sets.items()} for s, sets in held().items()}
    assert planned(read_case(tmp_path, turned, size=1)).digest == first.digest


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    data: Any = held()
    inner = data
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
    if value is None:
        inner.pop(path[-1])
    else:
        inner[path[-1]] = value
    return dict(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("salesforce", "salesforce_task", "00T1", "Subject"), "Ring Asa"),
        (("salesforce", "salesforce_task", "00T1", "NewField"), 1),
        (("salesforce", "salesforce_task", "00T3"), {"Subject": "Ring Åsa"}),
        (("salesforce", "salesforce_task", "00T2"), None),
        (("salesforce", "salesforce_contact", "003A", "MobilePhone"), "+46701740605"),
        (("invoicing", "invoicing_invoice", "1", "fiscal_year_end"), "2026-12-31"),
        (("invoicing", "invoicing_payment", "12", "invoice_id"), 1),
    ],
)
def test_any_change_of_a_record_is_another_plan(tmp_path: Path, path: tuple[str, ...], value: Any) -> None:
    assert planned(read_case(tmp_path, changed(path, value))).digest != planned(read_case(tmp_path)).digest


@pytest.mark.parametrize("name", ["LastViewedDate", "LastReferencedDate", "SystemModstamp"])
def test_being_looked_at_is_no_change(tmp_path: Path, name: str) -> None:
    data = changed(("salesforce", "salesforce_task", "00T1", name), "2026-11-22T12:00:00Z")
    assert planned(read_case(tmp_path, data)).digest == planned(read_case(tmp_path)).digest


def test_any_change_of_the_request_is_another_plan(tmp_path: Path) -> None:
    case = read_case(tmp_path)
    first = planned(case)
    case.write_json("request", request(ground="unlawful"))
    with pytest.raises(PermanentError, match=r"plan\.altered"):
        plans.check(case)
    assert planned(case).digest != first.digest
    wish = {"email": "ny@kvarn.example"}
    one = planned(read_case(tmp_path, asked=request("rectification", corrections=wish)))
    two = planned(read_case(tmp_path, asked=request("rectification", corrections={"email": "nya@kvarn.example"})))
    assert one.counts == two.counts
    assert one.digest != two.digest


def test_lines_are_hashed_alike_in_any_number_of_passes(tmp_path: Path) -> None:
    data = {"salesforce": {"salesforce_task": {f"T{n}": {"Subject": str(n)} for n in range(500)}}}
    case = read_case(tmp_path, data)
    planned(case)
    found = {plans.lines_digest(case, "salesforce", "salesforce_task", n) for n in (1_000_000, 100, 20, 3)}
    assert len(found) == 1


@pytest.mark.parametrize("source", ["salesforce", "invoicing"])
@pytest.mark.parametrize("status", ["failed", "not_connected", None])
@pytest.mark.parametrize("what", ["search", "collected"])
def test_a_find_that_fails_anywhere_plans_nothing(tmp_path: Path, source: str, status: str | None, what: str) -> None:
    case = read_case(tmp_path)
    planned(case)
    if status is None:
        case.remove(f"{what}/{source}")
    elif what == "search":
        case.write_json(f"search/{source}", SearchResult(source, status, AT, code="http.500").as_json())
    else:
        case.write_json(f"collected/{source}", {**case.read_json(f"collected/{source}"), "status": "failed"})
    with pytest.raises(PermanentError, match=r"plan\.incomplete") as caught:
        planned(case)
    assert caught.value.place == source
    assert case.names("plan") == []


def test_rows_that_were_lost_stop_it(tmp_path: Path) -> None:
    case = read_case(tmp_path)
    kept = case.read_json("collected/salesforce")
    case.write_json("collected/salesforce", {**kept, "datasets": {**kept["datasets"], "salesforce_task": 3}})
    with pytest.raises(PermanentError, match=r"rows\.lost"):
        planned(case)
    case.write_json("collected/salesforce", kept)
    case.remove("rows/salesforce/salesforce_task/")
    with pytest.raises(PermanentError, match=r"rows\.lost"):
        planned(case)


def test_what_the_approver_is_warned_of(tmp_path: Path) -> None:
    data = deepcopy(held())
    tasks = data["salesforce"]["salesforce_task"]
    tasks["00T3"] = {"Subject": "x", "CreatedDate": "2026-11-20T08:00:01.000+0000"}
    tasks["00T4"] = {"Subject": "x", "CreatedDate": "2026-11-20T08:59:59.000+0100"}
    case = read_case(tmp_path, data)
    search = SearchResult("invoicing", "found", AT, 1, doubtful=2)
    case.write_json("search/invoicing", search.as_json())
    case.write_json("shared/salesforce", {"identifiers": [["phone", "+4685550100"]], "records": 1})
    found = planned(case, cap=3).warnings
    assert [(w.code, w.source, w.dataset, w.count) for w in found] == [
        ("over_cap", "salesforce", "salesforce_task", 4),
        ("doubtful", "invoicing", "", 2),
        ("shared", "salesforce", "", 1),
        ("younger", "salesforce", "salesforce_task", 1),
    ]
    assert [w.code for w in planned(read_case(tmp_path, {})).warnings] == ["nothing_found"]


@pytest.mark.parametrize("wish", [{"salesforce_kontakt": {"Phone": "1"}}, {"salesforce_lead": {"Telefon": "1"}}])
def test_a_correction_of_what_no_system_has_is_not_lost(tmp_path: Path, wish: dict[str, Any]) -> None:
    """Else the person would read that nothing was wrong. The lead's field is unknown although they have no lead."""
    case = read_case(tmp_path, asked=request("rectification", corrections={"email": "new@kvarn.example", **wish}))
    with pytest.raises(PermanentError, match=r"correction\.field"):
        planned(case)
    assert not case.exists("plan")


def test_the_vendors_order() -> None:
    a, b, c = (replace(DECLARATIONS[0], name=name) for name in "abc")
    assert vendor_order([a, b, c]) == ("a", "b", "c")
    assert vendor_order([replace(a, erase_after=("c",)), b, c]) == ("b", "c", "a")
    assert vendor_order([replace(a, erase_after=("b", "c")), replace(b, erase_after=("c",)), c]) == ("c", "b", "a")
    for circle in ([replace(a, erase_after=("a",))], [replace(a, erase_after=("b",)), replace(b, erase_after=("a",))]):
        with pytest.raises(PermanentError, match=r"plan\.order"):
            vendor_order(circle)
    with pytest.raises(PermanentError, match=r"plan\.order"):
        vendor_order([replace(a, erase_after=("nobody",))])


def holds_on(*records: tuple[str, str, str], person: bool = False, until: date | None = None) -> HoldsInForce:
    book = Holds(PaperLedger(), KEY)  # type: ignore[arg-type]
    for source, dataset, record_id in records:
        book.add_record(source, dataset, record_id, by="dpo", at=AT, until=until)
    if person:
        book.add_person(ASA, by="dpo", at=AT, until=until)
    return book.in_force(date(2026, 11, 22))


def test_a_hold_on_the_person_keeps_everything(tmp_path: Path) -> None:
    case = read_case(tmp_path)
    planned(case, holds_on(person=True, until=date(2027, 1, 31)))
    assert set(plan_of(case).values()) == {("restrict", "gdpr:JustificationA17LegalClaims", "2027-01-31", "hold.legal")}


@pytest.mark.parametrize("record", [("invoicing_invoice", "2"), ("invoicing_payment", "12")])
def test_a_hold_on_the_whole_or_a_part_keeps_both(tmp_path: Path, record: tuple[str, str]) -> None:
    """The draft and its payment; the rest goes its way."""
    case = read_case(tmp_path)
    planned(case)
    before = plan_of(case)
    planned(case, holds_on(("invoicing", *record)))
    kept = ("restrict", "gdpr:JustificationA17LegalClaims", None, "hold.legal")
    family = {("invoicing_invoice", "2"), ("invoicing_payment", "12")}
    wanted = {key: kept if key in family else value for key, value in before.items()}
    if record[0] == "invoicing_invoice":
        assert plan_of(case) == wanted
    else:  # what else hangs on the invoice is kept with it
        assert plan_of(case) == wanted


RECORDS = st.dictionaries(
    st.text(min_size=1, max_size=6), st.fixed_dictionaries({"Subject": st.text(max_size=8)}), max_size=12
)


@given(RECORDS, st.integers(1, 5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_is_planned_once(tmp_path: Path, tasks: dict[str, Any], size: int) -> None:
    data = {"salesforce": {"salesforce_task": tasks}}
    case = read_case(tmp_path, data, size=size)
    summary = planned(case)
    assert {record for _, record in plan_of(case)} == {
        t.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for t in tasks
    }
    assert summary.count() == len(tasks)
    assert summary.digest == planned(read_case(tmp_path, data)).digest


def test_names_hold_no_personal_data(tmp_path: Path) -> None:
    case = read_case(tmp_path)
    text = str(planned(case).as_json())
    assert "kvarn" not in text
    assert REQUEST_ID not in text


def test_what_no_record_has_is_put_before_a_person(tmp_path: Path) -> None:
    """A field of a dataset that the person has no record of, and an attribute that nothing of theirs holds: else all
    records would have nothing to correct, and nobody would hear of it. What has a place, if an empty one, has none."""
    address = {"post_code": "99999", "city": "Ystad"}
    wish = {"salesforce_contact": {"MobilePhone": "+46700000001"}, "invoicing_address": address,
            "email": "new@kvarn.example", "organisation": "Ådal AB"}  # fmt: skip
    plan = planned(read_case(tmp_path, asked=request("rectification", corrections=wish)))
    unplaced = [(w.source, w.dataset, w.count, w.field) for w in plan.warnings if w.code == "correction.unplaced"]
    assert unplaced == [("invoicing", "invoicing_address", 1, "city"),
                        ("invoicing", "invoicing_address", 1, "post_code"), ("", "", 1, "organisation")]  # fmt: skip
    assert not {"99999", "Ystad", "Ådal AB"} & set(str(plan.as_json()).split("'"))
    other = planned(read_case(tmp_path, asked=request("erasure")))
    assert [w for w in other.warnings if w.code == "correction.unplaced"] == []


def test_a_caution_without_a_field_is_kept_as_before() -> None:
    """Plans that wait for their approval keep their digest."""
    written = Caution("doubtful", "crm", "", 2).as_json()
    assert written == {"code": "doubtful", "source": "crm", "dataset": "", "count": 2}
