"""The ledger's database: PostgreSQL through psycopg 3; its tables come from the migrations in this package."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dsr.errors import PermanentError, TransientError

_UPGRADE_LOCK = 4_019_361_377  # any number that nothing else in this database locks


def connect(url: str) -> Engine:
    """An engine for `postgresql://…`; nothing is opened before first use. Statements' parameters never reach logs
    or errors. PermanentError("setting.ledger_url") when it's no PostgreSQL address."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        raise PermanentError("setting.ledger_url", "settings") from None
    if address.get_backend_name() != "postgresql":
        raise PermanentError("setting.ledger_url", "settings")
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        use_native_hstore=False,  # else each new process asks for a type that nobody here uses
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=15,
        connect_args={"connect_timeout": 10, "application_name": "dsr"},
    )


@cache
def shared(url: str) -> Engine:
    """As `connect`; the same one for all of a process, which is not forked once it has used it."""
    return connect(url)


def upgrade(engine: Engine, to: str = "head") -> None:
    """Brings the tables to the newest form, or that revision. Any number of processes may call it at once, and again.

    Alembic is imported here: tasks, which never upgrade, shall not wait for it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dsr:migrations")
    with transaction(engine, "database") as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, to)


@contextmanager
def transaction(engine: Engine, place: str) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back on an error. A database's own exceptions,
    which carry the statement, become errors of ours with the SQLSTATE as code: values and statements that it won't
    take are permanent, all else is transient."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DataError, IntegrityError, ProgrammingError) as error:
        raise PermanentError(_code(error), place) from None
    except DBAPIError as error:
        raise TransientError(_code(error), place) from None
    except PoolTimeout:
        raise TransientError("database.busy", place) from None


def _code(error: DBAPIError) -> str:
    """`database.<sqlstate>`; `database.unavailable` when it didn't come to a statement."""
    state = getattr(error.orig, "sqlstate", None)
    return f"database.{state.lower()}" if state else "database.unavailable"
