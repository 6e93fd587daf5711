"""A PostgreSQL server for all ledgers of a test process, and empty ledgers on it."""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from dsr import database
from sandbox.postgres import Postgres

_EMPTY = "empty_ledger"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server for the whole run; tests take databases of their own on it."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_ledger(postgres: Postgres) -> Callable[[], str]:
    """Makes an empty ledger's database; its address. Each is a copy of one that the migrations made once."""
    postgres.ensure_database(_EMPTY)
    engine = database.connect(postgres.url(_EMPTY))
    database.upgrade(engine)
    engine.dispose()

    def make() -> str:
        name = f"ledger_{secrets.token_hex(6)}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_EMPTY))
        with psycopg.connect(postgres.url("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(copy)
        return postgres.url(name)

    return make
