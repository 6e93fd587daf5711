"""Whether a web process says when it can't work: of both, through the wire."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from served import served

from dsr import database
from dsr.casefile import CaseStore
from dsr.settings import Settings
from dsr.web import intake, portal
from dsr.web.readiness import Readiness

SETTINGS = {
    "DSR_MASTER_KEY": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
    "DSR_PORTAL_URL": "https://portal.example",
    "DSR_AIRFLOW_URL": "http://127.0.0.1:9",
    "DSR_AIRFLOW_USER": "intake",
    "DSR_AIRFLOW_PASSWORD": "unused",
    "DSR_MAIL_FROM": "privacy@controller.example",
    "DSR_MAIL_URL": "smtp://127.0.0.1:9?tls=no",
    "DSR_CONTROLLER_NAME": "Controller",
    "DSR_CONTROLLER_MAIL": "privacy@controller.example",
    "DSR_CONTROLLER_ADDRESS": "Street 1",
}
"""Of both processes, but for where things lie."""


def asked(app: object) -> list[tuple[int, str]]:
    with served(app) as url:  # type: ignore[arg-type]
        return [(r.status_code, r.text) for r in (httpx.get(f"{url}{path}", timeout=30) for path in PATHS)]


PATHS = ("/healthz", "/readyz")


def apps(settings: Settings) -> list[object]:
    return [
        portal.create_app(portal.Counter.from_settings(settings)),
        intake.create_app(intake.Desk.from_settings(settings)),
    ]


def test_both_say_whether_they_can_work_and_nothing_more(new_ledger: Callable[[], str], tmp_path: Path) -> None:
    sound = Settings.from_environment(
        SETTINGS | {"DSR_CASE_STORE": str(tmp_path / "cases"), "DSR_LEDGER_URL": new_ledger()}
    )
    for app in apps(sound):
        assert asked(app) == [(200, '{"ok":true}'), (200, '{"ok":true}')]
    assert [path for path in (tmp_path / "cases").rglob("*") if path.is_file()] == []  # no probe is left
    for app in apps(replace(sound, ledger_url="postgresql://nobody:secret@127.0.0.1:9/ledger")):
        assert asked(app) == [(200, '{"ok":true}'), (503, '{"ok":false}')]
    empty = new_ledger()
    with database.connect(empty).begin() as connection:
        connection.exec_driver_sql("DROP TABLE ledger_head")  # not migrated yet
    full = tmp_path / "full"
    CaseStore(str(full))
    (full / "probes").write_text("")  # in the way, as a store that can't be written to
    for broken in (replace(sound, ledger_url=empty), replace(sound, case_store=str(full))):
        for app in apps(broken):
            assert asked(app) == [(200, '{"ok":true}'), (503, '{"ok":false}')]


def test_however_often_it_is_asked_it_looks_once_in_a_while(
    new_ledger: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, clock = [], [0.0]
    cases = CaseStore(str(tmp_path))
    monkeypatch.setattr(cases, "probe", lambda: looks.append(clock[0]))
    readiness = Readiness(database.connect(new_ledger()), cases, lambda: clock[0])
    for clock[0] in (0.0, 1.0, 4.9, 5.1, 6.0):
        assert readiness.answer().status_code == 200
    assert looks == [0.0, 5.1]
