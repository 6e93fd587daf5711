"""OpenDSR 2.0 as the controller, through the wire: receipts and statuses are signed, a sender only gets at its own
requests, what is for the person never goes to the sender, and what is taken back is not carried out."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import MASTER, NOW, FakeAirflow
from jsonschema import Draft202012Validator, FormatChecker
from served import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr import database, schema
from dsr.alone import alone
from dsr.channels import from_environment
from dsr.channels.opendsr import OpenDsrChannel, allowed
from dsr.channels.ticket import Answer
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.notices import Notice, OpenDsr
from dsr.notices.signature import Certificate, digest
from dsr.outbox import Outbox, waiting_in
from dsr.progress import Teller, Told
from dsr.register.nouns import Notification, Recipient
from dsr.report.progress import note_words, public_words
from dsr.settings import subkey
from dsr.source import Connection
from dsr.waiting import WaitingRequests
from dsr.web.intake import Desk, create_app
from dsr.web.opendsr import Signer
from extractors.http import HttpClient
from extractors.outbound import outbound_client
from sandbox.processor.signing import Signing
from sandbox.tls import certificate

DOMAIN = "privacy.controller.example"
EMAIL = "asa.ohrnqvist@kvarnberget.example"
ACME, BETA = ("acme", "a-long-secret-of-acme"), ("beta", "another:secret")


@dataclass
class Callbacks:
    """The sender's side, over TLS: what it was told."""

    url: str = ""
    authority: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202

    async def take(self, request: Request) -> Response:
        self.got.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    @property
    def host(self) -> str:
        return self.url.removeprefix("https://")


@dataclass
class House:
    """The controller: its endpoints, its outbox, its stores."""

    desk: Desk
    url: str
    outbox: Outbox
    teller: Teller
    callbacks: Callbacks
    signing: Signing
    at: datetime = NOW

    def call(self, method: str, path: str, who: tuple[str, str] | None = ACME, **more: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}/opendsr{path}", auth=who, timeout=30, **more)

    def ask(self, body: dict[str, Any], who: tuple[str, str] | None = ACME) -> httpx.Response:
        return self.call("POST", "/requests", who, json=body)

    def body(self, **changes: Any) -> dict[str, Any]:
        identity = {"identity_type": "email", "identity_value": EMAIL, "identity_format": "raw"}
        return {
            "regulation": "gdpr", "subject_request_id": str(uuid.uuid4()), "subject_request_type": "access",
            "submitted_time": "2026-03-04T10:00:00+01:00", "subject_identities": [identity], "api_version": "2.0",
            "status_callback_urls": [f"{self.callbacks.url}/told?x=1"], **changes,
        }  # fmt: skip

    def request_id(self) -> str:
        """Of the newest."""
        return [e.request_id for e in self.desk.ledger.events() if e.kind == "request_received"][-1]

    def signed(self, headers: Any, body: bytes) -> bool:
        proof = Certificate(self.signing.certificate, DOMAIN, NOW, "test")
        assert headers["x-opendsr-processor-domain"] == DOMAIN
        return proof.signed(headers["x-opendsr-signature"], digest(body))


@pytest.fixture
def callbacks(tmp_path: Path) -> Iterator[Callbacks]:
    authority, chain, key = certificate(tmp_path / "tls")
    made = Callbacks(authority=str(authority))
    with served(Starlette(routes=[Route("/told", made.take, methods=["POST"])]), chain, key) as url:
        made.url = url
        yield made


@pytest.fixture
def house(desk: Desk, ledger_url: str, callbacks: Callbacks, tmp_path: Path) -> Iterator[House]:
    engine = database.connect(ledger_url)
    signing = Signing(tmp_path / "signing", DOMAIN)
    key = (tmp_path / "signing" / "signing.key").read_bytes()
    extra = {"domain": DOMAIN, "hosts": [callbacks.host], "private": True, "ca": callbacks.authority}
    connection = Connection("dsr_opendsr", password=base64.b64encode(key).decode(), extra=extra)
    http = partial(outbound_client, private=True)

    def send(answer: Answer, before: int | None) -> None:
        OpenDsrChannel().answer(connection, answer, http, before)

    ledger, waiting = Ledger(engine, subkey(MASTER, "ledger")), WaitingRequests(engine)
    for one in waiting.all():
        waiting.leave(one.request_id)
    outbox = Outbox(waiting, ledger, send, partial(alone, engine, what="outbox"))
    env = {"DSR_OPENDSR_DOMAIN": DOMAIN, "DSR_OPENDSR_CALLBACK_HOSTS": f"other.example, {callbacks.host}"}
    env |= {"DSR_OPENDSR_KEY": base64.b64encode(key).decode()}
    env |= {"DSR_OPENDSR_CERTIFICATE": base64.b64encode(signing.certificate).decode()}
    secrets = {**desk.settings.channel_secrets, "opendsr": " ".join(":".join(who) for who in (ACME, BETA))}
    signer = Signer.from_environment(env)
    settings = replace(desk.settings, channel_secrets=secrets)
    open_ = replace(desk, settings=settings, signer=signer, outbox=outbox, channels=from_environment(env))
    teller = Teller(Told(engine), ledger, desk.cases, outbox, note_words(settings), {})
    teller.tell_all(lambda: NOW)
    with served(create_app(open_)) as url:
        yield House(open_, url, outbox, teller, callbacks, signing)
    engine.dispose()


def test_a_request_gets_a_signed_receipt_and_a_run(house: House, airflow: FakeAirflow) -> None:
    body = house.body()
    answer = house.ask(body)
    assert answer.status_code == 201
    assert house.signed(answer.headers, answer.content)
    receipt = answer.json()
    assert base64.b64decode(receipt.pop("encoded_request")) == answer.request.content
    assert receipt == {
        "controller_id": DOMAIN, "expected_completion_time": "2026-04-07T12:00:00+00:00",
        "received_time": "2026-03-04T09:00:00+00:00", "subject_request_id": body["subject_request_id"],
    }  # fmt: skip
    request_id = house.request_id()
    assert airflow.runs[request_id]["dag"] == "dsr_access"
    request = house.desk.cases.open(request_id).read_json("request")
    Draft202012Validator(schema.load("request"), format_checker=FormatChecker()).validate(request)
    assert (request["channel"], request["subject"]) == ("opendsr", {"email": EMAIL})
    assert house.ask(body).content == answer.content
    assert len(airflow.runs) == 1
    other = house.ask({**body, "subject_request_type": "portability"})
    assert other.status_code == 409
    assert house.signed(other.headers, other.content)


def test_our_own_client_takes_the_receipt_as_proof(house: House) -> None:
    """The one by which we tell recipients: discovery, certificate, receipt, status."""
    notify = Notification("opendsr", "dsr_opendsr", "", "sv", "raw", {})
    recipient = Recipient("acme", "Acme AB", "processor", "SE", {}, notify)
    notice = Notice("dsr-of-somebody-else", recipient, "erasure", (), (), NOW, (EMAIL,))
    extra = {"domain": DOMAIN, "path": "/opendsr", "certificate_sha256": [house.signing.fingerprint]}
    connection = Connection("dsr_test", host=house.url, login=ACME[0], password=ACME[1], extra=extra)
    client = OpenDsr.connect(connection, HttpClient)
    receipt = client.send(notice, NOW)
    assert receipt.controller_id == DOMAIN
    assert receipt.proves(NOW)
    assert client.status(notice.notice_id, NOW).status == "pending"


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), (("acme", "wrong"), 401), (("beta", ACME[1]), 401), (("acme", ""), 401), (("", ""), 401),
     (("unknown", "x"), 401), (BETA, 201)],
)  # fmt: skip
def test_only_senders_that_are_known(who: tuple[str, str] | None, status: int, house: House) -> None:
    before = house.desk.cases.cases()
    answer = house.ask(house.body(), who)
    assert answer.status_code == status
    assert house.signed(answer.headers, answer.content)
    assert (len(house.desk.cases.cases()) > len(before)) == (status == 201)


def test_a_sender_gets_at_its_own_only(house: House) -> None:
    body = house.body()
    path = f"/requests/{body['subject_request_id']}"
    house.ask(body)
    mine = house.call("GET", path)
    assert (mine.status_code, mine.json()["request_status"]) == (200, "pending")
    assert house.signed(mine.headers, mine.content)
    for method in ("GET", "DELETE"):
        assert house.call(method, path, BETA).status_code == 404
        assert house.call(method, path, None).status_code == 401
        assert house.call(method, f"/requests/{uuid.uuid4()}").status_code == 404
    other = {**body, "subject_request_type": "portability"}
    assert house.ask(other, BETA).status_code == 201, "the same id of another sender is another request"
    assert house.call("GET", path, BETA).json()["request_status"] == "pending"


def test_not_by_the_webhook_of_the_others(house: House) -> None:
    answer = httpx.post(f"{house.url}/requests/opendsr", auth=ACME, json=house.body())
    assert answer.status_code == 404


HASHED = {"identity_type": "email", "identity_value": "0" * 64, "identity_format": "sha256"}
RAW = {"identity_type": "email", "identity_value": EMAIL, "identity_format": "raw"}


@pytest.mark.parametrize(
    ("changes", "reason", "at"),
    [
        ({"subject_identities": [HASHED]}, "identity.hashed", "#/subject_identities/0/identity_format"),
        ({"subject_identities": [RAW, {**HASHED, "identity_type": "ios_vendor_id"}]}, "identity.hashed", "#/subj"),
        ({"subject_identities": [{**RAW, "identity_type": "ios_vendor_id"}]}, "body.invalid", "#/subject_identities/0"),
        ({"subject_identities": [RAW, RAW]}, "body.invalid", "#/subject_identities/1/identity_type"),
        ({"subject_identities": [{**RAW, "identity_value": "no address"}]}, "body.invalid", "#/subject_identities/0"),
        ({"subject_identities": []}, "body.invalid", "#/subject_identities"),
        ({"regulation": "ccpa"}, "body.invalid", "#/regulation"),
        ({"subject_request_id": "1"}, "body.invalid", "#/subject_request_id"),
        ({"subject_request_type": "sale"}, "body.invalid", "#/subject_request_type"),
        ({"status_callback_urls": ["https://evil.example/x"]}, "body.invalid", "#/status_callback_urls/0"),
        ({"status_callback_urls": ["https://other.example/", "http://other.example/"]}, "body.invalid", "#/status_ca"),
        ({"extensions": {DOMAIN: {"language": "xx"}}}, "body.invalid", "#/language"),
    ],
)
def test_what_is_refused_says_where_and_shows_no_value(
    changes: dict[str, Any], reason: str, at: str, house: House
) -> None:
    before = house.desk.cases.cases()
    answer = house.ask(house.body(**changes))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["errors"][0]["reason"]) == (400, 400, reason)
    assert error["errors"][0]["message"].startswith(at)
    assert ("hash" in error["message"]) == (reason == "identity.hashed")
    for value in (EMAIL, "0" * 64, "evil", "no address"):
        assert value not in answer.text
    assert house.signed(answer.headers, answer.content)
    assert house.desk.cases.cases() == before


def test_what_the_standard_has_no_place_for(house: House) -> None:
    more = {"language": "en", "corrections": {"name": "Åsa Öhrnqvist"}}
    extensions = {DOMAIN: more, "somebody.example": {"language": 5}}
    assert house.ask(house.body(subject_request_type="rectification", extensions=extensions)).status_code == 201
    request = house.desk.cases.open(house.request_id()).read_json("request")
    assert (request["language"], request["corrections"]) == ("en", {"name": "Åsa Öhrnqvist"})
    assert house.ask(house.body(subject_request_type="objection")).status_code == 400, "no ground"


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://ok.example/a?b=c", True), ("https://OK.example/", True), ("https://ok.example:443/", True),
        ("https://ok.example:8443/", False), ("http://ok.example/", False), ("https://ok.example.evil.example/", False),
        ("https://evil.example/ok.example", False), ("https://ok.example@evil.example/", False),
        ("https://u:p@ok.example/", False), ("https://ok.example/#f", False), ("https://[::1]/", False),
        ("https://ok.example\\@evil.example/", False), ("//ok.example/", False), ("https://ok.example:0/", False),
        ("https://ok.example/\r\nx", False), ("https://169.254.169.254/", False), ("", False),
    ],
)  # fmt: skip
def test_callbacks_go_where_they_may(url: str, fits: bool) -> None:
    assert allowed(url, ("ok.example",)) is fits


def test_an_allowed_name_that_leads_into_the_own_network(house: House) -> None:
    """The list is by name; the address is looked at when it is called."""
    connection = Connection("dsr_opendsr", password=_key(house), extra={"domain": DOMAIN, "hosts": ["127.0.0.1"]})
    note = _note("https://127.0.0.1/x")
    with pytest.raises(PermanentError, match=r"address\.refused"):
        OpenDsrChannel().answer(connection, note, outbound_client)
    none = replace(connection, extra={"domain": DOMAIN, "hosts": ["other.example"]})
    with pytest.raises(PermanentError, match=r"callback\.refused"):
        OpenDsrChannel().answer(none, note, outbound_client)


def _key(house: House) -> str:
    assert house.desk.signer is not None
    return base64.b64encode(house.desk.signer.key).decode()


def _note(url: str) -> Answer:
    more: dict[str, Any] = {"public": False, "stage": "sent", "until": "2026-04-07", "callbacks": (url,)}
    return Answer("dsr-request0", "n", "opendsr", str(uuid.uuid4()), "x", close=False, at=NOW, **more)


def test_each_status_is_called_back_signed(house: House) -> None:
    body = house.body()
    house.ask(body)
    request_id, seen = house.request_id(), []
    house.teller.tell_all(lambda: NOW)
    for kind, detail in (("source_searched", {"source": "pardot"}), ("extended", {"latest": "2026-06-08"})):
        house.desk.ledger.append(request_id, kind, detail, at=NOW)
        house.teller.tell_all(lambda: NOW)
    house.desk.ledger.append(request_id, "closed", {"outcome": "answered"}, at=NOW)
    house.callbacks.status = 503
    house.teller.tell_all(lambda: NOW)
    assert [waiting.answer for waiting in house.outbox.waiting.all()] == [False]
    house.callbacks.status = 200
    house.callbacks.got.pop()
    house.outbox.deliver_all(house.desk.cases, lambda: NOW, at_once=True)
    for headers, raw in house.callbacks.got:
        assert house.signed(headers, raw)
        told = json.loads(raw)
        seen.append((told["request_status"], told["expected_completion_time"][:10]))
        assert told["subject_request_id"] == body["subject_request_id"]
        assert told["status_callback_url"] == body["status_callback_urls"][0]
        assert EMAIL.encode() not in raw
    assert seen == [("in_progress", "2026-04-07"), ("in_progress", "2026-06-08"), ("completed", "2026-06-08")]
    assert house.call("GET", f"/requests/{body['subject_request_id']}").json()["request_status"] == "completed"


def test_what_is_for_the_person_waits_for_a_person(house: House) -> None:
    """The code of the package, and every other text: the sender is not the person."""
    house.ask(house.body())
    case = house.desk.cases.open(house.request_id())
    text = "Koden: 7K3F-9QXM-2HTP"
    answer = Answer(case.case_id, "a", "opendsr", "t", text, close=True, at=NOW, secrets=("7K3F-9QXM-2HTP",))
    assert house.outbox.post(case, answer, NOW) == "answer.by_hand"
    (waiting,) = house.outbox.waiting.all()
    assert (waiting.held, waiting.answer) == (True, True)
    assert [left.text for left in waiting_in(case)] == [text]
    assert house.callbacks.got == []
    assert house.outbox.given(case, "dpo", NOW) == 1
    assert house.outbox.waiting.all() == []


def test_no_receipt_is_put_down_as_written_that_nobody_got(house: House) -> None:
    """A ticket acknowledges receipt to the person; here there is none, and the sender has its own receipt."""
    house.ask(house.body())
    teller = replace(house.teller, public=public_words(house.desk.settings))
    assert teller.tell_all(lambda: NOW) == 1
    assert "written" not in [event.kind for event in house.desk.ledger.events(house.request_id())]
    assert house.outbox.waiting.all() == []


def test_taken_back_while_it_is_pending(house: House) -> None:
    """Nothing of it is erased from then on, a person is told, and they end it."""
    body = house.body(subject_request_type="erasure")
    house.ask(body)
    path, request_id = f"/requests/{body['subject_request_id']}", house.request_id()
    for _ in range(2):
        answer = house.call("DELETE", path)
        assert (answer.status_code, answer.json()["request_status"]) == (202, "pending")
        assert house.signed(answer.headers, answer.content)
    kinds = [(e.kind, dict(e.detail)) for e in house.desk.ledger.events(request_id)][3:]
    assert kinds == [
        ("identity_verified", {"by": "acme", "method": "cancelled", "ok": False}), ("cancel_asked", {"by": "acme"}),
    ]  # fmt: skip
    assert house.callbacks.got == []
    (left,) = house.outbox.deliver_all(house.desk.cases, lambda: NOW)
    assert (left.request_id, left.code, left.held) == (request_id, "answer.by_hand", True)
    (told,) = waiting_in(house.desk.cases.open(request_id))
    assert "taken this request back" in told.text
    house.desk.ledger.append(request_id, "shredded", {"outcome": "stopped"}, at=NOW)
    assert house.call("GET", path).json()["request_status"] == "cancelled"
    house.desk.cases.open(request_id).close()
    assert house.call("DELETE", path).status_code == 202, "taken back already, and nobody is left to be told"


@pytest.mark.parametrize(
    ("kind", "detail"),
    [("decision", {"decision": "prepare", "choice": "approve", "by": "officer"}), ("enforced", {"source": "pardot"}),
     ("composed", {"bytes": 5}), ("answered", {"outcome": "link"})],
)  # fmt: skip
def test_too_late_to_take_back(kind: str, detail: dict[str, Any], house: House) -> None:
    body = house.body(subject_request_type="erasure")
    house.ask(body)
    house.desk.ledger.append(house.request_id(), kind, detail, at=NOW)
    answer = house.call("DELETE", f"/requests/{body['subject_request_id']}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The request is no longer pending")
    assert "cancel_asked" not in [e.kind for e in house.desk.ledger.events(house.request_id())]


def test_switched_off_there_is_nothing(desk: Desk) -> None:
    with served(create_app(desk)) as url:
        assert httpx.get(f"{url}/opendsr/discovery").status_code == 404
    assert Signer.from_environment({}) is None


def test_a_key_that_is_none(house: House) -> None:
    assert house.desk.signer is not None
    house.desk.signer.check(datetime.now(UTC))
    with pytest.raises(PermanentError, match=r"signing\.key"):
        replace(house.desk.signer, key=b"no key").check(datetime.now(UTC))
    with pytest.raises(PermanentError, match=r"certificate\.invalid"):
        replace(house.desk.signer, domain="other.example").check(datetime.now(UTC))


def test_who_can_t_sign_is_switched_off_and_the_other_ways_in_are_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start, and not with the first request of a sender."""
    monkeypatch.setenv("DSR_OPENDSR_DOMAIN", DOMAIN)
    for name, of in (("KEY", "one"), ("CERTIFICATE", "two")):
        signing = Signing(tmp_path / of, DOMAIN)
        pem = (tmp_path / of / "signing.key").read_bytes() if name == "KEY" else signing.certificate
        monkeypatch.setenv(f"DSR_OPENDSR_{name}", base64.b64encode(pem).decode())
    made = Desk.from_settings(desk.settings)
    assert made.signer is None
    assert "zendesk" in made.channels
    assert "OpenDSR is switched off" in caplog.text


def test_discovery_says_what_is_taken(house: House) -> None:
    found = house.call("GET", "/discovery", None)
    assert house.signed(found.headers, found.content)
    assert {"identity_type": "email", "identity_format": "raw"} in found.json()["supported_identities"]
    assert found.json()["processor_certificate"] == "/opendsr/certificate.pem"
    pem = httpx.get(f"{house.url}/opendsr/certificate.pem").content
    assert pem == house.signing.certificate
