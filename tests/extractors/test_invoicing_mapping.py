"""Another company's database: other tables, other types, one mapping file and no code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conformance import records

from dsr.errors import PermanentError
from dsr.model import Attachment, Identifier, Subject
from dsr.source import Connection
from extractors.invoicing import Invoicing
from extractors.invoicing.mapping import CANONICAL
from sandbox.invoicing.system import Invoicing as Books
from sandbox.people import populate
from sandbox.postgres import Postgres
from sandbox.system import Options

SCHEMA = """
CREATE TYPE slag AS ENUM ('enskild', 'bolag');
CREATE TABLE kund (kundnr text PRIMARY KEY, namn text, form slag, epost text, tel text, orgnr text);
CREATE TABLE "Kontakt person" (
  id uuid PRIMARY KEY, kundnr text REFERENCES kund, "e:post" text, mobil text, namn varchar(40),
  skapad timestamp, flaggor jsonb, taggar text[], "100%" numeric, bild bytea, tid interval, oft smallint);
CREATE TABLE faktura (
  nr text PRIMARY KEY, kontakt uuid, kundnr text, datum timestamp, belopp double precision, ref text);
INSERT INTO kund VALUES ('K1', 'Bolaget', 'bolag', null, null, '556000-4615'),
                        ('O''B"{,}\\', 'Firman', 'enskild', 'Ö@x.example', '0701740605', '550101-1234');
INSERT INTO "Kontakt person" VALUES
 ('00000000-0000-0000-0000-00000000000a', 'K1', 'ASA@x.example', null, 'Åsa', '2026-07-01 12:00:00.25',
  '{"a": [1.50, "x"]}', '{"a","b,c"}', 1.50, '\\x00ff', '1 day', 3),
 ('00000000-0000-0000-0000-00000000000b', 'K1', 'b@x.example', null, 'Bo', '2026-01-01 12:00', null, null, null,
  null, null, null);
INSERT INTO faktura VALUES ('F1', '00000000-0000-0000-0000-00000000000a', 'K1', '2026-01-15 23:30', 0.1, 'Åsa'),
 ('F2', null, 'O''B"{,}\\', null, 'Infinity', null), ('F3', null, 'K1', null, 2, null);
"""

MAPPING = """
timezone: Europe/Stockholm
region: SE
customer: {table: kund, key: kundnr, number: kundnr, name: namn, sole_trader: {column: form, value: enskild}}
persons:
  invoicing_contact:
    table: Kontakt person
    key: id
    customer: kundnr
    name: [namn]
    identifiers: {email: ["e:post"], phone: [mobil]}
    columns: ["e:post": email, mobil: mobile, skapad: created_at, oft: contact_id]
  invoicing_customer:
    table: kund
    key: kundnr
    customer: kundnr
    sole_trader: true
    identifiers: {email: [epost], phone: [tel], customer_number: [kundnr]}
    columns: [kundnr: customer_number, namn: name, form: kind, epost: email, tel: phone, orgnr: organisation_no]
rows:
  invoicing_invoice:
    table: faktura
    key: nr
    contact: kontakt
    customer: kundnr
    columns: [nr: invoice_number, datum: booked_at, belopp: gross_amount, ref: your_reference]
    third_party: {ref: names}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    made = Postgres(tmp_path_factory.mktemp("other") / "pg")
    made.start()
    made.ensure_database("erp")
    with psycopg.connect(made.url("erp", "postgresql")) as connection:
        connection.execute(SCHEMA.encode())
    yield made
    made.stop()


def _connect(server: Postgres, tmp_path: Path, mapping: str = MAPPING) -> Invoicing:
    path = tmp_path / "mapping.yaml"
    path.write_text(mapping, encoding="utf-8")
    _, _, rest = server.url("erp").partition("://")
    login, _, password = rest.partition("@")[0].partition(":")
    extra = {"mapping": str(path)}
    return Invoicing.connect(Connection("dsr_invoicing", "127.0.0.1", server.port, login, password, "erp", extra))


def _subject(kind: str, value: str) -> Subject:
    return Subject("dsr-1", frozenset({Identifier(kind, value)}))


def test_every_type_comes_through(server: Postgres, tmp_path: Path) -> None:
    """Times get the mapping's zone; whatever has no field stands in `unmapped`, with its name and value."""
    source = _connect(server, tmp_path)
    (match,) = found = source.find([_subject("email", "asa@x.example")]).matches
    assert (match.person, len(found)) == ("Åsa", 1)
    got = records(source.extract(source.find([_subject("email", "asa@x.example")])))
    assert got == {
        "invoicing_contact": {
            "00000000-0000-0000-0000-00000000000a": {
                "email": "ASA@x.example",
                "created_at": "2026-07-01T10:00:00.25+00:00",
                "contact_id": 3,
                "id": "00000000-0000-0000-0000-00000000000a",
                "kundnr": "K1",
                "namn": "Åsa",
                "flaggor": {"a": [1.50, "x"]},
                "taggar": ["a", "b,c"],
                "100%": 1.50,
                "bild": "AP8=",
                "tid": "1 day",
            }
        },
        "invoicing_invoice": {
            "F1": {
                "invoice_number": "F1",
                "booked_at": "2026-01-15T22:30:00+00:00",
                "your_reference": "Åsa",
                "belopp": 0.1,
                "kontakt": "00000000-0000-0000-0000-00000000000a",
                "kundnr": "K1",
            }
        },
    }


def test_keys_of_any_text(server: Postgres, tmp_path: Path) -> None:
    """Quotes, braces and backslashes in a key; a sole trader's invoices without a contact."""
    source = _connect(server, tmp_path)
    found = source.find([_subject("phone", "+46701740605")])
    assert [m.dataset for m in found.matches] == ["invoicing_customer"]
    got = records(source.extract(found))
    assert set(got["invoicing_invoice"]) == {"F2"}
    assert source.find([_subject("customer_number", "O'B\"{,}\\")]).matches[0].record_id == "O'B\"{,}\\"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("table: faktura", "table: fakturor"), "table.missing"),
        (("ref: your_reference", "reff: your_reference"), "column.missing"),
        (("ref: your_reference", "ref: nowhere"), "mapping.unreadable"),
        (("Europe/Stockholm", "Europe/Nowhere"), "mapping.timezone"),
    ],
)
def test_mappings_that_do_not_fit(server: Postgres, tmp_path: Path, change: tuple[str, str], code: str) -> None:
    """Said before a row is read. A rule of withholding that reaches no field would disclose: refused."""
    with pytest.raises(PermanentError) as error:
        _connect(server, tmp_path, MAPPING.replace(*change)).find([_subject("email", "asa@x.example")])
    assert error.value.code == code


def test_canonical_mapping_names_every_column_but_one() -> None:
    """The canonical schema has one column that no mapping names, on purpose."""
    assert "legacy_ref" not in CANONICAL.read_text(encoding="utf-8")


_MEASURE = """
import json, resource, sys, time
import pyarrow
from dsr.model import Identifier, Rows, Subject
from dsr.source import Connection
from extractors.invoicing import Invoicing
fields, emails = json.loads(sys.argv[1])
source = Invoicing.connect(Connection("dsr_invoicing", **fields))
found = source.find([Subject("dsr-1", frozenset(Identifier("email", e) for e in emails))])
before, start, rows = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), 0
for piece in source.extract(found):
    if isinstance(piece, Rows):
        rows += piece.batch.num_rows
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([rows, time.process_time() - start, (after - before) / 1024]))
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_a_hundred_thousand_rows_in_flat_memory(tmp_path: Path) -> None:
    """Three times the rows cost at most 3.3 times the time and no more memory."""
    measured = []
    for number in (33_000, 100_000):
        books = Books(Options(tmp_path / str(number), people=10, rows_for_canary=number), populate(10))
        books.start()
        try:
            fields = {k: v for k, v in books.connections()["dsr_invoicing"].items() if k != "conn_type"}
            argument = json.dumps([fields, populate(10).canary.emails])
            done = subprocess.run(
                [sys.executable, "-c", _MEASURE, argument], capture_output=True, check=True, text=True
            )
            rows, seconds, mebibytes = json.loads(done.stdout)
            assert rows == sum(books.counts().values())
            measured.append((seconds, mebibytes))
        finally:
            books.stop()
    (small, _), (large, mebibytes) = measured
    assert large <= 3.3 * small + 0.3
    assert large <= 3
    assert mebibytes <= 160
    print(f"\n100,000 rows x 4 tables: {large:.2f} CPU s, {mebibytes:.0f} MiB more")


def test_attachments_of_no_table(server: Postgres, tmp_path: Path) -> None:
    """A mapping without files gives none."""
    source = _connect(server, tmp_path)
    pieces = source.extract(source.find([_subject("email", "asa@x.example")]))
    assert not [p for p in pieces if isinstance(p, Attachment)]
