"""Changing records in the sandbox's Salesforce: what is checked, what changes along, what refuses."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from running_sandbox import Sandbox
from salesforce_server import serving, settings, simple_salesforce
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest
from simple_salesforce.format import format_soql

from sandbox.ids import salesforce_contact_id, salesforce_id, salesforce_lead_id


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with serving(tmp_path_factory.mktemp("salesforce"), people=8) as running:
        yield running


@pytest.fixture(scope="module")
def sf(org: Sandbox) -> Salesforce:
    """Signed in by JWT bearer."""
    return simple_salesforce(org)


def test_every_write_moves_the_version(sf: Salesforce) -> None:
    """SystemModstamp and LastModifiedDate, also twice within a millisecond and when nothing changes."""
    contact = sf.Contact.create({"LastName": "V"})["id"]
    seen = set()
    for values in ({"Phone": "1"}, {"Phone": "2"}, {"Phone": "2"}):
        sf.Contact.update(contact, values)
        now = sf.Contact.get(contact)
        seen.add((now["SystemModstamp"], now["LastModifiedDate"]))
    assert len(seen) == 3


def test_a_write_on_condition(sf: Salesforce) -> None:
    """412 when the record changed after the date, and nothing is written."""
    contact = sf.Contact.create({"LastName": "V", "Phone": "1"})["id"]
    changed = datetime.fromisoformat(sf.Contact.get(contact)["LastModifiedDate"])
    old = {"If-Unmodified-Since": format_datetime(changed - timedelta(seconds=2), usegmt=True).replace("UTC", "GMT")}
    for write in (lambda: sf.Contact.update(contact, {"Phone": "2"}, headers=old),
                  lambda: sf.Contact.delete(contact, headers=old)):  # fmt: skip
        with pytest.raises(SalesforceGeneralError) as refused:
            write()
        assert refused.value.status == 412
    assert sf.Contact.get(contact)["Phone"] == "1"
    new = {"If-Unmodified-Since": format_datetime(changed + timedelta(seconds=2))}
    assert sf.Contact.update(contact, {"Phone": "2"}, headers=new) == 204
    with pytest.raises(SalesforceMalformedRequest):
        sf.Contact.update(contact, {"Phone": "3"}, headers={"If-Unmodified-Since": "yesterday"})


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Birthdate": "the third"}, "JSON_PARSER_ERROR"),
        ({"EmailBouncedDate": "then"}, "JSON_PARSER_ERROR"),
        ({"Shoe_Size__c": "38"}, "JSON_PARSER_ERROR"),
        ({"Title": ["x"]}, "JSON_PARSER_ERROR"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"Title": "x" * 256}, "STRING_TOO_LONG"),
        ({"AccountId": "x"}, "MALFORMED_ID"),
        ({"AccountId": salesforce_lead_id("canary")}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"AccountId": salesforce_id("001", "nobody")}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_values_are_checked(sf: Salesforce, values: dict[str, Any], code: str) -> None:
    """A value that a field can't hold is refused, and the record is as it was."""
    contact = salesforce_contact_id("canary")
    before = sf.Contact.get(contact)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Contact.update(contact, values)
    assert refused.value.content[0]["errorCode"] == code
    assert sf.Contact.get(contact) == before


def test_hidden_fields_can_not_be_written(sf: Salesforce, org: Sandbox) -> None:
    """Field-level security holds for writing too, also in lists."""
    contact = salesforce_contact_id("canary")
    with settings(org, hidden_fields=["Contact.Title"]):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            sf.Contact.update(contact, {"Title": "x"})
        assert refused.value.content[0]["errorCode"] == "INVALID_FIELD"
    with settings(org, hidden_objects=["Contact"]):
        answer = sf.restful("composite/sobjects", {"ids": contact}, method="DELETE")
        assert answer is not None
        assert answer[0]["errors"][0]["statusCode"] == "NOT_FOUND"


def test_copies_follow_the_contact(sf: Salesforce) -> None:
    """What an anonymised contact's campaign members and cases show; a case without contact shows nobody."""
    contact = salesforce_contact_id("colleague")
    new = {"FirstName": "", "LastName": "Anonym", "Email": "anonym@x.example", "MobilePhone": ""}
    sf.Contact.update(contact, new)
    member = sf.query(format_soql("SELECT Name, Email, MobilePhone FROM CampaignMember WHERE ContactId = {}", contact))[
        "records"
    ][0]
    assert (member["Name"], member["Email"], member["MobilePhone"]) == ("Anonym", "anonym@x.example", None)
    case = sf.query(format_soql("SELECT Id, ContactEmail, ContactMobile FROM Case WHERE ContactId = {}", contact))[
        "records"
    ][0]
    assert (case["ContactEmail"], case["ContactMobile"]) == ("anonym@x.example", None)
    sf.Case.update(case["Id"], {"ContactId": None})
    assert sf.Case.get(case["Id"])["ContactEmail"] is None


def test_a_person_account_and_its_contact_are_one(sf: Salesforce) -> None:
    """Both ways."""
    contact = salesforce_contact_id("plus_address")
    account = sf.Contact.get(contact)["AccountId"]
    sf.Account.update(account, {"PersonEmail": "nytt@x.example"})
    assert sf.Contact.get(contact)["Email"] == "nytt@x.example"
    sf.Contact.update(contact, {"MobilePhone": "+46700000000"})
    assert sf.Account.get(account)["PersonMobilePhone"] == "+46700000000"


def test_a_tasks_relation_follows_its_person(sf: Salesforce) -> None:
    """WhoId emptied: nobody is found by the relation any more."""
    contact = sf.Contact.create({"LastName": "T"})["id"]
    task = sf.Task.create({"WhoId": contact, "Status": "Open", "Priority": "Low"})["id"]
    query = format_soql("SELECT COUNT() FROM TaskRelation WHERE RelationId = {}", contact)
    assert sf.query(query)["totalSize"] == 1
    sf.Task.update(task, {"WhoId": None})
    assert sf.query(query)["totalSize"] == 0


def test_single_records_can_be_made_to_refuse(sf: Salesforce, org: Sandbox) -> None:
    """A validation rule, a lock: the others of the list are done."""
    one, other = (sf.Contact.create({"LastName": "R"})["id"] for _ in range(2))
    rule = {"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No", "object": "Contact", "id": one,
            "verb": "update", "times": 1}  # fmt: skip
    lock = {"code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "id": other, "times": 1}
    rows = [{"attributes": {"type": "Contact"}, "id": i, "Phone": "7"} for i in (one, other)]
    body = {"allOrNone": False, "records": rows}
    with settings(org, record_faults=[rule, lock]):
        answers = [sf.restful("composite/sobjects", method="PATCH", json=body) or [] for _ in range(2)]
    codes = [[r["success"] or r["errors"][0]["statusCode"] for r in a] for a in answers]
    assert codes == [["FIELD_CUSTOM_VALIDATION_EXCEPTION", "UNABLE_TO_LOCK_ROW"], [True, True]]


def test_lists_of_writes(sf: Salesforce, org: Sandbox) -> None:
    """Created, changed, deleted in one call each; each row answers for itself, whatever it is."""
    org.forget()
    new = [{"attributes": {"type": "Contact"}, "LastName": "L"}, {"attributes": {"type": "Lead"}, "LastName": "L"}, 7]
    made = sf.restful("composite/sobjects", method="POST", json={"records": new}) or []
    assert [r["success"] for r in made] == [True, False, False]
    assert made[1]["errors"][0]["fields"] == ["Company"]
    ids = ",".join([made[0]["id"], salesforce_id("003", "nobody"), "x", salesforce_id("ZZZ", "x")])
    gone = sf.restful("composite/sobjects", {"ids": ids}, method="DELETE") or []
    codes = [r["success"] or r["errors"][0]["statusCode"] for r in gone]
    assert codes == [True, "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "NOT_FOUND"]
    assert len(org.calls("salesforce")) == 2


def test_a_composite_that_fails_undoes_all_of_its_lists(sf: Salesforce) -> None:
    """Also a list that was undone in part by itself."""
    one, two, blocked = (sf.Contact.create({"LastName": "U"})["id"] for _ in range(3))
    sf.Case.create({"ContactId": blocked})
    root = "/services/data/v67.0/composite/sobjects"
    parts = [
        {"method": "DELETE", "url": f"{root}?ids={one}", "referenceId": "a"},
        {"method": "DELETE", "url": f"{root}?ids={two},{blocked}&allOrNone=true", "referenceId": "b"},
        {"method": "GET", "url": "/services/data/v67.0/sobjects/Nope/describe", "referenceId": "c"},
    ]
    sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})
    assert [sf.Contact.get(i)["IsDeleted"] for i in (one, two, blocked)] == [False] * 3
