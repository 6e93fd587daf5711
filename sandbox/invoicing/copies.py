"""Copies of a whole database within its server, by PostgreSQL's templates: no tool needed, and quick."""

import psycopg
from psycopg import sql


def copy(connection: psycopg.Connection, source: str, target: str) -> None:
    """Make `target` a copy of `source`. Sessions of `source` are cut: a template must have none. `connection` is the
    superuser's, in another database and with autocommit."""
    one = sql.Identifier(source)
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(one))
    try:
        end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(end, (source,))
        making = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(making.format(sql.Identifier(target), one))
    finally:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(one))


def drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database, its sessions with it; one that isn't there is fine."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
