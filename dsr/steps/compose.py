"""compose: writes the package, a ZIP streamed into the case file. Same input and time give the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from string import Template
from textwrap import fill
from typing import Any, Final

from dsr import document as documents
from dsr import package, rows, schema, tabular
from dsr.archive import Archive, Content
from dsr.casefile import CaseFile
from dsr.collected import Collected
from dsr.errors import PermanentError
from dsr.jsontext import dump
from dsr.package import Package
from dsr.report.package import LANGUAGES, NOTHING_HELD
from dsr.search import stamp
from dsr.source import Declaration

_CHUNK: Final = 1024 * 1024


def compose(case: CaseFile, declarations: Sequence[Declaration], *, at: datetime) -> Package:
    """Writes "package" and its facts, "package.json". `at` becomes the time of every file in the ZIP.

    PermanentError("case.absent") before `combine`, ("rows.lost") when other rows are there than it saw.
    """
    document = case.read_json("document")
    unknown = {line["source"] for line in document["search"]} - {d.name for d in declarations}
    if unknown:
        raise PermanentError("source.undeclared", "compose")
    archive = Archive(at)
    writer = _Writer(case, document, archive, at)
    case.remove("package.json")  # whoever reads the new package under its old facts would take it for the old one
    with case.writer("package") as file:
        written = archive.write(writer.members(), file)
    finished = Package(written.sha256, written.bytes, len(archive.entries))
    case.write_json("package.json", vars(finished))
    return finished


class _Writer:
    """Yields the members of one package in order."""

    def __init__(self, case: CaseFile, document: Mapping[str, Any], archive: Archive, at: datetime) -> None:
        self._case, self._document, self._archive, self._at = case, document, archive, at
        self._neutralised: dict[str, int] = {}

    def members(self) -> Iterator[Any]:
        """All files: what explains, then what it is about, then what proves it whole."""
        text = self._archive.text
        yield text(package.README, _readme(self._document))
        for name, value in (
            ("document", self._document),
            ("profile", self._document["profile"]),
            ("search-report", documents.search_report(self._document)),
            ("decisions", documents.decisions(self._document)),
        ):
            yield text(f"{name}.json", dump(value))
        yield from self._schemas()
        for category in self._document["categories"]:
            for dataset in category["datasets"]:
                yield from self._dataset(dataset)
        yield from self._attachments()
        yield from self._descriptors()

    def _schemas(self) -> Iterator[Any]:
        for name in ("document", "profile", "search-report"):
            yield self._archive.text(package.schema_file(name), dump(schema.load(name)))
        names = [d["name"] for category in self._document["categories"] for d in category["datasets"]]
        for name in sorted(names):
            yield self._archive.text(package.schema_file(name), dump(package.record_schema(name)))

    def _dataset(self, dataset: Mapping[str, Any]) -> Iterator[Any]:
        collected = Collected.from_json(self._case.read_json(f"collected/{dataset['source']}"))
        if stamp(collected.extracted_at) != dataset["extracted_at"]:
            raise PermanentError("rows.lost", "compose")  # read again since the document was made
        # Every byte may need six in JSON ("\u0000"), and each row brings its labels.
        labels = sum(len(name) + 64 for name in schema.arrow_schema(dataset["name"]).names)
        bound = 6 * collected.sizes[dataset["name"]] + dataset["rows"] * (labels + 256) + 4096
        yield self._archive.member(dataset["files"]["json"], self._json(dataset), bound)
        yield self._archive.member(dataset["files"]["csv"], self._csv(dataset), bound)

    def _json(self, dataset: Mapping[str, Any]) -> Content:
        left = dataset["rows"]
        yield b"["
        for batch in rows.batches(self._case, dataset["source"], dataset["name"]):
            text = tabular.json_text(batch, dataset["name"], dataset["source"], dataset["extracted_at"])
            left -= batch.num_rows
            yield text if left else text[:-1]
        if left:
            raise PermanentError("rows.lost", "compose")
        yield b"\n]\n"

    def _csv(self, dataset: Mapping[str, Any]) -> Content:
        neutralised = 0
        yield tabular.csv_header(dataset["name"])
        for batch in rows.batches(self._case, dataset["source"], dataset["name"]):
            text, count = tabular.csv_text(batch, dataset["source"], dataset["extracted_at"])
            neutralised += count
            yield text
        self._neutralised[dataset["files"]["csv"]] = neutralised

    def _attachments(self) -> Iterator[Any]:
        listed = self._document["attachments"]
        yield self._archive.text(package.ATTACHMENTS, dump(listed))
        sources = dict.fromkeys(attachment["source"] for attachment in listed)
        collected = [Collected.from_json(self._case.read_json(f"collected/{name}")) for name in sources]
        objects = [kept.name for source in collected for kept in source.attachments]
        for attachment, name in zip(listed, objects, strict=True):
            content = self._object(name, attachment["bytes"])
            yield self._archive.member(attachment["file"], content, attachment["bytes"])

    def _object(self, name: str, size: int) -> Content:
        with self._case.reader(name) as file:
            while chunk := file.read(_CHUNK):
                size -= len(chunk)
                yield chunk
        if size:
            raise PermanentError("attachment.lost", "compose")

    def _descriptors(self) -> Iterator[Any]:
        entries, request_id = self._archive.entries, self._document["request"]["request_id"]
        described = package.descriptor(request_id, self._document, list(entries), self._neutralised, self._at)
        yield self._archive.text("datapackage.json", dump(described))
        payload = [entry for entry in entries if entry.path.startswith("data/")]
        for path, content in package.bag_info(payload, self._at).items():
            yield self._archive.text(path, content)
        tags = [entry for entry in entries if not entry.path.startswith("data/")]
        yield self._archive.text("tagmanifest-sha256.txt", package.manifest(tags))


def _readme(document: Mapping[str, Any]) -> str:
    """How to open, check and complain, in both languages, the person's own first."""
    own = document["request"]["language"]
    texts = []
    for language in sorted(LANGUAGES, key=lambda name: name != own):
        template = files("dsr.report").joinpath(f"readme.{language}.txt").read_text(encoding="utf-8")
        held = any(line["status"] == "found" for line in document["search"])
        values = {
            "request_id": document["request"]["request_id"],
            "received_at": _minute(document["request"]["received_at"]),
            "made_at": _minute(document["made_at"]),
            "complete": documents.completeness(document)[language] + ("" if held else f"\n{NOTHING_HELD[language]}"),
            "search": "\n".join(_wrapped(line["words"][language]) for line in document["search"]),
        }
        texts.append(Template(template).substitute(values))
    return "\n\n".join(texts)


def _wrapped(line: str) -> str:
    return fill(line, 110, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)


def _minute(stamped: str) -> str:
    return documents.minute(datetime.fromisoformat(stamped))
