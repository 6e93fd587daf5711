"""Failures of a database, and their healing: a table that is gone, rights that were taken, sessions that are cut."""

from typing import Any, Final

import psycopg
from psycopg import sql

from sandbox.invoicing.tables import KEYS

KINDS: Final = ("missing_table", "revoked", "permission", "lost")
_AWAY: Final = "__away"


def play(connection: psycopg.Connection, reader: str, kind: str, table: str) -> None:
    """missing_table: `table` is gone. revoked: the reader's password is no longer valid. permission: it may not read
    `table`. lost: its sessions are cut, once. ValueError on an unknown kind or table."""
    if kind not in KINDS or (kind in ("missing_table", "permission") and table not in KEYS):
        raise ValueError(kind)
    who, what = sql.Identifier(reader), sql.Identifier(table)
    if kind == "missing_table":
        away = sql.Identifier(f"{table}{_AWAY}")
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(what, away))
    elif kind == "revoked":
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(who))
    elif kind == "permission":
        connection.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(what, who))
    else:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (reader,))


def heal(connection: psycopg.Connection, reader: str, password: str) -> None:
    """Undo all of them; nothing to undo is fine."""
    found: list[tuple[Any, ...]] = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND right(tablename, %s) = %s",
        (len(_AWAY), _AWAY),
    ).fetchall()
    for (name,) in found:
        back = sql.Identifier(name.removesuffix(_AWAY))
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(name), back))
    who = sql.Identifier(reader)
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(who, sql.Literal(password)))
    connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(who))
