"""What an officer decides by: every number of the plan, in words, and nothing of the person."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from planned_cases import DECLARATIONS, REGISTER, held, planned, read_case, request

from dsr.casefile import CaseStore
from dsr.erasurelist import ErasureList, Line, Planned
from dsr.plan import Caution, PlanSummary

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dsr_plan_page import list_page, plan_page

ROOT = Path(__file__).parents[2]


def page_of(folder: Path, right: str = "erasure", **asked: Any) -> tuple[str, PlanSummary]:
    """The page of what two systems hold, and the plan that it shows."""
    wish = {**request(right, **asked), "due": {"legal_latest": "2026-12-20"}}
    plan = planned(read_case(folder, asked=wish))
    return plan_page(plan, wish, DECLARATIONS, REGISTER.terms), plan


def cells(page: str) -> list[list[str]]:
    """The tables' lines, heads left out."""
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    return [line for line in lines if line[0] != "Data" and not line[0].startswith("---")]


def test_an_erasure_in_words(tmp_path: Path) -> None:
    page, plan = page_of(tmp_path)
    assert page.startswith("**Erasure (Art. 17 GDPR)**, to be answered by 2026-12-20 at the latest.")
    assert ["Customer register: you as a contact", "erased", "A17 Right to Erasure", "1"] in cells(page)
    kept = "kept, and restricted until 2032-12-31; a law demands it"
    invoices = next(d for s in DECLARATIONS for d in s.datasets if d.name == "invoicing_invoice").title
    assert [invoices, kept, "Justification A17 - Legally Required", "1"] in cells(page)
    assert "What is kept for a time ends by 2032-12-31 at the latest." in page
    assert sum(int(line[-1]) for line in cells(page)) == plan.count()
    assert f"**{plan.count()} records in 2 systems**" in page


def test_no_code_and_no_value_is_on_it(tmp_path: Path) -> None:
    page, _ = page_of(tmp_path)
    codes = {d.name for s in DECLARATIONS for d in s.datasets} | {"gdpr:", "just:", "retention.", "vendor."}
    assert [code for code in codes if code in page] == []
    values = {v for its in held().values() for rows in its.values() for row in rows.values() for v in row.values()}
    assert [v for v in values if isinstance(v, str) and len(v) > 3 and v in page and not v[:4].isdigit()] == []


def test_a_rectification_names_the_fields_and_only_what_it_touches(tmp_path: Path) -> None:
    wish = {"email": "new@kvarn.example", "salesforce_contact": {"MobilePhone": "+46700000001"}}
    page, plan = page_of(tmp_path, "rectification", corrections=wish)
    assert "To be corrected: email, “Mobile” of “Customer register: you as a contact”." in page
    assert "new@kvarn.example" not in page
    assert "+46700000001" not in page
    assert {line[1] for line in cells(page)} == {"corrected"}
    rest = sum(int(n) for n in re.findall(r"(\d+) more records?: nothing in it is to be corrected", page))
    assert rest + sum(int(line[-1]) for line in cells(page)) == plan.count()


def test_purposes_and_ground_of_an_objection(tmp_path: Path) -> None:
    asked = {"ground": "direct_marketing", "purposes": ["dpv:DirectMarketing"]}
    page, _ = page_of(tmp_path, "objection", **asked)
    assert "Ground that the person states: direct marketing. For: Direct Marketing." in page
    assert {line[1] for line in cells(page)} == {"restricted"}


@pytest.mark.parametrize("code", json.loads((ROOT / "schemas/plan.schema.json").read_text())["properties"]["warnings"]
                         ["items"]["properties"]["code"]["enum"])  # fmt: skip
def test_every_warning_is_told_in_words(tmp_path: Path, code: str) -> None:
    _, plan = page_of(tmp_path)
    where = ("", "") if code == "nothing_found" else ("salesforce", "salesforce_task")
    warned = replace(plan, warnings=(Caution(code, *where, 3),))
    page = plan_page(warned, {"right": "erasure", "due": {"legal_latest": "2026-12-20"}}, DECLARATIONS, REGISTER.terms)
    (line,) = (line for line in page.splitlines() if line.startswith("- "))
    assert code not in line
    assert where[0] not in line.split() or not where[0]
    assert line.count("**") == 2


def test_every_ground_and_reason_of_a_plan_has_words() -> None:
    """Those that `assess` and holds give."""
    import dsr_plan_page as page

    sources = [*(ROOT / "dsr" / "steps" / "assess").glob("*.py"), ROOT / "dsr" / "heldrecords.py"]
    code = re.compile(r'"((?:retention|hold|vendor|field|rectify|nothing)\.[a-z_.]+)"')
    reasons = {found for path in sources for found in code.findall(path.read_text(encoding="utf-8"))}
    assert reasons <= set(page._REASONS), reasons - set(page._REASONS)
    grounds = {found for path in sources for found in re.findall(r'"((?:gdpr|just):[A-Za-z0-9-]+)"', path.read_text())}
    assert [ground for ground in grounds if ground not in REGISTER.terms] == []


def test_a_list_in_words(tmp_path: Path) -> None:
    """The same numbers over all people, who is left out and why, and no word of tickets: nobody has asked."""
    _, plan = page_of(tmp_path)
    case = CaseStore(str(tmp_path / "lists"), bytes(32)).create("list-in-words")
    lines = [Line(f"dsr-in-words-{number}", f"{number}@kvarn.example") for number in range(4)]
    listed = ErasureList.make(case, lines, reason="no_longer_needed", by="dpo", at=plan.made_at)
    told = replace(plan, warnings=(Caution("doubtful", plan.order[0], "", 2),))
    came = [Planned.of(told), Planned.of(told), Planned(aside="request.open"), Planned(aside="http.500")]
    listed.keep_planned(1, dict(zip((line.request_id for line in lines), came, strict=True)))
    page = list_page(listed, listed.total(), DECLARATIONS, REGISTER.terms)
    assert page.startswith("**Erasure of 2 of 4 people on a list** (Art. 17(1)(a), 5(1)(e) GDPR")
    assert "- **1 person** who have asked for something themselves" in page
    assert "- **1 person** who could not be planned: `http.500`." in page
    assert sum(int(line[-1]) for line in cells(page)) == 2 * plan.count()
    assert "**4 records that may be theirs or somebody else's, and are left alone**" in page
    assert "ticket" not in page
    assert "kvarn" not in page


def test_what_could_not_be_placed_is_named_and_not_its_value(tmp_path: Path) -> None:
    """By title, among what to look at first."""
    wish = {"email": "new@kvarn.example", "invoicing_address": {"city": "Ystad"}, "organisation": "Ådal AB"}
    page, _ = page_of(tmp_path, "rectification", corrections=wish)
    [line] = [line for line in page.split("**Look at this first**")[1].splitlines() if "To be corrected" in line]
    assert "“City” of “Invoicing: addresses”, organisation. Is it missing" in line
    assert not [value for value in ("Ystad", "Ådal") if value in page]
