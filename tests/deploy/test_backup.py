"""Everything is lost and brought back, by the very commands of docs/operations.md."""

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import operations
import psycopg
import pytest
from psycopg import sql

from dsr import database
from dsr.__main__ import main
from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.model import Identifier
from dsr.settings import Settings, subkey
from dsr.suppression import Suppression
from sandbox.postgres import Postgres, _binary

MASTER_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
OPEN, ANSWERED, ENDED, LATE = (f"dsr-{name * 26}" for name in "abcd")
SECRET = "anna.berg@example.se"


@dataclass(frozen=True)
class House:
    """One installation. `run` gives a block of the document to the shell, with `ledger` and `airflow` as the names of
    its databases."""

    folder: Path
    server: Postgres
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name, "postgresql")

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment(), need=("case_store", "ledger_url", "master_key"))

    @property
    def cases(self) -> CaseStore:
        return CaseStore(str(self.folder / "cases"), *self.settings.case_keys)

    @property
    def ledger(self) -> Ledger:
        return Ledger(database.connect(self.url), subkey(self.settings.master_key, "ledger"))

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DSR_", "PG", "AIRFLOW"))}
        return clean | {
            "PATH": f"{Path(sys.executable).parent}:{_binary('pg_dump').parent}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": "postgres",
            "PGPASSWORD": (self.server.folder / "password").read_text(),
            "BACKUP": str(self.folder / "backup"),
            "BACKUP_KEYS": str(self.folder / "elsewhere"),
            "DSR_CASE_STORE": str(self.folder / "cases"),
            "DSR_LEDGER_URL": self.url,
            "DSR_MASTER_KEY": MASTER_KEY,
        }

    def run(self, commands: str, code: int = 0) -> str:
        """What it printed."""
        said = io.StringIO()
        with mock.patch.dict(os.environ, self.environment(), clear=True), contextlib.redirect_stdout(said):
            ended = [self._ended(line) for line in commands.splitlines()]
        assert ended == [*[0] * (len(ended) - 1), code], said.getvalue()
        return said.getvalue()

    def _ended(self, line: str) -> int:
        """The code that a line ends with. Our own commands in this process: another one would take a second each."""
        for name in ("ledger", "airflow"):
            line = line.replace(f"--dbname={name} ", f"--dbname={self.of(name)} ")
            line = line.replace(f'.dump" {name}', f'.dump" {self.of(name)}')
        if line.startswith("python -m dsr "):
            return main(shlex.split(os.path.expandvars(line))[3:])
        return subprocess.run(["sh", "-euc", line], check=False).returncode

    def of(self, name: str) -> str:
        """Its database of that name on the shared server."""
        return self.name if name == "ledger" else f"{self.name}_{name}"

    def emptied(self) -> None:
        """New, empty databases."""
        with psycopg.connect(self.server.url("postgres", "postgresql"), autocommit=True) as connection:
            for name in map(self.of, ("ledger", "airflow")):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture
def house(new_ledger: Callable[[], str], postgres: Postgres, tmp_path: Path) -> House:
    name = new_ledger().rpartition("/")[2]
    made = House(tmp_path, postgres, name)
    postgres.ensure_database(made.of("airflow"))
    with psycopg.connect(postgres.url(made.of("airflow"), "postgresql")) as connection:
        connection.execute("CREATE TABLE dag_run (run_id text)")
        connection.execute("INSERT INTO dag_run VALUES (%s)", (OPEN,))
    for folder in ("backup", "elsewhere"):
        (tmp_path / folder).mkdir()
    return made


def received(house: House, request_id: str) -> None:
    """A request whose systems have been read."""
    case = house.cases.create(request_id)
    case.write_json("request", {"subject": {"email": SECRET}})
    case.write_json("rows/salesforce/contact", {"email": SECRET})
    dates = {"received_at": NOW.isoformat(), "target": "2026-11-27", "legal_latest": "2026-12-02"}
    house.ledger.append(request_id, "request_received", {"channel": "zendesk", "right": "access", **dates}, at=NOW)
    house.ledger.append(request_id, "source_searched", {"source": "salesforce", "status": "found"}, at=NOW)


def answered(house: House, request_id: str) -> None:
    """As `deliver`, `close` and `shred` leave it."""
    at = NOW + timedelta(days=1)
    house.cases.open(request_id).write_json("package", {"bytes": 1})
    expires = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    house.ledger.append(request_id, "delivered", {"by": "mail", "expires_at": expires, "incomplete": []}, at=at)
    house.ledger.append(request_id, "answered", {"outcome": "link", "incomplete": []}, at=at)
    house.ledger.append(request_id, "closed", {"outcome": "answered"}, at=at)
    house.cases.open(request_id).remove("rows/")
    house.ledger.append(request_id, "shredded", {"outcome": "delivered"}, at=at)


def test_what_is_lost_comes_back_and_what_was_destroyed_does_not_unnoticed(house: House) -> None:
    for request_id in (OPEN, ANSWERED, ENDED):
        received(house, request_id)
    erased, suppression_key = Identifier("email", "erased@example.se"), subkey(house.settings.master_key, "suppression")
    Suppression(house.ledger.engine, suppression_key).add([erased], "all", OPEN, NOW)
    copied, dumped = operations.block("Backup", "pg_dump").split("\n", 1)
    house.run(copied)
    # The day goes on between the two.
    answered(house, ANSWERED)
    answered(house, ENDED)
    house.cases.open(ENDED).close()
    house.ledger.append(ENDED, "link_expired", at=NOW + timedelta(days=15))
    received(house, LATE)
    noted = house.run(dumped)

    # Neither half of the store's copy says anything: no key lies with the cases, nothing but keys with the keys.
    halves = {name: [p for p in (house.folder / name).rglob("*") if p.is_file()] for name in ("backup", "elsewhere")}
    assert not [path for path in halves["backup"] if "keys" in path.parts]
    assert {path.parent.name for path in halves["elsewhere"]} == {"keys"}
    assert not [path for paths in halves.values() for path in paths if SECRET.encode() in path.read_bytes()]
    alone = CaseStore(str(house.folder / "backup" / "store"), *house.settings.case_keys)
    with pytest.raises(PermanentError, match=r"case\.closed"):
        alone.open(OPEN)

    house.emptied()
    subprocess.run(["rm", "-r", str(house.folder / "cases")], check=True)
    assert house.run(operations.block("Restore", "pg_restore")).splitlines()[-1] == noted.splitlines()[-1]
    said = house.run(operations.block("Restore", "store check\n"), 1)
    assert [said.index(case_id) for case_id in (ENDED, ANSWERED, LATE)] == sorted(
        said.index(case_id) for case_id in (ENDED, ANSWERED, LATE)
    )
    assert OPEN not in said
    assert house.cases.open(ANSWERED).exists("rows/salesforce/contact"), "it is back, and only the check tells"

    destroy = operations.block("Restore", "--destroy").splitlines()[0]
    house.run(destroy, 1)  # one request is lost still, one has lost its package
    assert house.cases.cases() == [OPEN, ANSWERED]
    assert house.cases.open(ANSWERED).names() == ["request"]
    assert house.cases.open(OPEN).read_json("rows/salesforce/contact") == {"email": SECRET}
    last = {event.request_id: (event.kind, dict(event.detail)) for event in house.ledger.events()}
    assert last[ANSWERED] == last[ENDED] == ("shredded", {"outcome": "restored"})
    told = json.loads(house.run(f"{destroy} --json", 1))
    assert told == {"packageless": [ANSWERED], "lost": [LATE], "destroyed_again": True}
    assert house.ledger.verify() == house.ledger.head().count

    # Who was erased is still known, and Airflow's runs are there.
    assert Suppression(house.ledger.engine, suppression_key).asks([erased]) == {"all"}
    with psycopg.connect(house.server.url(house.of("airflow"), "postgresql")) as connection:
        assert connection.execute("SELECT run_id FROM dag_run").fetchall() == [(OPEN,)]


def test_a_copy_follows_what_is_destroyed_and_what_is_written_over(house: House) -> None:
    received(house, OPEN)
    received(house, ENDED)
    copy = operations.block("Backup", "pg_dump").splitlines()[0]
    house.run(copy)
    house.cases.open(ENDED).close()
    house.cases.open(OPEN).write_json("request", {"subject": {"email": SECRET[::-1]}})
    house.run(copy)
    left = [p for name in ("backup", "elsewhere") for p in (house.folder / name).rglob("*") if ENDED in str(p)]
    assert [path for path in left if path.is_file()] == []
    subprocess.run(["rm", "-r", str(house.folder / "cases")], check=True)
    house.run('python -m dsr store restore --cases "$BACKUP/store" --keys "$BACKUP_KEYS/store"')
    assert house.cases.open(OPEN).read_json("request") == {"subject": {"email": SECRET[::-1]}}


def test_a_ledger_older_than_the_store_and_a_key_that_was_changed_are_told(house: House) -> None:
    house.cases.create("dsr-unknown-to-it").write_json("request", {})
    received(house, OPEN)
    other = CaseStore(str(house.folder / "cases"), b"9" * 32)
    other.create(ENDED)
    house.ledger.append(ENDED, "run_started", {}, at=NOW)
    said = house.run("python -m dsr store check --json", 1)
    assert '"unknown": [\n  "dsr-unknown-to-it"' in said
    assert f'"unreadable": [\n  "{ENDED}"' in said
    house.cases.open(OPEN)
    house.run("rm -r $DSR_CASE_STORE/keys/dsr-unknown-to-it $DSR_CASE_STORE/keys/" + ENDED)
    assert house.run("python -m dsr store check") == ""
