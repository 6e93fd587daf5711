"""Packages for the tests of this folder: what a made-up source gives, through collect, combine and compose."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from clear import released

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import DsrError
from dsr.model import Attachment, Found, Identifier, Match, Piece, Rows, Subject, Withheld
from dsr.register import Register
from dsr.settings import Settings
from dsr.source import Dataset, Declaration, Source
from dsr.steps import assess, collect, combine, compose, identify

AT = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
REQUEST_ID = "dsr-packagepackagepackagepack"
SETTINGS = Settings(case_store="", ledger_url="", master_key=bytes(32), portal_url="https://portal.example")
EMAIL = Identifier("email", "edla@kvarn.example")

THING = "generated_thing"
CARD = "generated_card"


def _property(kind: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "title": "Field", "description": "A field.", **more}


def _schema(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://dsr.example/schemas/{name}.schema.json",
        "title": "Things",
        "description": "Records of every type.",
        "x-sv": {"title": "Saker", "description": "Poster av alla slag."},
        "type": "object",
        "properties": dict(properties),
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    THING: _schema(
        THING,
        {
            "text": _property("string"),
            "text_or_null": _property(["string", "null"]),
            "amount": _property(["string", "null"], **{"x-type": "decimal"}),
            "at": _property(["string", "null"], format="date-time"),
            "day": _property("string", format="date"),
            "whole": _property(["integer", "null"]),
            "number": _property("number"),
            "yes": _property(["boolean", "null"]),
            "many": _property("array"),
            "nested": _property(["object", "null"]),
            "_odd \"name\"; å,\n": _property("string"),
        },
    ),
    CARD: _schema(CARD, {"name": _property("string"), "email": _property("string", format="email")}),
}  # fmt: skip


def request(language: str = "sv", right: str = "access", **more: Any) -> dict[str, Any]:
    """A request as the case file keeps it."""
    return {
        "request_id": REQUEST_ID,
        "right": right,
        "channel": "standard_webhooks",
        "received_at": "2026-11-19T08:00:00Z",
        "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"},
        "language": language,
        "ticket": {"id": "4711"},
        "subject": {"email": EMAIL.value},
        **more,
    }


def declared(name: str, title: str = "") -> Declaration:
    """A source of both datasets."""
    card = Dataset(CARD, "Cards", "contact-identification", "provided", ("pd:Name",), "crm", "delete",
                   profile={"email": "email", "name": "name"})  # fmt: skip
    thing = Dataset(THING, "Things", "interactions", "observed", ("pd:Interest",), "crm", "delete")
    return Declaration(name, title or f"The {name} system", "processor", "http", {}, (card, thing), ("email",))


@dataclass
class Given:
    """A source that knows the one person, or nobody; gives its rows in pieces; fails on the way when told to."""

    declaration: Declaration
    rows: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    files: Sequence[bytes] = ()
    withheld: int = 0
    known: bool = True
    error: DsrError | None = None

    def find(self, subjects: Sequence[Subject]) -> Found:
        """The card of whoever has the address."""
        held = frozenset({EMAIL})
        return Found(
            self.declaration.name,
            tuple(
                Match(s.request_id, CARD, "c1", held, held, "Edla Kvarn")
                for s in subjects
                if self.known and EMAIL in s.identifiers
            ),
        )

    def extract(self, found: Found) -> Iterator[Piece]:
        """In pieces of one and of two rows in turn; a dataset without rows comes as an empty piece."""
        for dataset, rows in self.rows.items():
            for start, end in _cuts(len(rows)):
                yield Rows(REQUEST_ID, dataset, schema.batch(dataset, rows[start:end]))
        if self.error:
            raise self.error
        for number, content in enumerate(self.files):
            title = f"Edlas fil {number} åäö.wav"
            yield Attachment(REQUEST_ID, THING, "t1", f"f{number}", "audio/wav", "wav", title, iter([content]))
        if self.withheld:
            yield Withheld(REQUEST_ID, THING, "third_party", self.withheld)


def _cuts(count: int) -> Iterator[tuple[int, int]]:
    start, size = 0, 1
    while start < count or start == 0:
        yield start, min(start + size, count)
        start, size = start + size, 3 - size


class _NoIndex:
    def lookup(self, source: str, identifiers: Iterable[Identifier]) -> list[Any]:
        return []

    def freshness(self, source: str) -> None:
        return None


def packed(case: CaseFile, sources: Sequence[Given], unconnected: Sequence[Declaration] = ()) -> zipfile.ZipFile:
    """The package that all steps make; a source that fails is given up, as the task does."""
    declarations = [*(source.declaration for source in sources), *unconnected]
    given: dict[str, Source | None] = {source.declaration.name: source for source in sources}
    index: Any = _NoIndex()
    identify.identify(case, given, declarations, index, at=AT, final=True)
    for source in sources:
        try:
            collect.collect(case, source, at=AT)
        except DsrError as error:
            if error is not source.error:
                raise
            collect.give_up(case, source.declaration.name, error.code, at=AT)
    return finished(case, declarations)


def finished(case: CaseFile, declarations: Sequence[Declaration]) -> zipfile.ZipFile:
    """The package of what was collected."""
    combine.combine(case, declarations, Register.load(), portable=assess.portable, at=AT)
    released(case)
    compose.compose(case, declarations, at=AT, settings=SETTINGS)
    return zipfile.ZipFile(io.BytesIO(package_bytes(case)))


def package_bytes(case: CaseFile) -> bytes:
    """The finished file."""
    with case.reader("package") as file:
        return file.read()


def datasets(package: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """The document's entries of all datasets."""
    for category in json.loads(package.read("document.json"))["categories"]:
        yield from category["datasets"]
