"""The ways in for programs, tried out by schemathesis from the document that they serve."""

import base64
import hmac
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from front_desk import NOW, SECRETS
from fuzzed import tried
from jsonschema import Draft202012Validator
from served import served

from dsr import schema
from dsr.alone import alone
from dsr.channels import CHANNELS
from dsr.channels.zendesk import sign
from dsr.outbox import Outbox, by_hand
from dsr.waiting import WaitingRequests
from dsr.web.intake import Desk, create_app
from dsr.web.opendsr import Signer
from sandbox.processor.signing import Signing

SENDER = ("acme", "a-long-secret-of-acme")
OPENDSR = "/opendsr/"


@pytest.fixture
def way_in(desk: Desk, tmp_path: Path) -> Iterator[str]:
    """All of it, OpenDSR too."""
    domain = "privacy.controller.example"
    signing = Signing(tmp_path / "signing", domain)
    signer = Signer(domain, (tmp_path / "signing" / "signing.key").read_bytes(), signing.certificate)
    secrets = {**SECRETS, "opendsr": ":".join(SENDER)}
    alone_ = partial(alone, desk.ledger.engine, what="outbox")
    outbox = Outbox(WaitingRequests(desk.ledger.engine), desk.ledger, by_hand, alone_)
    settings = replace(desk.settings, channel_secrets=secrets)
    with served(create_app(replace(desk, settings=settings, signer=signer, outbox=outbox))) as url:
        yield url


def let_in(request: requests.PreparedRequest) -> None:
    """Signs a request as its channel does; signs in where that is the way."""
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    path = urlsplit(str(request.url)).path
    stamp, key = str(int(NOW.timestamp())), f"m-{time.monotonic_ns()}"
    if path.endswith("standard_webhooks"):
        secret = base64.b64decode(SECRETS["standard_webhooks"].removeprefix("whsec_"))
        given = base64.b64encode(hmac.digest(secret, f"{key}.{stamp}.".encode() + body, "sha256")).decode()
        request.headers.update({"webhook-id": key, "webhook-timestamp": stamp, "webhook-signature": f"v1,{given}"})
    elif path.endswith("zendesk"):
        at = NOW.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = sign(SECRETS["zendesk"], at.encode() + body)
        request.headers.update(
            {
                "x-zendesk-webhook-invocation-id": key,
                "x-zendesk-webhook-signature-timestamp": at,
                "x-zendesk-webhook-signature": given,
            }
        )
    elif path.endswith("jira"):
        given = hmac.digest(SECRETS["jira"].encode(), body, "sha256").hex()
        request.headers.update({"x-atlassian-webhook-identifier": key, "x-hub-signature": f"sha256={given}"})
    elif path.endswith("freshdesk"):
        request.headers["x-dsr-secret"] = SECRETS["freshdesk"]
    else:
        request.headers["authorization"] = f"Basic {base64.b64encode(':'.join(SENDER).encode()).decode()}"


@pytest.mark.parametrize("examples", [6, pytest.param(300, marks=pytest.mark.thorough)])
def test_nothing_that_is_sent_breaks_it(way_in: str, desk: Desk, examples: int) -> None:
    """OpenDSR's receipt holds the request itself: the standard wants it so (7.3), and only its sender gets it."""
    document = httpx.get(f"{way_in}/openapi.json").json()
    document["servers"] = [{"url": way_in}]
    sent = tried(document, way_in, let_in, examples, own=(OPENDSR,))
    assert sent > examples * len(document["paths"]) / 2
    desk.ledger.verify()


def test_the_document_names_every_way_in_and_is_one(way_in: str) -> None:
    """Every channel with its schema and its headers; bodies of the examples fit."""
    document: dict[str, Any] = httpx.get(f"{way_in}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    webhooks = {path for path in document["paths"] if path.startswith("/requests/")}
    assert webhooks == {f"/requests/{name}" for name in CHANNELS if name != "opendsr"}
    for path in webhooks:
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator.check_schema(body)
        assert body["properties"] == schema.load(f"ticket-{path.rpartition('/')[2]}")["properties"]
    assert {p for p in document["paths"] if p.startswith(OPENDSR)} == {
        "/opendsr/discovery", "/opendsr/certificate.pem", "/opendsr/requests", "/opendsr/requests/{id}"
    }  # fmt: skip


def test_without_opendsr_the_document_has_none(intake: str) -> None:
    document = httpx.get(f"{intake}/openapi.json").json()
    assert not [path for path in document["paths"] if path.startswith(OPENDSR)]
    assert httpx.get(f"{intake}/opendsr/discovery").status_code == 404
