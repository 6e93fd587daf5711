"""Packages as the real steps make them from sources in memory, and ways to spoil them."""

import dataclasses
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from made_up_sources import (
    AT,
    NOTE,
    PERSON,
    REQUEST_ID,
    SETTINGS,
    Fake,
    FakeIndex,
    combined,
    composed,
    declaration,
    email,
    record,
    request,
)

from dsr.casefile import CaseFile, CaseStore
from dsr.package import Package
from dsr.signing import Signer
from dsr.source import Dataset, Source
from dsr.steps import collect, identify

LEDGER = "made_up_ledger"
_TYPES: dict[str, dict[str, Any]] = {
    "at": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "until": {"type": ["string", "null"], "format": "date-time"},
    "amount": {"type": ["string", "null"], "x-type": "decimal"},
    "count": {"type": ["integer", "null"]},
    "share": {"type": "number"},
    "paid": {"type": ["boolean", "null"]},
    "text": {"type": ["string", "null"]},
    "place": {"type": ["string", "null"]},
    "link": {"type": ["string", "null"]},
    "phase": {"type": ["string", "null"]},
    "state": {"enum": ["open", "closed", None]},
    "lines": {"type": ["array", "null"]},
    "detail": {"type": ["object", "null"]},
}
LEDGER_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://dsr.example/schemas/made_up_ledger.schema.json",
    "title": "Entries",
    "description": "An entry of a ledger that is an appointment as well.",
    "x-sv": {"title": "Poster"},
    "x-event": {
        "start": "at",
        "end": "until",
        "summary": "text",
        "location": "place",
        "url": "link",
        "status": "phase",
    },
    "type": "object",
    "properties": {
        name: {**definition, "title": name, "description": name, "x-sv": {"title": name}}
        for name, definition in _TYPES.items()
    },
}
PUBLIC_KEY = Signer.from_settings(SETTINGS).public_key

Rows = Sequence[tuple[str, Mapping[str, Any]]]
WAV = b"RIFF" + bytes(range(256)) * 40
NOTES: Rows = [("n1", {"text": "=1+1", "at": "2026-11-20T12:00:00.5+01:00", "tags": ["å"], "extra": {"deep": [1]}})]
PERSON_ROWS: Rows = [("003", {"email": "asa@kvarn.example", "name": "Åsa Öhrnqvist", "phone": "+46 70 174 06 05"})]
ENTRIES: Rows = [
    ("l1", {"at": "2026-11-20T12:00:00.5+01:00", "day": "2026-11-20", "amount": "10.50", "count": 7, "share": 0.1,
            "paid": True, "text": "Möte", "lines": [1, "å"], "detail": {"a": None}, "state": "open"}),
    ("l2", {"amount": "-3", "place": None}),
]  # fmt: skip


def source(**rows: Rows) -> Fake:
    """A source of the three made-up datasets with an attachment to a note."""
    plain = declaration()
    ledger = Dataset(LEDGER, "Entries", "purchases", "observed", ("pd:Interest",), "crm", "delete")
    person = record("003", "Åsa Öhrnqvist", email("asa@kvarn.example"))
    files = [("n1", "Samtal med Åsa.wav", "wav", WAV)]
    declared = dataclasses.replace(plain, datasets=(*plain.datasets, ledger))
    return Fake(declared, (person,), rows={PERSON: PERSON_ROWS, NOTE: NOTES, LEDGER: ENTRIES, **rows}, files=files)


def made(case: CaseFile, *sources: Fake, unconnected: Sequence[str] = ()) -> tuple[Package, bytes]:
    """All steps over the sources."""
    declarations = [s.declaration for s in sources] + [declaration(name) for name in unconnected]
    given: dict[str, Source | None] = {s.declaration.name: s for s in sources}
    identify.identify(case, given, declarations, FakeIndex(), at=AT, final=True)
    for one in sources:
        collect.collect(case, one, at=AT)
    combined(case, declarations)
    package = composed(case, declarations)
    with case.reader("package") as file:
        return package, file.read()


def written(case: CaseFile, folder: Path, *sources: Fake, **more: Any) -> Path:
    """The package as it reaches somebody: the file, its signature and its hash."""
    package, content = made(case, *sources, **more)
    path = folder / f"received.{package.extension}"
    path.write_bytes(content)
    Path(f"{path}.minisig").write_text(case.read_json("package.minisig"))
    Path(f"{path}.sha256").write_text(f"{package.sha256}  {path.name}\n")
    return path


def of_entries(entries: Rows, then: Callable[[Path], Any]) -> Any:
    """What `then` makes of a package with these ledger entries; for tests without fixtures."""
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(f"{folder}/cases", bytes(32)).create(REQUEST_ID)
        case.write_json("request", request())
        return then(written(case, Path(folder), source(**{LEDGER: entries})))


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same package with its files changed, without the hash and signature beside it."""
    with zipfile.ZipFile(path) as before:
        files = {name: before.read(name) for name in before.namelist()}
    change(files)
    spoiled = path.with_name("spoiled.zip")
    with zipfile.ZipFile(spoiled, "w", zipfile.ZIP_DEFLATED) as after:
        for name, content in files.items():
            after.writestr(name, content)
    return spoiled
