"""Airflow's own database, for real: it is migrated and cleaned by the commands of docs/operations.md, and no request
that is open loses its run."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import operations
import psycopg
import pytest

from dsr import database
from dsr.ledger import Ledger
from dsr.settings import subkey
from sandbox.postgres import Postgres

pytestmark = [pytest.mark.airflow, pytest.mark.thorough]

NOW = datetime.now(UTC)
_FILL = """
import json, sys
from datetime import datetime, timedelta
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
runs = json.loads(sys.argv[1])
with create_session() as session:
    session.add(DagBundleModel(name="dsr"))
    session.flush()
    for dag_id in {dag_id for dag_id, *_ in runs}:
        session.add(DagModel(dag_id=dag_id, bundle_name="dsr", fileloc="/x", timetable_type="x", is_stale=False))
    session.flush()
    for dag_id, run_id, kind, state, at in runs:
        moment = datetime.fromisoformat(at)
        session.add(DagRun(dag_id=dag_id, run_id=run_id, run_type=DagRunType(kind), state=state, start_date=moment,
                           run_after=moment, logical_date=moment if kind == "scheduled" else None,
                           triggered_by=DagRunTriggeredByType.REST_API))
        session.add(Log(event="trigger", dag_id=dag_id, run_id=run_id, owner="intake"))
        session.flush()
"""


def receive(ledger: Ledger, request_id: str, at: datetime, *, closed: bool) -> None:
    dates = {"received_at": at.isoformat(), "target": str(at.date()), "legal_latest": str(at.date())}
    ledger.append(request_id, "request_received", {"channel": "zendesk", "right": "restriction", **dates}, at=at)
    if closed:
        ledger.append(request_id, "closed", {"outcome": "answered"}, at=at)


def test_no_request_that_is_open_loses_its_run(
    postgres: Postgres, new_ledger: Callable[[], str], tmp_path: Path
) -> None:
    postgres.ensure_database("cleaned")
    url = new_ledger()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "DSR_"))}
    environment = clean | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url("cleaned", "postgresql+psycopg2"),
        "DSR_LEDGER_URL": url,
        "DSR_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
    }

    def shell(commands: str) -> None:
        done = subprocess.run(
            ["sh", "-euc", commands], env=environment, cwd=operations.ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    shell(operations.block("Upgrade", "db migrate"))
    ledger = Ledger(database.connect(url), subkey(bytes(32), "ledger"))
    receive(ledger, "dsr-long-closed", NOW - timedelta(days=900), closed=True)
    receive(ledger, "dsr-restricted-for-years", NOW - timedelta(days=800), closed=False)
    receive(ledger, "dsr-closed-after-it", NOW - timedelta(days=700), closed=True)
    ago = {days: (NOW - timedelta(days=days)).isoformat() for days in (1, 40, 41, 700, 800, 900)}
    runs = [
        ("dsr_restriction", "dsr-long-closed", "manual", "success", ago[900]),
        ("dsr_restriction", "dsr-restricted-for-years", "manual", "running", ago[800]),
        ("dsr_restriction", "dsr-closed-after-it", "manual", "success", ago[700]),
        ("dsr_tickets", "scheduled__long-ago", "scheduled", "success", ago[41]),
        ("dsr_tickets", "scheduled__some-time-ago", "scheduled", "success", ago[40]),
        ("dsr_tickets", "scheduled__yesterday", "scheduled", "success", ago[1]),
    ]
    fill = [sys.executable, "-c", _FILL, json.dumps(runs)]
    done = subprocess.run(fill, env=environment, cwd=operations.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shell(operations.block("Run metadata", "--kept-since"))
    with psycopg.connect(postgres.url("cleaned", "postgresql")) as connection:
        kept = {run_id for (run_id,) in connection.execute("SELECT run_id FROM dag_run")}
        archives = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE '_airflow_deleted%'")
        assert archives.fetchall() == []
        started = connection.execute("SELECT run_id FROM log WHERE event = 'trigger'").fetchall()
    assert {run_id for (run_id,) in started} == {run_id for _, run_id, *_ in runs}  # a year is not over
    assert kept == {"dsr-restricted-for-years", "dsr-closed-after-it", "scheduled__yesterday"}
