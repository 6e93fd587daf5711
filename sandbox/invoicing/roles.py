"""Who may do what in the database: a role that reads, and one that may change what a person can ask to be changed."""

from typing import Final

import psycopg
from psycopg import sql

from sandbox.invoicing.tables import KEYS

READER: Final = "dsr_reader"
WRITER: Final = "dsr_writer"
PASSWORDS: Final = {READER: "reads-only-kvarnberget", WRITER: "changes-some-kvarnberget"}

_RESTRICTED: Final = ("restricted_at", "restricted_purposes")
CHANGEABLE: Final = {
    "customer": ("name", "organisation_no", "vat_no", "email", "phone", "language", *_RESTRICTED),
    "customer_contact": (
        "given_name", "family_name", "role", "email", "former_email", "phone", "mobile", "language",
        "receives_invoices", "crm_contact_id", "inactive_since", *_RESTRICTED,
    ),
    "address": ("line1", "line2", "post_code", "city", "country"),
    "bank_account": ("holder", "iban", "bankgiro", "bic", "bank_name"),
    "invoice": _RESTRICTED,
}  # fmt: skip
"""Columns that the writer may change. Of an invoice its marks alone; of what hangs on it nothing."""


def admit(connection: psycopg.Connection) -> None:
    """Make the roles, with their statements logged without values, and grant what they may."""
    for role in PASSWORDS:
        who = sql.Identifier(role)
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(who))
        connection.execute(sql.SQL("ALTER ROLE {} SET log_statement = 'all'").format(who))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA sandbox TO {}").format(sql.Identifier(WRITER)))
    restore(connection)


def restore(connection: psycopg.Connection) -> None:
    """Let both sign in and have their rights, whatever was taken from them."""
    for role, password in PASSWORDS.items():
        who = sql.Identifier(role)
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(who, sql.Literal(password)))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(who))
    writer = sql.Identifier(WRITER)
    for table in KEYS:
        connection.execute(sql.SQL("GRANT DELETE ON {} TO {}").format(sql.Identifier(table), writer))
    for table, columns in CHANGEABLE.items():
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        grant = sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(names, sql.Identifier(table), writer)
        connection.execute(grant)


def move_clock(connection: psycopg.Connection, offset: float) -> None:
    """The offset of the sandbox's clock in seconds, for sessions that begin from now on."""
    for role in PASSWORDS:
        order = sql.SQL("ALTER ROLE {} SET sandbox.shift = {}").format(sql.Identifier(role), sql.Literal(str(offset)))
        connection.execute(order)
