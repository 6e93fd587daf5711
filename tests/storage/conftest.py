"""A PostgreSQL server for the session, a fresh database per module; folders and keys for case files."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from dsr import database
from dsr.casefile import CaseStore
from sandbox.postgres import Postgres

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    name = f"storage_{secrets.token_hex(6)}"
    postgres.ensure_database(name)
    return postgres.url(name)


@pytest.fixture(scope="module")
def engine(postgres_url: str) -> Iterator[Engine]:
    made = database.connect(postgres_url)
    database.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def master_key() -> bytes:
    return bytes(range(32))


@pytest.fixture
def cases(tmp_path, master_key: bytes) -> CaseStore:
    return CaseStore(str(tmp_path / "cases"), master_key)
