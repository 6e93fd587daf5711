"""The package as the person gets it: complete, valid for the standards' own tools, and saying what is missing."""

import csv
import hashlib
import io
import json
import logging
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bagit
import frictionless
import jsonschema
import pytest
from made_up_sources import (
    AT,
    NOTE,
    PERSON,
    REQUEST_ID,
    Fake,
    FakeIndex,
    combined,
    composed,
    declaration,
    email,
    phone,
    record,
    request,
)

from dsr import schema
from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Rows
from dsr.source import Declaration, Source
from dsr.steps import close, collect, combine, identify

ASA = email("asa@kvarn.example")
ROWS = {
    PERSON: [("003", {"email": "asa@kvarn.example", "name": "Åsa Öhrnqvist", "phone": "+46 70 174 06 05"})],
    NOTE: [
        ("n1", {"text": "=1+1", "at": "2026-11-20T12:00:00.5+01:00", "tags": ["å", '"'], "extra": {"deep": [1]}}),
        ("n2", {"text": 'Hon sa: "hej, då"\nrad två;', "count": -3, "detail": {"a": None}}),
        ("n3", {"text": "+46701740605", "at": "in går"}),
    ],
}
FILES = [("n1", "Samtal med Åsa Öhrnqvist.wav", "wav", b"RIFF" * 5000)]


def full(name: str = "salesforce", **more: Any) -> Fake:
    """A source that holds something of everything."""
    person = record("003", "Åsa Öhrnqvist", ASA, phone("+46851740610"), Identifier("salesforce_contact", "003"))
    box = record("box", "", phone("+46851740610"))
    return Fake(declaration(name), (person, box), rows=ROWS, files=FILES, left_out=[(NOTE, "third_party", 2)], **more)


class Made:
    """All steps over some sources, and the package they make."""

    def __init__(self, case: CaseFile, *sources: Fake, unconnected: tuple[str, ...] = ()) -> None:
        self.case = case
        self.declarations: list[Declaration] = [s.declaration for s in sources] + [declaration(n) for n in unconnected]
        given: dict[str, Source | None] = {s.declaration.name: s for s in sources}
        self.statuses = identify.identify(case, given, self.declarations, FakeIndex(), at=AT, final=True)
        for source in sources:
            try:
                collect.collect(case, source, at=AT)
            except TransientError as error:
                collect.give_up(case, source.declaration.name, error.code, at=AT)
        self.counts = combined(case, self.declarations)
        self.package = composed(case, self.declarations)
        with case.reader("package") as file:
            self.bytes = file.read()
        self.zip = zipfile.ZipFile(io.BytesIO(self.bytes))

    def json(self, name: str) -> Any:
        """A JSON file of the package."""
        return json.loads(self.zip.read(name))

    def unpack(self, folder: Path) -> Path:
        """All files in a folder."""
        self.zip.extractall(folder)
        return folder


def test_what_the_standards_tools_say(case: CaseFile, tmp_path: Path) -> None:
    """Data Package and BagIt accept it, and both together name every file."""
    made = Made(case, full())
    folder = made.unpack(tmp_path / "package")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])
    logging.getLogger("bagit").setLevel(logging.ERROR)
    assert bagit.Bag(str(folder)).validate()
    described = {r["path"] for r in made.json("datapackage.json")["resources"]}
    bag = {"datapackage.json", "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}
    assert described | bag == set(made.zip.namelist())
    assert made.package.files == len(made.zip.namelist())
    assert made.package.sha256 == hashlib.sha256(made.bytes).hexdigest()
    assert made.package.bytes == len(made.bytes)
    assert case.read_json("package.json") == vars(made.package)


@pytest.mark.parametrize(
    "name", [f"data/interactions/{NOTE}.json", f"data/interactions/{NOTE}.csv", "search-report.json", "README.txt"]
)
def test_a_changed_file_is_noticed(case: CaseFile, tmp_path: Path, name: str) -> None:
    """By both standards' tools."""
    folder = Made(case, full()).unpack(tmp_path / "package")
    (folder / name).write_bytes((folder / name).read_bytes().replace(b"e", b"a", 1))
    assert not frictionless.validate(str(folder / "datapackage.json")).valid
    logging.getLogger("bagit").setLevel(logging.CRITICAL)
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


def test_records_in_json_are_whole(case: CaseFile) -> None:
    """Nested values and fields that nobody named as they were, each with where it comes from and when."""
    made = Made(case, full())
    notes = {note["_source_id"]: note for note in made.json(f"data/interactions/{NOTE}.json")}
    assert notes["n1"]["tags"] == ["å", '"']
    assert notes["n1"]["unmapped"] == {"extra": {"deep": [1]}}
    assert notes["n1"]["text"] == "=1+1"
    assert notes["n2"]["detail"] == {"a": None}
    for note in notes.values():
        assert (note["_source"], note["_extracted_at"]) == ("salesforce", "2026-11-20T12:00:00.123456Z")


def test_records_and_reports_obey_the_schemas_in_the_package(case: CaseFile) -> None:
    """Those that don't are named in the document; nothing else breaks a schema."""
    made = Made(case, full())
    document = made.json("document.json")
    checker = jsonschema.FormatChecker()
    for name in ("document", "profile", "search-report"):
        schema = made.json(f"schemas/{name}.schema.json")
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(made.json(f"{name}.json"))
    for category in document["categories"]:
        for dataset in category["datasets"]:
            schema = made.json(f"schemas/{dataset['name']}.schema.json")
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema, format_checker=checker)
            records = made.json(dataset["files"]["json"])
            assert len(records) == dataset["rows"]
            assert sum(not validator.is_valid(r) for r in records) == dataset["invalid"]
    assert document["invalid"] == [
        {"source": "salesforce", "dataset": NOTE, "rule": "/properties/at/format", "count": 1},
        {"source": "salesforce", "dataset": NOTE, "rule": "/properties/count/minimum", "count": 1},
    ]
    assert made.counts.as_json() == {
        "records": 4, "attachments": 1, "withheld": 2, "invalid": 2, "datasets": {PERSON: 1, NOTE: 3},
    }  # fmt: skip


def test_csv_starts_no_formula(case: CaseFile) -> None:
    """The rule and how often it was applied stand in the descriptor; phone numbers stay."""
    made = Made(case, full())
    path = f"data/interactions/{NOTE}.csv"
    read = list(csv.DictReader(io.StringIO(made.zip.read(path).decode(), newline="")))
    assert [row["text"] for row in read] == ["'=1+1", 'Hon sa: "hej, då"\nrad två;', "+46701740605"]
    descriptor = made.json("datapackage.json")
    assert descriptor["csvNeutralisation"]["cells"] == 1
    assert [r["neutralisedCells"] for r in descriptor["resources"] if r["path"] == path] == [1]


def test_the_profile_shows_values_with_their_origin_and_conflicts(case: CaseFile) -> None:
    """Two systems, two spellings of the phone number, two names."""
    other = Fake(
        declaration("pardot"),
        (record("p1", "Åsa Öhrnqvist", ASA),),
        rows={PERSON: [("p1", {"email": "ASA@kvarn.example", "name": "Åsa Bergfalk", "phone": "+46-701740605"})]},
    )
    attributes = Made(case, full(), other).json("profile.json")["attributes"]
    assert attributes["name"]["conflict"] is True
    assert attributes["email"]["conflict"] is attributes["phone"]["conflict"] is False
    assert [v["value"] for v in attributes["name"]["values"]] == ["Åsa Bergfalk", "Åsa Öhrnqvist"]
    assert attributes["name"]["values"][0]["provenance"] == [
        {"source": "pardot", "dataset": PERSON, "field": "name", "source_id": "p1",
         "extracted_at": "2026-11-20T12:00:00.123456Z"}
    ]  # fmt: skip


def test_attachments_bear_neutral_names(case: CaseFile) -> None:
    """The real one stands in the metadata only; no file name holds anything personal."""
    made = Made(case, full())
    (entry,) = made.json("data/attachments/attachments.json")
    assert entry["title"] == "Samtal med Åsa Öhrnqvist.wav"
    assert made.zip.read(entry["file"]) == b"RIFF" * 5000
    for name in made.zip.namelist():
        assert re.fullmatch(r"[a-zA-Z0-9_./-]+", name)
        assert not re.search("asa|hrnqvist|kvarn|4670", name, re.IGNORECASE)
        assert ".." not in name
        assert not name.startswith("/")


def test_what_is_left_out_stands_in_decisions(case: CaseFile) -> None:
    """Withheld by ground, doubtful by source, counts only."""
    decisions = Made(case, full()).json("decisions.json")
    assert [(d["dataset"], d["ground"], d["count"]) for d in decisions["withheld"]] == [(NOTE, "third_party", 2)]
    assert [(d["source"], d["ground"], d["count"]) for d in decisions["doubtful"]] == [("salesforce", "not_certain", 1)]
    assert all(d["words"]["sv"] and d["words"]["en"] for part in ("withheld", "doubtful") for d in decisions[part])


def test_one_failed_one_not_connected_one_holds_nothing(case: CaseFile) -> None:
    """The package says exactly that, in words, in both languages, and in the README."""

    def stop(number: int) -> None:
        raise TransientError("http.500", "invoicing")

    made = Made(case, full(), full("invoicing", on_piece=stop), Fake(declaration("pardot")), unconnected=("webinars",))
    report = made.json("search-report.json")
    assert report["complete"] is False
    statuses = {line["source"]: line["status"] for line in report["sources"]}
    assert statuses == {
        "salesforce": "found", "invoicing": "failed", "pardot": "none", "webinars": "not_connected",
    }  # fmt: skip
    words = {line["source"]: line["words"] for line in report["sources"]}
    sv, en = words["invoicing"]["sv"], words["invoicing"]["en"]
    assert sv.startswith(
        "The invoicing system: kunde inte läsas (felkod http.500). Det som systemet kan ha om dig saknas"
    )
    assert en.startswith(
        "The invoicing system: could not be read (error http.500). What it may hold about you is missing"
    )
    assert "inte anslutet" in words["webinars"]["sv"]
    assert "not connected" in words["webinars"]["en"]
    assert "Inget som säkert är om dig hittades" in words["pardot"]["sv"]
    assert report["words"]["en"] == (
        "This package is not complete: The invoicing system, The webinars system could not be read."
    )
    readme = " ".join(made.zip.read("README.txt").decode().split())
    for language in ("sv", "en"):
        assert report["words"][language] in readme
        assert all(line[language] in readme for line in words.values())
    assert combine.incomplete(case) == ["invoicing", "webinars"]
    assert not [n for n in made.zip.namelist() if "invoicing" in n]


def test_nothing_held_is_an_answer(case: CaseFile, tmp_path: Path) -> None:
    """A valid package without records."""
    case.write_json("request", request("nobody@nowhere.example"))
    made = Made(case, full())
    assert made.counts.records == 0
    assert made.json("document.json")["categories"] == []
    folder = made.unpack(tmp_path / "package")
    assert frictionless.validate(str(folder / "datapackage.json")).valid
    logging.getLogger("bagit").setLevel(logging.ERROR)
    assert bagit.Bag(str(folder)).validate()
    readme = made.zip.read("README.txt").decode()
    assert readme.startswith("DINA PERSONUPPGIFTER")
    assert "Nothing that is surely about you was found" in readme


def test_the_language_of_the_person_comes_first(case: CaseFile) -> None:
    """English too."""
    case.write_json("request", {**request(), "language": "en"})
    assert Made(case, full()).zip.read("README.txt").decode().startswith("YOUR PERSONAL DATA")


def test_same_input_and_time_give_the_same_bytes(tmp_path: Path) -> None:
    """In another case file, with another key."""
    packages = []
    for name in ("one", "two"):
        case = CaseStore(str(tmp_path / name), bytes(32)).create(REQUEST_ID)
        case.write_json("request", request())
        packages.append(Made(case, full()).bytes)
    assert packages[0] == packages[1]


def test_a_source_that_was_searched_and_never_read_is_missing(case: CaseFile) -> None:
    """A lost task doesn't make a thinner package in silence."""
    source = full()
    given: Any = {"salesforce": source}
    identify.identify(case, given, [source.declaration], FakeIndex(), at=AT, final=True)
    combined(case, [source.declaration])
    assert combine.incomplete(case) == ["salesforce"]


@pytest.mark.parametrize("lost", [f"rows/salesforce/{NOTE}/", "attachments/salesforce/"])
def test_what_got_lost_on_the_way_stops_the_package(case: CaseFile, lost: str) -> None:
    """Rows or files that are gone are an error, not a thinner package; nothing half-written is left."""
    made = Made(case, full())
    case.remove("package")
    case.remove(lost)
    with pytest.raises(PermanentError):
        composed(case, made.declarations)
    assert case.names("package") == []
    if lost.startswith("rows/"):
        with pytest.raises(PermanentError, match=r"rows\.lost"):
            combined(case, made.declarations)


def test_many_rows_in_many_batches(case: CaseFile) -> None:
    """None lost between the batches, in either format, and the same in both."""
    many = [(f"n{n}", {"text": f'rad "{n}"' if n % 7 else "=1", "count": n}) for n in range(40_000)]

    class Big(Fake):
        def extract(self, found: Found) -> Any:
            for start in range(0, len(many), 23_456):
                yield Rows(REQUEST_ID, NOTE, schema.batch(NOTE, many[start : start + 23_456]))

    made = Made(case, Big(declaration(), (record("003", "Åsa", ASA),)))
    notes = made.json(f"data/interactions/{NOTE}.json")
    assert [(n["_source_id"], n["text"], n["count"]) for n in notes] == [(i, r["text"], r["count"]) for i, r in many]
    lines = csv.DictReader(io.StringIO(made.zip.read(f"data/interactions/{NOTE}.csv").decode(), newline=""))
    assert [(n["_source_id"], n["text"].removeprefix("'"), int(n["count"])) for n in lines] == [
        (i, r["text"], r["count"]) for i, r in many
    ]
    assert made.json("datapackage.json")["csvNeutralisation"]["cells"] == len(range(0, 40_000, 7))


def test_closing_is_noted_once(case: CaseFile) -> None:
    """However often the task runs."""

    class Notes:
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def events(self, request_id: str) -> list[Any]:
            return self.kept

        def append(self, request_id: str, kind: str, detail: Any, *, at: datetime) -> None:
            self.kept.append(SimpleNamespace(kind=kind, detail=detail))

    ledger = Notes()
    for _ in range(2):
        close.close(case, ledger, at=AT)
    assert [(event.kind, event.detail) for event in ledger.kept] == [("closed", {"outcome": "answered"})]


def test_shredding_leaves_the_package_only(case: CaseFile) -> None:
    """Twice is fine."""
    Made(case, full())
    close.shred(case)
    close.shred(case)
    assert case.names() == ["package", "package.json", "package.minisig", "request"]


def test_what_was_read_again_since_the_document_was_made_is_not_composed(case: CaseFile) -> None:
    """Otherwise new rows would stand under an old search report, or the other way round."""
    source = full()
    made = Made(case, source)
    collect.collect(case, source, at=AT + timedelta(seconds=1))
    with pytest.raises(PermanentError) as error:
        composed(case, made.declarations)
    assert error.value.code == "rows.lost"
    assert not case.exists("package.json")
