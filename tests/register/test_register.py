"""The register: every dataset has its row, and what is missing or wrong is said in words, with row and place."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from dsr import schema
from dsr.errors import PermanentError
from dsr.register import PREFIXES, Problem, Register, check
from dsr.source import Dataset, Declaration

Edit = Callable[[str, str, str], None]
Found = Callable[[], list[Problem]]


def test_the_shipped_example_lacks_nothing_but_a_persons_word(declarations: list[Declaration]) -> None:
    problems = check(None, declarations)
    assert {problem.code for problem in problems} == {"unconfirmed"}
    register = Register.load()
    assert [problem.row for problem in problems] == list(register.activities)
    assert all("python -m dsr register confirm" in problem.words for problem in problems)
    assert {u.row for u in register.unsettled(register.activities)} == set(register.activities)


def test_every_dataset_refers_to_a_row(declarations: list[Declaration]) -> None:
    register = Register.load()
    for declaration in declarations:
        for dataset in declaration.datasets:
            assert dataset.processing in register.activities, dataset.name


def test_the_notice_s_controller_and_the_law_s_authority() -> None:
    register = Register.load()
    assert register.controller.registration == "556258-0414"
    assert register.controller.dpo_mail == "dpo@nexusgroup.com"
    assert "Box 8114" in register.authority.address
    assert {right.term for right in register.rights} >= {"gdpr:A16", "gdpr:A17", "gdpr:A18", "gdpr:A21", "gdpr:A77"}
    accounts = register.activity("invoicing").retention[0]
    assert (accounts.duration, accounts.duty and accounts.duty["en"]) == ("P7Y", "Bookkeeping Act (1999:1078) 7:2")


def test_the_bases_that_carry_portability() -> None:
    register = Register.load()
    portable = {row for row, activity in register.activities.items() if activity.portable_basis}
    assert portable == {"sales", "events", "marketing", "invoicing"}


def test_profiling_is_that_of_the_notice_and_its_fields_exist() -> None:
    dimensions = Register.load().activity("marketing_profiling").profiling
    assert [dimension.name for dimension in dimensions] == ["language", "industry", "stage"]
    for name in [d.value for d in dimensions] + [one.field for d in dimensions for one in d.inputs]:
        dataset, _, field = name.partition(".")
        assert field in schema.load(dataset)["properties"], name


def test_terms_are_whole_and_of_the_vocabulary() -> None:
    path = Path(__file__).parents[2] / "register" / "dpv-2.3.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["iri"] for row in rows] == sorted({row["iri"] for row in rows})
    assert all(row["iri"].startswith(tuple(PREFIXES.values())) and row["label"] for row in rows)
    read_by_persons = [row for row in rows if row["iri"].startswith(PREFIXES["pd"])]
    assert all(row["label_sv"] for row in read_by_persons)
    assert "World Wide Web Consortium" in path.with_suffix(".txt").read_text(encoding="utf-8")


def test_a_dataset_without_a_row(found: Found, folder: Path) -> None:
    (folder / "activities" / "calls.yaml").unlink()
    (problem,) = found()
    assert (problem.row, problem.code) == ("calls", "row.missing")
    assert "call_record, call_transcript_line" in problem.words
    assert Register.load(folder).unsettled(["calls"])[0].blank == ("row",)


def test_a_row_that_no_dataset_uses(found: Found, folder: Path, edit: Edit) -> None:
    text = (folder / "activities" / "calls.yaml").read_text(encoding="utf-8")
    (folder / "activities" / "doors.yaml").write_text(text.replace("id: calls", "id: doors"), encoding="utf-8")
    (problem,) = found()
    assert (problem.row, problem.code) == ("doors", "row.unused")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dpv:CustomerRelationshipManagement", "dpv:MadeUp"),
        ("gdpr:A6-1-f", "gdpr:A6-1-z"),
        ("gdpr:SCCByCommission\n", "gdpr:MadeUp\n"),
        ("dpv:ThirdPartyDataSource", "dpv:MadeUpSource"),
    ],
)
def test_a_term_that_is_not_in_dpv(found: Found, edit: Edit, old: str, new: str) -> None:
    edit("activities/crm.yaml", f"term: {old}" if "SCC" not in old else f"tool: {old}",
         f"term: {new}" if "SCC" not in old else f"tool: {new}")  # fmt: skip
    (problem,) = found()
    assert (problem.row, problem.code) == ("crm", "term.unknown")
    assert new.strip() in problem.words


def test_a_dataset_s_term_that_is_not_in_dpv(declarations: list[Declaration]) -> None:
    dataset = Dataset("x", "X", "interactions", "provided", ("pd:Voice",), "calls", "delete")
    odd = dataclasses.replace(declarations[0], datasets=(*declarations[0].datasets, dataset))
    codes = {p.code: p.words for p in Register.load().problems([odd, *declarations[1:]])}
    assert "pd:Voice" in codes["term.unknown"]


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("purposes", "  - term: dpv:CustomerRelationshipManagement\n", "  - term:\n"),
        ("purposes", "sv: Hålla reda på vilka vi har kontakt med hos kunder, partner och intressenter,", "sv: #"),
        ("legal_basis", "  - term: gdpr:A6-1-f\n", "  - \n"),
        ("interest", "en: Being able to keep business relations and to reach the right person at a company.", "en:"),
        ("recipients", "recipients: [salesforce]", "recipients: []"),
        ("retention", "sv: Två år efter din senaste kontakt med oss.", "sv: TBD"),
        ("retention", "sv: din senaste kontakt med oss", "sv: '-'"),
        ("sources", "sv: Det företag som du företräder.", "sv: '?'"),
        ("automated_decisions", "exists: false", "exists:"),
        ("automated_decisions", "exists: false", "exists: true"),
        ("categories", "categories: [contact-identification, interactions]", "categories:"),
        ("title", "sv: Kundregister", "sv: ''"),
        ("transfers", "tool: gdpr:SCCByCommission", "tool:"),
    ],
)
def test_a_blank_part_is_named(found: Found, folder: Path, edit: Edit, part: str, old: str, new: str) -> None:
    edit("activities/crm.yaml", old, new)
    assert f"blank.{part}" in {problem.code for problem in found() if problem.row == "crm"}
    assert part in Register.load(folder).activity("crm").blank


@pytest.mark.parametrize("part", ["purposes", "legal_basis", "retention", "sources", "recipients", "title"])
def test_a_part_that_is_not_there_is_blank(found: Found, folder: Path, part: str) -> None:
    path = folder / "activities" / "calls.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{part}:"))
    end = next(n for n, line in enumerate(lines) if n > start and not line.startswith((" ", "-")))
    path.write_text("".join(lines[:start] + lines[end:]), encoding="utf-8")
    assert [problem.code for problem in found()] == [f"blank.{part}"]


def test_nobody_receives_is_not_blank() -> None:
    calls = Register.load().activity("calls")
    assert (calls.recipients, calls.blank) == ((), ())


def test_recipients(found: Found, edit: Edit) -> None:
    edit("activities/support.yaml", "recipients: [salesforce]", "recipients: [salesforce, acme]")
    codes = {problem.code: problem.words for problem in found()}
    assert "acme" in codes["recipient.undefined"]
    assert set(codes) == {"recipient.undefined", "blank.recipients"}


def test_outside_the_eea_without_a_tool(found: Found, edit: Edit) -> None:
    edit("recipients.yaml", "country: SE", "country: IN")
    codes = {problem.code: problem for problem in found()}
    assert set(codes) == {"transfer.missing", "blank.transfers"}
    assert codes["transfer.missing"].row == "invoicing"
    assert "IN, outside the EU/EEA" in codes["transfer.missing"].words


def test_norway_is_a_country_and_in_the_eea(found: Found, folder: Path, edit: Edit) -> None:
    edit("recipients.yaml", "country: SE", "country: NO")
    assert found() == []
    assert Register.load(folder).recipients["skatteverket"].country == "NO"


def test_an_adequacy_decision_that_is_not_listed(found: Found, edit: Edit) -> None:
    edit("countries.yaml", ", US, UY]", ", UY]")
    edit("activities/crm.yaml", "tool: gdpr:SCCByCommission", "tool: gdpr:A45-3")
    (problem,) = found()
    assert (problem.row, problem.code) == ("crm", "transfer.adequacy")


def test_a_category_that_the_row_does_not_state(found: Found, edit: Edit) -> None:
    edit("activities/crm.yaml", "categories: [contact-identification, interactions]", "categories: [interactions]")
    problems = found()
    assert {problem.code for problem in problems} == {"category.missing"}
    assert any("salesforce_contact " in problem.words for problem in problems)


def test_a_field_that_no_schema_has(found: Found, edit: Edit) -> None:
    edit("activities/marketing_profiling.yaml", "pardot_prospect.industry", "pardot_prospect.trade")
    (problem,) = found()
    assert (problem.row, problem.code) == ("marketing_profiling", "field.unknown")
    assert "pardot_prospect.trade" in problem.words


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "what"),
    [
        ("activities/crm.yaml", "purposes:", "purpose:", "at the top", "unknown: purpose"),
        ("activities/crm.yaml", "automated: true", "automated: yes", "at /automated", "must be true or false"),
        ("activities/crm.yaml", "duration: P2Y", "duration: 2 years", "/retention/0/duration", "ISO 8601"),
        ("activities/crm.yaml", "duration: P2Y", "duration: P", "/retention/0/duration", "ISO 8601"),
        ("activities/crm.yaml", "recipients: [salesforce]", "recipients: nobody", "at /recipients", "none"),
        ("activities/crm.yaml", "id: crm", "id: crn", "at /id", "file's name"),
        ("activities/crm.yaml", "    link: https:", "    link: http:", "/transfers/0/link", "https"),
        ("recipients.yaml", "role: authority", "role: friend", "at /skatteverket/role", "processor, controller"),
        ("recipients.yaml", "country: SE", "country: Sweden", "at /skatteverket/country", "ISO 3166"),
        ("notice.yaml", "updated: 2022-11-04", "updated: 4 Nov 2022", "at /updated", "A date"),
        ("activities/crm.yaml", "id: crm", "id: [crm", "not valid YAML", "line "),
        ("activities/crm.yaml", "id: crm", "id: crm\nid: crm", "line 6", "stands twice"),
        ("activities/crm.yaml", "id: crm", "id: !!python/object:os.system crm", "not valid YAML", "line"),
        ("activities/crm.yaml", "id: crm", "id: crm\n1: x\n~: y", "not valid YAML", "a name must be plain text"),
        ("activities/crm.yaml", "duration: P2Y", "duration: !!timestamp 2020-13-45", "not valid YAML", "timestamp"),
        ("activities/crm.yaml", "sv: Kundregister", 'sv: "\\ud800"', "not valid YAML", "half a character"),
        ("activities/crm.yaml", "id: crm", "id: crm\n<<: {a: b}", "at the top", "unknown: <<"),
        ("activities/crm.yaml", "purposes:", "purposes: &a [*a]\nx:", "not valid YAML", "recursive"),
        ("rights.yaml", "authority:", "authorities:", "rights.yaml at the top", "missing: authority"),
    ],
)
def test_what_a_schema_refuses_is_said_with_file_and_place(
    found: Found, folder: Path, edit: Edit, name: str, old: str, new: str, place: str, what: str
) -> None:
    edit(name, old, new)
    problems = [problem for problem in found() if problem.code in ("schema.invalid", "yaml.invalid", "row.id")]
    assert any(name in p.words and place in p.words and what in p.words for p in problems), problems
    with pytest.raises(PermanentError, match=r"register\.invalid") as caught:
        Register.load(folder)
    assert caught.value.place == problems[0].row


def test_one_broken_row_does_not_hide_another_s_faults(found: Found, edit: Edit) -> None:
    edit("activities/crm.yaml", "automated: true", "automated: maybe")
    edit("activities/sales.yaml", "term: dpv:CustomerOrderManagement", "term:")
    assert {(p.row, p.code) for p in found()} == {("crm", "schema.invalid"), ("sales", "blank.purposes")}


def test_files_that_are_missing_or_no_text(found: Found, folder: Path) -> None:
    (folder / "notice.yaml").write_bytes(b"\xff\xfe")
    (folder / "rights.yaml").unlink()
    (folder / "activities" / "more.yml").write_text("id: more")
    assert {(p.row, p.code) for p in found()} == {
        ("notice.yaml", "file.encoding"),
        ("rights.yaml", "file.missing"),
        ("activities/more.yml", "file.name"),
    }


def test_no_folder_at_all(tmp_path: Path, declarations: list[Declaration]) -> None:
    assert "file.missing" in {problem.code for problem in check(tmp_path / "nowhere", declarations)}
    with pytest.raises(PermanentError, match=r"controller\.yaml: register\.invalid"):
        Register.load(tmp_path / "nowhere")


def test_the_digest_follows_every_file(folder: Path, edit: Edit) -> None:
    before = Register.load(folder).digest
    assert before == Register.load().digest
    edit("countries.yaml", "# Countries as", "# The countries as")
    assert Register.load(folder).digest != before


def test_settings_that_name_another_controller(declarations: list[Declaration]) -> None:
    problems = check(None, declarations, "Exempel AB", "dpo@nexusgroup.com")
    assert [p.words for p in problems if p.code == "controller.differs"] == [
        'name is "Technology Nexus Secured Business Solutions AB", but DSR_CONTROLLER_NAME says "Exempel AB".'
    ]
