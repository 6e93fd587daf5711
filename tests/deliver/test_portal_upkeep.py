"""What the download page has kept of visits is gone after the night in which it has no more effect."""

import sys
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from counter_hall import MASTER, NOW, Office
from sqlalchemy import func, select
from test_portal import link_of, opened

from dsr.allowances import Allowances
from dsr.sessions import Sessions
from dsr.settings import subkey
from dsr.tables import allowances, sessions

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_keeping
from dsr_workplace import Workplace

pytestmark = pytest.mark.airflow
LATER = NOW + timedelta(days=900)
"""No other test's rows are of that time, or are left until then."""


def sweep(office: Office, monkeypatch: pytest.MonkeyPatch, at: datetime, runs: Collection[str] = ()) -> None:
    """The night's task, without a running Airflow."""
    place = Workplace()
    vars(place).update(settings=office.settings, engine=office.engine, cases=office.cases)
    monkeypatch.setattr(dsr_keeping, "Workplace", lambda: place)
    monkeypatch.setattr(dsr_keeping, "now", lambda: at)
    monkeypatch.setattr(dsr_keeping, "_runs", lambda case_id: case_id in runs)
    dsr_keeping.sweep.function()


def rows(office: Office) -> tuple[int, ...]:
    with office.engine.connect() as connection:
        tables = sessions, allowances
        return tuple(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def test_the_sweep_forgets_them(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(office, "dsr-swept000")
    office.cases.open("dsr-swept000").close()
    office.links.forget("dsr-swept000")
    office.links.create("dsr-swept000", link_of("dsr-swept000"), "code", LATER + timedelta(days=14), LATER)
    limits = office.settings.portal
    kept = Allowances(office.engine, subkey(MASTER, "allowances"), limits.attempts, limits.within)
    kept.take("package", "203.0.113.200", LATER)
    assert Sessions(office.engine, limits.session).open(link_of("dsr-swept000"), "0" * 64, LATER)
    sweep(office, monkeypatch, LATER + timedelta(minutes=5))
    assert rows(office) == (1, 1)
    sweep(office, monkeypatch, LATER + timedelta(hours=3))
    assert rows(office) == (0, 0)


def test_the_sweep_destroys_what_broke_off_while_it_was_taken_in(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The ledger knows nothing of them, so nobody would ever look at them: 30 days after they were seen first, however
    old they are. Nothing of which more was done, as when an older ledger was restored, and nothing that runs."""
    office.ledger.append("dsr-heard000", "failed", {"task": "identify", "code": "http.401"}, at=NOW)
    ids = "dsr-heard000", "dsr-broken00", "list-broken0", "dsr-begun000", "dsr-runs0000"
    for case_id in ids:
        office.cases.create(case_id).write_json("request", {"email": "a@example.com"})
    office.cases.open("dsr-begun000").write_json("search/pardot", {})
    at = LATER + timedelta(days=200)
    for days, left in ((0, set(ids)), (29, set(ids)), (31, set(ids) - {"dsr-broken00", "list-broken0"})):
        sweep(office, monkeypatch, at + timedelta(days=days), runs=("dsr-runs0000",))
        assert set(ids) & set(office.cases.cases()) == left
    assert "dsr-broken00" in caplog.text
    assert "dsr-begun000" in caplog.text
    assert "dsr-heard000" not in caplog.text
