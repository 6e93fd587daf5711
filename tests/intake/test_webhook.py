"""POST /requests/{channel} through the wire: one run per request, and nothing for whoever isn't authentic."""

import functools
import json
import operator
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from front_desk import NOW, SECRETS, FakeAirflow
from jsonschema import Draft202012Validator, FormatChecker
from served import served

from dsr import schema
from dsr.alone import alone
from dsr.casefile import CaseFile
from dsr.errors import PermanentError, TransientError
from dsr.steps import accept, triage
from dsr.unstarted import Unstarted
from dsr.web.intake import MAX_BODY, Desk, create_app
from sandbox.tickets.sender import CHANNELS, SIGNING, signed, ticket_body

EMAIL = "asa.ohrnqvist@kvarnberget.example"


def body_for(channel: str, **changes: Any) -> dict[str, Any]:
    ticket = "DSR-1" if channel == "jira" else "1001"
    fields = {"email": EMAIL, "name": "Åsa-Lärka Öhrnqvist D'Arcy", "phone": "070-174 06 05", "at": NOW}
    return ticket_body(channel, ticket, **{**fields, **changes})


def send(url: str, channel: str, body: Any, delivery: str, at: datetime = NOW) -> httpx.Response:
    headers, raw = signed(channel, body, SECRETS[channel], at, delivery)
    return httpx.post(f"{url}/requests/{channel}", headers=headers, content=raw, timeout=30)


def start_pending(desk: Desk) -> accept.Started:
    """As `dsr_tickets` does, a while later."""

    def settle(case: CaseFile, _: object) -> str:
        return triage.triage(case, desk.requesters, desk.ledger, at=NOW, settings=desk.settings)

    engine = desk.ledger.engine
    lock, later = partial(alone, engine, what="start"), NOW + timedelta(minutes=5)
    return accept.start_pending(desk.ledger, Unstarted(engine), desk.cases, desk.run, settle, lock, at=later)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_ticket_becomes_a_case_and_a_run(channel: str, intake: str, desk: Desk, airflow: FakeAirflow) -> None:
    response = send(intake, channel, body_for(channel), f"{channel}-a")
    assert response.status_code == 202
    answer = response.json()
    assert answer["due"] == {"target": "2026-04-05", "legal_latest": "2026-04-07"}
    request_id = answer["request_id"]
    run = airflow.runs[request_id]
    assert run["dag"] == "dsr_access"
    assert run["conf"] == {"request_id": request_id, "received_at": NOW.isoformat()}
    request = desk.cases.open(request_id).read_json("request")
    Draft202012Validator(schema.load("request"), format_checker=FormatChecker()).validate(request)
    assert request["subject"] == {"email": EMAIL, "name": "Åsa-Lärka Öhrnqvist D'Arcy", "phone": "+46701740605"}
    assert (request["channel"], request["ticket"]["id"]) == (channel, "DSR-1" if channel == "jira" else "1001")
    assert [e.kind for e in desk.ledger.events(request_id)] == ["request_received", "triaged", "run_started"]
    assert desk.cases.open(request_id).read_json("deadlines")["holidays"]["2026-04-06"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_same_delivery_gives_the_same_answer_and_one_run(
    channel: str, intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    answers = [send(intake, channel, body_for(channel), f"{channel}-b") for _ in range(3)]
    assert [a.status_code for a in answers] == [202] * 3
    assert len({a.text for a in answers}) == 1
    assert len(airflow.runs) == airflow.starts == 1
    assert len(desk.ledger.events(answers[0].json()["request_id"])) == 3


@pytest.mark.parametrize("channel", ["zendesk", "jira"])
def test_a_copy_under_another_id_is_the_same_request(channel: str, intake: str, airflow: FakeAirflow) -> None:
    """These signatures don't cover the delivery's id, so whoever saw one call could send it under a new one."""
    body = body_for(channel, at=NOW - timedelta(seconds=7))
    first, second = (send(intake, channel, body, f"{channel}-c{n}") for n in range(2))
    assert first.json() == second.json()
    assert len(airflow.runs) == 1


@pytest.mark.parametrize("channel", SIGNING)
def test_the_same_id_with_another_body_is_a_conflict(channel: str, intake: str, airflow: FakeAirflow) -> None:
    assert send(intake, channel, body_for(channel, at=NOW - timedelta(seconds=9)), f"{channel}-d").status_code == 202
    refused = send(intake, channel, body_for(channel, email="b@c.example"), f"{channel}-d")
    assert refused.status_code == 409
    assert len(airflow.runs) == 1


@pytest.mark.parametrize("channel", SIGNING)
def test_not_authentic_or_not_in_time_starts_nothing(
    channel: str, intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    headers, raw = signed(channel, body_for(channel), SECRETS[channel], NOW, f"{channel}-e")
    changed = raw.replace(b"kvarnberget", b"kvarnbergex")
    url, before = f"{intake}/requests/{channel}", desk.cases.cases()
    assert httpx.post(url, headers=headers, content=changed).status_code == 401
    assert httpx.post(url, headers={"content-type": "application/json"}, content=raw).status_code == 401
    old = NOW - timedelta(hours=3)
    assert send(intake, channel, body_for(channel, at=old), f"{channel}-e", old).status_code == 401
    assert (desk.cases.cases(), airflow.starts) == (before, 0)


def test_a_secret_instead_of_a_signature(intake: str, desk: Desk, airflow: FakeAirflow) -> None:
    """Freshdesk has no id of a delivery: the same content is the same, whenever it comes."""
    headers, raw = signed("freshdesk", body_for("freshdesk", email="f@c.example"), SECRETS["freshdesk"], NOW, "")
    url, before = f"{intake}/requests/freshdesk", desk.cases.cases()
    for wrong in ({}, {"x-dsr-secret": "guessed"}, {"authorization": "Basic ZHNyOmd1ZXNzZWQ="}):
        assert httpx.post(url, headers=wrong, content=raw).status_code == 401
    assert (desk.cases.cases(), airflow.starts) == (before, 0)
    answers = [httpx.post(url, headers=headers, content=raw, timeout=30) for _ in range(2)]
    answers.append(httpx.post(url, auth=("dsr", SECRETS["freshdesk"]), content=raw, timeout=30))
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.text for answer in answers}) == 1


def test_unknown_and_switched_off_channels_look_alike(desk: Desk) -> None:
    off = replace(desk, settings=replace(desk.settings, channel_secrets={}))
    with served(create_app(off)) as url:
        answers = [httpx.post(f"{url}/requests/{name}", content=b"{}") for name in ("zendesk", "fax")]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    assert answers[0].headers["content-type"] == "application/problem+json"


def test_too_much_is_refused_while_it_is_read(intake: str, airflow: FakeAirflow) -> None:
    """No Content-Length to go by: the sender would go on for ever."""
    sent = 0

    def flood() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 65536
            yield b"x" * 65536

    try:
        response = httpx.post(f"{intake}/requests/zendesk", content=flood())
    except httpx.WriteError:  # the server hung up first
        response = None
    assert response is None or response.status_code == 413
    assert sent < 400 * 65536 or response is not None
    whole = httpx.post(f"{intake}/requests/zendesk", content=b"x" * (MAX_BODY + 1))
    assert whole.status_code == 413
    assert airflow.starts == 0


@pytest.mark.parametrize(
    ("channel", "change", "pointer"),
    [
        ("standard_webhooks", lambda b: b.update(right=5), "#/right"),
        ("standard_webhooks", lambda b: b.update(right={"secret-value": 1}), "#/right"),
        ("standard_webhooks", lambda b: b.update(about="secret-value"), "#/about"),
        ("standard_webhooks", lambda b: b.update(about="on_behalf", customer="secret value"), "#/customer"),
        ("standard_webhooks", lambda b: b.update(customer="municipality"), "#/customer"),
        ("standard_webhooks", lambda b: b.update(id_token="secret-value" * 2000), "#/id_token"),
        ("standard_webhooks", lambda b: b["subject"].pop("email"), "#/subject/email"),
        ("standard_webhooks", lambda b: b["subject"].update(email="secret-value"), "#/subject/email"),
        ("standard_webhooks", lambda b: b["subject"].update(email="secret-value@x.example\r\nBcc: y@x.example"),
         "#/subject/email"),
        ("standard_webhooks", lambda b: b["subject"].update(name="secret-value" * 50), "#/subject/name"),
        ("standard_webhooks", lambda b: b["ticket"].update(id="../secret-value"), "#/ticket/id"),
        ("standard_webhooks", lambda b: b.update(received_at="2026-02-30T10:00:00Z"), "#/received_at"),
        ("standard_webhooks", lambda b: b.update(received_at="0001-01-01T00:00:00+14:00"), "#/received_at"),
        ("standard_webhooks", lambda b: b.update(admin=True), "#/admin"),
        ("zendesk", lambda b: b["requester"].update(email=""), "#/requester/email"),
        ("zendesk", lambda b: b["ticket"].update(id="12/../9"), "#/ticket/id"),
        ("zendesk", lambda b: b["ticket"].update(created_at="2026-13-01T10:00:00Z"), "#/ticket/created_at"),
        ("jira", lambda b: b["issue"]["fields"].pop("reporter"), "#/issue/fields/reporter"),
        ("jira", lambda b: b.update(webhookEvent="jira:issue_updated"), "#/webhookEvent"),
        ("jira", lambda b: b["issue"]["fields"].update(customfield_10111={"value": "secret-value"}),
         "#/issue/fields/customfield_10111"),
        ("jira", lambda b: b["issue"]["fields"].update(customfield_10102="secret-value\n"
                                                       "x"), "#/issue/fields/customfield_10102"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field_and_shows_no_value(
    channel: str, change: Any, pointer: str, intake: str, airflow: FakeAirflow
) -> None:
    body = body_for(channel)
    change(body)
    response = send(intake, channel, body, f"{channel}-f")
    assert response.status_code == 422
    problem = response.json()
    assert pointer in [e["pointer"] for e in problem["errors"]]
    assert problem["status"] == 422
    assert "secret-value" not in response.text
    assert airflow.starts == 0


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 100_000, b'{"a": "\\ud800"}']
)
def test_what_is_no_json(raw: bytes, intake: str) -> None:
    response = send(intake, "zendesk", raw, "g")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("value", [None, [], 1, "x", {}])
def test_json_of_another_shape(value: Any, intake: str) -> None:
    assert send(intake, "zendesk", json.dumps(value).encode(), "h").status_code == 422


def test_an_address_that_only_looks_like_anothers_is_refused(intake: str, airflow: FakeAirflow) -> None:
    """A Kelvin sign becomes a k in lower case, and so somebody else's address."""
    before = len(airflow.runs)
    response = send(intake, "standard_webhooks", body_for("standard_webhooks", email="\u212a.b@c.example"), "kelvin")
    assert response.status_code == 422
    assert "email" in response.json()["errors"][0]["pointer"]
    assert len(airflow.runs) == before


def test_the_clock_starts_when_the_ticket_was_made(intake: str, desk: Desk) -> None:
    earlier = NOW - timedelta(days=3)
    body = {**body_for("standard_webhooks"), "received_at": earlier.isoformat()}
    accepted = send(intake, "standard_webhooks", body, "i").json()
    assert accepted["due"]["target"] == "2026-04-02"
    ahead = {**body, "received_at": (NOW + timedelta(minutes=4)).isoformat()}
    assert send(intake, "standard_webhooks", ahead, "i2").json()["due"]["target"] == "2026-04-05"
    long_ago = {**body, "received_at": (NOW - timedelta(days=400)).isoformat()}
    assert send(intake, "standard_webhooks", long_ago, "i3").json()["due"]["legal_latest"] == "2025-02-28"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_request_that_is_still_to_be_received_is_refused(channel: str, intake: str, desk: Desk) -> None:
    """Whoever mistypes a date would give themselves more time than the law does."""
    before = desk.cases.cases()
    for ahead in (timedelta(minutes=6), timedelta(days=30)):
        body = body_for(channel)
        places = {"standard_webhooks": ("received_at",), "jira": ("issue", "fields", "created")}
        *path, name = places.get(channel, ("ticket", "created_at"))
        functools.reduce(operator.getitem, path, body)[name] = (NOW + ahead).isoformat()
        refused = send(intake, channel, body, f"ahead-{ahead.days}-{channel}")
        assert refused.status_code == 422
        assert refused.json()["errors"] == [{"pointer": "received_at", "detail": "is still to come"}]
    assert desk.cases.cases() == before


def test_accepted_while_airflow_is_away_and_started_later(intake: str, desk: Desk, airflow: FakeAirflow) -> None:
    airflow.refuse = 503
    accepted = send(intake, "standard_webhooks", body_for("standard_webhooks"), "j")
    assert accepted.status_code == 202
    request_id = accepted.json()["request_id"]
    assert [e.kind for e in desk.ledger.events(request_id)] == ["request_received", "triaged"]
    still = start_pending(desk)
    assert (request_id, "http.503") in still.failed
    airflow.refuse = 0
    assert start_pending(desk).failed == ()
    assert airflow.runs[request_id]["conf"] == {"request_id": request_id, "received_at": NOW.isoformat()}
    assert start_pending(desk).count == 0


def test_the_case_is_there_before_its_run(desk: Desk) -> None:
    seen: list[str] = []

    def run(right: str, request_id: str, received_at: datetime) -> None:
        assert desk.cases.open(request_id).read_json("request")["request_id"] == request_id
        seen.append(request_id)

    with served(create_app(replace(desk, run=run))) as url:
        assert send(url, "standard_webhooks", body_for("standard_webhooks"), "k").json()["request_id"] == seen[0]


def test_a_store_that_fails_once_loses_nothing(desk: Desk, airflow: FakeAirflow) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            raise TransientError("store.unavailable", "casefile")

    with served(create_app(replace(desk, cases=Failing()))) as url:
        refused = send(url, "standard_webhooks", body_for("standard_webhooks"), "l")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    with served(create_app(desk)) as url:
        accepted = [send(url, "standard_webhooks", body_for("standard_webhooks"), "l") for _ in range(2)]
    assert accepted[0].json() == accepted[1].json()
    assert list(airflow.runs) == [accepted[0].json()["request_id"]]


def test_a_burst_from_inside_the_server_that_starts_the_runs(desk: Desk, airflow: FakeAirflow) -> None:
    """The webhook is mounted in Airflow's api-server and calls it: its threads must not wait for one another."""
    import time

    from fastapi import FastAPI

    whole = FastAPI()
    runs: list[str] = []

    @whole.post("/slow/{request_id}")
    def start(request_id: str) -> dict[str, bool]:  # a thread of the server, as Airflow's own endpoint takes one
        time.sleep(0.02)
        runs.append(request_id)
        return {"ok": True}

    urls: list[str] = []

    def run(right: str, request_id: str, received_at: datetime) -> None:
        httpx.post(f"{urls[0]}/slow/{request_id}", timeout=20).raise_for_status()

    whole.mount("/dsr", create_app(replace(desk, run=run)))
    with served(whole) as url, ThreadPoolExecutor(60) as threads:
        urls.append(url)
        bodies = [body_for("standard_webhooks", email=f"p{n}@kvarnberget.example") for n in range(60)]
        began = time.monotonic()
        answers = list(threads.map(lambda n: send(f"{url}/dsr", "standard_webhooks", bodies[n], f"m{n}"), range(60)))
        took = time.monotonic() - began
    assert {a.status_code for a in answers} == {202}
    assert len(set(runs)) == len(runs) == 60
    assert took < 15


def test_the_same_delivery_many_times_at_once(intake: str, desk: Desk, airflow: FakeAirflow) -> None:
    body = body_for("zendesk", at=NOW - timedelta(seconds=20))
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: send(intake, "zendesk", body, "n"), range(12)))
    assert {a.status_code for a in answers} == {202}
    assert len({a.text for a in answers}) == 1
    assert len(airflow.runs) == 1


def test_the_ledger_stays_whole(desk: Desk) -> None:
    assert desk.ledger.verify() > 0
    desk.deliveries.remember("zendesk", "o", "a", "dsr-xxxxxxxx", NOW)
    with pytest.raises(PermanentError, match="delivery"):
        desk.deliveries.remember("zendesk", "o", "b", "dsr-xxxxxxxx", NOW)


def test_health(intake: str) -> None:
    assert httpx.get(f"{intake}/healthz").json() == {"ok": True}
    assert httpx.get(f"{intake}/openapi.json").json()["openapi"] == "3.1.0"
    for path in ("/docs", "/redoc"):
        assert httpx.get(f"{intake}{path}").status_code == 404
