"""The books as they are now: every row for a comparison, and rows that a file brings in."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from sandbox.entries import Entry
from sandbox.invoicing.tables import KEYS

IMPORTED = ("given_name", "family_name", "role", "email", "phone", "mobile", "language", "crm_contact_id")
"""Columns of a contact that an import brings."""
_AT_ONCE = 2000


def entries(connection: psycopg.Connection, system: str, whose: Callable[[str, str], str]) -> Iterator[Entry]:
    """Every row of every table, by key. `whose`: the people of a table's row. Content of files is its SHA-256."""
    for table, key in sorted(KEYS.items()):
        row = "to_jsonb(t)"
        if table == "invoice_document":
            row = "(to_jsonb(t) - 'content') || jsonb_build_object('content', encode(sha256(t.content), 'hex'))"
        query = sql.SQL("SELECT {key}::text, ({row})::text FROM {table} t ORDER BY {key}").format(
            key=sql.Identifier(key), row=sql.SQL(row), table=sql.Identifier(table)
        )
        with connection.cursor(f"entries_{table}") as cursor:
            cursor.itersize = _AT_ONCE
            for number, text in cursor.execute(query):
                yield Entry(system, table, number, json.loads(text, parse_float=str), whose(table, number))


def take_in(connection: psycopg.Connection, rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Upsert contacts as a nightly file does: by address, among all contacts; a new one under the customer of that
    `customer_number`. → keys {"created", "updated"}. ValueError for a column or customer that there isn't."""
    done: dict[str, list[str]] = {"created": [], "updated": []}
    for row in rows:
        values = {name: value for name, value in row.items() if name != "customer_number"}
        if not set(values) <= set(IMPORTED) or not values.get("email"):
            raise ValueError("columns")
        found = connection.execute(
            "SELECT contact_id FROM customer_contact WHERE lower(btrim(email)) = lower(btrim(%s))", (values["email"],)
        ).fetchall()
        for (contact,) in found:
            changes = sql.SQL(", ").join(_set(name) for name in values)
            order = sql.SQL("UPDATE customer_contact SET {} WHERE contact_id = %(contact)s").format(changes)
            connection.execute(order, {**values, "contact": contact})
            done["updated"].append(str(contact))
        if not found:
            done["created"].append(_insert(connection, values, row.get("customer_number")))
    return done


def _set(column: str) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column))


def _insert(connection: psycopg.Connection, values: dict[str, Any], customer_number: Any) -> str:
    customer = connection.execute(
        "SELECT customer_id FROM customer WHERE customer_number = %s", (customer_number,)
    ).fetchone()
    if customer is None:
        raise ValueError("customer_number")
    columns = sql.SQL(", ").join(map(sql.Identifier, values))
    places = sql.SQL(", ").join(map(sql.Placeholder, values))
    order = sql.SQL(
        "INSERT INTO customer_contact (contact_id, customer_id, created_at, {}) "
        "SELECT coalesce(max(contact_id), 1000) + 1, %(customer)s, now(), {} FROM customer_contact RETURNING contact_id"
    ).format(columns, places)
    made = connection.execute(order, {**values, "customer": customer[0]}).fetchone()
    return str(made[0]) if made else ""
