"""The pages Sources and Register: what they show, who may set a look going, and in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import console_desk
import pytest
from console_desk import NOW, Console, look
from served import served

from dsr.casefile import CaseStore
from dsr.checks import NOT_CONNECTED, Check, Checks
from dsr.database import connect
from dsr.errors import TransientError
from dsr.ledger import Ledger
from dsr.model import Identifier, IndexEntry
from dsr.register import check
from dsr.register.confirming import confirm, copy
from dsr.settings import Settings, subkey
from dsr.subjects import SubjectIndex
from dsr.web import console, register, sources
from dsr.web.sources import Systems
from extractors import SOURCES

playwright = pytest.importorskip("playwright.sync_api")
DECLARATIONS = [source.declaration for source in SOURCES]


@dataclass
class Asked:
    """An Airflow that takes notes; `down`: it can't be reached."""

    looks: list[tuple[str, datetime]] = field(default_factory=list)
    down: bool = False

    def __call__(self, source: str, at: datetime) -> None:
        if self.down:
            raise TransientError("connection.failed", "airflow")
        self.looks.append((source, at))


@dataclass
class Room:
    """The pages and what they stand on."""

    console: Console
    checks: Checks
    index: SubjectIndex
    asked: Asked


@contextmanager
def opened(url: str, folder: Path, register_folder: str = "") -> Iterator[Room]:
    """The pages over that ledger."""
    settings = Settings(case_store=str(folder), ledger_url=url, master_key=bytes(32), register=register_folder)
    engine = connect(url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    cases = CaseStore(settings.case_store, settings.master_key)
    desk = console.Desk(
        settings, cases, ledger, console_desk._reviewing, console_desk._visiting, console_desk._alone, lambda: NOW
    )
    checks, asked = Checks(engine), Asked()
    index = SubjectIndex(engine, subkey(settings.master_key, "subjects"))
    systems = Systems(DECLARATIONS, checks, index.freshness, asked)
    pages = [*sources.routes(desk, systems), *register.routes(desk, DECLARATIONS)]
    with served(console.create_app(desk, pages)) as address:
        yield Room(Console(address, desk), checks, index, asked)
    engine.dispose()


@pytest.fixture
def room(new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Room]:
    with opened(new_ledger(), tmp_path) as found:
        yield found


def looked(room: Room) -> None:
    """A week of looks."""
    hour = timedelta(hours=1)
    drift = ("Contact.Shoe_Size__c", "Visit__c")
    room.checks.note(Check("salesforce", NOW - hour, "", drift, drift, 91_000, 100_000))
    room.checks.note(Check("pardot", NOW - 30 * hour))
    room.checks.note(Check("pardot", NOW - 2 * hour, "http.401"))
    room.checks.note(Check("invoicing", NOW - 80 * hour))
    room.checks.note(Check("recordings", NOW - hour, NOT_CONNECTED))
    entry = IndexEntry(Identifier("email", "edla@example.com"), "webinar_registration", "1", {})
    room.index.put("webinars", [entry], NOW - 3 * 24 * hour)


def test_how_each_source_stands(room: Room) -> None:
    """By its last look; when all was well last; what nobody declared; how old the index is."""
    looked(room)
    page = room.console.get("sources").text
    stands = {d.name: page.partition(f'id="{d.name}"')[2].partition("</section>")[0] for d in DECLARATIONS}
    assert '<dd class="good">Connected</dd>' in stands["salesforce"]
    assert "91,000 of 100,000" in stands["salesforce"]
    assert "<code>Contact.Shoe_Size__c</code>" in stands["salesforce"]
    assert '<dd class="bad">Doesn&#39;t let us in (http.401)</dd>' in stands["pardot"]
    assert "19 November 2026, 04:00" in stands["pardot"]
    assert "not looked at for a while" in stands["invoicing"]
    assert "Never looked at" in stands["webinars"]
    assert "17 November 2026, 10:00: what is newer isn't found" in stands["webinars"]
    assert "Not connected (connection.missing)" in stands["recordings"]
    assert "never: nobody can be found in it" in stands["recordings"]
    assert "edla" not in page
    for declaration in DECLARATIONS:
        for exclusion in declaration.exclusions:
            assert exclusion.what.partition("'")[0] in stands[declaration.name]


def test_a_look_is_asked_for_by_who_may(room: Room) -> None:
    """From our own page; nothing else can be asked for, and what Airflow doesn't start is told."""
    token = room.console.desk.token("officer", "sources")
    assert room.console.get("sources", "").status_code == 401
    assert room.console.get("sources", "nobody").status_code == 403
    for user in ("viewer", "enters"):  # who may start runs of requests may not start those of sources by that
        assert "Test connection" not in room.console.get("sources", user).text
        own = room.console.desk.token(user, "sources")
        assert room.console.post("sources/pardot", user, token=own).status_code == 403
    assert f'value="{token}"' in room.console.get("sources").text
    assert room.console.post("sources/pardot", "viewer", token=token).status_code == 403
    assert room.console.post("sources/pardot").status_code == 403
    evil = {"origin": "https://evil.example"}
    assert room.console.post("sources/pardot", headers=evil, token=token).status_code == 403
    assert room.console.post("sources/passwd", token=token).status_code == 404
    assert room.asked.looks == []
    done = room.console.post("sources/pardot", token=token)
    assert (done.status_code, done.headers["location"]) == (303, "/sources?asked=pardot#pardot")
    assert room.asked.looks == [("pardot", NOW)]
    assert "being looked at" in room.console.get("sources", asked="pardot").text
    assert "being looked at" not in room.console.get("sources", asked="<b>").text
    room.asked.down = True
    assert room.console.post("sources/pardot", token=token).status_code == 503


def test_schemas_of_declared_datasets(room: Room) -> None:
    """And of nothing else."""
    assert room.console.get("sources/schemas/call_record").json()["title"]
    assert room.console.get("sources/schemas/call_record", "").status_code == 401
    assert room.console.get("sources/schemas/event").status_code == 404
    assert room.console.get("sources/schemas/..%2Fregister").status_code == 404


def test_the_register_says_what_is_missing(room: Room) -> None:
    """All that `register check` finds, first; each row with its purposes, recipients, periods and datasets."""
    page = room.console.get("register").text
    assert "the example that is shipped" in page
    above = page.partition("<h2>Activities</h2>")[0]
    problems = check("", DECLARATIONS, "", "")
    assert f"{len(problems)} to settle" in above
    assert above.count("<li>") == len(problems)
    row = page.partition('id="crm"')[2].partition("</section>")[0]
    assert "Nobody has confirmed it." in row
    assert "Salesforce" in row
    assert "sources/schemas/salesforce_contact" in row
    assert room.console.get("register", "").status_code == 401


def test_a_row_that_somebody_stands_by(new_ledger: Callable[[], str], tmp_path: Path) -> None:
    """Says who and when; once it is edited, that it has changed. A register that can't be read says where."""
    folder = tmp_path / "register"
    copy(str(folder))
    confirm(str(folder), "calls", "dpo", NOW)
    with opened(new_ledger(), tmp_path / "cases", str(folder)) as room:
        row = room.console.get("register").text.partition('id="calls"')[2].partition("</section>")[0]
        assert "Confirmed by dpo, 2026-11-20." in row
        file = folder / "activities" / "calls.yaml"
        file.write_text(file.read_text().replace("Six months after the call.", "Seven months after the call."))
        row = room.console.get("register").text.partition('id="calls"')[2].partition("</section>")[0]
        assert "Changed since dpo confirmed it" in row
        file.write_text("id: [")
        page = room.console.get("register")
        assert page.status_code == 200
        above, _, rows = page.text.partition("<h2>Activities</h2>")
        assert "activities/calls.yaml" in above
        assert 'id="calls"' not in rows
        assert 'id="crm"' in rows
        (folder / "recipients.yaml").write_text("[")
        page = room.console.get("register")
        assert page.status_code == 200
        assert "recipients.yaml" in page.text
        assert "<h2>Activities</h2>" not in page.text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.thorough)])
def test_everybody_can_use_them(
    browser: "playwright.Browser", room: Room, width: int, scheme: str, tmp_path: Path
) -> None:
    """WCAG 2.2 AA as far as axe-core sees; the button by keyboard, without script."""
    looked(room)
    for path in ("sources?asked=pardot", "register"):
        picture = tmp_path / f"{path.partition('?')[0]}-{width}.png"
        look(browser, f"{room.console.url}/{path}", width, scheme, picture).context.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.console.url}/sources")
    page.focus("form[action$='/webinars'] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources?asked=webinars#webinars")
    assert [name for name, _ in room.asked.looks] == ["webinars"]
    context.close()


def test_only_what_is_new_is_fresh(new_ledger: Callable[[], str]) -> None:
    """What the last good look saw is told no more; a failed one between changes nothing; old looks go."""
    from dsr.errors import PermanentError
    from dsr.model import Checked
    from dsr.steps.check_source import check_source

    class System:
        found: Any = Checked(("a.förnamn", "anna@example.com", "p19800101"), 5, 10)

        def check(self) -> Checked:
            if isinstance(self.found, Exception):
                raise self.found
            return self.found

    engine = connect(new_ledger())
    checks, system, day = Checks(engine), System(), timedelta(days=1)

    def at(days: int) -> Check:
        return check_source("salesforce", system, checks, NOW + days * day)  # type: ignore[arg-type]

    first = at(0)
    assert first.fresh == first.undeclared
    assert first.undeclared[0] == "a.förnamn"
    assert all(name.startswith("sha256.") for name in first.undeclared[1:]), "what may be anything is not kept"
    assert at(1).fresh == ()
    system.found = PermanentError("http.401", "salesforce")
    with pytest.raises(PermanentError, match=r"http\.401"):
        at(2)
    assert checks.last()["salesforce"].code == "http.401"
    assert checks.good()["salesforce"].at == NOW + day
    system.found = Checked(("a.förnamn", "c"))
    assert at(3).fresh == ("c",)
    assert checks.last()["salesforce"].calls_left is None
    assert check_source("pardot", None, checks, NOW).code == NOT_CONNECTED
    at(200)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM source_checks WHERE source = 'salesforce'").scalar()
    assert kept == 1
    engine.dispose()
