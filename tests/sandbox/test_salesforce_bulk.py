"""Bulk API 2.0 of the sandbox's Salesforce, with simple-salesforce where it has the call."""

import csv
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from running_sandbox import Sandbox
from salesforce_server import serving, settings, simple_salesforce
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest
from simple_salesforce.format import format_soql

from sandbox.ids import salesforce_id

HARD = {"object": "Contact", "operation": "hardDelete", "contentType": "CSV", "lineEnding": "LF"}


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with serving(tmp_path_factory.mktemp("salesforce"), people=8) as running:
        yield running


@pytest.fixture(scope="module")
def sf(org: Sandbox) -> Salesforce:
    """Signed in by JWT bearer; jobs are quick."""
    org.admin.post("/salesforce/settings", json={"bulk_delay": 0.03}).raise_for_status()
    return simple_salesforce(org)


def contacts(sf: Salesforce, count: int) -> list[str]:
    """New contacts."""
    return [sf.Contact.create({"LastName": "Bulk"})["id"] for _ in range(count)]


def there(sf: Salesforce, ids: list[str]) -> dict[str, bool]:
    """Id → whether it is in the recycle bin."""
    rows = sf.query(format_soql("SELECT Id, IsDeleted FROM Contact WHERE Id IN {}", ids), include_deleted=True)
    return {r["Id"]: r["IsDeleted"] for r in rows["records"]}


def call(sf: Salesforce, method: str, path: str, **more: Any) -> requests.Response:
    """A call below /jobs."""
    headers = {**sf.headers, **more.pop("headers", {})}
    return sf.session.request(method, f"{sf.base_url}jobs/{path}", headers=headers, **more)


def upload(sf: Salesforce, job: str, text: str) -> requests.Response:
    """The CSV of a job."""
    return call(sf, "PUT", f"ingest/{job}/batches", data=text.encode(), headers={"Content-Type": "text/csv"})


def test_delete_and_hard_delete(sf: Salesforce) -> None:
    """Into the bin; out of it for good; and past it."""
    ids = contacts(sf, 3)
    (done,) = sf.bulk2.Contact.delete(records=[{"Id": i} for i in ids[:2]], wait=0.05)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (2, 0)
    assert there(sf, ids) == {ids[0]: True, ids[1]: True, ids[2]: False}
    sf.bulk2.Contact.hard_delete(records=[{"Id": i} for i in ids[1:]], wait=0.05)
    assert there(sf, ids) == {ids[0]: True}


def test_what_fails_is_told_row_by_row(sf: Salesforce) -> None:
    """Code and message; the rest is done."""
    good, blocked, twice = contacts(sf, 3)
    sf.Case.create({"ContactId": blocked})
    sf.Contact.delete(twice)
    rows = [{"Id": i} for i in (good, blocked, twice, salesforce_id("003", "nobody"), "x")]
    (done,) = sf.bulk2.Contact.delete(records=rows, wait=0.05)
    assert done["numberRecordsFailed"] == 4
    every = sf.bulk2.Contact.get_all_ingest_records(done["job_id"])
    assert [(r["sf__Id"], r["sf__Created"]) for r in every["successfulRecords"]] == [(good, "false")]
    codes = [r["sf__Error"].partition(":")[0] for r in every["failedRecords"]]
    assert codes == ["DELETE_FAILED", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    assert every["unprocessedRecords"] == []


def test_hard_delete_needs_the_permission(sf: Salesforce, org: Sandbox) -> None:
    """The vendor's error on creation of the job."""
    with settings(org, bulk_hard_delete=False):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            sf.bulk2.Contact.hard_delete(records=[{"Id": contacts(sf, 1)[0]}], wait=0.05)
        assert refused.value.content[0]["errorCode"] == "FEATURENOTENABLED"


def test_hard_delete_may_refuse_what_is_in_the_bin(sf: Salesforce, org: Sandbox) -> None:
    """A setting, since the vendor's pages don't say."""
    (contact,) = contacts(sf, 1)
    sf.Contact.delete(contact)
    with settings(org, hard_delete_binned=False):
        (done,) = sf.bulk2.Contact.hard_delete(records=[{"Id": contact}], wait=0.05)
    assert done["numberRecordsFailed"] == 1
    assert there(sf, [contact]) == {contact: True}


def test_update(sf: Salesforce) -> None:
    """An empty column changes nothing, #N/A empties, types are read from text."""
    (contact,) = contacts(sf, 1)
    sf.Contact.update(contact, {"Phone": "1", "Title": "T"})
    row = {"Id": contact, "Phone": "", "Title": "#N/A", "HasOptedOutOfEmail": "true", "Shoe_Size__c": "38.5"}
    (done,) = sf.bulk2.Contact.update(records=[row], wait=0.05)
    assert done["numberRecordsFailed"] == 0
    now = sf.Contact.get(contact)
    assert (now["Phone"], now["Title"], now["HasOptedOutOfEmail"], now["Shoe_Size__c"]) == ("1", None, True, 38.5)
    (done,) = sf.bulk2.Contact.update(records=[{"Id": contact, "DoNotCall": "maybe"}], wait=0.05)
    assert done["numberRecordsFailed"] == 1
    (done,) = sf.bulk2.Contact.insert(records=[{"LastName": "Ny", "FirstName": "B"}], wait=0.05)
    made = list(csv.DictReader(sf.bulk2.Contact.get_successful_records(done["job_id"]).splitlines()))
    assert made[0]["sf__Created"] == "true"
    assert sf.Contact.get(made[0]["sf__Id"])["Name"] == "B Ny"


def test_states_by_the_orgs_clock(sf: Salesforce, org: Sandbox) -> None:
    """Open, UploadComplete, InProgress, JobComplete; nothing happens before its time."""
    (contact,) = contacts(sf, 1)
    with settings(org, bulk_delay=3600, clock=0):
        job = call(sf, "POST", "ingest", json=HARD).json()
        path = f"ingest/{job['id']}"
        assert (job["state"], job["contentUrl"]) == ("Open", f"services/data/v67.0/jobs/{path}/batches")
        assert upload(sf, job["id"], f"Id\n{contact}\n").status_code == 201
        assert upload(sf, job["id"], f"Id\n{contact}\n").status_code == 400
        assert call(sf, "PATCH", path, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
        assert upload(sf, job["id"], "Id\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
        assert call(sf, "GET", f"{path}/successfulResults").status_code == 400
        for clock, state in ((60, "UploadComplete"), (1300, "InProgress"), (3500, "InProgress")):
            org.admin.post("/salesforce/settings", json={"clock": clock})
            assert call(sf, "GET", path).json()["state"] == state
        assert there(sf, [contact]) == {contact: False}
        org.admin.post("/salesforce/settings", json={"clock": 3700})
        done = call(sf, "GET", path).json()
        assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)
        assert there(sf, [contact]) == {}
        assert call(sf, "PATCH", path, json={"state": "Aborted"}).status_code == 400
        assert call(sf, "DELETE", path).status_code == 204
        assert call(sf, "GET", path).status_code == 404


def test_aborted_jobs_do_nothing(sf: Salesforce, org: Sandbox) -> None:
    """Whatever the time."""
    (contact,) = contacts(sf, 1)
    with settings(org, bulk_delay=3600, clock=0):
        job = call(sf, "POST", "ingest", json={**HARD, "operation": "delete"}).json()["id"]
        upload(sf, job, f"Id\n{contact}\n")
        call(sf, "PATCH", f"ingest/{job}", json={"state": "UploadComplete"})
        assert call(sf, "PATCH", f"ingest/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
        org.admin.post("/salesforce/settings", json={"clock": 9999})
        assert call(sf, "GET", f"ingest/{job}").json()["state"] == "Aborted"
    assert there(sf, [contact]) == {contact: False}


def test_a_job_that_fails_midway(sf: Salesforce, org: Sandbox) -> None:
    """What was done is done, what wasn't is told as unprocessed."""
    ids = contacts(sf, 3)
    with settings(org, bulk_failure="InternalServerError : try again", bulk_failure_after=1, bulk_delay=0):
        job = call(sf, "POST", "ingest", json={**HARD, "operation": "delete"}).json()["id"]
        upload(sf, job, "\n".join(["Id", *ids]) + "\n")
        call(sf, "PATCH", f"ingest/{job}", json={"state": "UploadComplete"})
        state = call(sf, "GET", f"ingest/{job}").json()
    assert (state["state"], state["errorMessage"]) == ("Failed", "InternalServerError : try again")
    assert there(sf, ids) == {ids[0]: True, ids[1]: False, ids[2]: False}
    left = call(sf, "GET", f"ingest/{job}/unprocessedrecords/").text.splitlines()
    assert left == ['"Id"', f'"{ids[1]}"', f'"{ids[2]}"']


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (HARD, "Id,Name\nx,y\n"),
        (HARD, "Id\r\nx\r\n"),
        (HARD, ""),
        ({**HARD, "operation": "update"}, "Id,Hair\nx,red\n"),
        ({**HARD, "operation": "update"}, "Id,Phone\nx\n"),
        ({**HARD, "operation": "update"}, "Phone\n1\n"),
    ],
)
def test_files_that_are_not_what_the_job_says(sf: Salesforce, body: dict[str, str], text: str) -> None:
    """The job fails as a whole."""
    job = call(sf, "POST", "ingest", json=body).json()["id"]
    upload(sf, job, text)
    call(sf, "PATCH", f"ingest/{job}", json={"state": "UploadComplete"})
    with pytest.raises(Exception, match="Job failure"):
        sf.bulk2.Contact._client.wait_for_job(job, False, 0.05)


@pytest.mark.parametrize(
    "changes",
    [{"operation": "shred"}, {"object": "ContactHistory"}, {"object": "Nope"}, {"object": "ContentVersion"},
     {"lineEnding": "CR"}, {"contentType": "JSON"}],
)  # fmt: skip
def test_jobs_that_can_not_be(sf: Salesforce, changes: dict[str, str]) -> None:
    """400 at once."""
    assert call(sf, "POST", "ingest", json={**HARD, **changes}).status_code == 400


def test_query(sf: Salesforce) -> None:
    """CSV in pages, related fields with a point, deleted rows by query_all."""
    (gone,) = contacts(sf, 1)
    sf.Contact.delete(gone)
    soql = "SELECT Id, Account.Name, IsDeleted FROM Contact"
    pages = list(sf.bulk2.Contact.query(soql, max_records=5, wait=0.05))
    assert len(pages) > 1
    rows = [r for p in pages for r in csv.DictReader(p.splitlines())]
    assert {r["Id"] for r in rows} == {r["Id"] for r in sf.query_all("SELECT Id FROM Contact")["records"]}
    assert any(r["Account.Name"] for r in rows)
    every = [r for p in sf.bulk2.Contact.query_all(soql, wait=0.05) for r in csv.DictReader(p.splitlines())]
    assert {"true", "false"} == {r["IsDeleted"] for r in every}
    assert gone in {r["Id"] for r in every}
    assert (
        call(sf, "POST", "query", json={"operation": "query", "query": "SELECT Nope FROM Contact"}).status_code == 400
    )


def test_calls_of_jobs_are_counted_and_not_composed(sf: Salesforce) -> None:
    """Each counts one; inside of Composite there are no jobs."""
    answer = call(sf, "GET", "ingest")
    before = int(answer.headers["Sforce-Limit-Info"].partition("=")[2].partition("/")[0])
    after = call(sf, "GET", "query").headers["Sforce-Limit-Info"]
    assert after.startswith(f"api-usage={before + 1}/")
    part = {"method": "GET", "url": "/services/data/v67.0/jobs/ingest", "referenceId": "a"}
    inside = sf.restful("composite", method="POST", json={"compositeRequest": [part]}) or {}
    assert inside["compositeResponse"][0]["httpStatusCode"] == 404
