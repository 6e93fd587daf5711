"""A fresh database per module; folders and keys for case files."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from dsr import database
from dsr.casefile import CaseStore

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def postgres_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture(scope="module")
def engine(postgres_url: str) -> Iterator[Engine]:
    made = database.connect(postgres_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def master_key() -> bytes:
    return bytes(range(32))


@pytest.fixture
def cases(tmp_path, master_key: bytes) -> CaseStore:
    return CaseStore(str(tmp_path / "cases"), master_key)
