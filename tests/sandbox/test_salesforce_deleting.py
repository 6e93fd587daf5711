"""Deleting in the sandbox's Salesforce: cascades and blocks, the recycle bin, files, what never goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from running_sandbox import Sandbox
from salesforce_server import serving, settings, simple_salesforce
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound
from simple_salesforce.format import format_soql

from sandbox.ids import salesforce_contact_id, salesforce_id
from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.records import Records
from sandbox.state import Store

DAY = 86400


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with serving(tmp_path_factory.mktemp("salesforce"), people=12) as running:
        yield running


@pytest.fixture(scope="module")
def sf(org: Sandbox) -> Salesforce:
    """Signed in by JWT bearer."""
    return simple_salesforce(org)


def make(sf: Salesforce, kind: str, **values: Any) -> str:
    """A new record's id."""
    return str(getattr(sf, kind).create(values)["id"])


def person(sf: Salesforce) -> str:
    """A contact."""
    return make(sf, "Contact", LastName="Bortgång", Email="bort@x.example")


def state(sf: Salesforce, kind: str, record_id: str) -> bool | None:
    """Whether it is deleted; None when it is not there at all."""
    query = format_soql("SELECT IsDeleted FROM {:literal} WHERE Id = {}", kind, record_id)
    rows = sf.query(query, include_deleted=True)["records"]
    return rows[0]["IsDeleted"] if rows else None


def code(sf: Salesforce, kind: str, record_id: str) -> str:
    """The error of a DELETE."""
    with pytest.raises((SalesforceMalformedRequest, SalesforceResourceNotFound)) as refused:
        getattr(sf, kind).delete(record_id)
    return str(refused.value.content[0]["errorCode"])


def purge(org: Sandbox, kind: str, record_id: str) -> bool:
    """Out of the bin by hand."""
    return bool(org.admin.post("/salesforce/purge", json={"object": kind, "id": record_id}).json()["purged"])


def undelete(org: Sandbox, kind: str, record_id: str) -> bool:
    """Back from the bin by hand."""
    return bool(org.admin.post("/salesforce/undelete", json={"object": kind, "id": record_id}).json()["undeleted"])


def test_what_is_deleted_twice_or_unknown(sf: Salesforce) -> None:
    """The vendor's codes."""
    contact = person(sf)
    assert sf.Contact.delete(contact) == 204
    assert code(sf, "Contact", contact) == "ENTITY_IS_DELETED"
    assert code(sf, "Contact", salesforce_id("003", "nobody")) == "NOT_FOUND"


def test_describe_tells_the_order_of_work(sf: Salesforce) -> None:
    """Which children go along, which forbid it, which stay."""
    flags = {
        (c["childSObject"], c["field"]): (c["cascadeDelete"], c["restrictedDelete"])
        for c in sf.Contact.describe()["childRelationships"]
    }
    assert flags["CampaignMember", "ContactId"] == (True, False)
    assert flags["EmailMessageRelation", "RelationId"] == (True, False)
    assert flags["Case", "ContactId"] == (False, True)
    assert flags["Order", "BillToContactId"] == (False, False)


def test_a_contact_takes_along_what_is_only_its_own(sf: Salesforce, org: Sandbox) -> None:
    """What describe calls cascadeDelete goes and comes back with it; look-ups are emptied and filled again."""
    contact = person(sf)
    individual = make(sf, "Individual", LastName="Bortgång")
    sf.Contact.update(contact, {"IndividualId": individual})
    campaign = sf.query("SELECT Id FROM Campaign LIMIT 1")["records"][0]["Id"]
    going = [
        ("CampaignMember", make(sf, "CampaignMember", CampaignId=campaign, ContactId=contact)),
        ("Note", make(sf, "Note", ParentId=contact, Title="x")),
        ("Attachment", make(sf, "Attachment", ParentId=contact, Name="x", Body="eA==")),
        ("Task", make(sf, "Task", WhoId=contact, Status="Open", Priority="Low")),
    ]
    relation = sf.query(format_soql("SELECT Id FROM TaskRelation WHERE RelationId = {}", contact))["records"][0]["Id"]
    going.append(("TaskRelation", relation))
    card = make(sf, "Certificate__c", Name="x", Contact__c=contact)
    stamp = sf.Certificate__c.get(card)["SystemModstamp"]
    sf.Contact.delete(contact)
    assert [state(sf, *g) for g in going] == [True] * 5
    assert state(sf, "Individual", individual) is False
    left = sf.Certificate__c.get(card)
    assert left["Contact__c"] is None
    assert left["SystemModstamp"] != stamp
    assert undelete(org, "Contact", contact)
    assert [state(sf, *g) for g in going] == [False] * 5
    assert sf.Certificate__c.get(card)["Contact__c"] == contact
    sf.Contact.delete(contact)
    assert purge(org, "Contact", contact)
    assert [state(sf, *g) for g in going] == [None] * 5
    assert not undelete(org, "Contact", contact)


def test_a_shared_task_stays_with_the_other_person(sf: Salesforce) -> None:
    """It passes to the next of its people."""
    one, other = person(sf), person(sf)
    task = make(sf, "Task", WhoId=one, Status="Open", Priority="Low")
    make(sf, "TaskRelation", TaskId=task, RelationId=other)
    sf.Contact.delete(one)
    assert sf.Task.get(task)["WhoId"] == other
    sf.Contact.delete(other)
    assert state(sf, "Task", task) is True


def test_a_case_blocks_and_so_does_what_a_setting_names(sf: Salesforce, org: Sandbox) -> None:
    """Nothing of a forbidden deletion is done, also when what forbids it hangs further down."""
    account = make(sf, "Account", Name="Konto")
    contact = make(sf, "Contact", LastName="B", AccountId=account)
    note = make(sf, "Note", ParentId=contact, Title="x")
    case = make(sf, "Case", ContactId=contact)
    comment = make(sf, "CaseComment", ParentId=case, CommentBody="x")
    number = sf.Case.get(case)["CaseNumber"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Contact.delete(contact)
    assert refused.value.content[0]["errorCode"] == "DELETE_FAILED"
    assert number
    assert f"associated with the following cases.: {number}" in refused.value.content[0]["message"]
    assert code(sf, "Account", account) == "DELETE_FAILED"
    assert (state(sf, "Contact", contact), state(sf, "Note", note)) == (False, False)
    sf.Case.delete(case)
    assert state(sf, "CaseComment", comment) is True
    order = make(sf, "Order", BillToContactId=contact, EffectiveDate="2026-01-01", Status="Draft")
    with settings(org, restricted=["Order.BillToContactId"]):
        assert code(sf, "Contact", contact) == "DELETE_FAILED"
    sf.Contact.delete(contact)
    assert sf.Order.get(order)["BillToContactId"] is None
    sf.Order.update(order, {"Status": "Activated"})
    assert code(sf, "Order", order) == "DELETE_FAILED"


def test_a_person_account_goes_as_an_account(sf: Salesforce) -> None:
    """Its contact can't be deleted by itself."""
    assert code(sf, "Contact", salesforce_contact_id("plus_address")) == "DELETE_FAILED"


def test_individual_takes_consent_and_contact_points(sf: Salesforce) -> None:
    """Master-detail; the contact only loses its link."""
    individual = make(sf, "Individual", LastName="I")
    contact = make(sf, "Contact", LastName="I", IndividualId=individual)
    consent = make(sf, "ContactPointTypeConsent", Name="x", PartyId=individual, ContactPointType="Email",
                   PrivacyConsentStatus="OptOut")  # fmt: skip
    point = make(sf, "ContactPointEmail", ParentId=individual, EmailAddress="i@x.example")
    sf.Individual.delete(individual)
    assert state(sf, "ContactPointTypeConsent", consent) is state(sf, "ContactPointEmail", point) is True
    assert sf.Contact.get(contact)["IndividualId"] is None


def test_a_file_goes_with_its_versions_and_links(sf: Salesforce) -> None:
    """A link is not the file: deleting the contact leaves the document."""
    contact = person(sf)
    version = make(sf, "ContentVersion", Title="Fil", PathOnClient="fil.pdf", VersionData="JVBERg==",
                   FirstPublishLocationId=contact)  # fmt: skip
    document = sf.ContentVersion.get(version)["ContentDocumentId"]
    links = format_soql("SELECT Id FROM ContentDocumentLink WHERE ContentDocumentId = {}", document)
    assert len(sf.query(links)["records"]) == 1
    sf.Contact.delete(contact)
    assert sf.query(links)["records"] == []
    assert sf.ContentVersion.get_base64(version, "VersionData") == b"%PDF"
    sf.ContentVersion.update(version, {"Title": "Annan"})
    assert sf.ContentDocument.get(document)["Title"] == "Annan"
    with pytest.raises(SalesforceMalformedRequest):
        sf.ContentVersion.update(version, {"VersionData": "eA=="})
    assert code(sf, "ContentVersion", version) == "INSUFFICIENT_ACCESS_OR_READONLY"
    sf.ContentDocument.delete(document)
    assert state(sf, "ContentVersion", version) is True
    with pytest.raises(SalesforceResourceNotFound):
        sf.ContentVersion.get_base64(version, "VersionData")
    seeded = sf.query("SELECT ContentDocumentId FROM ContentVersion WHERE IsLatest = true")["records"]
    assert len({r["ContentDocumentId"] for r in seeded}) == sf.query("SELECT COUNT() FROM ContentDocument")["totalSize"]


def test_field_history_outlives_its_record(sf: Salesforce, org: Sandbox) -> None:
    """It can't be deleted or made; a setting lets it go along."""
    contact = person(sf)
    sf.Contact.update(contact, {"Email": "annan@x.example"})
    row = sf.query(
        format_soql("SELECT Id, Field, OldValue, NewValue FROM ContactHistory WHERE ContactId = {}", contact)
    )["records"]
    assert [(r["Field"], r["OldValue"], r["NewValue"]) for r in row] == [("Email", "bort@x.example", "annan@x.example")]
    assert code(sf, "ContactHistory", row[0]["Id"]) == "INSUFFICIENT_ACCESS_OR_READONLY"
    with pytest.raises(SalesforceMalformedRequest):
        sf.ContactHistory.create({})
    sf.Contact.delete(contact)
    purge(org, "Contact", contact)
    assert state(sf, "ContactHistory", row[0]["Id"]) is False
    with settings(org, history_cascades=True):
        other = person(sf)
        sf.Contact.update(other, {"Phone": "+4610"})
        row = sf.query(format_soql("SELECT Id FROM ContactHistory WHERE ContactId = {}", other))["records"]
        sf.Contact.delete(other)
        purge(org, "Contact", other)
        assert state(sf, "ContactHistory", row[0]["Id"]) is None


def test_the_recycle_bin_empties_after_15_days(sf: Salesforce, org: Sandbox) -> None:
    """By the org's clock."""
    contact = person(sf)
    sf.Contact.delete(contact)
    with settings(org, clock=14 * DAY):
        assert state(sf, "Contact", contact) is True
    with settings(org, clock=15 * DAY + 60):
        assert state(sf, "Contact", contact) is None
    assert not undelete(org, "Contact", contact)
    with settings(org, purge_delay=DAY):
        late = person(sf)
        sf.Contact.delete(late)
        assert purge(org, "Contact", late)
        assert state(sf, "Contact", late) is True
        assert not undelete(org, "Contact", late)
    with settings(org, clock=DAY + 60):
        assert state(sf, "Contact", late) is None


def test_every_object_of_the_catalogue_keeps_its_word(sf: Salesforce) -> None:
    """What describe calls deletable and updateable is what the API does."""
    for name, kind in CATALOGUE.items():
        rows = (
            sf.query(format_soql("SELECT Id FROM {:literal} LIMIT 1", name))["records"]
            if name != "ContentDocumentLink"
            else []
        )
        for row in rows:
            if not kind.deletable:
                assert code(sf, name, row["Id"]) == "INSUFFICIENT_ACCESS_OR_READONLY"
            if not kind.writable:
                with pytest.raises(SalesforceMalformedRequest):
                    getattr(sf, name).update(row["Id"], {})


def test_deletions_survive_a_restart(sf: Salesforce, org: Sandbox) -> None:
    """The bin, and what went along."""
    contact = person(sf)
    note = make(sf, "Note", ParentId=contact, Title="x")
    sf.Contact.delete(contact)
    again = Records(Store(org.folder, "salesforce"))
    assert {contact, note} <= {r["Id"] for _, r in again.binned()}
    assert again.purge("Contact", contact)
    assert note not in again.of(CATALOGUE["Note"])


def test_neighbours_stay_as_they_are(sf: Salesforce, org: Sandbox) -> None:
    """Deleting a person of the crowd by the vendor's order changes only what refers to that person."""
    victim, kinds = salesforce_contact_id("p000000"), [k for k in CATALOGUE if k != "ContentDocumentLink"]
    before = {k: _all(sf, k) for k in kinds}
    assert victim in before["Contact"]
    sf.Contact.delete(victim)
    after = {k: _all(sf, k) for k in kinds}
    changed = {
        (k, i): row for k in kinds for i, row in after[k].items() if row != before[k].get(i)
    }  # fmt: skip
    assert all(set(before[k]) == set(after[k]) for k in kinds)
    assert ("Contact", victim) in changed
    for (k, i), row in changed.items():
        old = before[k][i]
        assert i == victim or victim in old.values() or old.get("TaskId") in [c for _, c in changed], (k, i, row)


def _all(sf: Salesforce, kind: str) -> dict[str, dict[str, Any]]:
    names = [f["name"] for f in getattr(sf, kind).describe()["fields"] if f["type"] != "address"]
    query = format_soql("SELECT {:literal} FROM {:literal}", ", ".join(names), kind)
    return {r["Id"]: r for r in sf.query_all(query, include_deleted=True)["records"]}
