"""An erasure of somebody whose number only a form states: asked by mail, shown by a text, gone by in another plan."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import pytest
from office import AGREED, Office
from running_sandbox import Sandbox
from served import served

import dsr_approvals
import dsr_keeping
from dsr.settings import Settings
from dsr.standing import identified
from dsr.web.portal import Counter, create_app
from dsr_refusals import refusals_of
from embedded.airflow import gateways

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

ADDRESS, NUMBER = "vera.nyberg@nyberg.example", "+46701740777"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


@pytest.fixture
def texting(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office that sends texts."""
    monkeypatch.setitem(office._settings, "DSR_SMS_FROM", "Controller")
    return office


@pytest.fixture
def call_id(office: Office, way_sandbox: Sandbox) -> str:
    """A call by a number that nothing but a prospect states, who came by a form."""
    caller = way_sandbox.population.person("formula")
    fields = way_sandbox.endpoints["connections"]["dsr_recordings_write"]
    extra = fields["extra"]
    client = boto3.client(
        "s3", aws_access_key_id=fields["login"], aws_secret_access_key=fields["password"],
        endpoint_url=extra["endpoint_url"], region_name=extra["region_name"],
    )  # fmt: skip
    bucket = extra["bucket"]
    keys = [o["Key"] for o in client.list_objects_v2(Bucket=bucket, Prefix="meta/")["Contents"]]
    sidecars = {key: json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}
    key, sidecar = next((k, s) for k, s in sidecars.items() if s["customer_number"] == caller.mobile)
    body = json.dumps({**sidecar, "customer_number": NUMBER}).encode()
    client.put_object(Bucket=bucket, Key=key, Body=body)
    row = {"firstName": "Vera", "lastName": "Nyberg", "email": ADDRESS, "phone": NUMBER}
    office.admin.post("/import", json={"system": "pardot", "rows": [row]}).raise_for_status()
    with office.at_work():
        dsr_keeping.index.function("recordings")
    return str(sidecar["contact_id"])


@pytest.fixture
def portal(texting: Office, way_sandbox: Sandbox) -> Iterator[str]:
    """The download page of that office, with the sandbox's mail server and gateway."""
    environment = texting.environment() | gateways(way_sandbox.endpoints["connections"])
    with texting.at_work():
        counter = Counter.from_settings(Settings.from_environment(environment))
    with served(create_app(counter)) as url:
        yield url


def texts(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.admin.get("/sms/messages").raise_for_status().json()
    return found


def test_another_plan_goes_by_what_was_shown(texting: Office, portal: str, call_id: str) -> None:
    office = texting
    request_id = office.ask(ADDRESS, "erasure")
    office.until(request_id, "prepare")
    assert ("call_record", call_id) not in office.planned(request_id)
    [mail] = [m for m in office.mails() if request_id in m["raw"] and "/number" in m["text"]]
    assert mail["to"] == [ADDRESS]
    assert texts(office) == []
    [link] = re.findall(r"https://\S+/number\S+", mail["text"])
    httpx.post(f"{portal}/number/code", data={"link": link}).raise_for_status()
    ends = time.monotonic() + 20
    while not texts(office):
        assert time.monotonic() < ends, "no text"
        time.sleep(0.05)
    [text] = texts(office)
    assert (text["to"], text["from"]) == (NUMBER, "Controller")
    [code] = CODE.findall(text["message"])
    assert httpx.post(f"{portal}/number", data={"link": link, "code": code}).status_code == 200
    assert not identified(office.events(request_id)), "a phone is no proof of who asks"
    with office.at_work() as place, pytest.raises(dsr_approvals.Unapplied, match="numbers"):
        dsr_approvals._need_applied(place, request_id)
    office.decisions["prepare"] = ("Plan anew", "officer")
    assert office.step(request_id) == "prepare"
    while "replan" not in office.runner.run(request_id).states:
        office.step(request_id)
    office.decisions["prepare"] = AGREED["prepare"]
    office.until(request_id, "prepare")
    assert office.planned(request_id)["call_record", call_id] == "erase"
    office.decisions["prepare"] = (next(iter(refusals_of("erasure"))), "officer")
    assert office.finish(request_id).failed == {}
    assert "closed" in office.kinds(request_id)
    events = office.events(request_id)
    kinds = [event.kind for event in events if event.kind.startswith("number")]
    assert kinds == ["number_asked", "number_texted", "number_proven"]
    everything = str(events) + json.dumps(office.runner.run(request_id).pushed)
    for value in (NUMBER, NUMBER[3:], quote(NUMBER), ADDRESS, code, link.partition("#")[2].partition(".")[0]):
        assert value not in everything, value
    assert len([m for m in office.mails() if request_id in m["raw"] and "/number" in m["text"]]) == 1
