"""The sandbox's admin interface: the call log counts, faults play and end, state survives."""

import ssl
import time
from pathlib import Path

import httpx
import pytest
from running_sandbox import Sandbox

from sandbox.people import populate
from sandbox.state import Store

Clients = tuple[httpx.Client, httpx.Client]


def test_calls_are_logged_with_what_the_vendor_counts(vendor_and_admin: Clients) -> None:
    vendor, admin = vendor_and_admin
    vendor.get("/token")
    vendor.get("/v1/a?x=1")
    log = admin.get("/calls", params={"system": "vendor"}).json()
    assert [(c["path"], c["status"], c["api"]) for c in log] == [("/token", 200, False), ("/v1/a", 200, True)]
    admin.delete("/calls")
    assert admin.get("/calls").json() == []


def test_a_fault_plays_as_often_as_it_says(vendor_and_admin: Clients) -> None:
    vendor, admin = vendor_and_admin
    fault = {"system": "vendor", "path": "/v1/a", "times": 2, "status": 429, "headers": {"retry-after": "7"}}
    assert admin.post("/faults", json=fault).status_code == 201
    assert [vendor.get("/v1/b").status_code for _ in range(2)] == [200, 200]
    answers = [vendor.get("/v1/a") for _ in range(3)]
    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_an_unknown_kind_of_fault_is_refused(vendor_and_admin: Clients) -> None:
    _, admin = vendor_and_admin
    assert admin.post("/faults", json={"system": "vendor", "kind": "gremlin"}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "seen"), [("reset", httpx.ReadError), ("truncate", httpx.RemoteProtocolError)], ids=["reset", "truncate"]
)
def test_broken_connections_break(vendor_and_admin: Clients, kind: str, seen: type[Exception]) -> None:
    """After the headers; by RST or by FIN."""
    vendor, admin = vendor_and_admin
    admin.post("/faults", json={"system": "vendor", "kind": kind, "times": 1}).raise_for_status()
    with vendor.stream("GET", "/v1/a") as answer:
        assert answer.status_code == 200
        with pytest.raises(seen) as broken:
            answer.read()
    assert ("reset by peer" in str(broken.value)) == (kind == "reset")
    assert vendor.get("/v1/a").status_code == 200


def test_half_an_answer_that_looks_whole(vendor_and_admin: Clients) -> None:
    vendor, admin = vendor_and_admin
    whole = vendor.get("/v1/a").content
    admin.post("/faults", json={"system": "vendor", "kind": "cut", "times": 1}).raise_for_status()
    assert vendor.get("/v1/a").content == whole[: len(whole) // 2]


def test_an_answer_that_drips_is_whole_in_the_end(vendor_and_admin: Clients) -> None:
    vendor, admin = vendor_and_admin
    whole = vendor.get("/v1/a").content
    admin.post("/faults", json={"system": "vendor", "kind": "drip", "seconds": 0.01, "times": 1}).raise_for_status()
    begun = time.monotonic()
    with vendor.stream("GET", "/v1/a") as answer:
        assert b"".join(answer.iter_raw()) == whole
    assert time.monotonic() - begun >= 0.01 * (len(whole) - 2)


def test_state_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path, "vendor")
    assert store.fresh
    store.load("thing", [("1", {"a": 1}), ("2", {"a": 2})])
    store["thing"]["2"] = {"a": 3}
    del store["thing"]["1"]
    again = Store(tmp_path, "vendor")
    assert not again.fresh
    assert dict(again["thing"]) == {"2": {"a": 3}}


def test_the_population_is_the_same_for_the_same_seed() -> None:
    assert populate(60, 3) == populate(60, 3)
    assert populate(60, 3) != populate(60, 4)


def test_nobody_is_identified_by_what_is_the_canarys() -> None:
    population = populate(200)
    own = population.canary.identifying()
    assert not set(own) & set(population.foreign())
    assert population.person("colleague").email in population.foreign()


@pytest.mark.parametrize("conn_id", ["dsr_pardot", "dsr_webinars", "dsr_zendesk", "dsr_notice_zoom"])
def test_an_answer_over_a_kept_connection_waits_for_nothing(sandbox: Sandbox, conn_id: str) -> None:
    """Head and body are two pieces; where the second waits for the first to be acknowledged, each takes 40 ms."""
    known = sandbox.connection(conn_id)
    url = known.host if known.port is None else f"{known.host}:{known.port}"
    with httpx.Client(verify=ssl.create_default_context(cafile=known.extra["ca"])) as client:
        took = []
        for _ in range(30):
            began = time.perf_counter()
            client.get(f"{url}/nothing-here")
            took.append(time.perf_counter() - began)
    assert min(took) < 0.03
