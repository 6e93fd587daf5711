"""Everything of ours is lost in the middle of the work, and brought back from the backup of the night before."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import judging
import psycopg
import pytest
from office import Office
from psycopg import sql
from running_sandbox import Sandbox
from state import State

from dsr import __main__ as commands
from dsr.mirrored import CASES, KEYS, mirror
from dsr.objectstore import ObjectStore
from dsr.restored import destroy_again, look
from sandbox.people import Person
from sandbox.postgres import Postgres, _binary

pytestmark = [pytest.mark.airflow, pytest.mark.thorough]


class House:
    """An office that can burn down: its ledger, its case store, its runs."""

    def __init__(self, office: Office, server: Postgres, backup: Path) -> None:
        self.office, self.server, self.backup = office, server, backup
        self.database = office.ledger_url.rpartition("/")[2]
        self.store = ObjectStore(str(office.folder / "cases"))
        self.copies = {CASES: ObjectStore(str(backup / "store")), KEYS: ObjectStore(str(backup / "elsewhere"))}

    def copy_store(self) -> None:
        for folder, copy in self.copies.items():
            mirror(self.store, copy, folder)

    def dump(self) -> None:
        """The ledger, and Airflow's runs."""
        self._program("pg_dump", "--format=custom", f"--file={self.backup / 'ledger.dump'}", self.database)
        shutil.copytree(self.office.folder / "runs", self.backup / "runs")

    def burn(self) -> None:
        self.office.engine.dispose()
        with psycopg.connect(self.server.url("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.database)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
        for folder in ("cases", "runs"):
            shutil.rmtree(self.office.folder / folder)

    def restore(self) -> None:
        self._program("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={self.database}",
                      str(self.backup / "ledger.dump"))  # fmt: skip
        shutil.copytree(self.backup / "runs", self.office.folder / "runs")
        for folder, copy in self.copies.items():
            mirror(copy, self.store, folder)

    def _program(self, name: str, *arguments: str) -> None:
        environment = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.server.port), "PGUSER": "postgres"}
        environment["PGPASSWORD"] = (self.server.folder / "password").read_text()
        subprocess.run([str(_binary(name)), *arguments], env=environment, check=True, capture_output=True)


@pytest.fixture
def house(way_sandbox: Sandbox, new_ledger: Callable[[], str], postgres: Postgres, tmp_path: Path) -> Iterator[House]:
    way_sandbox.forget()
    office = Office(tmp_path / "office", way_sandbox.endpoints, new_ledger())
    office.upkeep()
    (tmp_path / "backup").mkdir()
    yield House(office, postgres, tmp_path / "backup")
    office.close()
    way_sandbox.forget()


def test_open_requests_go_on_and_who_was_erased_stays_erased(
    house: House, way_sandbox: Sandbox, crowd: Iterator[Person], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    office, gone, waiting, meanwhile = house.office, next(crowd), next(crowd), next(crowd)
    before, day = State.of(office.state()), office.now().date()
    systems = office.admin.post("/snapshots").raise_for_status().json()["id"]
    assert office.finish(office.ask(gone.email, "erasure")).failed == {}
    open_one = office.ask(waiting.email, "erasure")
    office.until(open_one, "approve")
    shredded = office.ask(meanwhile.email, "erasure")
    office.until(shredded, "verify")

    house.copy_store()
    assert office.finish(shredded).failed == {}  # the store's copy still has what it worked with
    house.dump()
    house.burn()
    house.restore()

    with office.at_work() as place:
        noted = place.ledger.verify()
        assert office.case(shredded).names("rows/"), "back, and nobody would have noticed"
        found = look(place.cases, place.ledger, [open_one], datetime.now(UTC))
        assert (found.destroyed, found.shredded, found.lost) == ((), (shredded,), ())
        destroy_again(place.cases, place.ledger, found, office.now())
        assert office.case(shredded).names("rows/") == []
        assert look(place.cases, place.ledger, [open_one], datetime.now(UTC)).shredded == ()
        assert place.ledger.verify() == noted + 1

    assert office.finish(open_one).failed == {}
    assert "certified" in office.kinds(open_one)
    assert office.suppressed(gone.email) == {"all"}

    # And the systems burn, too: their backup is from before all three.
    office.admin.post(f"/snapshots/{systems}/restore").raise_for_status()
    office.admin.delete(f"/snapshots/{systems}").raise_for_status()
    for name, value in office.environment().items():
        monkeypatch.setenv(name, value)
    codes = []
    for _ in range(2):  # Account Engagement deletes later
        codes.append(commands.main(shlex.split("replay")))
        office.wait(judging.LATER)
    capsys.readouterr()
    last = commands.main(["replay"])
    said = capsys.readouterr().out
    # Who was erased from webinars can't be looked for there, and that is no success.
    unlooked = {line.split()[0] for line in said.splitlines() if line.endswith("can't be looked for")}
    assert unlooked <= {"webinars"}
    assert (last, "not erased again" in said) == (bool(unlooked), False), said
    others = [one for one in way_sandbox.population.people if one not in (gone, waiting, meanwhile)]
    three = [gone, waiting, meanwhile]
    found_left = judging.erased(three, others, way_sandbox.truth, before, State.of(office.state()), day)
    assert [finding for finding in found_left if "'webinars'" not in finding] == []
