"""The invoicing database as a source: a real PostgreSQL, against the population's own truth."""

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyarrow as pa
import pytest
from conformance import SourceConformance, find_all, records
from running_sandbox import Sandbox

from dsr import schema
from dsr.errors import PermanentError, TransientError
from dsr.model import Attachment, Found, Identifier, Rows, Subject, Withheld
from dsr.search import found_as_json, found_from_json
from dsr.source import Connection
from extractors.invoicing import Invoicing
from extractors.invoicing.mapping import CANONICAL
from sandbox.invoicing.tables import KEYS
from sandbox.people import populate

CANARY = populate(8).canary
CONN_ID = "dsr_invoicing"


@pytest.fixture
def source(sandbox: Sandbox) -> Invoicing:
    """A client of the running sandbox."""
    return Invoicing.connect(sandbox.connection(CONN_ID))


@pytest.fixture
def broken(sandbox: Sandbox) -> Iterator[Any]:
    """Plays a failure of the database; healed afterwards."""

    def play(kind: str, table: str = "") -> None:
        sandbox.admin.post("/invoicing/faults", json={"kind": kind, "table": table}).raise_for_status()

    yield play
    sandbox.admin.delete("/invoicing/faults").raise_for_status()


def statements(sandbox: Sandbox) -> list[str]:
    """What reached the database since the last look."""
    listed = [s["statement"] for s in sandbox.admin.get("/invoicing/statements").json()]
    sandbox.admin.delete("/invoicing/statements")
    return listed


def subject(*identifiers: tuple[str, str], request_id: str = "dsr-invoicing") -> Subject:
    return Subject(request_id, frozenset(Identifier(k, v) for k, v in identifiers))


class TestConformance(SourceConformance):
    """What every source promises."""

    source = Invoicing
    system = "invoicing"

    @pytest.fixture
    def broken_for_good(self, broken: Any) -> None:
        broken("revoked")

    @pytest.fixture
    def broken_for_now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody listens on the port any more."""
        real = Invoicing.connect
        gone = classmethod(lambda cls, connection: real(replace(connection, port=1)))
        monkeypatch.setattr(Invoicing, "connect", gone)


class TestFinding:
    """Who answers to what."""

    def test_address_case_and_blanks(self, source: Invoicing) -> None:
        """The database holds ` Asa.Ohrnqvist@Kvarnberget.Example`."""
        (match,) = source.find([subject(("email", CANARY.email))]).matches
        assert match.person == CANARY.name
        assert Identifier("email", CANARY.emails[1]) in match.holds
        assert Identifier("phone", CANARY.company.switchboard) in match.holds

    def test_number_as_people_type_it(self, source: Invoicing) -> None:
        """`+46 (0)70-174 06 05` is +46701740605."""
        found = source.find([subject(("phone", CANARY.mobile))])
        assert {m.dataset for m in found.matches} == {"invoicing_contact", "invoicing_customer"}

    @pytest.mark.parametrize("near", ["+4670174060", "+467017406050", "+46701740606", "701740605", "0701740605"])
    def test_no_number_but_the_whole_one(self, source: Invoicing, near: str) -> None:
        """Neither part of a number nor another spelling of an identifier matches."""
        assert source.find([subject(("phone", near))]).matches == ()

    @pytest.mark.parametrize("near", ["asa.ohrnqvist@kvarnberget.exampl", "ohrnqvist@kvarnberget.example", "%", "_"])
    def test_no_address_but_the_whole_one(self, source: Invoicing, near: str) -> None:
        """No LIKE, no prefix."""
        assert source.find([subject(("email", near))]).matches == ()

    def test_company_number_reports_every_contact(self, source: Invoicing) -> None:
        """So that it is seen to be shared."""
        found = source.find([subject(("customer_number", CANARY.company.customer_number))])
        assert len({m.person for m in found.matches}) > 2
        assert {m.dataset for m in found.matches} == {"invoicing_contact"}

    def test_sole_traders_number_is_theirs(self, source: Invoicing) -> None:
        """The customer's row is the person's; a company's row is never reported."""
        found = source.find([subject(("customer_number", "K-100777"))])
        assert [m.dataset for m in found.matches] == ["invoicing_customer"]

    def test_own_ids(self, source: Invoicing, sandbox: Sandbox) -> None:
        """A record is found again by the id that it holds; an id that isn't one finds nothing."""
        first = source.find([subject(("email", CANARY.email), ("email", CANARY.emails[1]))]).matches
        ids = [(i.kind, i.value) for m in first for i in m.holds if i.kind == m.dataset]
        assert set(ids) == {(m.dataset, m.record_id) for m in first}
        again = source.find([subject(*ids)]).matches
        assert {(m.dataset, m.record_id) for m in again} == {(m.dataset, m.record_id) for m in first}
        wrong = ["1001 OR 1=1", "01001", "+1001", "１００１", "9" * 40, "-1", "1001\0"]
        for kind in ("invoicing_contact", "invoicing_customer"):
            assert source.find([subject(*((kind, w) for w in wrong))]).matches == ()

    @pytest.mark.parametrize("kind", ["email", "phone", "customer_number", "salesforce_contact", "invoicing_contact"])
    @pytest.mark.parametrize("text", ["\0", "\ud800", "'; DROP TABLE customer--", "%(x)s", ":x", "x" * 100_000, ""])
    def test_hostile_values(self, source: Invoicing, kind: str, text: str) -> None:
        """Nothing found, nothing broken."""
        assert source.find([subject((kind, text))]).matches == ()

    def test_shared_mailbox_reports_everybody_on_it(self, source: Invoicing) -> None:
        """info@ leads to two people: identify must see both."""
        found = source.find([subject(("email", f"info@{CANARY.company.domain}"))])
        assert len({m.person for m in found.matches}) == 2


class TestStatements:
    """The number of statements depends on the tables, not on people or rows."""

    def test_constant_for_one_and_for_many(self, sandbox: Sandbox) -> None:
        """A hundred subjects cost as many statements as one."""
        people = sandbox.population.people
        counts = []
        for asking in (people[:1], people):
            subjects = [subject(("email", p.email), ("phone", p.mobile), request_id=f"dsr-{p.key}") for p in asking]
            subjects += [subject(("email", "nobody@x.example"), request_id=f"dsr-n{n}") for n in range(100)]
            statements(sandbox)
            source = Invoicing.connect(sandbox.connection(CONN_ID))
            found = source.find(subjects)
            finding = statements(sandbox)
            pieces = list(source.extract(found))
            assert pieces
            counts.append((len(finding), len(statements(sandbox))))
        assert counts[0] == counts[1]
        assert counts[0][0] <= 7, "sign-in and reflection, then one per table of persons"
        assert counts[0][1] <= 16, "sign-in, settings, one per dataset and one for files"

    def test_values_are_bound(self, sandbox: Sandbox, source: Invoicing) -> None:
        """No identifier stands in the text of a statement."""
        statements(sandbox)
        list(source.extract(find_all(source, sandbox, "canary")))
        text = "\n".join(statements(sandbox))
        assert "COPY" in text
        assert not [v for v in CANARY.identifying() if v in text]
        assert "1001" not in text

    def test_nothing_is_logged(self, sandbox: Sandbox, source: Invoicing, caplog: pytest.LogCaptureFixture) -> None:
        """Not even at DEBUG."""
        caplog.set_level(logging.DEBUG)
        list(source.extract(find_all(source, sandbox, "canary")))
        assert not [v for v in CANARY.identifying() if v in caplog.text]


class TestExtracting:
    """Rows, files and what is left out."""

    def test_rows_obey_their_schemas(self, sandbox: Sandbox, source: Invoicing) -> None:
        """Types, and formats of dates and times."""
        pieces = list(source.extract(find_all(source, sandbox, "canary")))
        for dataset, rows in records(pieces).items():
            checker = jsonschema_rs.Draft202012Validator(schema.load(dataset), validate_formats=True)
            for row in rows.values():
                checker.validate(row)
        for piece in pieces:
            if isinstance(piece, Rows):
                assert piece.batch.schema == schema.arrow_schema(piece.dataset)

    def test_null_and_empty_differ(self, sandbox: Sandbox, source: Invoicing) -> None:
        """An empty note is an empty note."""
        notes = {r.get("note") for r in self._rows(sandbox, source, "invoicing_invoice").values()}
        assert {None, ""} < notes
        assert any(n and "\r\n" in n for n in notes)

    def test_columns_that_no_mapping_names_come_through(self, sandbox: Sandbox, source: Invoicing) -> None:
        """In the column `unmapped`, which records() spreads."""
        assert any("legacy_ref" in r for r in self._rows(sandbox, source, "invoicing_invoice").values())

    def test_a_colleague_named_as_reference_is_withheld(self, sandbox: Sandbox, source: Invoicing) -> None:
        """The canary's invoice that names Birger: reference, payer, recipient and the PDF are left out and counted."""
        pieces = list(source.extract(find_all(source, sandbox, "canary")))
        withheld = {p.dataset: p.count for p in pieces if isinstance(p, Withheld)}
        wanted: dict[str, int] = {}
        for truth in sandbox.truth:
            if truth.person == "canary" and truth.expected == "withheld" and truth.dataset.startswith("invoicing"):
                wanted[truth.dataset] = wanted.get(truth.dataset, 0) + 1
        assert withheld == wanted
        assert sum(withheld.values()) >= 5
        text = json.dumps(records(pieces), ensure_ascii=False)
        assert not [v for v in sandbox.population.foreign() if v in text]

    def test_documents_are_attachments(self, sandbox: Sandbox, source: Invoicing) -> None:
        """Whole PDFs, none that prints somebody else's name."""
        files = {p.record_id: b"".join(p.chunks) for p in source.extract(find_all(source, sandbox, "canary"))
                 if isinstance(p, Attachment)}  # fmt: skip
        rows = self._rows(sandbox, source, "invoicing_document")
        assert len(files) == len(rows) - 1
        assert all(body.startswith(b"%PDF-1.4") and body.endswith(b"%%EOF\n") for body in files.values())
        assert not any(b"Birger" in body for body in files.values())

    def test_sole_traders_number_is_not_shown_to_their_contacts(self, sandbox: Sandbox, source: Invoicing) -> None:
        """A sole trader's organisation number is a personal number."""
        traders = {p.company.customer_number: p for p in sandbox.population.people if p.company.sole_trader}
        staff = [p for p in sandbox.population.people
                 if p.company.sole_trader and traders[p.company.customer_number] is not p]  # fmt: skip
        owners = {c: next(p for p in sandbox.population.people if p.company.customer_number == c) for c in traders}
        assert staff
        for person in staff:
            if person is owners[person.company.customer_number]:
                continue
            text = json.dumps(records(source.extract(find_all(source, sandbox, person.key))))
            assert person.company.org_no not in text
            assert person.company.name in text or not person.company.name.isascii()

    def test_the_way_through_the_case_file(self, sandbox: Sandbox, source: Invoicing) -> None:
        """Found becomes JSON and back between find and extract."""
        found = find_all(source, sandbox, "canary")
        back = found_from_json(json.loads(json.dumps(found_as_json(found))))
        assert records(source.extract(back)) == records(source.extract(found))
        assert records(source.extract(replace(found, cache={}))) == records(source.extract(found))

    def _rows(self, sandbox: Sandbox, source: Invoicing, dataset: str) -> dict[str, dict[str, Any]]:
        return records(source.extract(find_all(source, sandbox, "canary")))[dataset]


class TestFailures:
    """What a database's troubles become."""

    @pytest.mark.parametrize("table", ["customer_contact", "payment", "invoice_document"])
    def test_missing_table(self, source: Invoicing, broken: Any, table: str) -> None:
        """Permanent, at the first look; no thinner answer."""
        broken("missing_table", table)
        with pytest.raises(PermanentError) as error:
            source.find([subject(("email", CANARY.email))])
        assert error.value.code == "table.missing"

    def test_table_that_goes_missing_between(self, sandbox: Sandbox, source: Invoicing, broken: Any) -> None:
        """After find, before extract."""
        found = find_all(source, sandbox, "canary")
        broken("missing_table", "reminder")
        with pytest.raises(PermanentError) as error:
            list(source.extract(found))
        assert error.value.code == "table.missing"
        assert error.value.__suppress_context__

    def test_right_to_a_table_taken(self, sandbox: Sandbox, source: Invoicing, broken: Any) -> None:
        """Permanent."""
        found = find_all(source, sandbox, "canary")
        broken("permission", "payment")
        with pytest.raises(PermanentError) as error:
            list(source.extract(found))
        assert error.value.code == "credentials.refused"

    @pytest.mark.parametrize(
        ("change", "code"),
        [({"password": "wrong"}, "credentials.refused"), ({"schema": "elsewhere"}, "database.missing")],
    )
    def test_refused_connections(self, sandbox: Sandbox, change: dict[str, str], code: str) -> None:
        """Permanent; the message shows neither login nor password."""
        with pytest.raises(PermanentError) as error:
            Invoicing.connect(sandbox.connection(CONN_ID, **change)).find([subject(("email", CANARY.email))])
        assert (error.value.code, str(error.value)) == (code, f"invoicing: {code}")

    def test_session_cut_while_reading(self, sandbox: Sandbox, source: Invoicing, broken: Any) -> None:
        """Transient."""
        pieces = source.extract(find_all(source, sandbox, "canary"))
        next(pieces)
        broken("lost")
        with pytest.raises(TransientError):
            list(pieces)

    @pytest.mark.parametrize("field", ["host", "login", "schema"])
    def test_lacking_fields(self, sandbox: Sandbox, field: str) -> None:
        """Said at once, by name."""
        with pytest.raises(PermanentError) as error:
            Invoicing.connect(sandbox.connection(CONN_ID, **{field: ""}))
        assert error.value.code == f"connection.{field}"

    def test_bad_mapping(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """A file that is no mapping, and a driver that nobody has."""
        path = tmp_path / "mapping.yaml"
        path.write_text("persons: [", encoding="utf-8")
        for extra, code in (
            ({"mapping": str(path)}, "mapping.unreadable"),
            ({"mapping": "/none"}, "mapping.unreadable"),
            ({"drivername": "nosuch"}, "connection.drivername"),
        ):
            with pytest.raises(PermanentError) as error:
                Invoicing.connect(sandbox.connection(CONN_ID, extra=extra))
            assert error.value.code == code


class TestOtherDialects:
    """The same mapping on a database that has no COPY: here SQLite, filled from the same books."""

    @pytest.fixture
    def copy(self, sandbox: Sandbox, tmp_path: Path) -> Connection:
        """All tables with their rows in one SQLite file."""
        import psycopg

        fields = sandbox.endpoints["connections"][CONN_ID]
        url = f"postgresql://{fields['login']}:{fields['password']}@127.0.0.1:{fields['port']}/{fields['schema']}"
        target = sqlite3.connect(tmp_path / "books.sqlite")
        with psycopg.connect(url) as origin:
            for table in KEYS:
                cursor = origin.execute(f"SELECT * FROM {table}")  # noqa: S608 - fixed names
                columns = [(c.name, _SQLITE.get(c.type_code, "TEXT")) for c in cursor.description or ()]
                target.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {t}' for n, t in columns)})")
                marks = ", ".join("?" for _ in columns)
                rows = [[_plain(v) for v in row] for row in cursor]
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - fixed names
        target.commit()
        target.close()
        mapping = tmp_path / "mapping.yaml"  # the copy holds times without a zone, in UTC
        mapping.write_text(CANONICAL.read_text().replace("timezone: Europe/Stockholm", "timezone: UTC"))
        extra = {"drivername": "sqlite", "mapping": str(mapping)}
        return Connection(CONN_ID, schema=str(tmp_path / "books.sqlite"), extra=extra)

    def test_same_answer(self, sandbox: Sandbox, source: Invoicing, copy: Connection) -> None:
        """Field by field, file by file; booleans, decimals and times included."""
        other = Invoicing.connect(copy)
        by_copy = find_all(source, sandbox, "canary")
        by_cursor = find_all(other, sandbox, "canary")
        assert {m.record_id for m in by_copy.matches} == {m.record_id for m in by_cursor.matches}
        assert records(other.extract(by_cursor)) == records(source.extract(by_copy))
        assert _files(other, by_cursor) == _files(source, by_copy)

    def test_missing_table(self, sandbox: Sandbox, copy: Connection) -> None:
        """The same code."""
        shutil.copy(copy.schema, copy.schema + ".copy")
        with sqlite3.connect(copy.schema + ".copy") as database:
            database.execute("DROP TABLE payment")
        with pytest.raises(PermanentError) as error:
            Invoicing.connect(replace(copy, schema=copy.schema + ".copy")).find([subject(("email", CANARY.email))])
        assert error.value.code == "table.missing"

    @pytest.mark.parametrize("form", ["{}\n", "{}\r\n", "\t{}", "\u00a0{}", " {} "])
    def test_what_imports_leave_beside_an_address(self, copy: Connection, form: str) -> None:
        """No database's trim takes off more than blanks; the person is found all the same."""
        with sqlite3.connect(copy.schema) as database:
            written = form.format(CANARY.email.upper())
            update = "UPDATE customer_contact SET email = ? WHERE lower(trim(email)) = ?"
            assert database.execute(update, (written, CANARY.email)).rowcount
        found = Invoicing.connect(copy).find([subject(("email", CANARY.email))])
        assert "invoicing_contact" in {m.dataset for m in found.matches}


_SQLITE = {20: "BIGINT", 23: "INTEGER", 16: "BOOLEAN", 1082: "DATE", 1184: "DATETIME", 17: "BLOB"}
"""PostgreSQL type → what SQLite's dialect reflects likewise. It has no exact decimals: those are kept as text."""


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat(*([" "] if hasattr(value, "hour") else [])).removesuffix("+00:00")
    return value


def _files(source: Invoicing, found: Found) -> dict[str, bytes]:
    pieces: Iterable[Any] = source.extract(found)
    return {p.attachment_id: b"".join(p.chunks) for p in pieces if isinstance(p, Attachment)}


def test_batches_share_no_memory_with_what_follows(sandbox: Sandbox, source: Invoicing) -> None:
    """A batch stays as it was when the next one is read."""
    first: pa.RecordBatch | None = None
    kept = b""
    for piece in source.extract(find_all(source, sandbox, "canary")):
        if isinstance(piece, Rows) and first is None:
            first, kept = piece.batch, piece.batch.serialize().to_pybytes()
    assert first is not None
    assert first.serialize().to_pybytes() == kept
