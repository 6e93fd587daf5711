"""OpenDSR 2.0 as the controller, beside the webhook: `/dsr/opendsr/…` (https://github.com/opengdpr/OpenDSR).

    GET    /discovery, /certificate.pem   what is taken, and by what answers are signed; no sign-in
    POST   /requests                      201, the receipt; the same again gives the same
    GET    /requests/{id}                 200, where it stands
    DELETE /requests/{id}                 202 while it is pending: the sender takes it back, and a person is told

All answers are signed: X-OpenDSR-Signature over the raw body, X-OpenDSR-Processor-Domain. Errors are
`{"error": {"code", "message", "errors": [{"domain", "reason", "message"}]}}`, without any value.

    400 no request of the standard, hashed identities, too late to cancel · 401 not signed in · 404 no such request of
    that sender · 409 the same id with another body · 413 too large · 503 not at the moment (Retry-After)
"""

import base64
import hmac
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

from fastapi import FastAPI, Request
from fastapi.responses import Response

from dsr.channels.opendsr import IDENTITIES, KINDS, NAME, VERSION, on_day, pem_of, sender
from dsr.channels.ticket import Answer, Refused
from dsr.errors import DsrError, PermanentError
from dsr.ledger import Event, Ledger
from dsr.notices.signature import Certificate, signed_headers
from dsr.progress import ENDS, stages
from dsr.settings import subkey
from dsr.standing import Standing
from dsr.steps.accept import Accepted

CANCEL: Final = "cancel_asked"
"""Kind of the event that a sender takes a request back: {"by"}."""
_BEGUN: Final = ("decision", "composed", "suppressed", "enforced", "restricted", "delivered", "answered", "closed")
"""Events after which it is too late for a program to take a request back."""
_STATUS: Final = {
    "body.not_json": (400, "The body is not JSON"),
    "body.invalid": (400, "The request is none that can be taken"),
    "identity.hashed": (400, "Identities have to be raw: by a hash nobody can be found here"),
    "cancel.late": (400, "The request is no longer pending"),
    "delivery.conflict": (409, "A request of this id came before with another body"),
    "request.unknown": (404, "There is no such request"),
    "body.too_large": (413, "The body is too large"),
    "signature.missing": (401, "Sign in with name and secret"),
    "signature.wrong": (401, "Sign in with name and secret"),
}

Take = Callable[[dict[str, str], bytes, str], Accepted]
"""Headers, body and the id that it gets → the accepted request."""
Tell = Callable[[Answer, datetime], object]
"""Puts what a person has to see into a request's outbox."""


@dataclass(frozen=True)
class Signer:
    """As whom, and with what answers are signed. key, certificate: PEM."""

    domain: str
    key: bytes = field(repr=False)
    certificate: bytes = field(repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self | None:
        """By DSR_OPENDSR_DOMAIN, _KEY and _CERTIFICATE (PEM in base64); None without a domain: then there is no such
        endpoint. PermanentError("signing.key") for what is no PEM in base64."""
        given = os.environ if env is None else env
        domain = given.get("DSR_OPENDSR_DOMAIN", "").strip().lower()
        if not domain:
            return None
        return cls(domain, pem_of(given.get("DSR_OPENDSR_KEY", "")), pem_of(given.get("DSR_OPENDSR_CERTIFICATE", "")))

    def check(self, at: datetime) -> None:
        """PermanentError("signing.key" | "certificate.invalid") unless both belong together and are good by then."""
        headers = signed_headers(self.key, self.domain, b"", NAME)
        certificate = Certificate(self.certificate, self.domain, at, NAME)
        if not certificate.signed(headers["X-OpenDSR-Signature"], _EMPTY):
            raise PermanentError("signing.key", NAME)


_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing."""


@dataclass(frozen=True)
class OpenDsrDesk:
    """What the endpoints work with. `secrets`: of the senders, `name:secret`; `rights`: those that are taken."""

    signer: Signer
    secrets: Sequence[str] = field(repr=False)
    rights: Sequence[str]
    master_key: bytes = field(repr=False)
    ledger: Ledger
    take: Take
    tell: Tell
    now: Callable[[], datetime]

    def id_of(self, who: str, theirs: str) -> str:
        """Our id of a sender's request: the same for the same, and nobody else's."""
        key = subkey(self.master_key, NAME)
        drawn = hmac.digest(key, f"{who}/{theirs}".encode(), "sha256")[:16]
        return "dsr-" + base64.b32encode(drawn).decode().rstrip("=").lower()

    def create(self, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """The receipt (7.3)."""
        who = sender(headers, self.secrets)
        theirs = _id_in(body)
        accepted = self.take(headers, body, self.id_of(who, theirs))
        return {
            "controller_id": self.signer.domain,
            "expected_completion_time": on_day(accepted.due.legal_latest),
            "received_time": accepted.received_at.isoformat(),
            "encoded_request": base64.b64encode(body).decode(),
            "subject_request_id": theirs,
        }

    def status(self, headers: Mapping[str, str], theirs: str) -> dict[str, Any]:
        """Where it stands (8)."""
        _, events = self._known(headers, theirs)
        return self._shown(theirs, events, status_of(events))

    def cancel(self, headers: Mapping[str, str], theirs: str) -> dict[str, Any]:
        """The sender takes it back (9): from now on nothing of it is erased or corrected, whatever is approved, and a
        person is told, who ends it. Again is fine, also when it has ended. PermanentError("cancel.late") once anybody
        has decided about it or anything was changed."""
        request_id, events = self._known(headers, theirs)
        who, at = sender(headers, self.secrets), self.now()
        if not _asked(events):
            if any(event.kind in _BEGUN for event in events):
                raise PermanentError("cancel.late", NAME)
            doubt = {"by": who, "method": "cancelled", "ok": False}
            self.ledger.append(request_id, "identity_verified", doubt, at=at)
            self.ledger.append(request_id, CANCEL, {"by": who}, at=at)
        try:
            self.tell(_notice(request_id, theirs, at), at)
        except PermanentError as error:
            if error.code != "case.closed":  # gone, and with it what there was to end
                raise
        return self._shown(theirs, events, status_of(self.ledger.events(request_id)))

    def discovery(self, certificate: str) -> dict[str, Any]:
        """What is taken (6)."""
        return {
            "api_version": VERSION,
            "supported_identities": [{"identity_type": kind, "identity_format": "raw"} for kind in IDENTITIES],
            "supported_subject_request_types": [kind for kind in KINDS if kind in self.rights],
            "processor_certificate": certificate,
        }

    def _known(self, headers: Mapping[str, str], theirs: str) -> tuple[str, list[Event]]:
        request_id = self.id_of(sender(headers, self.secrets), theirs)
        events = self.ledger.events(request_id)
        if not any(event.kind == "request_received" for event in events):
            raise PermanentError("request.unknown", NAME)
        return request_id, events

    def _shown(self, theirs: str, events: Sequence[Event], status: str) -> dict[str, Any]:
        standing = Standing.of(events)
        if standing is None:
            raise PermanentError("request.unknown", NAME)
        return {
            "controller_id": self.signer.domain,
            "expected_completion_time": on_day(standing.deadline),
            "subject_request_id": theirs,
            "request_status": status,
            "api_version": VERSION,
        }


def status_of(events: Sequence[Event]) -> str:
    """pending: nobody has decided anything, and nothing was changed; cancelled: it was taken back while it was, and has
    ended without an answer."""
    reached = {stage.code for stage in stages(events)}
    if reached & {*ENDS}:
        return "completed"
    if _asked(events) and any(event.kind == "shredded" for event in events):
        return "cancelled"
    return "in_progress" if any(event.kind in _BEGUN for event in events) else "pending"


def add(app: FastAPI, desk: OpenDsrDesk, read: Callable[[Request], Awaitable[bytes]], run: Callable[..., Any]) -> None:
    """Adds the endpoints. `read`: a request's body; `run`: what blocks, in a thread."""

    async def answered(status: int, make: Callable[[], dict[str, Any]]) -> Response:
        try:
            content = await run(make)
        except DsrError as error:
            return _failed(desk, error)
        return _signed(desk, content, status)

    @app.get("/opendsr/discovery")
    async def discovery(request: Request) -> Response:
        certificate = request.url.path.removesuffix("discovery") + "certificate.pem"
        return await answered(200, partial(desk.discovery, certificate))

    @app.get("/opendsr/certificate.pem")
    async def certificate() -> Response:
        return Response(desk.signer.certificate, media_type="application/x-pem-file")

    @app.post("/opendsr/requests", status_code=201)
    async def create(request: Request) -> Response:
        try:
            body = await read(request)
        except DsrError as error:
            return _failed(desk, error)
        return await answered(201, partial(desk.create, dict(request.headers), body))

    @app.get("/opendsr/requests/{theirs}")
    async def status(theirs: str, request: Request) -> Response:
        return await answered(200, partial(desk.status, dict(request.headers), theirs))

    @app.delete("/opendsr/requests/{theirs}", status_code=202)
    async def cancel(theirs: str, request: Request) -> Response:
        return await answered(202, partial(desk.cancel, dict(request.headers), theirs))


def _signed(
    desk: OpenDsrDesk, content: Mapping[str, Any], status: int, more: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(content).encode()
    headers = {**signed_headers(desk.signer.key, desk.signer.domain, body, NAME), **(more or {})}
    return Response(body, status, headers, media_type="application/json")


def _failed(desk: OpenDsrDesk, error: DsrError) -> Response:
    status, message = _STATUS.get(error.code, (503, "The request can't be taken at the moment"))
    problems = error.problems if isinstance(error, Refused) else ()
    errors = [{"domain": "Validation", "reason": error.code, "message": f"{at} {what}"} for at, what in problems]
    content = {"error": {"code": status, "message": message, "errors": errors}}
    more = {"retry-after": "30"} if status == 503 else {}
    more |= {"www-authenticate": 'Basic realm="opendsr"'} if status == 401 else {}
    return _signed(desk, content, status, more)


def _id_in(body: bytes) -> str:
    from dsr.channels.body import document

    return str(document(body, f"ticket-{NAME}", NAME)["subject_request_id"])


def _asked(events: Sequence[Event]) -> bool:
    return any(event.kind == CANCEL for event in events)


def _notice(request_id: str, theirs: str, at: datetime) -> Answer:
    """For whoever looks at what waits: see `dsr_tickets`."""
    text = (
        "The sender has taken this request back. Nothing of it is erased or corrected any more. Make sure that the "
        "person wants that, then choose Stop where its run waits for a decision; if they don't, verify them and go on."
    )
    return Answer(request_id, f"{request_id}-cancel", NAME, theirs, text, close=False, at=at, kind="cancel")
