"""Failures of a database, and their healing: a table that is gone, rights that were taken, sessions that are cut."""

from typing import Any, Final

import psycopg
from psycopg import sql

from sandbox.invoicing import roles
from sandbox.invoicing.tables import KEYS

KINDS: Final = ("missing_table", "revoked", "permission", "lost")
_AWAY: Final = "__away"


def play(connection: psycopg.Connection, kind: str, table: str, role: str = roles.READER) -> None:
    """missing_table: `table` is gone. revoked: the role's password is no longer valid. permission: it may not read
    `table`, nor change it. lost: its sessions are cut, once. ValueError on an unknown kind, table or role."""
    if kind not in KINDS or role not in roles.PASSWORDS or (kind in KINDS[::2] and table not in KEYS):
        raise ValueError(kind)
    who, what = sql.Identifier(role), sql.Identifier(table)
    if kind == "missing_table":
        away = sql.Identifier(f"{table}{_AWAY}")
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(what, away))
    elif kind == "revoked":
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(who))
    elif kind == "permission":
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(what, who))
    else:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (role,))


def heal(connection: psycopg.Connection) -> None:
    """Undo all of them; nothing to undo is fine."""
    found: list[tuple[Any, ...]] = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND right(tablename, %s) = %s",
        (len(_AWAY), _AWAY),
    ).fetchall()
    for (name,) in found:
        back = sql.Identifier(name.removesuffix(_AWAY))
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(name), back))
    roles.restore(connection)
