"""Salesforce as a source: through the wire and simple-salesforce, against the population's own truth."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from conformance import SourceConformance, find_all, own_identifiers, records
from running_sandbox import Sandbox
from salesforce_server import calls, connect, extract, serving, settings, simple_salesforce, subject

from dsr.errors import PermanentError
from dsr.model import Attachment, Found, Identifier, Match, Rows, Subject, Withheld
from extractors.salesforce import Salesforce
from extractors.salesforce.values import full_id
from sandbox.ids import salesforce_contact_id, salesforce_id, salesforce_lead_id
from sandbox.salesforce.catalogue import CATALOGUE

SETUP, EXTRACTION = 2, 5
"""Counted calls: describes (the standard objects, then the org's own); queries of one extraction."""


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Salesforce alone instead of the whole sandbox."""
    with serving(tmp_path_factory.mktemp("salesforce")) as running:
        yield running


class TestConformance(SourceConformance):
    """What every source promises."""

    source = Salesforce
    system = "salesforce"


def test_what_nobody_names_comes_out_unmapped(sandbox: Sandbox) -> None:
    """Custom fields and custom objects."""
    source = connect(sandbox)
    got, pieces = extract(source, find_all(source, sandbox, "canary"))
    contact = got["salesforce_contact"][salesforce_contact_id("canary")]
    assert contact["Badge__c"] == "=B-17"
    assert contact["Shoe_Size__c"] == 38.5
    rows = next(p for p in pieces if getattr(p, "dataset", "") == "salesforce_contact")
    assert isinstance(rows, Rows)
    assert "Badge__c" not in rows.batch.schema.names
    others = {r["Object"]: r for r in got["salesforce_other"].values()}
    assert others["Certificate__c"]["Level__c"] == "B"
    assert others["Note"]["Body"].startswith("Att minnas")


def test_other_peoples_parts_are_withheld_and_counted(sandbox: Sandbox) -> None:
    """Every dataset with something withheld says so, and no withheld value is anywhere in the rows."""
    source = connect(sandbox)
    got, pieces = extract(source, find_all(source, sandbox, "canary"))
    counted = {p.dataset: p.count for p in pieces if isinstance(p, Withheld)}
    expected = [t for t in sandbox.truth if t.person == "canary" and t.expected == "withheld"]
    assert set(counted) == {t.dataset for t in expected}
    assert counted["salesforce_contact"] == 3
    for truth in expected:
        record = got[truth.dataset].get(truth.source_id, {})
        assert all(record.get(k) != v for k, v in truth.fields.items()), truth.source_id
    shown = json.dumps(got, ensure_ascii=False)
    for foreign in sandbox.population.foreign():
        assert foreign not in shown
    for value in ("Agneta Handläggarsson", "tredje.man@annat.example", "Internt om ärendet", "lager@controller"):
        assert value not in shown


def test_doubtful_records_are_found_but_told_apart(sandbox: Sandbox) -> None:
    """The shared mailbox brings both people's leads, each with what it holds and whose name it bears."""
    info, board = Identifier("email", "info@kvarnberget.example"), Identifier("phone", "+46851740610")
    found = connect(sandbox).find([Subject("dsr-1", frozenset((info, board)))])
    doubtful = {t.source_id for t in sandbox.truth if t.expected == "doubtful"}
    assert doubtful <= {m.record_id for m in found.matches}
    leads = [m for m in found.matches if m.dataset == "salesforce_lead" and info in m.by]
    assert {m.person for m in leads} == {sandbox.population.person(k).name for k in ("canary", "colleague")}
    assert all(m.by <= {info, board} for m in found.matches)


def test_the_converted_lead_gives_the_former_address(sandbox: Sandbox) -> None:
    """Three rounds: contact, then its lead with the former address, then what only that address leads to."""
    person, source = sandbox.population.canary, connect(sandbox)
    first = source.find([subject(person.email)])
    contact = Identifier("salesforce_contact", salesforce_contact_id("canary"))
    assert contact in next(m for m in first.matches if m.dataset == "salesforce_contact").holds
    assert salesforce_lead_id("canary") not in {m.record_id for m in first.matches}
    second = source.find([replace(subject(person.email), identifiers=frozenset((contact,)))])
    lead = next(m for m in second.matches if m.record_id == salesforce_lead_id("canary"))
    assert lead.by == {contact}
    assert Identifier("email", person.emails[1]) in lead.holds
    mail = [m for m in second.matches if m.dataset == "salesforce_email"]
    assert any(Identifier("email", person.emails[1]) in m.holds for m in mail)
    points = [m for m in second.matches if m.dataset == "salesforce_contact_point_email"]
    assert {i.value for m in points for i in m.holds} == set(person.emails)
    third = source.find([subject(person.emails[1])])
    assert {"salesforce_case", "salesforce_lead", "salesforce_email"} <= {m.dataset for m in third.matches}


def test_numbers_are_found_however_they_were_typed(sandbox: Sandbox) -> None:
    """National with blanks, with 00, with (0), E.164; a lead by mobile, too."""
    for person in sandbox.population.people[:8]:
        found = connect(sandbox).find([Subject("dsr-1", frozenset({Identifier("phone", person.mobile)}))])
        assert salesforce_contact_id(person.key) in {m.record_id for m in found.matches}, person.key
        assert all(Identifier("phone", person.mobile) in m.holds for m in found.matches)


def test_ids_are_found_in_both_forms(sandbox: Sandbox) -> None:
    """`by` is the identifier as the subject has it."""
    short = Identifier("salesforce_contact", salesforce_contact_id("same_name")[:15])
    found = connect(sandbox).find([Subject("dsr-1", frozenset({short}))])
    (contact,) = (m for m in found.matches if m.dataset == "salesforce_contact")
    assert contact.by == {short}


def test_a_person_account_is_both(sandbox: Sandbox) -> None:
    """The contact and the account of a private customer; the account is theirs alone."""
    source, person = connect(sandbox), sandbox.population.person("plus_address")
    found = source.find([subject(person.email)])
    account = next(m for m in found.matches if m.dataset == "salesforce_account")
    by_account = source.find([Subject("dsr-1", frozenset({Identifier("salesforce_account", account.record_id)}))])
    assert {"salesforce_account", "salesforce_contact"} <= {m.dataset for m in by_account.matches}
    got, _ = extract(source, find_all(source, sandbox, "plus_address"))
    assert got["salesforce_account"][account.record_id]["PersonEmail"] == person.email
    assert set(got["salesforce_account"]) == {account.record_id}


def test_a_companys_account_leads_to_nobody(sandbox: Sandbox) -> None:
    """Colleagues share it: its id is no identifier of a person."""
    account = salesforce_id("001", sandbox.population.canary.company.customer_number)
    found = connect(sandbox).find([Subject("dsr-1", frozenset({Identifier("salesforce_account", account)}))])
    assert found.matches == ()


def test_files_come_with_their_bytes(sandbox: Sandbox) -> None:
    """All versions, through the person, the case, the quote and the lead; sizes as the rows say."""
    source = connect(sandbox)
    pieces = list(source.extract(find_all(source, sandbox, "canary")))
    files = {p.attachment_id: p for p in pieces if isinstance(p, Attachment)}
    sizes = {k: v.get("ContentSize") for k, v in sandbox.truth_of("canary", "salesforce_file").items()}
    sizes |= {k: v["BodyLength"] for k, v in sandbox.truth_of("canary", "salesforce_attachment").items()}
    assert {k: len(b"".join(p.chunks)) for k, p in files.items()} == sizes
    assert {(p.extension, p.media_type) for p in files.values()} == {("pdf", "application/pdf")}


def test_calls_for_one_person(sandbox: Sandbox) -> None:
    """Set-up, one call a round, five for all data, one per file; nothing asked twice in another process."""
    source, person = connect(sandbox), sandbox.population.canary
    sandbox.forget()
    source.find([subject(person.email)])
    assert calls(sandbox) == ["composite"] * (SETUP + 1)
    source.find([Subject("dsr-1", own_identifiers(sandbox, "canary"))])
    assert calls(sandbox) == ["composite"]
    found = find_all(source, sandbox, "canary")
    sandbox.forget()
    again = replace(found, cache=json.loads(json.dumps(found.cache)))
    pieces = list(connect(sandbox).extract(again))
    assert calls(sandbox) == ["composite"] * EXTRACTION
    files = [p for p in pieces if isinstance(p, Attachment)]
    assert sum(len(c) for p in files for c in p.chunks)
    assert sorted(calls(sandbox)) == sorted(
        f"sobjects/{'ContentVersion' if p.dataset == 'salesforce_file' else 'Attachment'}/{p.record_id}/"
        f"{'VersionData' if p.dataset == 'salesforce_file' else 'Body'}"
        for p in files
    )


def test_calls_for_twenty_people_are_the_same(sandbox: Sandbox) -> None:
    """And each gets what they would get alone."""
    source, people = connect(sandbox), sandbox.population.people[:20]
    subjects = [Subject(f"dsr-{p.key}", own_identifiers(sandbox, p.key)) for p in people]
    sandbox.forget()
    found = source.find(subjects)
    assert calls(sandbox) == ["composite"] * (SETUP + 1)
    pieces = list(source.extract(found))
    assert calls(sandbox) == ["composite"] * EXTRACTION
    for person in (people[0], people[3], people[15]):
        request_id = f"dsr-{person.key}"
        alone = replace(found, matches=tuple(m for m in found.matches if m.request_id == request_id))
        batch = records(p for p in pieces if p.request_id == request_id and not isinstance(p, Attachment | Withheld))
        assert batch == extract(source, alone)[0]
        assert batch["salesforce_contact"]


def test_nobody_costs_nothing(sandbox: Sandbox) -> None:
    """No identifier, no call; no match, no call."""
    source = connect(sandbox)
    assert source.find([Subject("dsr-1")]) == Found("salesforce")
    assert list(source.extract(Found("salesforce"))) == []
    assert calls(sandbox) == []


def test_all_pages_are_followed(sandbox: Sandbox) -> None:
    """Pages of two rows: the same records, for every query."""
    source = connect(sandbox)
    found = find_all(source, sandbox, "canary")
    whole, _ = extract(source, found)
    with settings(sandbox, page_size=2):
        paged = find_all(connect(sandbox), sandbox, "canary")
        assert sorted(map(repr, paged.matches)) == sorted(map(repr, found.matches))
        got, pieces = extract(source, paged)
    assert got == whole
    withheld = {(p.dataset, p.count) for p in pieces if isinstance(p, Withheld)}
    assert withheld == {(p.dataset, p.count) for p in source.extract(found) if isinstance(p, Withheld)}


def test_only_readable_fields_are_asked_for(sandbox: Sandbox) -> None:
    """A field hidden from the integration user is no error."""
    with settings(sandbox, hidden_fields=["Contact.Birthdate", "Task.Description", "Order.ShipToContactId"]):
        source = connect(sandbox)
        got, _ = extract(source, find_all(source, sandbox, "same_name"))
    assert all("Birthdate" not in r for r in got["salesforce_contact"].values())
    assert got["salesforce_order"]


def test_a_missing_object_stops_unless_it_is_known_to_be_absent(sandbox: Sandbox) -> None:
    """Hidden and absent look the same: never a thinner package in silence."""
    with settings(sandbox, hidden_objects=["Quote", "Individual"]):
        with pytest.raises(PermanentError) as error:
            connect(sandbox).find([subject("a@b.example")])
        assert error.value.code in ("object_missing.Quote", "object_missing.Individual")
        source = connect(sandbox, absent_objects=["Quote", "Individual"])
        got, _ = extract(source, find_all(source, sandbox, "same_name"))
        assert "salesforce_quote" not in got
        assert got["salesforce_order"]
    with settings(sandbox, hidden_fields=["Lead.ConvertedContactId"]), pytest.raises(PermanentError) as error:
        connect(sandbox).find([subject("a@b.example")])
    assert error.value.code == "field_missing.Lead.ConvertedContactId"


def test_activities_without_shared_activities(sandbox: Sandbox) -> None:
    """An org without TaskRelation and EventRelation: by WhoId, files and all, in no more calls than one more."""
    with settings(sandbox, hidden_objects=["TaskRelation", "EventRelation"]):
        source = connect(sandbox)
        found = find_all(source, sandbox, "same_name")
        sandbox.forget()
        got, _ = extract(source, found)
        assert len(calls(sandbox)) <= EXTRACTION
    assert set(got["salesforce_task"]) == set(sandbox.truth_of("same_name", "salesforce_task"))
    assert set(got["salesforce_event"]) == set(sandbox.truth_of("same_name", "salesforce_event"))


def test_what_hangs_on_a_record_shared_with_another_person_is_withheld(sandbox: Sandbox) -> None:
    """A case that the colleague opened about the canary: the case is both's, its comments and files are not."""
    sf = simple_salesforce(sandbox)
    shared = next(i for i in sandbox.truth_of("colleague", "salesforce_case") if i in _cases(sandbox, "canary"))
    comment = sf.CaseComment.create({"ParentId": shared, "CommentBody": "Om kontakten"})["id"]
    try:
        source = connect(sandbox)
        theirs, pieces = extract(source, find_all(source, sandbox, "colleague"))
        assert shared in theirs["salesforce_case"]
        assert comment not in theirs["salesforce_case_comment"]
        assert Withheld("dsr-conformance", "salesforce_case_comment", "third_party", 1) in pieces
        mine, _ = extract(source, find_all(source, sandbox, "canary"))
        assert comment in mine["salesforce_case_comment"]
    finally:
        sf.CaseComment.delete(comment)
        _purge(sandbox, "CaseComment", comment)


def _cases(sandbox: Sandbox, key: str) -> Iterable[str]:
    return sandbox.truth_of(key, "salesforce_case")


def _purge(sandbox: Sandbox, name: str, record_id: str) -> None:
    """Out of the recycle bin, so that other tests find the org as it was."""
    sandbox.admin.post("/salesforce/purge", json={"object": name, "id": record_id}).raise_for_status()


def test_schemas_name_what_the_org_names() -> None:
    """Every standard field of the catalogue that a person may see is in its dataset's schema."""
    from dsr import schema
    from sandbox.salesforce.truth import DATASETS

    never = {"ReportsToId", "AssistantName", "AssistantPhone", "Headers"}
    for name, dataset in DATASETS.items():
        if dataset == "salesforce_other":
            continue
        named = set(schema.load(dataset)["properties"])
        for field in CATALOGUE[name].fields:
            hidden = field.kind in ("id", "base64", "address") or set(field.references) & {"User", "Group"}
            if not hidden and not field.name.endswith("__c") and field.name not in never:
                assert field.name in named, (dataset, field.name)


def test_matches_name_declared_datasets(sandbox: Sandbox) -> None:
    """So that identify and the search report can name them."""
    declared = {d.name for d in Salesforce.declaration.datasets}
    found = connect(sandbox).find([Subject("dsr-1", own_identifiers(sandbox, "canary"))])
    matches: tuple[Match, ...] = found.matches
    assert {m.dataset for m in matches} <= declared
    assert all(m.by and m.record_id == full_id(m.record_id) for m in matches)
