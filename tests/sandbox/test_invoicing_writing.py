"""What may be changed in the books, what hangs on what, and how changes are counted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox.invoicing.system import Invoicing
from sandbox.people import populate
from sandbox.system import Options

EXTRA = 2000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoicing]:
    made = Invoicing(Options(tmp_path_factory.mktemp("books"), people=12, rows_for_canary=EXTRA), populate(12))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def writer(system: Invoicing) -> Iterator[psycopg.Connection]:
    """The writing role in a transaction that is undone."""
    system.statements.forget()
    with _writer(system) as connection:
        yield connection
        connection.rollback()


def _writer(system: Invoicing) -> psycopg.Connection:
    fields = system.connections()["dsr_invoicing_write"]
    return psycopg.connect(
        host=fields["host"], port=fields["port"], user=fields["login"], password=fields["password"],
        dbname=fields["schema"], application_name="dsr",
    )  # fmt: skip


def _one(connection: psycopg.Connection, query: str, *values: Any) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    "order",
    [
        "UPDATE invoice SET your_reference = ''",
        "UPDATE invoice SET gross_amount = 0",
        "UPDATE payment SET payer_name = ''",
        "UPDATE invoice_document SET content = ''",
        "UPDATE customer SET customer_number = ''",
        "INSERT INTO customer_contact (contact_id, customer_id, created_at) VALUES (1, 1001, now())",
        "TRUNCATE email_dispatch",
        "DROP TABLE payment",
        "ALTER TABLE payment DISABLE TRIGGER ALL",
        "CREATE TABLE x (a int)",
        "SELECT * FROM sandbox.change",
    ],
)
def test_the_writer_may_no_more_than_it_needs(writer: psycopg.Connection, order: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(order.encode())


def test_what_was_issued_keeps_what_it_stands_on(writer: psycopg.Connection) -> None:
    """Not without its payments, reminders and documents first; nor can its contact go. Its lines go along."""
    for order in (
        "DELETE FROM customer_contact WHERE contact_id = 1001",
        "DELETE FROM invoice WHERE invoice_id = 1001",
        "DELETE FROM customer WHERE customer_id = 1001",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation), writer.transaction():
            writer.execute(order.encode())
    for table in ("payment", "reminder", "invoice_document"):
        writer.execute(sql.SQL("DELETE FROM {} WHERE invoice_id = 1001").format(sql.Identifier(table)))
    assert _one(writer, "SELECT count(*) FROM invoice_line WHERE invoice_id = 1001") > 0
    assert writer.execute("DELETE FROM invoice WHERE invoice_id = 1001").rowcount == 1
    assert _one(writer, "SELECT count(*) FROM invoice_line WHERE invoice_id = 1001") == 0
    unlinked = "SELECT count(*) FROM email_dispatch WHERE subject LIKE %s AND invoice_id IS NULL"
    assert _one(writer, unlinked, "%1001%") == 1


def test_a_contact_without_invoices_goes_and_its_addresses_stay(writer: psycopg.Connection) -> None:
    unused = _one(writer, "SELECT min(c.contact_id) FROM customer_contact c LEFT JOIN invoice USING (contact_id) "
                          "WHERE invoice_id IS NULL")  # fmt: skip
    addresses = _one(writer, "SELECT count(*) FROM address")
    assert writer.execute("DELETE FROM customer_contact WHERE contact_id = %s", (unused,)).rowcount == 1
    assert _one(writer, "SELECT count(*) FROM address") == addresses


def test_marks_of_restriction_and_the_moment_of_change(writer: psycopg.Connection) -> None:
    """Contacts, customers and invoices bear a mark; a row that is set to what it was is not changed."""
    begun = datetime.now(UTC) - timedelta(seconds=5)
    for table, key in (("customer_contact", "contact_id"), ("customer", "customer_id"), ("invoice", "invoice_id")):
        order = sql.SQL(
            "UPDATE {} SET restricted_at = now(), restricted_purposes = %s WHERE {} = 1001 "
            "RETURNING updated_at, restricted_purposes"
        ).format(sql.Identifier(table), sql.Identifier(key))
        changed = writer.execute(order, (["marketing"],)).fetchone()
        assert changed is not None
        assert changed[0] >= begun
        assert changed[1] == ["marketing"]
    stamp = _one(writer, "SELECT updated_at FROM customer_contact WHERE contact_id = 1002")
    writer.execute("UPDATE customer_contact SET role = role WHERE contact_id = 1002")
    assert _one(writer, "SELECT updated_at FROM customer_contact WHERE contact_id = 1002") == stamp


def test_changes_are_counted_by_statement_and_client(system: Invoicing) -> None:
    """Thousands of rows in one statement count once, under the client's name; what was rolled back doesn't."""
    snapshot = list(system.entries())
    system.save("before")
    system.statements.forget()
    with _writer(system) as connection:
        connection.execute("DELETE FROM email_dispatch WHERE dispatch_id > 10000000")
    with _writer(system) as connection:
        connection.execute("DELETE FROM email_dispatch")
        connection.rollback()
    with system._administer() as connection:
        rows = connection.execute(
            "SELECT role, client, table_name, operation, row_count FROM sandbox.change"
        ).fetchall()
    assert rows == [("dsr_writer", "dsr", "email_dispatch", "DELETE", EXTRA)]
    assert [s["user"] for s in system.statements.listed()] == ["dsr_writer"] * 2
    system.load_saved("before")
    system.forget_saved("before")
    assert list(system.entries()) == snapshot
    mine = [e for e in snapshot if e.kind == "invoice" and int(e.id) > 10_000_000]
    assert len(mine) == EXTRA
    assert {e.person for e in mine} == {"canary"}


def test_failures_of_the_writer_heal(system: Invoicing) -> None:
    system.fault("revoked", role="dsr_writer")
    with pytest.raises(psycopg.OperationalError):
        _writer(system)
    system.heal()
    system.fault("permission", "email_dispatch", "dsr_writer")
    with _writer(system) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM email_dispatch")
    system.heal()
    with _writer(system) as connection:
        assert connection.execute("DELETE FROM email_dispatch").rowcount > 0
        connection.rollback()
    with pytest.raises(ValueError, match="lost"):
        system.fault("lost", role="postgres")
