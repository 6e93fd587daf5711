"""All steps over all five systems through the wire: the package holds the truth about one person, and nobody else's."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_sources import AT, REQUEST_ID, FakeIndex, combined, composed, request
from running_sandbox import Sandbox
from searched import search

from dsr.casefile import CaseStore
from dsr.source import Source
from dsr.steps import collect, combine
from extractors import SOURCES

pytestmark = pytest.mark.slow
DECLARATIONS = [source.declaration for source in SOURCES]


@pytest.fixture(scope="module")
def sources(shared_sandbox: Sandbox) -> dict[str, Source | None]:
    """Clients of all systems of the sandbox."""
    shared_sandbox.forget()
    return {
        d.name: s.connect(shared_sandbox.connection(d.connection_id))
        for s, d in zip(SOURCES, DECLARATIONS, strict=True)
    }


@pytest.fixture(scope="module")
def index(sources: dict[str, Source | None]) -> FakeIndex:
    """What upkeep would have read."""
    indexed: Any = {name: source for name, source in sources.items() if source and source.declaration.indexed}
    return FakeIndex({name: list(source.index(None)) for name, source in indexed.items()})


def package_of(address: str, folder: Path, sources: dict[str, Source | None], index: FakeIndex) -> zipfile.ZipFile:
    """The package that a request from this address gets."""
    case = CaseStore(str(folder), bytes(32)).create(REQUEST_ID)
    case.write_json("request", request(address))
    search(case, sources, DECLARATIONS, index, AT)
    for source in sources.values():
        assert source is not None
        collect.collect(case, source, at=AT)
    combined(case, DECLARATIONS)
    assert combine.incomplete(case) == []
    composed(case, DECLARATIONS)
    with case.reader("package") as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def records(package: zipfile.ZipFile) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(dataset, source id, fields as the truth names them) of all records."""
    document = json.loads(package.read("document.json"))
    for category in document["categories"]:
        for dataset in category["datasets"]:
            for record in json.loads(package.read(dataset["files"]["json"])):
                fields = {k: v for k, v in record.items() if not k.startswith("_") and k != "unmapped"}
                fields |= record["unmapped"] or {}
                yield dataset["name"], record["_source_id"], {k: v for k, v in fields.items() if v is not None}


@pytest.mark.parametrize(
    "key",
    [
        "canary",
        "formula",
        *(
            pytest.param(key, marks=pytest.mark.thorough)
            for key in ("namesake_colleague", "same_name", "near_address", "plus_address", "right_to_left")
        ),
    ],
)
def test_the_truth_and_nothing_of_anybody_else(
    key: str, tmp_path: Path, shared_sandbox: Sandbox, sources: dict[str, Source | None], index: FakeIndex
) -> None:
    """Record by record and field by field; no record is invalid against its schema."""
    person = shared_sandbox.population.person(key)
    package = package_of(person.email, tmp_path, sources, index)
    got: dict[str, dict[str, Any]] = {}
    for dataset, source_id, fields in records(package):
        got.setdefault(dataset, {})[source_id] = fields
    own = {(t.dataset, t.source_id) for t in shared_sandbox.truth if t.person == key and t.expected == "package"}
    foreign = [(dataset, source_id) for dataset, kept in got.items() for source_id in kept]
    assert [record for record in foreign if record not in own] == []
    missing = []
    for declaration in DECLARATIONS:
        for dataset_of in declaration.datasets:
            for source_id, fields in shared_sandbox.truth_of(key, dataset_of.name).items():
                spread = {**fields, **(fields.get("unmapped") or {})}
                wanted = {k: v for k, v in spread.items() if v is not None and k != "unmapped"}
                if got.get(dataset_of.name, {}).get(source_id) != wanted:
                    missing.append((dataset_of.name, source_id))
    assert missing == []
    assert json.loads(package.read("document.json"))["invalid"] == []


def test_no_neighbour_is_anywhere_in_the_canary_s_package(
    tmp_path: Path, shared_sandbox: Sandbox, sources: dict[str, Source | None], index: FakeIndex
) -> None:
    """Not in a record, a report, a file name or an attachment."""
    population = shared_sandbox.population
    package = package_of(population.canary.email, tmp_path, sources, index)
    for name in package.namelist():
        content = package.read(name).decode("utf-8", "replace") + name
        text = content.replace("\\u", "")
        assert [value for value in population.foreign() if value in text] == [], name
