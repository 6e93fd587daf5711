"""A processor's OpenDSR 2.0 endpoint (https://github.com/opengdpr/OpenDSR, specification.md), with signed answers.

    GET    /v2/discovery          what it takes, and where its certificate is; no sign-in
    GET    /v2/certificate.pem    the certificate; no sign-in
    POST   /v2/requests           201 with the receipt; again with the same body: the same receipt; 409 another body
    GET    /v2/requests/{id}      200 with the status; 404
    DELETE /v2/requests/{id}      202 while pending, 400 later
    401 without the bearer token; 400 with an error object for what isn't a request

A request is pending, then in_progress, then completed, as time goes by (see `Behaviour`); each change calls the
`status_callback_urls`, when somebody asks for the status or the admin port says so.
"""

import base64
import binascii
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.people import Population, Truth
from sandbox.processor.signing import Signing
from sandbox.state import Collection, Document, Store
from sandbox.system import ConnectionFields, Options

TOKEN = "processor-token-for-the-sandbox-0001"
DOMAIN = "opendsr.processor.example"
KINDS = ("access", "portability", "erasure", "restriction", "rectification")
FORMATS = ("raw", "sha256")
STATUSES = ("pending", "in_progress", "completed", "cancelled")
RECIPIENTS = ("salesforce", "zoom")
"""Keys of the register's recipients that this endpoint plays."""


@dataclass
class Behaviour:
    """What tests change.

    begins_after, ends_after  seconds after receipt at which a request is in progress, and completed
    signature    "good", "bad" (of other bytes) or "absent"
    domain       what X-OpenDSR-Processor-Domain says; "" = the right one
    lose         so many requests are taken without the answer reaching the sender
    forgets      how many repeated requests are answered 409 instead of with their receipt
    redirect     where POST is sent to; "" = nowhere
    certificate  URL in /discovery instead of the right one
    kinds        what /discovery says that it takes
    encoded      `encoded_request` of receipts instead of the right one
    """

    begins_after: float = 0.0
    ends_after: float = 3600.0
    signature: str = "good"
    domain: str = ""
    lose: int = 0
    forgets: int = 0
    redirect: str = ""
    certificate: str = ""
    kinds: Sequence[str] = KINDS
    encoded: str = ""


class Processor:
    """See `sandbox.system.HttpSystem`."""

    name = "processor"
    tls = True

    def __init__(self, options: Options, population: Population) -> None:
        self._clock, self.behaviour = options.clock, Behaviour()
        self.requests: Collection = Store(options.folder, self.name)["requests"]
        self._signing = Signing(options.folder / self.name, DOMAIN)
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/v2/discovery", self._discovery),
                Route("/v2/certificate.pem", self._certificate),
                Route("/v2/requests", self._create, methods=["POST"]),
                Route("/v2/requests/{id}", self._one, methods=["GET", "DELETE"]),
            ]
        )

    def counted(self, path: str) -> bool:
        """Every call counts."""
        return True

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """`dsr_notice_<recipient>` for each of the recipients played: the password is the bearer token."""
        extra = {"path": "/v2", "domain": DOMAIN, "ca": authority, "private": True}
        extra["certificate_sha256"] = [self._signing.fingerprint]
        fields = {"conn_type": "http", "host": base_url, "login": "", "password": TOKEN, "schema": "", "extra": extra}
        return {f"dsr_notice_{key}": {**fields, "extra": dict(extra)} for key in RECIPIENTS}

    def admin_routes(self) -> list[Route]:
        """What came, and how to misbehave.

        GET /processor/requests              the requests with status and how often each was posted; DELETE forgets them
        PUT /processor/requests/{id} {"status"}   sets a status, and calls back
        POST /processor/behaviour {…}        see `Behaviour`; {} = as it should be
        """
        return [
            Route("/processor/requests", self._admin, methods=["GET", "DELETE"]),
            Route("/processor/requests/{id}", self._admin_set, methods=["PUT"]),
            Route("/processor/behaviour", self._behave, methods=["POST"]),
        ]

    def truth(self) -> Sequence[Truth]:
        """Nothing: it takes notices, no person is looked up here."""
        return ()

    async def _discovery(self, request: Request) -> Response:
        certificate = self.behaviour.certificate or str(request.url.replace(path="/v2/certificate.pem", query=""))
        identities = [{"identity_type": "email", "identity_format": form} for form in FORMATS]
        found = {"api_version": "2.0", "supported_identities": identities}
        kinds = list(self.behaviour.kinds)
        return JSONResponse({**found, "supported_subject_request_types": kinds, "processor_certificate": certificate})

    async def _certificate(self, _: Request) -> Response:
        return Response(self._signing.certificate, media_type="application/x-pem-file")

    async def _create(self, request: Request) -> Response:
        if not _signed_in(request):
            return _error(401, "sign in")
        if self.behaviour.redirect:
            return Response(status_code=307, headers={"location": self.behaviour.redirect})
        raw = await request.body()
        wanted = _request(raw)
        if isinstance(wanted, str):
            return _error(400, wanted)
        key = wanted["subject_request_id"]
        known = self.requests.get(key)
        text = base64.b64encode(raw).decode()
        if known is None:
            known = {
                "request": wanted,
                "encoded": text,
                "received": self._clock.now(),
                "posted": 0,
                "status": "pending",
            }
        elif known["encoded"] != text:
            return _error(409, "the id came before with another body")
        self.requests[key] = {**known, "posted": known["posted"] + 1}
        if self.behaviour.lose > 0:
            self.behaviour.lose -= 1
            return _Lost()
        if known["posted"] and self.behaviour.forgets > 0:
            self.behaviour.forgets -= 1
            return _error(409, "the request is there already")
        received = {"received_time": _moment(known["received"]), "encoded_request": self.behaviour.encoded or text}
        return self._answer(201, key, received)

    async def _one(self, request: Request) -> Response:
        if not _signed_in(request):
            return _error(401, "sign in")
        key = request.path_params["id"]
        if key not in self.requests:
            return _error(404, "no such request")
        await self._advance(key)
        document = self.requests[key]
        if request.method == "GET":
            return self._answer(200, key, {"request_status": document["status"], "api_version": "2.0"})
        if document["status"] != "pending":
            return _error(400, "only pending requests are cancelled")
        await self._set(key, "cancelled")
        return self._answer(202, key, {"received_time": _moment(self._clock.now()), "api_version": "2.0"})

    def _answer(self, status: int, key: str, fields: dict[str, Any]) -> Response:
        body = json.dumps({**self._common(key), **fields}).encode()
        return Response(body, status, {**self._proof(body), "content-type": "application/json"})

    def _common(self, key: str) -> dict[str, str]:
        expected = self.requests[key]["received"] + self.behaviour.ends_after
        fields = {"controller_id": "controller-1", "expected_completion_time": _moment(expected)}
        return {**fields, "subject_request_id": key}

    def _proof(self, body: bytes) -> dict[str, str]:
        headers = {"X-OpenDSR-Processor-Domain": self.behaviour.domain or DOMAIN}
        if self.behaviour.signature != "absent":
            signed = body if self.behaviour.signature == "good" else body + b" "
            headers["X-OpenDSR-Signature"] = self._signing.sign(signed)
        return headers

    async def _advance(self, key: str) -> None:
        """Bring the status up to the clock."""
        age = self._clock.now() - self.requests[key]["received"]
        for status, after in (("in_progress", self.behaviour.begins_after), ("completed", self.behaviour.ends_after)):
            now = self.requests[key]["status"]
            if now != "cancelled" and age >= after and STATUSES.index(status) > STATUSES.index(now):
                await self._set(key, status)

    async def _set(self, key: str, status: str) -> None:
        self.requests[key] = {**self.requests[key], "status": status}
        for url in self.requests[key]["request"].get("status_callback_urls", ()):
            fields = {**self._common(key), "status_callback_url": url, "request_status": status}
            body = json.dumps(fields).encode()
            headers = {**self._proof(body), "content-type": "application/json"}
            try:
                async with httpx.AsyncClient(timeout=5.0) as client:
                    answer = await client.post(url, content=body, headers=headers)
                outcome = answer.status_code
            except httpx.HTTPError:
                outcome = 0
            called = [*self.requests[key].get("callbacks", ()), {"status": status, "answered": outcome}]
            self.requests[key] = {**self.requests[key], "callbacks": called}

    async def _admin(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.requests.clear()
            return Response(status_code=204)
        return JSONResponse([{"id": key, **document} for key, document in self.requests.held()])

    async def _admin_set(self, request: Request) -> Response:
        await self._set(request.path_params["id"], (await request.json())["status"])
        return Response(status_code=204)

    async def _behave(self, request: Request) -> Response:
        self.behaviour = Behaviour(**await request.json())
        return JSONResponse(asdict(self.behaviour))


class _Lost(Response):
    """Begins an answer and breaks off; uvicorn then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"100000")]})
        raise ConnectionResetError("lost")


def _signed_in(request: Request) -> bool:
    return hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {TOKEN}".encode())


def _request(raw: bytes) -> Document | str:
    """The request in a body, or what is wrong with it (specification, 7.1)."""
    try:
        value = json.loads(raw)
        uuid.UUID(value["subject_request_id"], version=4)
        datetime.fromisoformat(value["submitted_time"])
        identities = value["subject_identities"]
        fits = all(one["identity_type"] == "email" and one["identity_format"] in FORMATS for one in identities)
        hashed = [one["identity_value"] for one in identities if one["identity_format"] == "sha256"]
        fits = fits and all(len(binascii.unhexlify(text)) == 32 for text in hashed)
    except (ValueError, KeyError, TypeError):
        return "not a request"
    if uuid.UUID(value["subject_request_id"]).version != 4 or value.get("regulation") != "gdpr":
        return "not a request of OpenDSR under the GDPR"
    if value.get("subject_request_type") not in KINDS or not identities or not fits:
        return "a type or identity that is not taken"
    checked: Document = value
    return checked


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": status, "message": message}}, status)


def _moment(stamp: float) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(stamp))).isoformat()
