"""Account Engagement's writes: recycle bin, undelete, opt-outs, permanent deletion as a job."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pardot_server import PardotServer, serving

from sandbox.pardot.system import Pardot as System
from sandbox.people import populate
from sandbox.system import Options


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PardotServer]:
    """A business unit of its own, since these tests change it."""
    with serving(tmp_path / "state", people=10) as server:
        yield server


@pytest.fixture
def api(server: PardotServer) -> Iterator[httpx.Client]:
    """A signed-in client."""
    with server.client() as client:
        yield client


def prospect(api: httpx.Client, email: str, deleted: str = "all") -> int:
    """The id of the prospect of that address."""
    params = {"fields": "id", "email": email, "deleted": deleted}
    (found,) = api.get("/objects/prospects", params=params).json()["values"]
    return int(found["id"])


def error(response: httpx.Response) -> tuple[int, int]:
    """Status and the vendor's number."""
    return response.status_code, response.json()["code"]


def test_patch_changes_what_may_be_changed(server: PardotServer, api: httpx.Client) -> None:
    """Opt-outs and custom fields; not ids, not what nobody knows. It is there after a restart."""
    path = f"/objects/prospects/{prospect(api, server.population.canary.email)}"
    changes = {"isDoNotEmail": True, "isDoNotCall": True, "language__c": "en"}
    assert api.patch(path, json=changes).status_code == 200
    fields = "isDoNotEmail,isDoNotCall,language__c,optedOut"
    assert api.get(path, params={"fields": fields}).json() == {**changes, "optedOut": False}
    for wrong in ({"id": 1}, {"hair": "red"}, {"salesforceId": "x"}):
        assert error(api.patch(path, json=wrong)) == (400, 71)
    assert error(api.patch(path, content=b"{")) == (400, 61)
    again = System(Options(server.system._options.folder, 10), populate(10))
    assert again._store["prospects"][path.rpartition("/")[2]]["language__c"] == "en"


def test_list_opt_out_is_independent_of_the_prospects(server: PardotServer, api: httpx.Client) -> None:
    """Both must be set to object."""
    key = prospect(api, server.population.canary.email)
    params = {"fields": "id,optedOut", "prospectId": key}
    first = api.get("/objects/list-memberships", params=params).json()["values"][0]
    assert first["optedOut"] is False
    api.patch(f"/objects/prospects/{key}", json={"isDoNotEmail": True}).raise_for_status()
    assert api.get("/objects/list-memberships", params=params).json()["values"][0]["optedOut"] is False
    api.patch(f"/objects/list-memberships/{first['id']}", json={"optedOut": True}).raise_for_status()
    assert api.get("/objects/list-memberships", params=params).json()["values"][0]["optedOut"] is True


def test_delete_bins_and_does_not_cascade(server: PardotServer, api: httpx.Client) -> None:
    """204; only `deleted=` shows it; what hung on it stays; a second time is an error; undelete brings it back."""
    email = server.population.canary.email
    key = prospect(api, email)
    hanging = {"fields": "id", "prospectId": key}
    before = api.get("/objects/visits", params=hanging).json()["values"]
    assert api.delete(f"/objects/prospects/{key}").status_code == 204
    assert api.get("/objects/prospects", params={"fields": "id", "email": email}).json()["values"] == []
    assert prospect(api, email, "true") == key
    assert api.get("/objects/visits", params=hanging).json()["values"] == before != []
    assert error(api.delete(f"/objects/prospects/{key}")) == (400, 219)
    assert error(api.patch(f"/objects/prospects/{key}", json={"phone": "1"})) == (400, 219)
    assert api.post("/objects/prospects/do/undelete", json={"matchEmail": email.upper()}).json()["id"] == key
    assert prospect(api, email, "false") == key
    assert error(api.post("/objects/prospects/do/undelete", json={"matchEmail": email})) == (404, 109)


def test_create_takes_a_second_prospect_with_the_same_address(server: PardotServer, api: httpx.Client) -> None:
    """The vendor allows it; a membership twice is a duplicate."""
    email = server.population.canary.email
    made = api.post("/objects/prospects", json={"email": email})
    assert made.status_code == 201
    values = api.get("/objects/prospects", params={"fields": "id", "email": email}).json()["values"]
    assert made.json()["id"] in [v["id"] for v in values]
    assert len(values) == 2
    assert error(api.post("/objects/prospects", json={"firstName": "Å"})) == (400, 71)
    membership = {"listId": 301, "prospectId": made.json()["id"]}
    assert api.post("/objects/list-memberships", json=membership).status_code == 201
    assert error(api.post("/objects/list-memberships", json=membership)) == (400, 9)
    assert error(api.post("/objects/visits", json={})) == (400, 71)
    assert error(api.delete("/objects/lists/301")) == (404, 192)


def test_unreadable_bin(server: PardotServer, api: httpx.Client) -> None:
    """A setting, since the vendor doesn't say whether a binned record can be read by id."""
    key = prospect(api, server.population.canary.emails[1])
    path = f"/objects/prospects/{key}"
    assert api.get(path, params={"fields": "isDeleted"}).json() == {"isDeleted": True}
    server.system.settings.binned_readable = False
    assert error(api.get(path, params={"fields": "isDeleted"})) == (400, 219)


def bulk(api: httpx.Client, action: str, ids: list[int]) -> httpx.Response:
    """Start a bulk action."""
    files = {
        "input": (None, json.dumps({"object": "Prospect", "action": action}), "application/json"),
        "file": ("ids.csv", "id\n" + "\n".join(str(i) for i in ids), "text/csv"),
    }
    return api.post("/bulk-actions", params={"fields": "id,status"}, files=files)


def test_permanent_deletion_is_a_job_that_takes_its_time(server: PardotServer, api: httpx.Client) -> None:
    """Only what is in the recycle bin goes, only once the job is done; what failed is told per id."""
    server.system.settings.bulk_delay = 1000
    current = prospect(api, server.population.canary.email)
    binned = prospect(api, server.population.canary.emails[1])
    started = bulk(api, "Permanent Delete", [current, binned, 1])
    assert started.status_code == 201
    job = started.headers["location"].removeprefix("/api/v5")
    fields = {"fields": "status,processedCount,errorCount"}
    assert api.get(job, params=fields).json() == {"status": "Waiting", "processedCount": 0, "errorCount": 0}
    assert api.get(f"/objects/prospects/{binned}", params={"fields": "id"}).status_code == 200
    server.system.settings.clock = 1001
    assert api.get(job, params=fields).json() == {"status": "Complete", "processedCount": 3, "errorCount": 2}
    assert error(api.get(f"/objects/prospects/{binned}", params={"fields": "id"})) == (404, 109)
    assert api.get(f"/objects/prospects/{current}", params={"fields": "id"}).status_code == 200
    told = api.get(f"{job}/errors").text.splitlines()
    assert told == ["id,error", f"{current},not in the recycle bin", "1,not found"]
    assert api.get("/objects/visits", params={"fields": "id", "prospectId": binned}).json()["values"]


def test_bulk_delete_bins(server: PardotServer, api: httpx.Client) -> None:
    """The other action."""
    server.system.settings.bulk_delay = 0
    current = prospect(api, server.population.canary.email)
    bulk(api, "Delete", [current]).raise_for_status()
    assert prospect(api, server.population.canary.email, "true") == current


def test_bulk_refuses_what_it_does_not_know(api: httpx.Client) -> None:
    """Action, parts, columns, jobs."""
    assert error(bulk(api, "Forget", [1])) == (400, 71)
    assert error(api.post("/bulk-actions", data={"input": "{}"})) == (400, 71)
    files = {"input": (None, '{"object":"Prospect","action":"Delete"}'), "file": ("a.csv", "name\n1", "text/csv")}
    assert error(api.post("/bulk-actions", files=files)) == (400, 71)
    assert error(api.get("/bulk-actions/5", params={"fields": "id"})) == (404, 109)
    assert error(api.get("/bulk-actions/5/6", params={"fields": "id"})) == (404, 192)
