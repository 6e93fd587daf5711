"""The webhook: `POST /requests/{channel}`, mounted in Airflow's api-server by the plugin as `/dsr/requests/{channel}`.

202 {"request_id", "due": {"target", "legal_latest"}} with the dates in the controller's time zone. Errors are RFC 9457
problems (`application/problem+json`); 400 and 422 name the fields and never repeat a value.

A request states its right, one of those that DSR_RIGHTS names (all, unless it says otherwise), and what that right
needs; one that names none, several or another thing is taken too, and a person decides. It may say how its package is
closed and, with portability, which controller gets it (Art. 20(2)), what it is about, and who asks by the customer
portal's word: `schemas/ticket-<channel>.schema.json`, `dsr/channels/options.py`, `dsr/channels/relation.py`.

    400 no JSON · 401 not authentic or not in time · 404 unknown channel · 409 known delivery with another body
    413 too large · 422 does not fit the schema · 503 storage not to be had (Retry-After)

Import it lazily where start-up time counts: it brings FastAPI. Annotations must stay real objects here.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Engine

from dsr import database
from dsr.airflow_client import AirflowClient
from dsr.alone import alone
from dsr.casefile import CaseFile, CaseStore
from dsr.channels import CHANNELS, from_environment
from dsr.channels.opendsr import NAME as OPENDSR
from dsr.channels.signature import secrets_of
from dsr.channels.ticket import Answer, Channel, Refused, Ticket
from dsr.deliveries import Deliveries
from dsr.errors import DsrError, PermanentError
from dsr.idtoken import IdTokens
from dsr.ledger import Ledger
from dsr.outbox import Outbox, by_hand
from dsr.requesters import Requesters
from dsr.settings import Settings, subkey
from dsr.steps import accept, assess, sign_in, triage
from dsr.triage import linked_to
from dsr.waiting import WaitingRequests
from dsr.web import opendsr
from dsr.web.opendsr import OpenDsrDesk, Signer

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


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What the webhook works with. `run` starts a run; `now` is the clock; `channels` by name; `tokens` checks the
    customer portal's word, None = no portal's word counts; `signer` and `outbox` are for OpenDSR, None = it is
    switched off."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    deliveries: Deliveries
    requesters: Requesters
    run: accept.StartRun
    now: Callable[[], datetime] = _now
    tokens: IdTokens | None = None
    channels: Mapping[str, Channel] = field(default_factory=lambda: CHANNELS)
    signer: Signer | None = None
    outbox: Outbox | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Desk":
        """The real one: database, case store and Airflow as the settings say. Nothing is opened yet."""
        engine = database.connect(settings.ledger_url)
        airflow = AirflowClient(settings.airflow_url, settings.airflow_user, settings.airflow_password)
        return cls(
            settings,
            CaseStore(settings.case_store, settings.master_key),
            Ledger(engine, subkey(settings.master_key, "ledger")),
            Deliveries(engine),
            Requesters(engine, subkey(settings.master_key, "requesters")),
            airflow.start,
            channels=from_environment(),
            signer=Signer.from_environment(),
            outbox=_outbox(engine, settings),
            tokens=IdTokens(settings.oidc, engine, subkey(settings.master_key, "id_tokens")) if settings.oidc else None,
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

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        return {"ok": True}

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


def _outbox(engine: Engine, settings: Settings) -> Outbox:
    """One that writes into no ticket; `dsr_tickets` does."""
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    return Outbox(WaitingRequests(engine), ledger, by_hand, partial(alone, engine, what="outbox"))


def _take(
    desk: Desk, channel: Channel, secrets: tuple[str, ...], headers: dict[str, str], body: bytes, request_id: str = ""
) -> accept.Accepted:
    at = desk.now()
    delivery = channel.verify(headers, body, secrets, at)
    accepted = accept.accept(
        channel.parse(body),
        digest=hashlib.sha256(body).hexdigest(),
        delivery_id=delivery.delivery_id,
        replay_key=delivery.replay_key,
        cases=desk.cases,
        ledger=desk.ledger,
        deliveries=desk.deliveries,
        deadlines=assess.deadlines,
        keep=partial(triage.keep, settings=desk.settings),
        triage=partial(_triage, desk, at=at),
        at=at,
        settings=desk.settings,
        request_id=request_id,
    )
    try:
        accept.start(accepted, desk.run, desk.ledger, at=desk.now())
    except DsrError:
        # Accepted is accepted: the ledger shows that its run has not started, and the upkeep starts it.
        return accepted
    return accepted


def _triage(desk: Desk, case: CaseFile, ticket: Ticket | None, *, at: datetime) -> str:
    """A request that is joined to another gets no word of its own."""
    way = triage.triage(case, desk.requesters, desk.ledger, at=at, settings=desk.settings)
    if ticket is not None and ticket.id_token and not linked_to(desk.ledger.events(case.case_id)):
        sign_in.sign_in(case, ticket.id_token, desk.tokens, desk.ledger, at=at)
    return way


def _problem(error: DsrError) -> Response:
    """RFC 9457. Whatever isn't the sender's fault is 503, so that ticket systems send it again."""
    status, title = _STATUS.get(error.code, (503, "The request can't be taken at the moment"))
    problem: dict[str, Any] = {"type": f"tag:dsr,2026:{error.code}", "title": title, "status": status}
    if isinstance(error, Refused) and error.problems:
        problem["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in error.problems]
    headers = {"retry-after": str(_RETRY_S)} if status == 503 else {}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")
