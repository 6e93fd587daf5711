"""Composite and Collections of the sandbox's Salesforce."""

from collections.abc import Iterator
from typing import Any

import pytest
from running_sandbox import Sandbox
from salesforce_server import serving, simple_salesforce
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

ROOT = "/services/data/v67.0"


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with serving(tmp_path_factory.mktemp("salesforce"), people=8) as running:
        yield running


@pytest.fixture(scope="module")
def sf(org: Sandbox) -> Salesforce:
    """Signed in by JWT bearer."""
    return simple_salesforce(org)


def composite(sf: Salesforce, *requests: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    """The answers, in order."""
    numbered = [{"referenceId": f"r{n}", **r} for n, r in enumerate(requests)]
    body = {"allOrNone": all_or_none, "compositeRequest": numbered}
    answer = sf.restful("composite", method="POST", json=body)
    assert answer is not None
    parts: list[dict[str, Any]] = answer["compositeResponse"]
    return parts


def get(path: str) -> dict[str, Any]:
    """A GET inside."""
    return {"method": "GET", "url": f"{ROOT}/{path}"}


def test_one_call_for_many_with_references(sf: Salesforce, org: Sandbox) -> None:
    """An id from one answer used in the next; counted once."""
    org.forget()
    made, task, read = composite(
        sf,
        {"method": "POST", "url": f"{ROOT}/sobjects/Contact", "body": {"LastName": "Ett"}},
        {"method": "POST", "url": f"{ROOT}/sobjects/Task",
         "body": {"WhoId": "@{r0.id}", "Status": "Open", "Priority": "Low"}},
        get("queryAll?q=SELECT+Id,WhoId+FROM+Task+WHERE+WhoId='@{r0.id}'"),
    )  # fmt: skip
    assert [p["httpStatusCode"] for p in (made, task, read)] == [201, 201, 200]
    assert read["body"]["records"][0]["WhoId"] == made["body"]["id"]
    assert len(org.calls("salesforce")) == 1


def test_one_error_does_not_stop_the_rest(sf: Salesforce) -> None:
    """Unless allOrNone says so; a broken reference is PROCESSING_HALTED."""
    parts = composite(
        sf, get("sobjects/Nope/describe"), get("sobjects/Contact/@{r0.id}"), get("sobjects/Lead/describe")
    )
    assert [p["httpStatusCode"] for p in parts] == [404, 400, 200]
    assert parts[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    post = {"method": "POST", "url": f"{ROOT}/sobjects/Contact", "body": {"LastName": "Ångrad"}}
    parts = composite(sf, post, get("sobjects/Nope/describe"), all_or_none=True)
    assert [p["httpStatusCode"] for p in parts] == [400, 404]
    assert sf.query("SELECT COUNT() FROM Contact WHERE LastName = 'Ångrad'")["totalSize"] == 0


def test_limits(sf: Salesforce) -> None:
    """25 requests, five of them queries; no binaries; reference ids unique."""
    assert len(composite(sf, *[get("sobjects/Lead/describe")] * 25)) == 25
    query = get("query?q=SELECT+Id+FROM+Contact+LIMIT+1")
    for wrong in ([get("sobjects/Lead/describe")] * 26, [query] * 6):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            composite(sf, *wrong)
        assert refused.value.content[0]["errorCode"] == "LIMIT_EXCEEDED"
    with pytest.raises(SalesforceMalformedRequest):
        composite(sf, {**query, "referenceId": "a"}, {**query, "referenceId": "a"})
    version = sf.query("SELECT Id FROM ContentVersion LIMIT 1")["records"][0]["Id"]
    assert composite(sf, get(f"sobjects/ContentVersion/{version}/VersionData"))[0]["httpStatusCode"] == 404


def test_collections_change_and_delete_mixed_types(sf: Salesforce) -> None:
    """Each record answers for itself."""
    contact, lead = sf.Contact.create({"LastName": "C"})["id"], sf.Lead.create({"LastName": "L", "Company": "K"})["id"]
    rows = [
        {"attributes": {"type": "Contact"}, "id": contact, "HasOptedOutOfEmail": True},
        {"attributes": {"type": "Lead"}, "id": lead, "Hair": "red"},
    ]
    changed = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": rows})
    assert changed is not None
    assert [r["success"] for r in changed] == [True, False]
    assert changed[1]["errors"][0]["statusCode"] == "INVALID_FIELD"
    ids = f"{contact},{lead},{contact}"
    deleted = sf.restful("composite/sobjects", {"ids": ids, "allOrNone": "false"}, method="DELETE")
    assert deleted is not None
    assert [r["success"] for r in deleted] == [True, True, False]
    assert deleted[2]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"


def test_all_or_none_puts_everything_back(sf: Salesforce) -> None:
    """The contact is there again when the other can't go."""
    contact, blocked = sf.Contact.create({"LastName": "C"})["id"], sf.Contact.create({"LastName": "B"})["id"]
    sf.Case.create({"ContactId": blocked})
    ids = {"ids": f"{contact},{blocked}", "allOrNone": "true"}
    answer = sf.restful("composite/sobjects", ids, method="DELETE")
    assert answer is not None
    codes = [r["errors"][0]["statusCode"] for r in answer]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DELETE_FAILED"]
    assert sf.Contact.get(contact)["IsDeleted"] is False


def test_collections_take_200(sf: Salesforce) -> None:
    """No more."""
    with pytest.raises(SalesforceMalformedRequest):
        sf.restful("composite/sobjects", {"ids": ",".join(["003000000000001AAA"] * 201)}, method="DELETE")
