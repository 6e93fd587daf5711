"""Changing the invoicing database: a real PostgreSQL, every change seen in its whole state."""

import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from acting_conformance import ActingConformance, selections_of
from conformance import find_all, records
from made_up_selections import Effect, selection_of
from psycopg import sql
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Outcome, Subject
from dsr.selection import Selection
from dsr.source import Connection
from extractors.invoicing import Invoicing
from extractors.invoicing.mapping import CANONICAL
from sandbox.comparison import Change, difference
from sandbox.invoicing.system import Invoicing as Books
from sandbox.invoicing.tables import KEYS
from sandbox.people import populate
from sandbox.system import Options

Changes = Callable[[], list[Change]]
Watch = Callable[[], Changes]

PEOPLE = 16
READ, WRITE = "dsr_invoicing", "dsr_invoicing_write"
PARTS = ("invoicing_invoice_line", "invoicing_payment", "invoicing_reminder", "invoicing_document")
BOOKED: Mapping[str, str] = {
    "invoicing_contact": "anonymise",
    "invoicing_customer": "anonymise",
    "invoicing_address": "erase",
    "invoicing_bank_account": "erase",
    "invoicing_email_dispatch": "erase",
    "invoicing_invoice": "restrict",
    **dict.fromkeys(PARTS, "restrict"),
}
EVERYTHING = dict.fromkeys(BOOKED, "erase")
RESTRICTED = dict.fromkeys(BOOKED, "restrict")
MARKETING = ("dpv:DirectMarketing", "dpv:Personalisation")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The books on a server of their own, and a copy of them as they were at the beginning."""
    made = Books(Options(tmp_path_factory.mktemp("books"), people=PEOPLE), populate(PEOPLE))
    made.start()
    made.save("beginning")
    yield made
    made.stop()


@pytest.fixture
def sandbox(books: Books, tmp_path: Path) -> Iterator[Sandbox]:
    """As it was at the beginning; only the books run."""
    books.statements.forget()
    admin = httpx.Client(base_url="http://admin", transport=httpx.MockTransport(_administration(books)))
    yield Sandbox(tmp_path, {"connections": books.connections()}, admin, populate(PEOPLE), list(books.truth()))
    books.load_saved("beginning")


def _administration(books: Books) -> Callable[[httpx.Request], httpx.Response]:
    """What the sandbox's admin port does, for the books alone."""

    def answer(request: httpx.Request) -> httpx.Response:
        order = (request.method, *request.url.path.strip("/").split("/"))
        match order:
            case ("GET", "state"):
                return httpx.Response(200, text="".join(entry.line() for entry in books.entries()))
            case ("POST", "snapshots"):
                books.save("during")
                return httpx.Response(201, json={"id": "during"})
            case ("POST", "snapshots", name, "restore"):
                books.load_saved(name)
            case ("DELETE", "snapshots", name):
                books.forget_saved(name)
        return httpx.Response(200, json=[])

    return answer


@pytest.fixture
def source(sandbox: Sandbox) -> Invoicing:
    """With the role that may change some."""
    return Invoicing.connect(sandbox.connection(WRITE))


@pytest.fixture
def database(sandbox: Sandbox, books: Books) -> Iterator[psycopg.Connection]:
    """Somebody else at the company, who may do all."""
    with psycopg.connect(books.server.url("invoicing", "postgresql"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def watched(books: Books, sandbox: Sandbox) -> Watch:
    """Begin to watch the whole books; what that gives says what changed since."""

    def begin() -> Changes:
        before = [entry.line() for entry in books.entries()]
        return lambda: difference(before, (entry.line() for entry in books.entries()))

    return begin


def person(source: Invoicing, sandbox: Sandbox, key: str = "canary", request_id: str = "dsr-conformance") -> Found:
    return find_all(source, sandbox, key, request_id)


def told(outcomes: Iterator[Outcome]) -> dict[tuple[str, str, str, str], int]:
    """(dataset, effect, outcome, reason) → count."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for o in outcomes:
        assert (o.source, o.until) == ("invoicing", None)
        counted[o.dataset, o.effect, o.outcome, o.reason] += o.count
    return dict(counted)


def expected(selection: Selection, effects: tuple[str, ...], outcome: str = "done") -> dict[Any, int]:
    return {(d, e, outcome, ""): selection.count(d, e) for e in effects for d in selection.datasets(e)}


class TestConformance(ActingConformance):
    """What every source promises that changes its system."""

    source = Invoicing
    system = "invoicing"
    effects = BOOKED

    def connect(self, sandbox: Sandbox) -> Invoicing:
        return Invoicing.connect(sandbox.connection(WRITE))

    def test_done_means_gone(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """Tables number their rows alike: see TestErasing, which knows the table."""

    def test_killed_after_any_call(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """Not HTTP: see TestAllOrNothing, which does so after any statement."""

    def test_success_with_nothing_in_it(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """Not HTTP: how many rows a statement has changed is compared with how many it was to."""


class TestErasing:
    def test_exactly_the_selected_rows(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """Register data goes, contacts are emptied, invoices and all other people stay as they are."""
        selection = selection_of(source, person(source, sandbox), BOOKED)
        changed = watched()
        assert told(source.erase([selection])) == expected(selection, ("erase", "anonymise"))
        changes = changed()
        gone = {(c.kind, c.id) for c in changes if c.what == "removed"}
        assert gone == {
            (table, key)
            for table, dataset in (
                ("address", "invoicing_address"),
                ("bank_account", "invoicing_bank_account"),
                ("email_dispatch", "invoicing_email_dispatch"),
            )
            for key in selection.ids(dataset, "erase")
        }
        emptied = {(c.kind, c.id) for c in changes if c.what == "changed"}
        assert emptied == {("customer_contact", key) for key in selection.ids("invoicing_contact", "anonymise")} | {
            ("customer", key) for key in selection.ids("invoicing_customer", "anonymise")
        }
        assert {c.person for c in changes} == {"canary"}
        assert not [c for c in changes if c.what == "added"]

    def test_nothing_of_the_person_is_left_in_emptied_rows(self, sandbox: Sandbox, source: Invoicing) -> None:
        """No name, address or number, and nothing finds them by one any more."""
        found = person(source, sandbox)
        list(source.erase([selection_of(source, found, BOOKED)]))
        after = records(source.extract(found))
        text = json.dumps([after["invoicing_contact"], after["invoicing_customer"]], ensure_ascii=False)
        canary = sandbox.population.canary
        held = [*canary.emails, canary.email, canary.given, canary.family, canary.mobile[-6:], "680229"]
        assert not [value for value in held if value.lower() in text.lower()]
        assert all(row["family_name"] == "Anonym" for row in after["invoicing_contact"].values())
        assert person(source, sandbox).matches == ()

    def test_an_emptied_row_is_no_doubtful_one_of_their_colleagues(self, sandbox: Sandbox, source: Invoicing) -> None:
        """It bears the company's number and nobody's name; only who knows it by its own number finds it."""
        found = find_all(source, sandbox, "same_name")
        (emptied,) = (m.record_id for m in found.matches)
        list(source.erase([selection_of(source, found, BOOKED)]))
        number = Identifier("customer_number", sandbox.population.person("near_address").company.customer_number)
        colleagues = source.find([Subject("dsr-colleague0", frozenset({number}))]).matches
        assert len(colleagues) > 1
        assert emptied not in [m.record_id for m in colleagues]
        known = Subject("dsr-conformance", frozenset({number, Identifier("invoicing_contact", emptied)}))
        assert emptied in [m.record_id for m in source.find([known]).matches]

    def test_again_and_again(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """Gone already is a success, and changes nothing."""
        selection = selection_of(source, person(source, sandbox), BOOKED)
        list(source.erase([selection]))
        changed = watched()
        again = expected(selection, ("erase",), "absent") | expected(selection, ("anonymise",))
        assert told(source.erase([selection])) == again
        assert changed() == []

    def test_everything_children_first(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """When no duty to keep them holds any more, invoices with all that is part of them, and the contact."""
        found = person(source, sandbox)
        selection = selection_of(source, found, EVERYTHING)
        changed = watched()
        outcomes = told(source.erase([selection]))
        assert {o for _, _, o, _ in outcomes} == {"done"}, outcomes
        changes = changed()
        assert {c.what for c in changes} == {"removed"}
        assert {c.person for c in changes} == {"canary"}
        assert len(changes) == sum(outcomes.values())
        assert records(source.extract(found)) == {}

    def test_what_a_kept_row_stands_on_stays(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """A contact can't go while an invoice names it; nor does an address that is kept lose its contact."""
        effects = {"invoicing_contact": "erase", "invoicing_email_dispatch": "erase"}
        selection = selection_of(source, person(source, sandbox), effects)
        changed = watched()
        outcomes = told(source.erase([selection]))
        contacts = selection.count("invoicing_contact", "erase")
        assert outcomes["invoicing_contact", "erase", "blocked", "referred_to"] == contacts
        assert {c.kind for c in changed()} == {"email_dispatch"}

    def test_a_changed_row_is_left_with_all_its_parts(
        self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection
    ) -> None:
        """A draft that was booked since keeps its lines; its contact is kept for it."""
        selection = selection_of(source, person(source, sandbox), EVERYTHING)
        draft = database.execute("SELECT invoice_id, contact_id FROM invoice WHERE status = 'draft'").fetchone()
        assert draft is not None
        database.execute("UPDATE invoice SET status = 'booked', booked_at = now() WHERE invoice_id = %s", draft[:1])
        parts = "SELECT count(*) FROM invoice_line WHERE invoice_id = %s"
        lines = database.execute(parts, draft[:1]).fetchone()
        outcomes = told(source.erase([selection]))
        assert outcomes["invoicing_invoice", "erase", "changed", ""] == 1
        assert database.execute(parts, draft[:1]).fetchone() == lines
        assert lines is not None
        assert outcomes["invoicing_invoice_line", "erase", "blocked", "part_of_what_stays"] == lines[0]
        assert outcomes["invoicing_contact", "erase", "blocked", "referred_to"] == 1
        assert database.execute(
            "SELECT count(*) FROM customer_contact WHERE contact_id = %s", draft[1:]
        ).fetchone() == (1,)

    def test_a_row_that_became_somebody_elses(
        self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection
    ) -> None:
        """Isn't gone, and isn't touched."""
        selection = selection_of(source, person(source, sandbox), BOOKED)
        key = selection.ids("invoicing_address", "erase")[0]
        other = database.execute("SELECT contact_id FROM customer_contact ORDER BY contact_id DESC LIMIT 1").fetchone()
        assert other is not None
        database.execute("UPDATE address SET contact_id = %s WHERE address_id = %s", (other[0], int(key)))
        outcomes = told(source.erase([selection]))
        assert outcomes["invoicing_address", "erase", "changed", ""] == 1
        assert database.execute("SELECT contact_id FROM address WHERE address_id = %s", (int(key),)).fetchone() == other

    def test_a_table_that_the_mapping_does_not_know(
        self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection
    ) -> None:
        """Its rows would go silently with ours: so ours stay."""
        selection = selection_of(source, person(source, sandbox), BOOKED)
        key = int(selection.ids("invoicing_address", "erase")[0])
        database.execute("CREATE SCHEMA other")
        database.execute("CREATE TABLE other.visit (place bigint REFERENCES public.address ON DELETE CASCADE)")
        database.execute("INSERT INTO other.visit VALUES (%s)", (key,))
        try:
            with pytest.raises(PermanentError, match=r"credentials\.refused"):
                list(source.erase([selection]))
            database.execute("GRANT USAGE ON SCHEMA other TO dsr_writer; GRANT SELECT ON other.visit TO dsr_writer")
            outcomes = told(source.erase([selection]))
        finally:
            database.execute("DROP SCHEMA other CASCADE")
        assert outcomes["invoicing_address", "erase", "blocked", "referred_to"] == 1
        assert database.execute("SELECT count(*) FROM address WHERE address_id = %s", (key,)).fetchone() == (1,)

    def test_what_the_database_refuses(self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection) -> None:
        """A rule of its own on one row: that row stays, the others go."""
        selection = selection_of(source, person(source, sandbox), EVERYTHING)
        kept = int(selection.ids("invoicing_invoice", "erase")[2])
        database.execute(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF OLD.invoice_id = {kept} THEN RAISE EXCEPTION 'Åsa'; END IF; RETURN OLD; END $$"
        )
        database.execute("CREATE TRIGGER keep BEFORE DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION keep()")
        outcomes = told(source.erase([selection]))
        assert outcomes["invoicing_invoice", "erase", "blocked", "trigger"] == 1
        lines = database.execute("SELECT count(*) FROM invoice_line WHERE invoice_id = %s", (kept,)).fetchone()
        assert lines is not None
        assert outcomes["invoicing_invoice_line", "erase", "blocked", "part_of_what_stays"] == lines[0] > 0
        keys = [int(key) for key in selection.ids("invoicing_invoice", "erase")]
        left = database.execute("SELECT invoice_id FROM invoice WHERE invoice_id = ANY(%s)", (keys,)).fetchall()
        assert left == [(kept,)]

    def test_what_no_mapping_allows_is_a_persons_work(self, sandbox: Sandbox, tmp_path: Path, watched: Watch) -> None:
        """With the instructions of the dataset."""
        path = tmp_path / "mapping.yaml"
        lines = [x for x in CANONICAL.read_text().splitlines() if not x.strip().startswith(("delete:", "anonymise:"))]
        path.write_text("\n".join(x for x in lines if "mobile: null, language" not in x))
        source = Invoicing.connect(sandbox.connection(WRITE, extra={"mapping": str(path)}))
        selection = selection_of(source, person(source, sandbox), BOOKED)
        changed = watched()
        assert {(o, r) for _, _, o, r in told(source.erase([selection]))} == {
            ("manual", "delete.unmapped"),
            ("manual", "anonymise.unmapped"),
        }
        assert changed() == []
        for dataset in source.declaration.datasets:
            assert set(dataset.instructions) == {"sv", "en"}


class TestAllOrNothing:
    @pytest.mark.parametrize("effects", [BOOKED, pytest.param(EVERYTHING, marks=pytest.mark.slow)])
    def test_killed_after_any_statement(
        self,
        sandbox: Sandbox,
        source: Invoicing,
        watched: Watch,
        effects: Effect,
        books: Books,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The session is cut after each statement in turn: nothing has changed; then it is done."""
        selection = selection_of(source, person(source, sandbox), effects)
        changed, number = watched(), 0
        while True:
            number += 1
            with monkeypatch.context() as patched:
                _cut_after(patched, books, number)
                try:
                    outcomes = told(source.erase([selection]))
                except TransientError:
                    assert changed() == []
                    continue
            break
        assert 10 < number < 60
        assert {o for _, _, o, _ in outcomes} == {"done"}

    def test_somebody_writes_meanwhile(
        self,
        sandbox: Sandbox,
        source: Invoicing,
        watched: Watch,
        database: psycopg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Between our reading and our writing: a conflict, nothing done, and the next call sees it."""
        selection = selection_of(source, person(source, sandbox), BOOKED)
        key = int(selection.ids("invoicing_contact", "anonymise")[0])
        from extractors.invoicing.writing import Arrays

        real = Arrays.assign

        def meanwhile(self: Arrays, *arguments: Any, **more: Any) -> None:
            database.execute("UPDATE customer_contact SET role = 'VD' WHERE contact_id = %s", (key,))
            real(self, *arguments, **more)

        monkeypatch.setattr(Arrays, "assign", meanwhile)
        changed = watched()
        with pytest.raises(TransientError) as error:
            list(source.erase([selection]))
        assert error.value.code == "conflict"
        assert [(c.kind, c.fields) for c in changed()] == [("customer_contact", ("role", "updated_at"))]
        monkeypatch.undo()
        outcomes = told(source.erase([selection]))
        assert outcomes["invoicing_contact", "anonymise", "changed", ""] == 1

    def test_a_locked_row(self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection,
                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        """Nobody waits for long."""
        from extractors.invoicing import work

        monkeypatch.setitem(work._LIMITS, "lock_timeout", "200ms")
        selection = selection_of(source, person(source, sandbox), BOOKED)
        with database.transaction():
            database.execute("SELECT * FROM address FOR UPDATE")
            with pytest.raises(TransientError) as error:
                list(source.erase([selection]))
        assert error.value.code == "locked"

    def test_the_reading_role_changes_nothing(self, sandbox: Sandbox) -> None:
        """Refused for good."""
        source = Invoicing.connect(sandbox.connection(READ))
        selection = selection_of(source, person(source, sandbox), BOOKED)
        calls: list[Callable[[], Iterator[Outcome]]] = [
            lambda: source.erase([selection]),
            lambda: source.restrict([selection], ()),
        ]
        for call in calls:
            with pytest.raises(PermanentError) as error:
                list(call())
            assert error.value.code == "credentials.refused"

    def test_nothing_is_logged_and_values_are_bound(
        self, sandbox: Sandbox, source: Invoicing, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither here nor in the database's log."""
        selection = selection_of(source, person(source, sandbox), {**BOOKED, "invoicing_address": "rectify"})
        caplog.set_level(logging.DEBUG)
        list(source.rectify([selection], {"dsr-conformance": {"invoicing_address": {"city": "Hemlighult"}}}))
        list(source.restrict([selection], ()))
        list(source.erase([selection]))
        text = caplog.text + json.dumps(books.statements.listed(), ensure_ascii=False)
        assert "DELETE FROM" in text
        values = [*sandbox.population.canary.identifying(), "Hemlighult", "dsr-conformance", "Anonym"]
        assert not [value for value in values if value in text]


class TestRestricting:
    def test_marks_what_bears_one(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """Contacts, customers and invoices; the rest bears the mark of what it hangs on."""
        selection = selection_of(source, person(source, sandbox), RESTRICTED)
        changed = watched()
        outcomes = told(source.restrict([selection], ()))
        assert {o for _, _, o, _ in outcomes} == {"done"}
        assert sum(outcomes.values()) == sum(selection.count(d, "restrict") for d in selection.datasets("restrict"))
        changes = changed()
        assert {(c.what, c.fields) for c in changes} == {
            ("changed", ("restricted_at", "restricted_purposes", "updated_at"))
        }
        assert {c.person for c in changes} == {"canary"}
        assert Counter(c.kind for c in changes) == {
            "customer_contact": selection.count("invoicing_contact", "restrict"),
            "customer": selection.count("invoicing_customer", "restrict"),
            "invoice": selection.count("invoicing_invoice", "restrict"),
        }
        changed = watched()
        again = told(source.restrict([selection], ()))
        assert {o for _, _, o, _ in again} == {"done"}
        assert changed() == []
        assert {o for _, _, o, _ in told(source.restrict([selection], (), lift=True))} == {"done"}
        assert {o for _, _, o, _ in told(source.restrict([selection], (), lift=True))} == {"absent"}

    def test_lifting_takes_only_its_own(
        self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection
    ) -> None:
        """A person's mark stays; another request's restriction holds until it is lifted itself."""
        ids = [
            int(k)
            for k in selection_of(source, person(source, sandbox), RESTRICTED).ids("invoicing_contact", "restrict")
        ]
        marked = (
            "UPDATE customer_contact SET restricted_at = '2026-01-01', restricted_purposes = %s WHERE contact_id = %s"
        )
        database.execute(marked, (["dpv:DirectMarketing"], ids[0]))
        one = selection_of(source, person(source, sandbox), RESTRICTED)
        other = selection_of(source, person(source, sandbox, request_id="dsr-other"), RESTRICTED, "dsr-other")
        list(source.restrict([one], MARKETING))
        list(source.restrict([other], MARKETING))
        list(source.restrict([other], ()))
        assert {"dpv:DirectMarketing", "dpv:Personalisation", "dpv:Purpose"} < set(self._mark(database, ids[1]))
        list(source.restrict([one], MARKETING, lift=True))
        assert {"dpv:DirectMarketing", "dpv:Personalisation", "dpv:Purpose"} < set(self._mark(database, ids[1]))
        list(source.restrict([other], MARKETING, lift=True))
        assert self._mark(database, ids[1]) == ["dpv:Purpose", "dsr:dsr-other:dpv:Purpose"]
        list(source.restrict([other], (), lift=True))
        query = "SELECT restricted_at::date::text, restricted_purposes FROM customer_contact WHERE contact_id = %s"
        assert database.execute(query, (ids[1],)).fetchone() == (None, None)
        assert database.execute(query, (ids[0],)).fetchone() == ("2026-01-01", ["dpv:DirectMarketing"])

    def test_its_own_mark_was_not_there_before(self, sandbox: Sandbox, source: Invoicing) -> None:
        """Asked again after an attempt that was broken off before anybody heard of it: told as the first time."""
        selection = selection_of(source, person(source, sandbox), RESTRICTED)
        first = told(source.restrict([selection], MARKETING))
        assert told(source.restrict([selection], MARKETING)) == first
        assert not any(reason == "marked_before" for *_, reason in first)

    def test_planned_anew_its_own_mark_was_there_before(self, sandbox: Sandbox, source: Invoicing) -> None:
        """The whole run once more, of what reads as marked already: nothing is to be seen that wasn't there before."""
        first = told(source.restrict([selection_of(source, person(source, sandbox), RESTRICTED)], MARKETING))
        second = told(source.restrict([selection_of(source, person(source, sandbox), RESTRICTED)], MARKETING))
        marked = {(dataset, effect, outcome) for dataset, effect, outcome, reason in first if not reason}
        assert marked
        assert {(*what, "marked_before") for what in marked} <= second.keys()
        assert not any(not reason for *_, reason in second)

    def test_a_stamp_makes_no_old_mark_new(
        self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection
    ) -> None:
        """A job that touches the books after the person was read leaves the mark as it was."""
        list(source.restrict([selection_of(source, person(source, sandbox), RESTRICTED)], MARKETING))
        selection = selection_of(source, person(source, sandbox), {"invoicing_contact": "restrict"})
        stamps = "SELECT count(updated_at), max(updated_at) FROM customer_contact"
        before = database.execute(stamps).fetchone()
        database.execute("UPDATE customer_contact SET updated_at = now()")
        assert database.execute(stamps).fetchone() != before
        assert {(o, r) for _, _, o, r in told(source.restrict([selection], MARKETING))} == {("done", "marked_before")}

    def test_a_persons_mark_for_all_purposes(
        self, sandbox: Sandbox, source: Invoicing, watched: Watch, database: psycopg.Connection
    ) -> None:
        """Is enough, and stays."""
        database.execute("UPDATE customer_contact SET restricted_at = now()")
        selection = selection_of(source, person(source, sandbox), {"invoicing_contact": "restrict"})
        changed = watched()
        assert {(o, r) for _, _, o, r in told(source.restrict([selection], MARKETING))} == {("done", "marked_before")}
        assert {(o, r) for _, _, o, r in told(source.restrict([selection], MARKETING, lift=True))} == {
            ("absent", "not_ours")
        }
        assert changed() == []

    def test_without_a_mark_a_person_does_it(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """An address whose contact isn't restricted bears no mark."""
        selection = selection_of(source, person(source, sandbox), {"invoicing_address": "restrict"})
        changed = watched()
        assert {(o, r) for _, _, o, r in told(source.restrict([selection], ()))} == {("manual", "mark.unmapped")}
        assert changed() == []

    def test_changed_since(self, sandbox: Sandbox, source: Invoicing, database: psycopg.Connection) -> None:
        """Left alone."""
        selection = selection_of(source, person(source, sandbox), RESTRICTED)
        key = selection.ids("invoicing_invoice", "restrict")[0]
        database.execute("UPDATE invoice SET note = 'x' WHERE invoice_id = %s", (int(key),))
        outcomes = told(source.restrict([selection], ()))
        assert outcomes["invoicing_invoice", "restrict", "changed", ""] == 1

    @staticmethod
    def _mark(database: psycopg.Connection, contact: int) -> list[str]:
        query = "SELECT restricted_purposes FROM customer_contact WHERE contact_id = %s"
        row = database.execute(query, (contact,)).fetchone()
        assert row is not None
        return list(row[0])


class TestRectifying:
    CORRECTED: ClassVar[dict[str, Any]] = {
        "family_name": "Ö'hrn\\qvist \"{,}",
        "phone": None,
        "email": "ny@kvarnberget.example",
    }

    def test_reads_back_as_asked(self, sandbox: Sandbox, source: Invoicing, watched: Watch) -> None:
        """And nothing else has changed."""
        found = person(source, sandbox)
        selection = selection_of(source, found, {"invoicing_contact": "rectify", "invoicing_address": "rectify"})
        given = {"invoicing_contact": self.CORRECTED, "invoicing_address": {"city": ""}}
        changed = watched()
        assert told(source.rectify([selection], {"dsr-conformance": given})) == expected(selection, ("rectify",))
        after = records(source.extract(found))
        for row in after["invoicing_contact"].values():
            assert {name: row.get(name) for name in self.CORRECTED} == self.CORRECTED
        assert {row["city"] for row in after["invoicing_address"].values()} == {""}
        changes = changed()
        assert {c.person for c in changes} == {"canary"}
        assert {c.kind for c in changes} == {"customer_contact", "address"}
        assert all(set(c.fields) <= {*self.CORRECTED, "city", "updated_at"} for c in changes)
        changed = watched()
        again = told(source.rectify([selection], {"dsr-conformance": given}))
        assert {(o, r) for _, _, o, r in again} == {("done", "already")}
        assert changed() == []

    @pytest.mark.parametrize(
        ("dataset", "field"),
        [("invoicing_invoice", "your_reference"), ("invoicing_contact", "contact_id"), ("nothing", "x")],
    )
    def test_invoices_and_keys_are_out_of_reach(
        self, sandbox: Sandbox, source: Invoicing, watched: Watch, dataset: str, field: str
    ) -> None:
        """Refused before anything is written."""
        effects = {"invoicing_contact": "rectify", "invoicing_invoice": "rectify"}
        selection = selection_of(source, person(source, sandbox), effects)
        given = {"invoicing_contact": {"role": "VD"}}
        given.setdefault(dataset, {})[field] = "x"
        changed = watched()
        with pytest.raises(PermanentError) as error:
            list(source.rectify([selection], {"dsr-conformance": given}))
        assert error.value.code == "field.not_rectifiable"
        assert changed() == []

    def test_what_the_database_makes_something_else_of(
        self, sandbox: Sandbox, source: Invoicing, watched: Watch, database: psycopg.Connection
    ) -> None:
        """Isn't kept."""
        database.execute(
            "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.role := upper(NEW.role); RETURN NEW; END $$"
        )
        database.execute("CREATE TRIGGER tidy BEFORE UPDATE ON customer_contact FOR EACH ROW EXECUTE FUNCTION tidy()")
        selection = selection_of(source, person(source, sandbox), {"invoicing_contact": "rectify"})
        changed = watched()
        with pytest.raises(PermanentError) as error:
            list(source.rectify([selection], {"dsr-conformance": {"invoicing_contact": {"role": "chef"}}}))
        assert error.value.code == "readback.differs"
        assert changed() == []

    @pytest.mark.parametrize("value", ["\0", "\ud800"])
    def test_values_that_no_column_takes(self, sandbox: Sandbox, source: Invoicing, value: str) -> None:
        """Refused for good; the value is not in the message."""
        selection = selection_of(source, person(source, sandbox), {"invoicing_contact": "rectify"})
        with pytest.raises(PermanentError, match=r"invoicing: value\.refused"):
            list(source.rectify([selection], {"dsr-conformance": {"invoicing_contact": {"role": value}}}))


class TestManyAtOnce:
    def test_two_hundred_cost_hardly_more_statements_than_one(self, tmp_path: Path) -> None:
        """As many people in one call of each verb; the database takes lists."""
        people = 208
        books = Books(Options(tmp_path, people=people), populate(people))
        books.start()
        try:
            source = Invoicing.connect(Connection(WRITE, **_fields(books.connections()[WRITE])))
            crowd = [p.key for p in populate(people).crowd]
            assert len(crowd) == 200
            counts = {name: (one, many) for name, one, many in self._counted(source, books, ["same_name"], crowd)}
        finally:
            books.stop()
        for one, many in counts.values():
            assert many <= 1.5 * one, counts
        assert counts["erase"][0] <= 30

    def _counted(
        self, source: Invoicing, books: Books, one: list[str], many: list[str]
    ) -> Iterator[tuple[str, int, int]]:
        """Statements of each verb, for the one and for the many."""
        kinds: dict[str, tuple[Mapping[str, str], Callable[[list[Selection]], Iterator[Outcome]]]] = {
            "restrict": (RESTRICTED, lambda of: source.restrict(of, MARKETING)),
            "rectify": ({"invoicing_address": "rectify"}, lambda of: source.rectify(of, _moved(of))),
            "erase": (BOOKED, source.erase),
        }
        for name, (effects, verb) in kinds.items():
            counted = []
            for keys in (one, many):
                selections = selections_of(source, find_each(source, keys), effects)
                assert len(selections) == len(keys)
                books.statements.forget()
                assert {o.outcome for o in verb(selections)} == {"done"}
                counted.append(len(books.statements.listed()))
            yield name, counted[0], counted[1]


def find_each(source: Invoicing, keys: list[str]) -> Found:
    """The records of these people of a population of 208, each a request of its own."""
    population = populate(208)
    people = {f"dsr-{key}": population.person(key) for key in keys}
    subjects = [
        Subject(request_id, frozenset({Identifier("email", p.email.lower()), Identifier("phone", p.mobile)}))
        for request_id, p in people.items()
    ]
    return source.find(subjects)


def _moved(selections: list[Selection]) -> dict[str, dict[str, dict[str, str]]]:
    return {s.request_id: {"invoicing_address": {"city": f"Ort {s.request_id}"}} for s in selections}


def _fields(connection: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in connection.items() if name != "conn_type"}


def test_a_request_has_one_selection(sandbox: Sandbox, source: Invoicing) -> None:
    """Two of one request would be counted twice."""
    selection = selection_of(source, replace(person(source, sandbox)), BOOKED)
    with pytest.raises(PermanentError, match=r"selection\.twice"):
        list(source.erase([selection, selection]))


def _cut_after(monkeypatch: pytest.MonkeyPatch, books: Books, number: int) -> None:
    """The writer's sessions end right after its n-th statement."""
    done = [0]
    real = sa.Connection.execute

    def execute(self: sa.Connection, *arguments: Any, **more: Any) -> Any:
        result = real(self, *arguments, **more)
        done[0] += 1
        if done[0] == number:
            books.fault("lost", role="dsr_writer")
        return result

    monkeypatch.setattr(sa.Connection, "execute", execute)


class TestOtherDatabases:
    """The same verbs where there are no arrays: SQLite, with foreign keys that only the mapping knows."""

    @pytest.fixture
    def lite(self, books: Books, sandbox: Sandbox, tmp_path: Path) -> Invoicing:
        file = tmp_path / "books.sqlite"
        with psycopg.connect(books.server.url("invoicing", "postgresql")) as origin, sqlite3.connect(file) as target:
            for table, key in KEYS.items():
                cursor = origin.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
                names = [c.name for c in cursor.description or ()]
                spelled = ", ".join(
                    f"{n} {'INTEGER PRIMARY KEY' if n == key else _TYPES.get(n, 'TEXT')}" for n in names
                )
                target.execute(f"CREATE TABLE {table} ({spelled})")
                marks = ", ".join("?" for _ in names)
                rows = [[_plain(v) for v in row] for row in cursor]
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - fixed names
        return Invoicing.connect(Connection(WRITE, schema=str(file), extra={"drivername": "sqlite"}))

    def test_all_verbs(self, sandbox: Sandbox, lite: Invoicing) -> None:
        """As on PostgreSQL."""
        found = person(lite, sandbox)
        selection = selection_of(lite, found, RESTRICTED)
        for lift, outcomes in ((False, {"done"}), (False, {"done"}), (True, {"done"}), (True, {"absent"})):
            assert {o.outcome for o in lite.restrict([selection], MARKETING, lift=lift)} == outcomes
        selection = selection_of(lite, found, {"invoicing_contact": "rectify"})
        assert {
            o.outcome for o in lite.rectify([selection], {"dsr-conformance": {"invoicing_contact": {"role": "VD"}}})
        } == {"done"}
        selection = selection_of(lite, found, {"invoicing_contact": "erase"})
        assert {(o.outcome, o.reason) for o in lite.erase([selection])} == {("blocked", "referred_to")}
        selection = selection_of(lite, found, BOOKED)
        assert told(lite.erase([selection])) == expected(selection, ("erase", "anonymise"))
        after = records(lite.extract(found))
        assert {row["family_name"] for row in after["invoicing_contact"].values()} == {"Anonym"}
        assert after.keys().isdisjoint({"invoicing_address", "invoicing_bank_account", "invoicing_email_dispatch"})
        assert {o.outcome for o in lite.erase([selection_of(lite, found, EVERYTHING)])} == {"done"}
        assert records(lite.extract(found)) == {}


_TYPES = {"customer_id": "INTEGER", "contact_id": "INTEGER", "invoice_id": "INTEGER", "receives_invoices": "BOOLEAN",
          "restricted_at": "TIMESTAMP"}  # fmt: skip


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bytes | bool) else str(value)


def test_what_nobody_has_declared(sandbox: Sandbox, source: Invoicing, database: psycopg.Connection) -> None:
    """New columns of declared tables; tables that refer to a person by key or by a column's name; no others, and not
    the columns by which rows are marked and stamped."""
    before = source.check().undeclared
    assert "invoice.legacy_ref" in before
    assert not [name for name in before if name.endswith((".updated_at", ".restricted_at", ".restricted_purposes"))]
    made = """
    CREATE TABLE loyalty (id bigint PRIMARY KEY, whose bigint REFERENCES customer_contact);
    CREATE TABLE newsletter (contact_id bigint);
    CREATE TABLE staff_list (id bigint, personnummer text);
    CREATE TABLE currency (code text, rate numeric);
    ALTER TABLE payment ADD COLUMN payer_note text
    """
    try:
        for statement in made.strip().split(";"):
            database.execute(sql.SQL(statement))  # type: ignore[arg-type]
        after = source.check().undeclared
    finally:
        for table in ("loyalty", "newsletter", "staff_list", "currency"):
            database.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))
        database.execute("ALTER TABLE payment DROP COLUMN IF EXISTS payer_note")
    assert set(after) - set(before) == {"loyalty", "newsletter", "staff_list", "payment.payer_note"}
