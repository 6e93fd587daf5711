"""A PostgreSQL server for the tests of the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr import database
from sandbox.postgres import Postgres


@pytest.fixture(scope="module")
def ledger_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty ledger."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        server.ensure_database("holds")
        engine = database.connect(server.url("holds"))
        database.upgrade(engine)
        engine.dispose()
        yield server.url("holds")
    finally:
        server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for case files."""
    return tmp_path
