"""Changing another company's database: uuid keys, odd names, marks in a text column; one mapping file and no code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from made_up_selections import Effect, selection_of
from test_invoicing_mapping import MAPPING, SCHEMA, _connect, _subject

from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.selection import Selection
from sandbox.postgres import Postgres

BOTH = ("invoicing_contact", "invoicing_invoice")
ACTING = MAPPING.replace(
    "oft: contact_id]\n",
    """oft: contact_id, namn: given_name]
    anonymise: {"e:post": null, mobil: null, namn: "-", oft: 0, taggar: [], "100%": null}
    mark: {at: spärr, purposes: "syfte:n"}
""",
).replace("    key: nr\n", "    key: nr\n    delete: true\n")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    made = Postgres(tmp_path / "pg")
    made.start()
    made.ensure_database("erp")
    with psycopg.connect(made.url("erp", "postgresql")) as connection:
        connection.execute(SCHEMA.encode())
        connection.execute('ALTER TABLE "Kontakt person" ADD spärr timestamp, ADD "syfte:n" text')
    yield made
    made.stop()


def _ended(outcomes: Iterator[Outcome]) -> list[tuple[str, str, int]]:
    return [(o.dataset, o.outcome, o.count) for o in outcomes]


def test_all_verbs(server: Postgres, tmp_path: Path) -> None:
    """Each does what the mapping says, and lifting leaves nothing."""
    source = _connect(server, tmp_path, ACTING)

    def chosen(effects: Effect) -> Selection:
        found = source.find([_subject("email", "asa@x.example")])
        return selection_of(source, found, effects, "dsr-1")

    def marks() -> Any:
        with psycopg.connect(server.url("erp", "postgresql")) as connection:
            return connection.execute('SELECT spärr IS NULL, "syfte:n" FROM "Kontakt person" ORDER BY id').fetchall()

    restricted = chosen(dict.fromkeys(BOTH, "restrict"))
    assert _ended(source.restrict([restricted], ())) == [(name, "done", 1) for name in BOTH]
    assert marks() == [(False, "dpv:Purpose dsr:dsr-1:dpv:Purpose"), (True, None)]
    assert _ended(source.restrict([restricted], (), lift=True)) == [(name, "done", 1) for name in BOTH]
    assert marks() == [(True, None), (True, None)]

    contact = chosen({"invoicing_contact": "rectify"})
    with pytest.raises(PermanentError, match=r"value\.refused"):  # one letter too many, and not cut in silence
        list(source.rectify([contact], {"dsr-1": {"invoicing_contact": {"given_name": "x" * 41}}}))
    given = {"dsr-1": {"invoicing_contact": {"given_name": "Æ", "mobile": "1"}}}
    assert _ended(source.rectify([contact], given)) == [("invoicing_contact", "done", 1)]

    mixed = chosen({"invoicing_contact": "anonymise", "invoicing_invoice": "erase"})
    assert _ended(source.erase([mixed])) == [("invoicing_invoice", "done", 1), ("invoicing_contact", "done", 1)]
    with psycopg.connect(server.url("erp", "postgresql")) as connection:
        emptied = 'SELECT "e:post", mobil, namn, oft, taggar, "100%" FROM "Kontakt person" ORDER BY id LIMIT 1'
        assert connection.execute(emptied).fetchone() == (None, None, "-", 0, [], None)
        assert connection.execute("SELECT nr FROM faktura ORDER BY nr").fetchall() == [("F2",), ("F3",)]
