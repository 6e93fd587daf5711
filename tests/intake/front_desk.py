"""A desk with real storage, a clock that stands still, and an Airflow that only takes notes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from served import served
from sqlalchemy import delete
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dsr import database, tables
from dsr.airflow_client import AirflowClient
from dsr.casefile import CaseStore
from dsr.deliveries import Deliveries
from dsr.ledger import Ledger
from dsr.requesters import Requesters
from dsr.settings import Settings, subkey
from dsr.vocabulary import RIGHTS
from dsr.web.intake import Desk, create_app

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
SECRETS = {
    "standard_webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw",
    "zendesk": "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
    "jira": "It's a Secret to Everybody",
    "freshdesk": "a secret of the automation rule",
}
MASTER = bytes(range(32))


@dataclass
class FakeAirflow:
    """Airflow's two endpoints; `refuse` answers every start with that status."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    starts: int = 0
    tokens: int = 0
    refuse: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def routes(self) -> list[Route]:
        return [
            Route("/auth/token", self.token, methods=["POST"]),
            Route("/api/v2/dags/{dag}/dagRuns", self.start, methods=["POST"]),
        ]

    async def token(self, request: Request) -> JSONResponse:
        self.tokens += 1
        sent = await request.json()
        good = sent == {"username": "dsr", "password": "pw"}
        return JSONResponse({"access_token": f"t{self.tokens}"} if good else {}, 201 if good else 401)

    async def start(self, request: Request) -> JSONResponse:
        self.starts += 1
        if request.headers.get("authorization") != f"Bearer t{self.tokens}":
            return JSONResponse({}, 401)
        if self.refuse:
            return JSONResponse({}, self.refuse)
        body = await request.json()
        known = body["dag_run_id"] in self.runs
        self.runs.setdefault(body["dag_run_id"], {"dag": request.path_params["dag"], **body})
        return JSONResponse({} if known else {"dag_run_id": body["dag_run_id"]}, 409 if known else 200)


@pytest.fixture(scope="session")
def ledger_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture
def airflow() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture
def airflow_url(airflow: FakeAirflow) -> Iterator[str]:
    with served(Starlette(routes=airflow.routes())) as url:
        yield url


@pytest.fixture
def desk(ledger_url: str, airflow_url: str, tmp_path: Path) -> Iterator[Desk]:
    engine = database.connect(ledger_url)
    with engine.begin() as connection:
        for table in (tables.deliveries, tables.requesters, tables.id_tokens):
            connection.execute(delete(table))  # tests send the same bodies again
    settings = Settings(
        case_store=str(tmp_path / "cases"),
        ledger_url=ledger_url,
        master_key=MASTER,
        channel_secrets=SECRETS,
        rights=RIGHTS,
    )
    yield Desk(
        settings,
        CaseStore(settings.case_store, MASTER),
        Ledger(engine, subkey(MASTER, "ledger")),
        Deliveries(engine),
        Requesters(engine, subkey(MASTER, "requesters")),
        AirflowClient(airflow_url, "dsr", "pw").start,
        now=lambda: NOW,
    )
    engine.dispose()


@pytest.fixture
def intake(desk: Desk) -> Iterator[str]:
    with served(create_app(desk)) as url:
        yield url
