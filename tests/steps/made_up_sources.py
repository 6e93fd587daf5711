"""Sources in memory for the tests of the steps: they answer to exact identifiers, as all sources do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from clear import released

from dsr import review, schema
from dsr.casefile import CaseFile
from dsr.collected import Counts
from dsr.errors import DsrError
from dsr.model import Attachment, Found, Identifier, IndexEntry, Match, Piece, Rows, Subject, Withheld
from dsr.package import Package
from dsr.register import Register
from dsr.settings import Settings
from dsr.source import Dataset, Declaration
from dsr.steps import assess, combine, compose

SETTINGS = Settings(case_store="", ledger_url="", master_key=bytes(32), portal_url="https://portal.example")
"""What composing needs of the settings."""

AT = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
REQUEST_ID = "dsr-abcdefghijklmnopqrstuvwxyz"

NOTE = "made_up_note"
PERSON = "made_up_person"
SCHEMAS: dict[str, dict[str, Any]] = {
    PERSON: {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://dsr.example/schemas/made_up_person.schema.json",
        "title": "People",
        "description": "Somebody.",
        "x-sv": {"title": "Människor"},
        "type": "object",
        "required": ["email"],
        "properties": {
            "email": {"type": "string", "format": "email", "title": "E-mail", "description": "Address."},
            "name": {"type": ["string", "null"], "title": "Name", "description": "Name."},
            "phone": {"type": ["string", "null"], "title": "Phone", "description": "Phone."},
            "language": {"enum": ["sv", "en", None], "title": "Language", "description": "Language."},
        },
    },
    NOTE: {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://dsr.example/schemas/made_up_note.schema.json",
        "title": "Notes",
        "description": "A note.",
        "x-sv": {"title": "Anteckningar"},
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {"type": "string", "title": "Text", "description": "Text."},
            "at": {"type": ["string", "null"], "format": "date-time", "title": "At", "description": "Time."},
            "day": {"type": ["string", "null"], "format": "date", "title": "Day", "description": "Day."},
            "count": {"type": ["integer", "null"], "minimum": 0, "title": "Count", "description": "Number."},
            "share": {"type": "number", "title": "Share", "description": "Share."},
            "seen": {"type": ["boolean", "null"], "title": "Seen", "description": "Seen."},
            "tags": {"type": ["array", "null"], "items": {"type": "string"}, "title": "Tags", "description": "Tags."},
            "detail": {"type": ["object", "null"], "title": "Detail", "description": "Nested."},
            "_odd \"name\"": {"type": ["string", "null"], "title": "Odd", "description": "A hostile field name."},
        },
    },
}  # fmt: skip


def email(value: str) -> Identifier:
    """An e-mail address."""
    return Identifier("email", value)


def phone(value: str) -> Identifier:
    """A phone number."""
    return Identifier("phone", value)


def request(address: str = "asa@kvarn.example", right: str = "access", **subject: str) -> dict[str, Any]:
    """A request as the case file keeps it."""
    return {
        "request_id": REQUEST_ID,
        "right": right,
        "channel": "standard_webhooks",
        "received_at": "2026-11-19T08:00:00Z",
        "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"},
        "language": "sv",
        "ticket": {"id": "4711"},
        "subject": {"email": address, **subject},
    }


def declaration(name: str = "salesforce", *, indexed: bool = False, finds_by: Iterable[str] = ()) -> Declaration:
    """A source with two datasets, named after the source where it isn't the first."""
    kinds = tuple(finds_by) or ("email", "phone", "customer_number", "salesforce_contact", "salesforce_lead")
    people = Dataset(PERSON, "People", "contact-identification", "provided", ("pd:Name",), "crm", "delete",
                     profile={"email": "email", "name": "name", "phone": "phone"})  # fmt: skip
    notes = Dataset(NOTE, "Notes", "interactions", "observed", ("pd:Interest",), "crm", "delete")
    return Declaration(name, f"The {name} system", "processor", "http", {}, (people, notes), kinds, indexed=indexed)


@dataclass
class Fake:
    """Holds matches (request id filled in), rows, files; fails when told to."""

    declaration: Declaration
    people: Sequence[Match] = ()
    rows: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    files: Sequence[tuple[str, str, str, bytes]] = ()
    left_out: Sequence[tuple[str, str, int]] = ()
    error: DsrError | None = None
    on_piece: Callable[[int], None] = lambda number: None
    asked: list[frozenset[Identifier]] = field(default_factory=list)

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Exact matches."""
        if self.error:
            raise self.error
        matches = []
        for subject in subjects:
            self.asked.append(subject.identifiers)
            for person in self.people:
                by = subject.identifiers & (person.holds | {Identifier("webinar_registrant", person.record_id)})
                if by:
                    matches.append(
                        Match(subject.request_id, person.dataset, person.record_id, by, person.holds, person.person)
                    )
        return Found(self.declaration.name, tuple(matches), {"fields": 3})

    def extract(self, found: Found) -> Iterator[Piece]:
        """All it has, one row per piece; `on_piece` may break in."""
        pieces: list[Piece] = [
            Rows(REQUEST_ID, dataset, schema.batch(dataset, [row]))
            for dataset, rows in self.rows.items()
            for row in rows
        ]
        for number, (record_id, title, extension, content) in enumerate(self.files):
            halves = iter([content[: len(content) // 2], content[len(content) // 2 :]])
            pieces.append(Attachment(REQUEST_ID, NOTE, record_id, f"f{number}", "audio/wav", extension, title, halves))
        pieces += [Withheld(REQUEST_ID, dataset, ground, count) for dataset, ground, count in self.left_out]
        for number, piece in enumerate(pieces):
            self.on_piece(number)
            yield piece


@dataclass
class FakeIndex:
    """What an index knows: source → entries; `read` = when it was last filled."""

    entries: Mapping[str, Sequence[IndexEntry]] = field(default_factory=dict)
    read: datetime | None = AT

    def lookup(self, source: str, identifiers: Iterable[Identifier]) -> list[IndexEntry]:
        """Exact matches."""
        wanted = set(identifiers)
        return [entry for entry in self.entries.get(source, ()) if entry.identifier in wanted]

    def freshness(self, source: str) -> datetime | None:
        """When it was last filled."""
        return self.read


def record(record_id: str, person: str, *holds: Identifier, dataset: str = PERSON) -> Match:
    """A person-level record as a source holds it."""
    return Match("", dataset, record_id, frozenset(), frozenset(holds), person)


def combined(case: CaseFile, declarations: Sequence[Declaration]) -> Counts:
    """`combine` with the shipped register and the law."""
    return combine.combine(case, declarations, Register.load(), portable=assess.portable, at=AT)


def composed(case: CaseFile, declarations: Sequence[Declaration]) -> Package:
    """`compose` with made-up settings."""
    if not case.exists(review.CONCLUDED):
        released(case)
    return compose.compose(case, declarations, at=AT, settings=SETTINGS)
