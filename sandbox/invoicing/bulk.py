"""Many rows for the canary, made inside the database, and the same rows computed for the truth.

Row i of N (from 1) is a formula of i, so that the truth needs no reading back and costs nothing for a million.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg

from sandbox.invoicing.tables import DATASETS, KEYS, Row, shown
from sandbox.people import Person, Truth

TABLES = ("invoice", "invoice_line", "payment", "email_dispatch")
MATERIALISED = 1000
"""Up to so many extra rows per table stand in the truth one by one; beyond, only their number."""
BASE = 10_000_000
"""Keys above it are those of extra rows."""
_START = datetime(2019, 1, 1, 8, tzinfo=UTC)

_STATEMENTS = (
    """INSERT INTO invoice (invoice_id, invoice_number, customer_id, contact_id, your_reference, order_no, buyer_name,
         issued_at, due_at, booked_at, fiscal_year_end, currency, net_amount, vat_amount, gross_amount, status, note)
       SELECT %(base)s + i, 'B-' || i, %(customer)s, %(contact)s, %(name)s, 'PO-' || i, %(buyer)s,
         date '2019-01-01' + mod(i, 2500), date '2019-01-31' + mod(i, 2500),
         timestamptz '2019-01-01 08:00:00+00' + i * interval '1 minute',
         make_date(extract(year from date '2019-01-01' + mod(i, 2500))::int, 12, 31), 'SEK',
         4 * mod(i, 9973) + 0.40, mod(i, 9973) + 0.10, 5 * mod(i, 9973) + 0.50, 'paid',
         CASE WHEN mod(i, 10) = 0 THEN E'=1+1\\nrad "' || i || '"' END
       FROM generate_series(1, %(rows)s) i""",
    """INSERT INTO invoice_line (line_id, invoice_id, position, item_no, description, quantity, unit, unit_price,
         vat_rate, net_amount)
       SELECT %(base)s + i, %(base)s + i, 1, 'A-' || mod(i, 100), 'Skärvätska ' || i, mod(i, 7) + 1, 'C62',
         10.5, 25, 10.5 * (mod(i, 7) + 1) FROM generate_series(1, %(rows)s) i""",
    """INSERT INTO payment (payment_id, invoice_id, paid_at, amount, currency, method, payer_name, payer_account,
         reference)
       SELECT %(base)s + i, %(base)s + i, timestamptz '2019-01-01 08:00:00+00' + i * interval '61 seconds',
         5 * mod(i, 9973) + 0.50, 'SEK', 'credit transfer', %(name)s, %(iban)s, 'B-' || i
       FROM generate_series(1, %(rows)s) i""",
    """INSERT INTO email_dispatch (dispatch_id, contact_id, invoice_id, recipient, subject, status, message_id, sent_at)
       SELECT %(base)s + i, %(contact)s, %(base)s + i, %(email)s, 'Faktura B-' || i, 'delivered', '<' || i ||
         '@faktura.example>', timestamptz '2019-01-01 08:00:00+00' + i * interval '1 minute'
       FROM generate_series(1, %(rows)s) i""",
)


def load(connection: psycopg.Connection, person: Person, customer: int, contact: int, rows: int) -> None:
    """Insert `rows` rows per table; foreign keys hold by construction and are not checked one by one."""
    values = {"base": BASE, "rows": rows, "customer": customer, "contact": contact, "name": person.name,
              "buyer": person.company.name, "iban": person.iban, "email": person.email}  # fmt: skip
    connection.execute("SET LOCAL session_replication_role = replica")
    for statement in _STATEMENTS:
        connection.execute(statement, values)
    connection.execute("SET LOCAL session_replication_role = origin")


def truth(person: Person, customer: int, contact: int, rows: int) -> Iterator[Truth]:
    """What `load` inserted, for at most `MATERIALISED` rows per table."""
    for i in range(1, min(rows, MATERIALISED) + 1):
        for table, row in zip(TABLES, _rows(person, customer, contact, i), strict=True):
            full = {KEYS[table]: BASE + i, **row}
            yield Truth(person.key, DATASETS[table], str(BASE + i), shown(table, full))


def _rows(person: Person, customer: int, contact: int, i: int) -> tuple[Row, Row, Row, Row]:
    issued = date(2019, 1, 1) + timedelta(days=i % 2500)
    gross = Decimal(5 * (i % 9973)) + Decimal("0.50")
    invoice = {
        "invoice_number": f"B-{i}", "customer_id": customer, "contact_id": contact, "your_reference": person.name,
        "order_no": f"PO-{i}", "buyer_name": person.company.name, "issued_at": issued,
        "due_at": issued + timedelta(days=30), "booked_at": _START + timedelta(minutes=i),
        "fiscal_year_end": date(issued.year, 12, 31), "currency": "SEK",
        "net_amount": Decimal(4 * (i % 9973)) + Decimal("0.40"), "vat_amount": Decimal(i % 9973) + Decimal("0.10"),
        "gross_amount": gross, "status": "paid", "note": f'=1+1\nrad "{i}"' if i % 10 == 0 else None,
    }  # fmt: skip
    line = {
        "invoice_id": BASE + i, "position": 1, "item_no": f"A-{i % 100}", "description": f"Skärvätska {i}",
        "quantity": Decimal(i % 7 + 1).quantize(Decimal("0.001")), "unit": "C62", "unit_price": Decimal("10.5000"),
        "vat_rate": Decimal("25.00"), "net_amount": (Decimal("10.5") * (i % 7 + 1)).quantize(Decimal("0.01")),
    }  # fmt: skip
    payment = {
        "invoice_id": BASE + i, "paid_at": _START + timedelta(seconds=61 * i), "amount": gross, "currency": "SEK",
        "method": "credit transfer", "payer_name": person.name, "payer_account": person.iban, "reference": f"B-{i}",
    }  # fmt: skip
    dispatch = {
        "contact_id": contact, "invoice_id": BASE + i, "recipient": person.email, "subject": f"Faktura B-{i}",
        "status": "delivered", "message_id": f"<{i}@faktura.example>", "sent_at": _START + timedelta(minutes=i),
    }  # fmt: skip
    return invoice, line, payment, dispatch
