"""Whether a downloaded package is what it should be: whole, complete against the population's truth, nobody else's."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from extractors import SOURCES
from sandbox.people import Population, Truth

_MANIFESTS: Final = ("manifest-sha256.txt", "tagmanifest-sha256.txt")
_MOST_NAMED: Final = 10
_SOURCE_OF: Final = {d.name: s.declaration.name for s in SOURCES for d in s.declaration.datasets}


@dataclass(frozen=True)
class SourceResult:
    """A source in the search report: `status` as there, `records` in the package."""

    status: str
    records: int


class Package:
    """A package on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sources(self) -> dict[str, SourceResult]:
        """Source → what the search report says about it, in its order."""
        report = json.loads(self._read("search-report.json"))
        return {s["source"]: SourceResult(s["status"], s.get("records") or 0) for s in report["sources"]}

    def faults(
        self, population: Population, truth: Sequence[Truth], without: Iterable[str] = (), *, whole: bool = True
    ) -> list[str]:
        """What is wrong with it, in words; [] = nothing. `without`: sources that are known to be missing. `whole`:
        False when the truth only samples the largest tables."""
        lacking = self._lacking(truth, frozenset(without), whole)
        return [*self._broken(), *lacking, *self._foreign(population)]

    def rows(self, dataset: str) -> dict[str, dict[str, Any]]:
        """source id → record, of one dataset; {} when the package has none such."""
        with zipfile.ZipFile(self.path) as archive:
            names = [n for n in archive.namelist() if n.startswith("data/") and n.endswith(f"/{dataset}.json")]
            return {str(row["_source_id"]): row for name in names for row in json.loads(archive.read(name))}

    def texts(self) -> Iterator[tuple[str, str]]:
        """(name, content) of every file that may be text; sound and pictures are left out."""
        with zipfile.ZipFile(self.path) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                if b"\0" not in content[:4096]:
                    yield name, content.decode("utf-8", "replace")

    def _read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)

    def _broken(self) -> Iterator[str]:
        """Every file is in a manifest with its hash, and every file of the manifests is there."""
        with zipfile.ZipFile(self.path) as archive:
            listed = [line.split("  ", 1) for name in _MANIFESTS for line in archive.read(name).decode().splitlines()]
            present = set(archive.namelist())
            for digest, name in listed:
                if name not in present or hashlib.sha256(archive.read(name)).hexdigest() != digest:
                    yield f"{name} is not what the manifest says"
            for name in sorted(present - {name for _, name in listed} - set(_MANIFESTS)):
                yield f"{name} is in no manifest"

    def _lacking(self, truth: Sequence[Truth], without: frozenset[str], whole: bool) -> Iterator[str]:
        """What the systems hold about the canary and the package doesn't, record by record and field by field; and
        records that no system should have given."""
        wanted: dict[str, dict[str, Mapping[str, Any]]] = {}
        for record in truth:
            if record.person == "canary" and record.expected == "package":
                wanted.setdefault(record.dataset, {})[record.source_id] = record.fields
        missing_sources = {name for name, result in self.sources().items() if result.status not in ("found", "none")}
        if surprising := missing_sources - without:
            yield f"not read: {', '.join(sorted(surprising))}"
        for dataset, records in wanted.items():
            if _SOURCE_OF.get(dataset) in missing_sources:
                continue
            got = self.rows(dataset)
            yield from _named(f"{dataset}: not in the package", set(records) - set(got))
            if whole:
                yield from _named(f"{dataset}: in the package, but not true", set(got) - set(records))
            differing = {key for key in set(records) & set(got) if not _agrees(got[key], records[key])}
            yield from _named(f"{dataset}: differs from the truth", differing)

    def _foreign(self, population: Population) -> Iterator[str]:
        foreign = population.foreign()
        for name, text in self.texts():
            found = [value for value in foreign if value in text]
            if found:
                # A count: the demonstration must not print anybody's data either.
                yield f"{name} holds {len(found)} identifiers of other people"


def _agrees(row: Mapping[str, Any], truth: Mapping[str, Any]) -> bool:
    """Whether every field of the truth stands so in the row, under its own name or among the unmapped; absent and
    null are the same."""
    have = _spread(row)
    return all(have.get(name) == json.loads(json.dumps(value)) for name, value in _spread(truth).items())


def _spread(record: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in record.items() if name != "unmapped"}
    return plain | (record.get("unmapped") or {})


def _named(what: str, keys: set[str]) -> Iterator[str]:
    if keys:
        some = sorted(keys)[:_MOST_NAMED]
        yield f"{what}: {len(keys)} ({', '.join(some)}{', …' if len(keys) > len(some) else ''})"
