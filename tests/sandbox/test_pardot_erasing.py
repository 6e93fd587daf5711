"""Account Engagement: permanent deletion, what brings a prospect back, opt-outs, tags, the lag of its reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pardot_server import PardotServer, serving
from served import served

from sandbox.people import populate
from sandbox.salesforce.records import Records
from sandbox.salesforce.system import Salesforce
from sandbox.salesforce.table import object_type
from sandbox.system import Options
from sandbox.wire import admin_app

DAY = 86400


@pytest.fixture
def crm(tmp_path: Path) -> Records:
    """The records of a Salesforce in the same folder."""
    return Salesforce(Options(tmp_path / "state", 10), populate(10)).api.records


@pytest.fixture
def server(crm: Records, tmp_path: Path) -> Iterator[PardotServer]:
    """A business unit that is connected to it."""
    with serving(tmp_path / "state", people=10) as server:
        yield server


@pytest.fixture
def api(server: PardotServer) -> Iterator[httpx.Client]:
    """A signed-in client."""
    with server.client() as client:
        yield client


@pytest.fixture
def admin(server: PardotServer) -> Iterator[httpx.Client]:
    """The admin port."""
    with served(admin_app(server.tap, server.system.admin_routes())) as url, httpx.Client(base_url=url) as client:
        yield client


def found(api: httpx.Client, email: str, deleted: str = "all", fields: str = "id") -> list[dict[str, Any]]:
    """The prospects of that address."""
    params = {"fields": fields, "email": email, "deleted": deleted}
    values: list[dict[str, Any]] = api.get("/objects/prospects", params=params).json()["values"]
    return values


def bulk(api: httpx.Client, action: str, *ids: int) -> str:
    """Start a bulk action; its path."""
    files = {
        "input": (None, json.dumps({"object": "Prospect", "action": action}), "application/json"),
        "file": ("ids.csv", "id\n" + "\n".join(str(i) for i in ids), "text/csv"),
    }
    answer = api.post("/bulk-actions", params={"fields": "id,status"}, files=files)
    assert answer.status_code == 201
    return answer.headers["location"].removeprefix("/api/v5")


def error(response: httpx.Response) -> tuple[int, int]:
    """Status and the vendor's number."""
    return response.status_code, response.json()["code"]


def forget(crm: Records, prospect: dict[str, Any], *, purge: bool) -> None:
    """The prospect's contact and lead out of the CRM, its cases first."""
    contact = prospect["salesforceContactId"]
    for row in list(crm.of(object_type("Case")).values()):
        if row.get("ContactId") == contact and not row["IsDeleted"]:
            crm.delete(object_type("Case"), row["Id"])
    for kind, record_id in (("Contact", contact), ("Lead", prospect["salesforceLeadId"])):
        if record_id:
            crm.delete(object_type(kind), record_id)
            assert not purge or crm.purge(kind, record_id)


def test_permanent_deletion_waits_for_the_crm(server: PardotServer, api: httpx.Client, crm: Records) -> None:
    """Refused while the contact or lead exists, by default also while that is in Salesforce's bin; days later done."""
    (prospect,) = found(api, server.population.canary.email, fields="id,salesforceContactId,salesforceLeadId")
    key = prospect["id"]
    api.delete(f"/objects/prospects/{key}").raise_for_status()
    server.system.settings.bulk_delay = 0
    for purge, holds in ((None, True), (False, True)):
        if purge is not None:
            forget(crm, prospect, purge=purge)
        server.system.settings.crm_bin_holds = holds
        job = bulk(api, "Permanent Delete", key)
        assert api.get(job, params={"fields": "status,errorCount"}).json() == {"status": "Complete", "errorCount": 1}
        assert "linked" in api.get(f"{job}/errors").text
        assert found(api, server.population.canary.email)
    server.system.settings.crm_bin_holds = False
    server.system.settings.bulk_delay = 30 * DAY
    job = bulk(api, "Permanent Delete", key)
    fields = {"fields": "status,percentComplete"}
    for days, status in ((1, "Waiting"), (16, "Processing"), (29, "Processing"), (31, "Complete")):
        server.system.settings.clock = days * DAY
        with server.client() as later:
            assert later.get(job, params=fields).json()["status"] == status
            assert bool(found(later, server.population.canary.email)) is (status != "Complete")


def test_what_hung_on_it_stays(server: PardotServer, api: httpx.Client, crm: Records) -> None:
    """Visitors, visits, e-mails without a prospect; a setting makes them nobody's. Its id is never given again."""
    first, second = server.population.canary, server.population.neighbours[0]
    server.system.settings.bulk_delay = 0
    for person, anonymous in ((first, False), (second, True)):
        server.system.settings.orphans_anonymous = anonymous
        (prospect,) = found(api, person.email, fields="id,salesforceContactId,salesforceLeadId")
        hanging = {"fields": "id,prospectId,prospect.email", "prospectId": prospect["id"]}
        before = api.get("/objects/visits", params=hanging).json()["values"]
        forget(crm, prospect, purge=True)
        api.delete(f"/objects/prospects/{prospect['id']}").raise_for_status()
        api.get(bulk(api, "Permanent Delete", prospect["id"]), params={"fields": "status"}).raise_for_status()
        assert error(api.get(f"/objects/prospects/{prospect['id']}", params={"fields": "id"})) == (404, 109)
        assert error(api.delete(f"/objects/prospects/{prospect['id']}")) == (404, 109)
        after = api.get("/objects/visits", params=hanging).json()["values"]
        assert [v["id"] for v in after] == ([] if anonymous else [v["id"] for v in before])
        assert all(v["prospect"] is None for v in after)
        one = api.get(f"/objects/visits/{before[0]['id']}", params={"fields": "prospectId"}).json()
        assert one == {"prospectId": None if anonymous else prospect["id"]}


def test_ids_are_not_given_twice(server: PardotServer, api: httpx.Client) -> None:
    """Also after the newest is gone for good."""
    server.system.settings.bulk_delay = 0
    made = api.post("/objects/prospects", json={"email": "ny@x.example"}).json()["id"]
    flags = "isDeleted,optedOut,isDoNotEmail,isDoNotCall"
    assert set(found(api, "ny@x.example", fields=flags)[0].values()) == {False}
    api.delete(f"/objects/prospects/{made}").raise_for_status()
    job = bulk(api, "Permanent Delete", made)
    assert api.get(job, params={"fields": "errorCount,createdAt"}).json()["errorCount"] == 0
    assert found(api, "ny@x.example") == []
    assert api.post("/objects/prospects", json={"email": "ny@x.example"}).json()["id"] > made
    assert len(api.get("/bulk-actions", params={"fields": "id,status"}).json()["values"]) == 1


def test_a_sync_brings_over_what_was_written_in_the_crm(
    server: PardotServer, api: httpx.Client, admin: httpx.Client, crm: Records
) -> None:
    """Nothing at first; then the binned one comes back with the CRM's opt-outs; a second run does nothing."""
    nothing = {"created": 0, "updated": 0, "restored": 0, "binned": 0}
    assert admin.post("/pardot/sync").json() == nothing
    neighbour = server.population.person("same_name")
    fields = "id,salesforceContactId,isDoNotCall,optedOut"
    (prospect,) = found(api, neighbour.email, fields=fields)
    assert prospect["isDoNotCall"] is False
    api.delete(f"/objects/prospects/{prospect['id']}").raise_for_status()
    assert admin.post("/pardot/sync").json() == nothing
    crm.change(object_type("Contact"), prospect["salesforceContactId"], {"HasOptedOutOfEmail": True})
    assert admin.post("/pardot/sync").json() == {**nothing, "restored": 1, "updated": 1}
    (now,) = found(api, neighbour.email, "false", fields)
    assert (now["optedOut"], now["isDoNotCall"]) == (True, True)
    assert admin.post("/pardot/sync").json() == nothing
    forget(crm, {**prospect, "salesforceLeadId": None}, purge=False)
    assert admin.post("/pardot/sync").json() == {**nothing, "binned": 1}
    assert found(api, neighbour.email, "false") == []
    assert admin.post("/pardot/sync").json() == nothing
    crm.create(object_type("Contact"), {"LastName": "Ny", "Email": "ny@x.example"})
    assert admin.post("/pardot/sync").json() == nothing
    assert admin.post("/pardot/sync", json={"create": True}).json() == {**nothing, "created": 1}
    assert admin.post("/pardot/sync", json={"create": True}).json() == nothing
    assert found(api, "ny@x.example", fields="lastName") == [{"lastName": "Ny"}]


def test_a_form_brings_a_binned_prospect_back(server: PardotServer, api: httpx.Client, admin: httpx.Client) -> None:
    """And makes one of an address that is unknown."""
    email = server.population.neighbours[0].email
    key = found(api, email)[0]["id"]
    api.delete(f"/objects/prospects/{key}").raise_for_status()
    answer = admin.post("/pardot/form", json={"email": email}).json()
    assert (answer["prospectId"], answer["prospect"]) == (key, "restored")
    assert found(api, email, "false") == [{"id": key}]
    params = {"fields": "type,prospectId"}
    activity = api.get(f"/objects/visitor-activities/{answer['activityId']}", params=params).json()
    assert activity == {"type": 4, "prospectId": key}
    assert admin.post("/pardot/form", json={"email": "okand@x.example"}).json()["prospect"] == "created"
    assert found(api, "okand@x.example", "false")


def test_reads_lag_behind_writes(server: PardotServer, api: httpx.Client) -> None:
    """A change, a deletion and a new record are seen later; writes see them at once."""
    email = server.population.canary.email
    key = found(api, email)[0]["id"]
    server.system.settings.lag = 60
    api.patch(f"/objects/prospects/{key}", json={"phone": "1"}).raise_for_status()
    api.patch(f"/objects/prospects/{key}", json={"phone": "2"}).raise_for_status()
    made = api.post("/objects/prospects", json={"email": "ny@x.example"}).json()["id"]
    path, fields = f"/objects/prospects/{key}", {"fields": "phone,isDeleted"}
    assert api.get(path, params=fields).json()["phone"] == "070-174 06 05"
    assert found(api, "ny@x.example") == []
    assert error(api.get(f"/objects/prospects/{made}", params={"fields": "id"})) == (404, 109)
    api.delete(path).raise_for_status()
    assert api.get(path, params=fields).json()["isDeleted"] is False
    assert error(api.delete(path)) == (400, 219)
    server.system.settings.clock = 61
    assert api.get(path, params=fields).json() == {"phone": "2", "isDeleted": True}
    assert found(api, "ny@x.example") == [{"id": made}]


def test_list_memberships_and_tags_go(server: PardotServer, api: httpx.Client) -> None:
    """A membership into its bin, a tag off the prospect; a tag itself only when nothing carries it."""
    key = found(api, server.population.canary.email)[0]["id"]
    params = {"fields": "id", "prospectId": key}
    first = api.get("/objects/list-memberships", params=params).json()["values"][0]["id"]
    path = f"/objects/list-memberships/{first}"
    assert api.delete(path).status_code == 204
    assert first not in [v["id"] for v in api.get("/objects/list-memberships", params=params).json()["values"]]
    assert error(api.patch(path, json={"optedOut": True})) == (400, 219)
    tagged = {"fields": "tagId", "objectType": "Prospect", "objectId": key}
    tags = [v["tagId"] for v in api.get("/objects/tagged-objects", params=tagged).json()["values"]]
    assert len(tags) == 2
    assert error(api.delete(f"/objects/tags/{tags[0]}")) == (405, 108)
    for tag in tags:
        assert api.post(f"/objects/prospects/{key}/do/removeTag", json={"tagId": tag}).status_code == 200
        assert error(api.post(f"/objects/prospects/{key}/do/removeTag", json={"tagId": tag})) == (404, 109)
    assert api.get("/objects/tagged-objects", params=tagged).json()["values"] == []
    unused = api.get("/objects/tags", params={"fields": "id", "name": 'Händler "Ost"'}).json()["values"][0]["id"]
    assert api.delete(f"/objects/tags/{unused}").status_code == 204
    assert error(api.get(f"/objects/tags/{unused}", params={"fields": "id"})) == (404, 109)
    assert api.post(f"/objects/prospects/{key}/do/addTag", json={"tagName": "Hot"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"isDoNotEmail": "true"}, {"score": "1"}, {"phone": 1}, {"email": None}, {"email": "nobody"}, {"campaignId": 1},
     {"favouriteTopics__c": "x"}, {}],
)  # fmt: skip
def test_values_are_checked(server: PardotServer, api: httpx.Client, body: dict[str, Any]) -> None:
    """What a field can't hold is refused, not kept."""
    key = found(api, server.population.canary.email)[0]["id"]
    assert error(api.patch(f"/objects/prospects/{key}", json=body)) == (400, 71)


def test_memberships_lead_somewhere_and_stay_there(server: PardotServer, api: httpx.Client) -> None:
    """List and prospect must exist and can't be changed afterwards."""
    assert error(api.post("/objects/list-memberships", json={"listId": 301, "prospectId": 1})) == (400, 71)
    key = found(api, server.population.canary.email)[0]["id"]
    params = {"fields": "id", "prospectId": key}
    first = api.get("/objects/list-memberships", params=params).json()["values"][0]["id"]
    assert error(api.patch(f"/objects/list-memberships/{first}", json={"listId": 302})) == (400, 71)


def test_the_other_code_for_binned_records(server: PardotServer, api: httpx.Client) -> None:
    """132 instead of 219, by a setting."""
    server.system.settings.binned_code = 132
    key = found(api, server.population.canary.email)[0]["id"]
    api.delete(f"/objects/prospects/{key}").raise_for_status()
    assert error(api.delete(f"/objects/prospects/{key}")) == (400, 132)
    assert error(api.post(f"/objects/prospects/{key}/do/addTag", json={"tagName": "Hot"})) == (400, 132)
