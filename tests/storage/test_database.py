"""The migrations give the tables that the code uses, from any number of processes at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from dsr import database
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.progress import STAGES, Told
from dsr.tables import metadata
from dsr.unstarted import Unstarted
from sandbox.postgres import Postgres


def test_processes_that_start_together_upgrade_once(postgres: Postgres) -> None:
    postgres.ensure_database("upgrades")
    engines = [database.connect(postgres.url("upgrades")) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(database.upgrade, engines)) == [None] * 4
    with engines[0].begin() as connection:
        assert connection.execute(text("SELECT count FROM ledger_head")).scalars().all() == [0]
    for engine in engines:
        engine.dispose()


def test_requests_from_before_are_not_told_what_is_long_past(postgres: Postgres) -> None:
    """Of how far they have come: an acknowledgement would come in the middle of their way."""
    postgres.ensure_database("before_tickets")
    engine = database.connect(postgres.url("before_tickets"))
    database.upgrade(engine, "0007")
    ledger, at = Ledger(engine, b"k" * 32), datetime(2026, 11, 20, tzinfo=UTC)
    received = {"channel": "zendesk", "right": "access", "received_at": at.isoformat(), "target": "2026-12-18",
                "legal_latest": "2026-12-21"}  # fmt: skip
    ledger.append("dsr-before01", "request_received", received, at=at)
    database.upgrade(engine)
    ledger.append("dsr-before01", "composed", {"files": 3}, at=at)
    ledger.append("dsr-after001", "request_received", received, at=at)
    told = {name: told for name, _, told in Told(engine).changed()}
    assert told["dsr-before01"] > len(STAGES)
    assert told["dsr-after001"] == 0
    engine.dispose()


def test_requests_from_before_that_have_no_run_are_started_still(postgres: Postgres) -> None:
    """In the order of receipt; not what has a run, or has ended without one."""
    postgres.ensure_database("before_unstarted")
    engine = database.connect(postgres.url("before_unstarted"))
    database.upgrade(engine, "0010")
    ledger, at = Ledger(engine, b"k" * 32), datetime(2026, 11, 20, tzinfo=UTC)
    received = {"channel": "zendesk", "right": "access", "received_at": at.isoformat(), "target": "2026-12-18",
                "legal_latest": "2026-12-21"}  # fmt: skip
    for request_id in ("dsr-waits002", "dsr-begun001", "dsr-ended001", "dsr-waits001"):
        ledger.append(request_id, "request_received", received, at=at)
    ledger.append("dsr-begun001", "run_started", at=at)
    ledger.append("dsr-ended001", "closed", {"outcome": "ended"}, at=at)
    database.upgrade(engine)
    ledger.append("dsr-after001", "request_received", received, at=at)
    waiting = Unstarted(engine).next(0, at + timedelta(hours=1), 10)
    assert waiting == [(1, "dsr-waits002"), (4, "dsr-waits001"), (7, "dsr-after001")]
    engine.dispose()


def test_migrations_and_tables_agree(engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("url", ["", "sqlite://", "mysql://u:p@h/d", "no url at all"])
def test_only_postgresql(url: str) -> None:
    with pytest.raises(PermanentError, match=r"setting\.ledger_url"):
        database.connect(url)


def test_a_plain_address_gets_the_right_driver() -> None:
    assert database.connect("postgresql://u:p@h/d").url.drivername == "postgresql+psycopg"


def test_errors_carry_no_values(engine) -> None:
    with (
        pytest.raises(PermanentError, match=r"ledger: database\.22012") as caught,
        database.transaction(engine, "ledger") as c,
    ):
        c.execute(text("SELECT 1 / (length(:name) - 4)"), {"name": "Anna"})
    assert caught.value.__suppress_context__
