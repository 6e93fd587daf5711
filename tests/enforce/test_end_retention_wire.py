"""Through the wire: what real books and a real store with Object Lock keep goes when that ends, and nothing else."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kept_records import AT, Installation
from made_up_sources import FakeIndex, email
from running_sandbox import Sandbox
from sqlalchemy import Engine

from dsr.model import Identifier
from dsr.reapproval import erased_under
from dsr.source import Connection
from dsr.steps.replay import replay
from extractors.invoicing import Invoicing
from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from sandbox.comparison import Change, difference
from sandbox.invoicing.system import Invoicing as Books
from sandbox.people import populate
from sandbox.recordings.calls import BUCKET
from sandbox.recordings.system import Recordings as Calls
from sandbox.system import Options

pytestmark = pytest.mark.slow
PEOPLE = 16
CANARY = populate(PEOPLE).canary
INVOICE, RECORD = "invoicing_invoice", "call_record"
TABLES = {
    INVOICE: "invoice",
    "invoicing_invoice_line": "invoice_line",
    "invoicing_payment": "payment",
    "invoicing_reminder": "reminder",
    "invoicing_document": "invoice_document",
}
Changes = Callable[[], list[Change]]


def connection(system: Any, conn_id: str) -> Connection:
    """With the keys for writing."""
    fields = {k: v for k, v in system.connections()[conn_id].items() if k != "conn_type"}
    return Connection(conn_id, **fields)


@pytest.fixture
def place(own_engine: Engine, tmp_path: Path) -> Installation:
    """An installation of this test's own."""
    return Installation(own_engine, secrets.token_bytes(32), tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The books on a server of their own."""
    system = Books(Options(tmp_path_factory.mktemp("books"), people=PEOPLE), populate(PEOPLE))
    system.start()
    system.save("beginning")
    yield system
    system.stop()


@pytest.fixture
def books(made: Books) -> Iterator[Books]:
    """As they were at the beginning."""
    yield made
    made.load_saved("beginning")


def watch(system: Books | Calls) -> Changes:
    """What has changed in all of it since now."""
    before = [entry.line() for entry in system.entries()]
    return lambda: difference(before, (entry.line() for entry in system.entries()))


@pytest.fixture
def source(books: Books) -> Invoicing:
    """With the role that may change some."""
    return Invoicing.connect(connection(books, "dsr_invoicing_write"))


class TestBooks:
    """The canary's booked invoices, through the real PostgreSQL."""

    def test_on_the_day_after_and_not_before(
        self, books: Books, source: Invoicing, place: Installation, request_id: str
    ) -> None:
        """The invoices of which the time has come, with lines, payments, reminders and documents; nobody else's."""
        place.erase([source], request_id, CANARY.email)
        kept = place.retained.kept("invoicing", request_id)
        assert {k.until for k in kept} == {date(year, 12, 31) for year in (2032, 2033, 2034)}
        changed = watch(books)
        assert place.night(source, "2032-12-31") == []
        assert changed() == []
        due = {(TABLES[k.dataset], k.record_id) for k in kept if k.until == date(2032, 12, 31)}
        assert {table for table, _ in due} >= {"invoice", "invoice_line", "payment", "invoice_document"}
        assert place.counts(source, "2033-01-01") == [{"erased": len(due)}]
        assert {(c.kind, c.id) for c in changed()} == due
        assert {(c.what, c.person) for c in changed()} == {("removed", "canary")}
        assert place.night(source, "2033-01-02") == []
        place.night(source, "2040-01-01")
        assert {(c.kind, c.id) for c in changed()} == {(TABLES[k.dataset], k.record_id) for k in kept}
        assert place.retained.kept("invoicing", request_id) == []

    def test_a_hold_that_was_added_meanwhile(
        self, books: Books, source: Invoicing, place: Installation, request_id: str
    ) -> None:
        """By then nothing of the person is known any more, but the hold on the number stops it until it is ended."""
        place.erase([source], request_id, CANARY.email)
        count, changed = len(place.retained.kept("invoicing", request_id)), watch(books)
        held = place.holds.add_person(Identifier("phone", CANARY.mobile), by="legal", at=AT)
        assert place.counts(source, "2040-01-01") == [{"kept": count}]
        assert place.night(source, "2041-01-01") == []
        assert changed() == []
        place.holds.end(held, by="legal", at=AT)
        assert place.counts(source, "2041-01-02") == [{"erased": count}]
        assert {(c.what, c.person) for c in changed()} == {("removed", "canary")}

    def test_a_hold_that_was_there_first(
        self, books: Books, source: Invoicing, place: Installation, request_id: str
    ) -> None:
        """Nothing is erased under it; when it is ended, the contact is emptied and all goes that no law keeps. What the
        law keeps reads otherwise from then on, since the reference names nobody any more, and goes in its time."""
        held = place.holds.add_person(email(CANARY.email), by="legal", at=AT)
        before = watch(books)
        place.erase([source], request_id, CANARY.email)
        assert {c.what for c in before()} == {"changed"}
        assert place.night(source, "2027-01-01") == []
        place.holds.end(held, by="legal", at=AT)
        changed = watch(books)
        [ended] = place.night(source, "2027-01-02")
        assert (ended.needs_person, set(ended.counts)) == (False, {"erased", "kept"})
        emptied = {c.kind for c in changed() if c.what == "changed"}
        assert emptied == {"customer", "customer_contact"}
        assert not {"invoice", "payment"} & {c.kind for c in changed() if c.id in _booked(place, request_id)}
        assert place.counts(source, "2040-01-01") == [{"erased": ended.counts["kept"]}]
        assert {c.person for c in changed()} == {"canary"}

    def test_a_payment_that_came_later(
        self, books: Books, source: Invoicing, place: Installation, request_id: str
    ) -> None:
        """The invoice stays with all its parts until a person has looked."""
        place.erase([source], request_id, CANARY.email)
        invoice = next(k.record_id for k in place.retained.kept("invoicing", request_id) if k.dataset == INVOICE)
        with psycopg.connect(books.server.url("invoicing", "postgresql"), autocommit=True) as company:
            company.execute(
                "INSERT INTO payment (payment_id, invoice_id, paid_at, amount, currency, method) "
                "VALUES (990001, %s, '2027-02-03', 1, 'SEK', 'bankgiro')",
                (int(invoice),),
            )
        changed = watch(books)
        [ended] = place.night(source, "2040-01-01")
        assert ended.needs_person
        assert ended.counts["refused"] > 1
        assert (invoice, "invoice") not in {(c.id, c.kind) for c in changed()}
        [ended] = place.night(source, "2040-01-02", request_id=request_id, confirmed=["changed"])
        assert not ended.needs_person
        assert ("payment", "removed") in {(c.kind, c.what) for c in changed()}
        assert place.retained.kept("invoicing", request_id) == []

    def test_restored_from_a_backup(
        self, books: Books, source: Invoicing, place: Installation, request_id: str
    ) -> None:
        """What was erased when its time had come is erased again."""
        place.erase([source], request_id, CANARY.email)
        books.save("backup")
        place.night(source, "2040-01-01")
        wanted = [entry.line() for entry in books.entries()]
        books.load_saved("backup")
        books.forget_saved("backup")
        at, approved = datetime(2040, 2, 1, tzinfo=UTC), partial(erased_under, place.ledger)
        [line] = replay(source, place.erasures, place.ledger, approved, at=at)
        assert (line.refused, line.failed) == (0, "")
        assert difference(wanted, (entry.line() for entry in books.entries())) == []


def _booked(place: Installation, request_id: str) -> set[str]:
    return {k.record_id for k in place.retained.kept("invoicing", request_id)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """A store of its own for this module."""
    system = Calls(Options(tmp_path_factory.mktemp("calls"), people=20), populate(20))
    system.start()
    yield system
    system.stop()


@pytest.mark.thorough
def test_recordings_under_object_lock(store: Calls, place: Installation, request_id: str) -> None:
    """Two sounds are locked for years, a transcript is under a legal hold of the store's: all else goes at once, these
    and what leads to them when their lock has ended; as long as the store refuses, a person is asked to look."""
    locked = {c.locked: c for c in store.calls if c.locked and c.person.key == "canary"}
    until, client = locked["COMPLIANCE"].locked_until, store.client()
    now = [AT]
    source = Recordings.connect(connection(store, "dsr_recordings_write"))
    source = Recordings(source._store, clock=lambda: now[0])
    place.index = FakeIndex({"recordings": list(source.index(None))}, read=AT)

    def night(after: int) -> dict[str, int]:
        """So many days after the locks have ended."""
        now[0] = until + timedelta(days=after)
        [ended] = place.night(source, now[0].date().isoformat())
        return dict(ended.counts)

    place.erase([source], request_id, CANARY.email)
    kept = place.retained.kept("recordings", request_id)
    assert {k.record_id.rpartition("/")[2] for k in kept if k.dataset == RECORD} == {c.call_id for c in locked.values()}
    assert sum(k.dataset != RECORD for k in kept) == 3
    changed = watch(store)
    assert night(-2) == {"kept": 6}
    assert changed() == []
    held = {"Bucket": BUCKET, "Key": locked["HOLD"].transcript_key}
    client.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    assert night(-1) == {"erased": 4, "kept": 2}
    assert {c.person for c in changed()} == {"canary"}
    assert {k.until for k in place.retained.kept("recordings", request_id)} == {until.date()}
    assert place.night(source, until.date().isoformat()) == []
    assert night(1) == {"left": 2}
    sound = {"Bucket": BUCKET, "Key": locked["GOVERNANCE"].audio_key}
    ends = datetime.now(UTC) + timedelta(seconds=1)  # the store goes by the real clock, and takes no day that is past
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": ends}
    client.put_object_retention(**sound, Retention=retention, BypassGovernanceRetention=True)
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.1)
    assert night(2) == {"erased": 1, "left": 1}
    there = {version["Key"] for version in client.list_object_versions(Bucket=BUCKET)["Versions"]}
    for call in locked.values():
        assert (call.sidecar_key in there) is (call.locked == "COMPLIANCE")
        assert (call.audio_key in there) is (call.locked == "COMPLIANCE")
        assert call.transcript_key not in there
    assert {c.person for c in changed()} == {"canary"}


@pytest.mark.thorough
def test_crm_and_marketing_after_a_hold(sandbox: Sandbox, place: Installation, request_id: str) -> None:
    """The platform follows the CRM, so it waits for it; what the CRM's erasure changes there is our own doing, and not
    refused. What no API can erase waits for a person; nobody else's record is touched."""
    systems = {"system": ["salesforce", "pardot"]}
    key, snapshot = "same_name", sandbox.admin.post("/snapshots", params=systems).json()["id"]
    crm = Salesforce.connect(sandbox.connection("dsr_salesforce"))
    platform = Pardot.connect(sandbox.connection("dsr_pardot"))
    address = sandbox.population.person(key).email
    held = place.holds.add_person(email(address), by="legal", at=AT)
    try:
        place.erase([crm, platform], request_id, address)
        assert [k for k in place.retained.kept("salesforce", request_id) if not k.signs.version] == []
        before = [line for name in ("salesforce", "pardot") for line in state(sandbox, name)]
        assert [*place.night(crm, "2027-01-01"), *place.night(platform, "2027-01-01")] == []
        place.holds.end(held, by="legal", at=AT)
        assert set(place.counts(platform, "2027-01-02")[0]) == {"waiting"}
        [first] = place.night(crm, "2027-01-02")
        assert first.counts["erased"] > 10
        [second] = place.night(platform, "2027-01-02")
        assert second.counts["waiting"] == 1
        sandbox.admin.put("/clock", json={"offset": 40 * 86400}).raise_for_status()
        [third] = place.night(platform, "2027-02-11")
        assert "refused" not in {*first.counts, *second.counts, *third.counts}
        assert "pardot_prospect" not in {k.dataset for k in place.retained.kept("pardot", request_id)}
        after = [line for name in ("salesforce", "pardot") for line in state(sandbox, name)]
        theirs = {c.person for c in difference(before, after)}
        assert {person for person in theirs if key not in person.split(",")} <= {""}
    finally:
        sandbox.admin.delete("/clock").raise_for_status()
        sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
        sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()


def state(sandbox: Sandbox, system: str) -> list[str]:
    """Everything that a system holds."""
    return sandbox.admin.get("/state", params={"system": system}).text.splitlines()
