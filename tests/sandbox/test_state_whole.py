"""The whole sandbox at once, through the wire: its state, snapshots, imports and clock."""

import base64
import ssl
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import psycopg
import pytest
from botocore.config import Config
from running_sandbox import Sandbox, start_sandbox, stop_sandbox

from sandbox.comparison import Change, difference
from sandbox.webinars.seed import LAUNCH

pytestmark = pytest.mark.thorough

SOURCES = {"salesforce", "pardot", "invoicing", "recordings", "webinars"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of its own: these tests change everything."""
    process, made = start_sandbox(tmp_path_factory.mktemp("whole") / "state", "--people", "12")
    yield made
    stop_sandbox(process)


def state(sandbox: Sandbox, *systems: str) -> list[str]:
    answer = sandbox.admin.get("/state", params={"system": list(systems)})
    assert answer.status_code == 200
    return str(answer.text).split("\n")


def database(sandbox: Sandbox, conn_id: str = "dsr_invoicing_write") -> psycopg.Connection:
    c = sandbox.connection(conn_id)
    return psycopg.connect(
        host=c.host, port=c.port, user=c.login, password=c.password, dbname=c.schema, autocommit=True
    )  # fmt: skip


def bucket(sandbox: Sandbox) -> Any:
    c = sandbox.connection("dsr_recordings_write")
    return boto3.client(
        "s3", endpoint_url=c.extra["endpoint_url"], region_name="eu-north-1", aws_access_key_id=c.login,
        aws_secret_access_key=c.password, config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip


def zoom(sandbox: Sandbox) -> httpx.Client:
    c = sandbox.connection("dsr_webinars")
    form = {"grant_type": "account_credentials", "account_id": c.extra["account_id"]}
    basic = base64.b64encode(f"{c.login}:{c.password}".encode()).decode()
    context = ssl.create_default_context(cafile=c.extra["ca"])
    token = httpx.post(
        c.extra["token_url"], data=form, headers={"Authorization": f"Basic {basic}"}, verify=context
    ).raise_for_status()
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    return httpx.Client(base_url=f"{c.host}:{c.port}/v2", headers=headers, verify=context)


def test_state_depends_on_nothing_but_the_data(running: Sandbox) -> None:
    """Reading, signing in, failing and logging change nothing in it; the canary is in every source."""
    before = state(running)
    with database(running, "dsr_invoicing") as connection:
        connection.execute("SELECT count(*) FROM invoice")
    zoom(running).get("/users").raise_for_status()
    bucket(running).list_object_versions(Bucket="kvarnberget-connect")
    running.forget()
    assert state(running) == before
    known = {e for e in SOURCES if any('"canary' in line and f'"system":"{e}"' in line for line in before)}
    assert known == SOURCES
    assert running.admin.get("/state", params={"system": "nonsense"}).status_code == 400


def test_exactly_what_was_changed_shows_and_a_snapshot_undoes_it(running: Sandbox) -> None:
    """One change in each system through its own wire; then back, with the same addresses, keys and versions."""
    before = state(running)
    snapshot = running.admin.post("/snapshots").json()["id"]
    assert state(running) == before

    mine = running.truth_of("canary", "invoicing_contact")
    contact = next(iter(mine))
    with database(running) as connection:
        connection.execute("UPDATE customer_contact SET role = 'x' WHERE contact_id = %s", (contact,))
        connection.execute("DELETE FROM email_dispatch WHERE contact_id = %s", (contact,))
    s3, call = bucket(running), next(iter(running.truth_of("canary", "call_record")))
    listed = s3.list_object_versions(Bucket="kvarnberget-connect", Prefix="meta/")
    gone = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in listed["Versions"] if call in v["Key"]]
    answer = s3.delete_objects(Bucket="kvarnberget-connect", Delete={"Objects": gone})
    assert "Errors" not in answer
    with zoom(running) as api:
        registrant = api.get(f"/webinars/{LAUNCH.number}/registrants").json()["registrants"][0]
        assert api.delete(f"/webinars/{LAUNCH.number}/registrants/{registrant['id']}").status_code == 204
    running.admin.post(
        "/import", json={"system": "pardot", "rows": [{"person": "colleague", "company": "Annat AB"}]}
    ).raise_for_status()

    changes = difference(before, state(running))
    dispatches = len([c for c in changes if c.kind == "email_dispatch"])
    assert dispatches > 0
    assert {(c.system, c.kind, c.what, c.person, c.fields) for c in changes if c.what == "changed"} == {
        ("invoicing", "customer_contact", "changed", "canary", ("role", "updated_at")),
        ("pardot", "prospects", "changed", "colleague", ("company", "updatedAt")),
    }
    assert {(c.system, c.kind, c.person) for c in changes if c.what == "removed"} == {
        ("invoicing", "email_dispatch", "canary"),
        ("recordings", "object", "canary"),
        ("webinars", "registrant", "canary"),
    }
    assert len(changes) == 2 + dispatches + len(gone) + 1

    assert running.admin.post(f"/snapshots/{snapshot}/restore", timeout=60).status_code == 204
    assert state(running) == before
    assert s3.get_object(Bucket="kvarnberget-connect", **gone[0])["Body"].read()
    with database(running) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DROP TABLE payment")
    assert running.admin.get("/snapshots").json() == [{"id": snapshot}]
    assert running.admin.delete(f"/snapshots/{snapshot}").status_code == 204
    assert running.admin.post(f"/snapshots/{snapshot}/restore").status_code == 404


def test_a_snapshot_of_one_system_leaves_the_others_as_they_are(running: Sandbox) -> None:
    """One kept in a store, one beside the stores; what changes in the third stays changed."""
    before = state(running)
    taken = running.admin.post("/snapshots", params={"system": ["pardot", "invoicing"]})
    snapshot = taken.json()["id"]
    company = {"person": "colleague", "company": "Annat AB"}
    running.admin.post("/import", json={"system": "pardot", "rows": [company]}).raise_for_status()
    with database(running) as connection:
        connection.execute("UPDATE address SET city = 'Ny' WHERE address_id = 1001")
    title = {"person": "colleague", "Title": "Chef"}
    running.admin.post("/import", json={"system": "salesforce", "rows": [title]}).raise_for_status()
    assert {c.system for c in difference(before, state(running))} == {"pardot", "invoicing", "salesforce"}
    running.admin.post(f"/snapshots/{snapshot}/restore", timeout=60).raise_for_status()
    assert {c.system for c in difference(before, state(running))} == {"salesforce"}
    assert running.admin.delete(f"/snapshots/{snapshot}").status_code == 204
    assert running.admin.post("/snapshots", params={"system": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    ("system", "kind", "dataset"),
    [
        ("salesforce", "Contact", "salesforce_contact"),
        ("pardot", "prospects", "pardot_prospect"),
        ("invoicing", "customer_contact", "invoicing_contact"),
    ],
)
def test_an_import_updates_who_is_there_and_makes_who_is_not(
    running: Sandbox, system: str, kind: str, dataset: str
) -> None:
    """By address; somebody who is there is not made a second time, and comes back once gone."""
    known = {*running.truth_of("colleague", dataset), *running.truth_of("colleague", dataset, "doubtful")}
    there = running.admin.post("/import", json={"system": system, "rows": [{"person": "colleague"}]}).json()
    assert there["created"] == []
    assert set(there["updated"]) <= known
    before = state(running, system)
    email = "Email" if system == "salesforce" else "email"
    row = {"person": "colleague", email: "ny.adress@kvarnberget.example"}
    first, second = (running.admin.post("/import", json={"system": system, "rows": [row]}).json() for _ in range(2))
    assert (len(first["created"]), first["updated"]) == (1, [])
    assert (second["created"], second["updated"]) == ([], first["created"])
    (change,) = difference(before, state(running, system))
    assert isinstance(change, Change)
    assert (change.kind, change.id, change.what) == (kind, first["created"][0], "added")


def test_an_import_that_makes_no_sense_is_refused(running: Sandbox) -> None:
    for body in ({"system": "mail", "rows": []}, {"system": "pardot", "rows": [{"person": "nobody"}]},
                 {"system": "invoicing", "rows": [{"email": "a@b.example", "customer_number": "none"}]},
                 {"system": "salesforce", "rows": [{"LastName": "X"}]}):  # fmt: skip
        assert running.admin.post("/import", json=body).status_code == 400


def test_the_clock_moves_what_depends_on_time(running: Sandbox) -> None:
    """The database stamps with it, and Zoom's bin and reports count from it; real again afterwards."""
    snapshot = running.admin.post("/snapshots").json()["id"]
    try:
        now = running.admin.put("/clock", json={"now": "2034-01-01T08:00:00+01:00"}).json()
        assert now["now"].startswith("2034-01-01T07:00:0")
        with database(running) as connection:
            row = connection.execute(
                "UPDATE address SET city = 'Ny' WHERE address_id = 1001 RETURNING updated_at"
            ).fetchone()
        assert row is not None
        assert f"{row[0]:%Y-%m-%d}" == "2034-01-01"
        assert not any('"trashed":true' in line for line in _files(running))
    finally:
        assert running.admin.delete("/clock").json()["offset"] == 0.0
        running.admin.post(f"/snapshots/{snapshot}/restore", timeout=60).raise_for_status()
    assert any('"trashed":true' in line for line in _files(running))
    assert running.admin.put("/clock", json={"now": "2034-01-01T08:00:00"}).status_code == 400


def _files(sandbox: Sandbox) -> list[str]:
    return [line for line in state(sandbox, "webinars") if '"kind":"file"' in line]
