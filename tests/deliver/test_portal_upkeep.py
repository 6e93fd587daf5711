"""What the download page has kept of visits is gone after the night in which it has no more effect."""

import sys
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


def sweep(office: Office, monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """The night's task, without a running Airflow."""
    place = Workplace()
    vars(place).update(settings=office.settings, engine=office.engine)
    monkeypatch.setattr(dsr_keeping, "Workplace", lambda: place)
    monkeypatch.setattr(dsr_keeping, "now", lambda: at)
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
