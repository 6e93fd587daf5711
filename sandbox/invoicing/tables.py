"""The tables by name, their datasets, and how a cell of theirs looks in the package."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

KEYS: Final = {
    "customer": "customer_id",
    "customer_contact": "contact_id",
    "address": "address_id",
    "bank_account": "bank_account_id",
    "invoice": "invoice_id",
    "invoice_line": "line_id",
    "payment": "payment_id",
    "reminder": "reminder_id",
    "invoice_document": "document_id",
    "email_dispatch": "dispatch_id",
}
"""Table → primary key, in an order that satisfies the foreign keys."""

DATASETS: Final = {
    "customer": "invoicing_customer",
    "customer_contact": "invoicing_contact",
    "address": "invoicing_address",
    "bank_account": "invoicing_bank_account",
    "invoice": "invoicing_invoice",
    "invoice_line": "invoicing_invoice_line",
    "payment": "invoicing_payment",
    "reminder": "invoicing_reminder",
    "invoice_document": "invoicing_document",
    "email_dispatch": "invoicing_email_dispatch",
}

_UNDECLARED: Final = {"invoice": ("legacy_ref",)}
"""Columns that a real system grew and no mapping names: they must come through all the same."""

_ATTACHED: Final = {"invoice_document": ("content",)}

Row = dict[str, Any]


def shown(table: str, row: Row, hidden: tuple[str, ...] = ()) -> Row:
    """The row as the package should show it: without nulls, without what is withheld, undeclared columns apart."""
    left_out = (*hidden, *_ATTACHED.get(table, ()))
    fields = {k: text(v) for k, v in row.items() if v is not None and k not in left_out}
    undeclared = {k: fields.pop(k) for k in _UNDECLARED.get(table, ()) if k in fields}
    return {**fields, "unmapped": undeclared} if undeclared else fields


def text(value: Any) -> Any:
    """Decimals with their digits, dates ISO 8601, times RFC 3339 in UTC without trailing zeros; the rest as it is."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        stamp = value.astimezone(UTC).isoformat()
        head, _, zone = stamp.partition("+")
        return f"{head.rstrip('0') if '.' in head else head}+{zone}"
    if isinstance(value, date):
        return value.isoformat()
    return value
