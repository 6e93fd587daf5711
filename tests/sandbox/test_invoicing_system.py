"""The invoicing system as a server: state, size, failures, and nothing left behind."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox.invoicing import bulk
from sandbox.invoicing.document import pdf
from sandbox.invoicing.system import Invoicing
from sandbox.invoicing.tables import DATASETS, KEYS, text
from sandbox.people import populate
from sandbox.postgres import Postgres
from sandbox.system import Options

EXTRA = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("invoicing")


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[Invoicing]:
    made = Invoicing(Options(folder, people=20, rows_for_canary=EXTRA), populate(20))
    made.start()
    yield made
    made.stop()


def _reader(system: Invoicing) -> psycopg.Connection:
    fields = system.connections()["dsr_invoicing"]
    return psycopg.connect(
        host=fields["host"], port=fields["port"], user=fields["login"], password=fields["password"],
        dbname=fields["schema"],
    )  # fmt: skip


def test_the_truth_is_what_the_tables_hold(system: Invoicing) -> None:
    """Every row of the truth, extra rows included, cell by cell; and as many rows as `counts` says."""
    by_table = {dataset: table for table, dataset in DATASETS.items()}
    with _reader(system) as connection:
        for table, key in KEYS.items():
            cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - fixed names
            names = [c.name for c in cursor.description or ()]
            held = {str(dict(zip(names, row, strict=True))[key]): dict(zip(names, row, strict=True)) for row in cursor}
            for truth in system.truth():
                if by_table[truth.dataset] == table and truth.expected != "withheld":
                    row = held[truth.source_id]
                    fields = {**truth.fields, **truth.fields.get("unmapped", {})}
                    fields.pop("unmapped", None)
                    assert {k: text(row[k]) for k in fields} == fields
    told = Counter(t.dataset for t in system.truth() if (t.person, t.expected) == ("canary", "package"))
    assert system.counts() == dict(told)


def test_truth_of_many_rows_stays_small(tmp_path: Path) -> None:
    """A third of a million rows: a thousand of each in the truth, all of them counted. Nothing is started."""
    large = Invoicing(Options(tmp_path, people=20, rows_for_canary=300_000), populate(20))
    assert len([t for t in large.truth() if int(t.source_id.split(":")[0]) > 10_000_000]) == 1000 * len(bulk.TABLES)
    assert large.counts()["invoicing_payment"] > 300_000


def test_the_reader_can_only_read(system: Invoicing) -> None:
    """Whatever the extractor's role tries to change is refused."""
    for statement in (
        "DELETE FROM payment",
        "CREATE TABLE x (a int)",
        "UPDATE customer SET name = ''",
        "DROP TABLE payment",
    ):
        with _reader(system) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[call-overload]


def test_statements_are_counted_without_values(system: Invoicing) -> None:
    """Each statement once, its values nowhere; forgetting starts anew."""
    system.statements.forget()
    with _reader(system) as connection:
        connection.execute("SELECT count(*)\nFROM payment WHERE payer_name = %s", ("Hemlig Person",))
        connection.execute("SELECT 1")
    listed = system.statements.listed()
    assert [s["statement"] for s in listed] == ["SELECT count(*)\nFROM payment WHERE payer_name = $1", "SELECT 1"]
    assert b"Hemlig" not in system.server.log.read_bytes()
    system.statements.forget()
    assert system.statements.listed() == []


def test_failures_heal(system: Invoicing) -> None:
    """Every kind, then none."""
    system.fault("missing_table", "payment")
    with _reader(system) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT 1 FROM payment")
    system.fault("permission", "invoice")
    with _reader(system) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT 1 FROM invoice")
    system.fault("revoked")
    with pytest.raises(psycopg.OperationalError):
        _reader(system)
    with pytest.raises(ValueError, match="nonsense"):
        system.fault("nonsense")
    system.heal()
    with _reader(system) as connection:
        connection.execute("SELECT 1 FROM payment, invoice")


def test_state_survives_and_changes_with_the_options(system: Invoicing, folder: Path) -> None:
    """The same options find the same rows at the same port; others make new books."""
    port = system.server.port
    with psycopg.connect(system.server.url("invoicing", "postgresql")) as connection:
        connection.execute("UPDATE customer_contact SET role = 'changed' WHERE contact_id = 1001")
    system.stop()
    again = Invoicing(Options(folder, people=20, rows_for_canary=EXTRA), populate(20))
    again.start()
    try:
        assert again.server.port == port
        with _reader(again) as connection:
            assert connection.execute("SELECT role FROM customer_contact WHERE contact_id = 1001").fetchone() == (
                "changed",
            )
        other = Invoicing(Options(folder, people=12), populate(12), server=again.server)
        other.start()
        with _reader(other) as connection:
            assert connection.execute("SELECT count(*) FROM invoice WHERE invoice_id > 10000000").fetchone() == (0,)
        other.stop()
        assert _reader(again).execute("SELECT 1").fetchone() == (1,)
        again.heal()
    finally:
        again.stop()
        system.start()


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    """Nor does a server that somebody else started, nor one whose starter was killed."""
    server = Postgres(tmp_path / "pg")
    server.start()
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    adopted = Postgres(tmp_path / "pg")
    adopted.start()
    adopted.ensure_database("one")
    assert adopted.url("one") == server.url("one")
    server.stop()
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    server.start()
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    server.start()
    with psycopg.connect(server.socket_url("one", "postgresql")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_listens_on_loopback_only(system: Invoicing) -> None:
    """And asks for a password there and on the socket."""
    with psycopg.connect(system.server.url("invoicing", "postgresql")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        row = connection.execute("SHOW max_connections").fetchone()
        assert row is not None
        assert int(row[0]) >= 300
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{system.server.port}/postgres")


def test_pdf_is_one() -> None:
    """Every offset of the cross-reference table points to its object."""
    body = pdf(["Åsa (D'Arcy) \\ 1", "نور"])
    start = int(body.split(b"startxref\n")[1].split()[0])
    entries = body[start:].split(b"\n")[3:8]
    for number, entry in enumerate(entries, 1):
        assert body[int(entry.split()[0]) :].startswith(b"%d 0 obj" % number)
