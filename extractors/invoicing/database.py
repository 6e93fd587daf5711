"""Connections to the database: one state of the data from beginning to end, no values in errors or logs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr import effort
from dsr.source import Connection
from extractors.invoicing.failures import PLACE, coded

_CONNECT_SECONDS = 15


class Database:
    """Makes connections when asked; none before."""

    def __init__(self, connection: Connection, drivername: str) -> None:
        self._postgres = drivername.startswith("postgresql")
        query = {k: str(v) for k, v in connection.extra.get("query", {}).items()}
        if self._postgres:
            query.setdefault("connect_timeout", str(_CONNECT_SECONDS))
            query.setdefault("application_name", "dsr")
            if connection.extra.get("ca"):
                query |= {"sslmode": "verify-full", "sslrootcert": str(connection.extra["ca"])}
        with coded():
            url = sa.URL.create(
                drivername,
                connection.login or None,
                connection.password or None,
                connection.host or None,
                connection.port,
                connection.schema,
                query,
            )
            options: dict[str, Any] = {"use_native_hstore": False} if drivername == "postgresql+psycopg" else {}
            self._engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True, **options)
            sa.event.listen(self._engine, "before_cursor_execute", _count)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that reads one state of the data from beginning to end, and can't write.
        Errors of the database are coded."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self._postgres else {}
        with coded(), self._engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is kept whole when the block ends, and undone whole when it doesn't. It sees one state of
        the data; where somebody else changes a row meanwhile that it changes too, it fails: TransientError("conflict").
        """
        level = "REPEATABLE READ" if self._postgres else "SERIALIZABLE"
        with coded(), self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level=level)
            with connection.begin():
                yield connection


def _count(*_: object) -> None:
    """A statement is sent."""
    effort.call(PLACE)
