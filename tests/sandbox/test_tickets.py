"""The ticket systems behave as their vendors do, and our channels write into them over TLS."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import served
from starlette.applications import Starlette

from dsr.channels import CHANNELS
from dsr.channels.ticket import Answer
from dsr.errors import PermanentError, TransientError
from dsr.source import Connection
from extractors.http import HttpClient
from sandbox.people import populate
from sandbox.system import HttpSystem, Options
from sandbox.tickets.system import Callback, Freshdesk, Jira, Zendesk
from sandbox.tls import certificate

TEXT = "Hej Åsa!\n\n7K3F-9QXM-2HTP"


@dataclass
class Tickets:
    """The systems, served; connections by id; the admin interface."""

    systems: dict[str, HttpSystem]
    connections: dict[str, Connection]
    admin: httpx.Client
    authority: str

    def answer(self, channel: str, ticket_id: str, *, close: bool = True, **changes: Any) -> None:
        known = self.connections[f"dsr_{channel}"]
        at = datetime.now(UTC)
        given = Answer("dsr-request0", "dsr-request0-answer", channel, ticket_id, TEXT, close=close, at=at)
        CHANNELS[channel].answer(replace(known, **changes), given, HttpClient)

    def client(self, conn_id: str) -> httpx.Client:
        known = self.connections[conn_id]
        return httpx.Client(
            base_url=known.host,
            auth=(known.login, known.password),
            verify=ssl.create_default_context(cafile=self.authority),
        )


@pytest.fixture
def tickets(tmp_path: Path) -> Iterator[Tickets]:
    population, options = populate(12), Options(tmp_path)
    authority, chain, key = certificate(tmp_path / "tls")
    systems: dict[str, HttpSystem] = {s.name: s(options, population) for s in (Zendesk, Jira, Freshdesk, Callback)}
    with ExitStack() as stack:
        connections: dict[str, Connection] = {}
        for system in systems.values():
            url = stack.enter_context(served(system.app, chain, key))
            for conn_id, fields in system.connections(url, str(authority)).items():
                given = {k: v for k, v in fields.items() if k != "conn_type"}
                connections[conn_id] = Connection(conn_id, **given)
        routes = [route for system in systems.values() for route in system.admin_routes()]
        admin = stack.enter_context(served(Starlette(routes=routes)))
        with httpx.Client(base_url=admin) as client:
            yield Tickets(systems, connections, client, str(authority))


def test_an_answer_solves_the_zendesk_ticket(tickets: Tickets) -> None:
    tickets.answer("zendesk", "1001")
    first = tickets.admin.get("/zendesk/tickets").json()[0]
    assert (first["id"], first["status"]) == (1001, "solved")
    assert first["requester"]["email"] == populate(12).canary.email
    assert [(c["body"], c["public"]) for c in first["comments"]] == [(TEXT, True)]
    tickets.answer("zendesk", "1002", close=False)
    assert tickets.admin.get("/zendesk/tickets").json()[1]["status"] == "open"


def test_zendesk_refuses_like_zendesk(tickets: Tickets) -> None:
    with tickets.client("dsr_zendesk") as client:
        assert client.get("/api/v2/tickets/1001.json").json()["ticket"]["id"] == 1001
        absent = client.get("/api/v2/tickets/99.json")
        assert (absent.status_code, absent.json()["error"]) == (404, "RecordNotFound")
        body = {"ticket": {"status": "closed", "comment": {"body": "x", "public": False}}}
        assert client.put("/api/v2/tickets/1001.json", json=body).status_code == 200
        assert client.put("/api/v2/tickets/1001.json", json=body).status_code == 422
        assert client.get("/api/v2/tickets/1001/comments.json").json()["count"] == 1
        assert int(client.get("/api/v2/tickets/1001.json").headers["x-rate-limit-remaining"]) < 700
    with pytest.raises(PermanentError, match=r"zendesk: http\.401"):
        tickets.answer("zendesk", "1002", password="wrong")
    with pytest.raises(PermanentError, match=r"zendesk: http\.404"):
        tickets.answer("zendesk", "99")


def test_zendesk_limits_calls(tickets: Tickets) -> None:
    tickets.systems["zendesk"].gate.per_minute = 0
    with pytest.raises(TransientError, match=r"http\.429") as caught:
        tickets.answer("zendesk", "1001")
    assert 0 < caught.value.retry_after.total_seconds() <= 60


def test_an_answer_resolves_the_jira_issue(tickets: Tickets) -> None:
    tickets.answer("jira", "DSR-1")
    issue = tickets.admin.get("/jira/issues").json()[0]
    assert issue["fields"]["status"]["statusCategory"]["key"] == "done"
    assert [(c["body"], c["public"]) for c in issue["comments"]] == [(TEXT, True)]
    # Done already: the comment is added, and there is no transition left to take.
    tickets.answer("jira", "DSR-1")
    tickets.answer("jira", "DSR-2", close=False)
    assert tickets.admin.get("/jira/issues").json()[1]["fields"]["status"]["name"] == "Waiting for support"


def test_jira_refuses_like_jira(tickets: Tickets) -> None:
    with tickets.client("dsr_jira") as client:
        assert client.get("/rest/api/3/issue/DSR-1").json()["key"] == "DSR-1"
        assert client.get("/rest/api/3/issue/DSR-99").json()["errorMessages"]
        wrong = client.post("/rest/api/3/issue/DSR-1/transitions", json={"transition": {"id": "31"}})
        assert wrong.status_code == 400
    with pytest.raises(PermanentError, match=r"jira: http\.401"):
        tickets.answer("jira", "DSR-1", password="wrong")
    with pytest.raises(PermanentError, match=r"jira: http\.404"):
        tickets.answer("jira", "DSR-99")


def test_the_callback_takes_signed_answers_once(tickets: Tickets) -> None:
    for _ in range(2):
        tickets.answer("standard_webhooks", "T-1")
    (message,) = tickets.admin.get("/callback/messages").json()
    assert message["id"] == "dsr-request0-answer"
    assert message["body"]["data"] == {
        "request_id": "dsr-request0", "ticket": {"id": "T-1"}, "text": TEXT, "closed": True,
    }  # fmt: skip
    with pytest.raises(PermanentError, match=r"http\.401"):
        tickets.answer("standard_webhooks", "T-1", password="whsec_d3Jvbmctd3Jvbmctd3Jvbmc=")


def test_an_authority_nobody_trusts(tickets: Tickets) -> None:
    with pytest.raises(TransientError, match=r"connection\.failed"):
        tickets.answer("zendesk", "1001", extra={})


def test_tickets_survive_a_restart(tickets: Tickets, tmp_path: Path) -> None:
    tickets.answer("zendesk", "1001")
    opened = tickets.admin.post("/zendesk/tickets", json={"requester": {"email": "a@b.example"}}).json()
    again = Zendesk(Options(tmp_path), populate(12))
    assert again.tickets["1001"]["status"] == "solved"
    assert again.tickets[str(opened["id"])]["requester"]["email"] == "a@b.example"
    assert tickets.admin.post("/jira/issues", json={"reporter": {"email": "a@b.example"}}).json()["key"] == "DSR-13"


def test_an_answer_closes_the_freshdesk_ticket(tickets: Tickets) -> None:
    tickets.answer("freshdesk", "1")
    first, second = tickets.admin.get("/freshdesk/tickets").json()[:2]
    assert (first["id"], first["status"], second["status"]) == (1, 5, 2)
    assert [(n["body"], n["private"]) for n in first["notes"]] == [("<div>Hej Åsa!<br><br>7K3F-9QXM-2HTP</div>", False)]
    tickets.answer("freshdesk", "2", close=False)
    assert tickets.admin.get("/freshdesk/tickets").json()[1]["status"] == 2


def test_freshdesk_refuses_like_freshdesk(tickets: Tickets) -> None:
    known = tickets.connections["dsr_freshdesk"]
    trust = ssl.create_default_context(cafile=tickets.authority)
    with httpx.Client(base_url=known.host, auth=(known.password, "X"), verify=trust) as client:
        assert client.get("/api/v2/tickets/1").json()["id"] == 1
        absent = client.get("/api/v2/tickets/99")
        assert (absent.status_code, absent.content) == (404, b"")
        assert client.post("/api/v2/tickets/1/notes", json={"body": " "}).json()["errors"][0]["field"] == "body"
        assert client.put("/api/v2/tickets/1", json={"status": 9}).status_code == 400
        assert client.post("/api/v2/tickets/1/notes", json={"body": "a<br>b &amp; c"}).json()["private"] is True
        assert [n["body_text"] for n in client.get("/api/v2/tickets/1/conversations").json()] == ["a b & c"]
        assert int(client.get("/api/v2/tickets/1").headers["x-ratelimit-remaining"]) < 400
    with pytest.raises(PermanentError, match=r"freshdesk: http\.401"):
        tickets.answer("freshdesk", "1", password="wrong")
    with pytest.raises(PermanentError, match=r"freshdesk: http\.404"):
        tickets.answer("freshdesk", "99")
    tickets.systems["freshdesk"].gate.per_minute = 0
    with pytest.raises(TransientError, match=r"http\.429") as caught:
        tickets.answer("freshdesk", "1")
    assert 0 < caught.value.retry_after.total_seconds() <= 60
