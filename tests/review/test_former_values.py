"""What stood in a field of the customer register before may be another person's: it waits for a review, too."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from salesforce_server import connect, serving

from dsr import review, reviewing
from dsr.casefile import CaseFile, CaseStore
from dsr.model import Identifier, Subject
from dsr.package import PACKAGE
from dsr.register import Register
from dsr.review import RELEASED
from dsr.search import SearchResult, found_as_json
from dsr.settings import Settings
from dsr.steps import assess, collect, combine, compose, hold
from extractors.salesforce import Salesforce

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
REQUEST = "dsr-former-values"
SETTINGS = Settings("memory", "postgresql://", bytes(32), portal_url="https://portal.example")


def test_a_former_address_leaves_only_when_it_was_looked_at(tmp_path: Path) -> None:
    """From the system to the package: an address that only the history of changes holds."""
    with serving(tmp_path / "sandbox") as sandbox:
        person = next(p for p in sandbox.population.neighbours if p.key == "colleague")
        source = connect(sandbox)
        former = f"old.{person.email}"
        case = _collected(tmp_path / "cases", source, person.email)
    hold.hold(case)
    held = [item for page in _pages(case) for item in review.page(case, page) if item.text == former]
    assert [review.entries(case)[item.key].places[0].field for item in held] == ["OldValue"]
    reviewing.conclude(case, by="officer", four_eyes=False, without_rest=True)
    assert former not in _package(case)
    hold.hold(case)
    reviewing.decide(case, held[0].number, verdict=RELEASED, by="officer", at=AT)
    reviewing.conclude(case, by="officer", four_eyes=False, without_rest=True)
    assert former in _package(case)


def _collected(folder: Path, source: Salesforce, email: str) -> CaseFile:
    """A case up to the document."""
    case = CaseStore(str(folder), bytes(32)).create(REQUEST)
    case.write_json("request", {
        "request_id": REQUEST, "right": "access", "channel": "standard_webhooks", "language": "sv",
        "received_at": "2026-11-19T08:00:00Z", "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"},
        "ticket": {"id": "1"}, "subject": {"email": email},
    })  # fmt: skip
    found = source.find([Subject(REQUEST, frozenset({Identifier("email", email)}))])
    case.write_json("search/salesforce", SearchResult("salesforce", "found", AT, len(found.matches)).as_json())
    case.write_json("found/salesforce", found_as_json(found))
    collect.collect(case, source, at=AT)
    combine.combine(case, [source.declaration], Register.load(), portable=assess.portable, at=AT)
    return case


def _pages(case: CaseFile) -> range:
    return range(1, max(entry.page for entry in review.entries(case).values()) + 1)


def _package(case: CaseFile) -> str:
    """All texts of the package."""
    compose.compose(case, [Salesforce.declaration], at=AT, settings=SETTINGS)
    with case.reader(PACKAGE) as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
