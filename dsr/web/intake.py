"""The webhook: `POST /requests/{channel}`, mounted in Airflow's api-server by the plugin as `/dsr/requests/{channel}`.

202 {"request_id", "due": {"target", "legal_latest"}} with the dates in the controller's time zone. Errors are RFC 9457
problems (`application/problem+json`); 400 and 422 name the fields and never repeat a value.

A request states its right, one of those that DSR_RIGHTS names (all, unless it says otherwise), and what that right
needs; one that names none, several or another thing is taken too, and a person decides. It may say how its package is
closed and, with portability, which controller gets it (Art. 20(2)), what it is about, and who asks by the customer
portal's word: `schemas/ticket-<channel>.schema.json`, `dsr/channels/options.py`, `dsr/channels/relation.py`.

    400 no JSON · 401 not authentic or not in time · 404 unknown channel · 409 known delivery with another body
    413 too large · 422 does not fit the schema · 503 storage not to be had (Retry-After)

`GET /healthz` says that it runs, `GET /readyz` that it can work (`dsr.web.readiness`).

Import it lazily where start-up time counts: it brings FastAPI. Annotations must stay real objects here.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from dsr import database
from dsr.alone import alone
from dsr.channels import CHANNELS, from_environment
from dsr.channels.opendsr import NAME as OPENDSR
from dsr.channels.signature import secrets_of
from dsr.channels.ticket import Answer, Channel, Refused
from dsr.errors import DsrError, PermanentError
from dsr.ledger import Ledger
from dsr.outbox import Outbox, by_hand
from dsr.settings import Settings, subkey
from dsr.steps import accept
from dsr.telemetry import span
from dsr.waiting import WaitingRequests
from dsr.web import opendsr
from dsr.web.described import document
from dsr.web.opendsr import OpenDsrDesk, Signer
from dsr.web.readiness import Readiness
from dsr.web.taking import Taking

log = logging.getLogger("dsr")

MAX_BODY: Final = 256 * 1024
_RETRY_S: Final = 30
_AT_ONCE: Final = 8
_STATUS: Final = {
    "body.not_json": (400, "The body is not JSON"),
    "body.invalid": (422, "The request does not fit its schema"),
    "delivery.conflict": (409, "This delivery came before with another body"),
    "channel.unknown": (404, "There is no such channel"),
    "body.too_large": (413, "The body is too large"),
    "signature.missing": (401, "The request is not signed"),
    "signature.wrong": (401, "The signature does not fit"),
    "signature.stale": (401, "The request is not in time"),
}


@dataclass(frozen=True)
class Desk(Taking):
    """What the webhook works with: what taking a request needs, and `channels` by name; `signer` and `outbox` are for
    OpenDSR, None = it is switched off."""

    channels: Mapping[str, Channel] = field(default_factory=lambda: CHANNELS)
    signer: Signer | None = None
    outbox: Outbox | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Desk":
        """The real one, with the channels as this process's environment has them."""
        return replace(
            super().from_settings(settings),
            channels=from_environment(),
            signer=_signer(),
            outbox=_outbox(settings),
        )


def create_app(desk: Desk | None = None) -> FastAPI:
    """The web app; without a desk it reads the environment's settings."""
    at_desk = desk or Desk.from_settings(Settings.from_environment())
    # Threads of our own: starting a run calls the very server that this app is mounted in, whose threads would all
    # wait for one another if a burst of webhooks took them.
    threads = anyio.CapacityLimiter(_AT_ONCE)
    app = FastAPI(title="dsr intake", openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/requests/{channel}", status_code=202)
    async def receive(channel: str, request: Request) -> Response:
        try:
            known, secrets = _channel(channel, at_desk)
            body = await _body(request)
            take = partial(_take, at_desk, known, secrets, dict(request.headers), body)
            accepted = await run_sync(take, limiter=threads)
        except DsrError as error:
            return _problem(error)
        due = {"target": accepted.due.target.isoformat(), "legal_latest": accepted.due.legal_latest.isoformat()}
        return JSONResponse({"request_id": accepted.request_id, "due": due}, 202)

    if at_desk.signer is not None and at_desk.outbox is not None:
        opendsr.add(app, _opendsr(at_desk, at_desk.signer, at_desk.outbox), _body, partial(run_sync, limiter=threads))

    described = document(opendsr=at_desk.signer is not None and at_desk.outbox is not None)

    @app.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(described)

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        return {"ok": True}

    readiness = Readiness(at_desk.ledger.engine, at_desk.cases)

    @app.get("/readyz")
    async def readyz() -> Response:
        return await run_sync(readiness.answer, limiter=threads)

    return app


def _channel(name: str, desk: Desk) -> tuple[Channel, tuple[str, ...]]:
    """A channel without a secret is switched off, and looks like one that doesn't exist. OpenDSR has endpoints of its
    own."""
    secrets = secrets_of(desk.settings.channel_secrets.get(name, ""))
    if name not in desk.channels or name == OPENDSR or not secrets:
        raise PermanentError("channel.unknown", "intake")
    return desk.channels[name], secrets


async def _body(request: Request) -> bytes:
    """The raw body; reading stops as soon as it is too large, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise PermanentError("body.too_large", "intake")
    return bytes(body)


def _opendsr(desk: Desk, signer: Signer, outbox: Outbox) -> OpenDsrDesk:
    """The desk for OpenDSR; its requests are taken as all others are."""
    secrets = secrets_of(desk.settings.channel_secrets.get(OPENDSR, ""))

    def tell(answer: Answer, at: datetime) -> None:
        outbox.put(desk.cases.open(answer.request_id), answer, at)

    return OpenDsrDesk(
        signer,
        secrets,
        desk.settings.rights,
        desk.settings.master_key,
        desk.ledger,
        partial(_take, desk, desk.channels[OPENDSR], secrets),
        tell,
        desk.now,
    )


def _signer() -> Signer | None:
    """As the environment says. One that can't sign switches OpenDSR off, and leaves the other ways in open."""
    try:
        signer = Signer.from_environment()
        if signer is not None:
            signer.check(datetime.now(UTC))
    except PermanentError as error:
        log.error("OpenDSR is switched off, its key and certificate don't fit or have expired: %s", error.code)
        return None
    return signer


def _outbox(settings: Settings) -> Outbox:
    """One that writes into no ticket; `dsr_tickets` does."""
    engine = database.connect(settings.ledger_url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    return Outbox(WaitingRequests(engine), ledger, by_hand, partial(alone, engine, what="outbox"))


def _take(
    desk: Desk, channel: Channel, secrets: tuple[str, ...], headers: dict[str, str], body: bytes, request_id: str = ""
) -> accept.Accepted:
    at = desk.now()
    with span("accept", channel=channel.name):
        delivery = channel.verify(headers, body, secrets, at)
        return desk.take(channel.parse(body), delivery, hashlib.sha256(body).hexdigest(), at, request_id=request_id)


def _problem(error: DsrError) -> Response:
    """RFC 9457. Whatever isn't the sender's fault is 503, so that ticket systems send it again."""
    status, title = _STATUS.get(error.code, (503, "The request can't be taken at the moment"))
    problem: dict[str, Any] = {"type": f"tag:dsr,2026:{error.code}", "title": title, "status": status}
    if isinstance(error, Refused) and error.problems:
        problem["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in error.problems]
    headers = {"retry-after": str(_RETRY_S)} if status == 503 else {}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")
