"""The report: `index.html` in the person's language, `index.<other>.html`, and pages of the larger datasets.

Everything is made piece by piece: a dataset's rows are read when its place on the page is reached.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from dsr import document as documents
from dsr import schema
from dsr.cleared import RowsOf
from dsr.package import schema_file
from dsr.report.html.cells import clip
from dsr.report.html.reading import HEAD, MOST, PAGE, Columns, Reading
from dsr.report.html.records import Shared, View
from dsr.report.html.timeline import timeline
from dsr.report.html.wording import Wording
from dsr.report.letters import compile_all, compiled
from dsr.report.package import LANGUAGES

Json = dict[str, Any]

_INDEX: Final = "report.html.j2"
_PAGE: Final = "report_page.html.j2"

_WHOLE: Final = 20_000
"""Characters of a text that are shown; in `index.html` of a dataset that has pages, `_SHORT`."""
_SHORT: Final = 4_000
_BUFFER: Final = 64 * 1024
_MOST_FILES: Final = 200
_MOST_VALUES: Final = 20
_FIRST: Final = ("name", "email", "phone")
_LINKED: Final = (
    *("aac", "flac", "m4a", "mp3", "mp4", "mov", "oga", "ogg", "opus", "wav", "weba", "webm"),
    *("bmp", "gif", "jpeg", "jpg", "png", "webp", "pdf", "csv", "ics", "json", "rtf", "txt", "vcf", "zip"),
    *("doc", "docx", "odp", "ods", "odt", "ppt", "pptx", "xls", "xlsx"),
)
"""Kinds of files that no browser runs as part of a page. Browsers ignore `download` on links from the file system
(Chromium opens the file), so what they might run, SVG and HTML above all, has no link."""
_AUDIO: Final = ("aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "weba")


def members(document: Mapping[str, Any], rows: RowsOf) -> Iterator[tuple[str, Iterable[bytes]]]:
    """(path in the package, content) of the report's files: `index.html` in the person's own language, then
    `index.<other>.html`, then `report/<language>/<dataset>-<nnnn>.html`. Paths hold codes only; each content is to be
    used up before the next member is asked for. `document` as `schemas/document.schema.json` says."""
    report = _Report(document, rows)
    for language in report.languages:
        yield report.index_path(language), report.index(language)
    for reading in report.readings.values():
        for number, columns in enumerate(reading.pages(), start=1):
            shared: Shared = {}
            for language in report.languages:
                content = report.page(language, reading, number, columns, shared)
                yield report.page_path(language, reading, number), content


def prepare() -> None:
    """Compiles the templates and loads the texts, which takes a tenth of a CPU second: where many processes are forked
    from one, in that one."""
    compile_all()
    for language in LANGUAGES:
        Wording(language).moment("2000-01-01T00:00:00Z")


class _Report:
    def __init__(self, document: Mapping[str, Any], rows: RowsOf) -> None:
        self.document = document
        own = document["request"]["language"]
        self.languages = sorted(LANGUAGES, key=lambda name: name != own)
        self.readings = {
            (dataset["source"], dataset["name"]): Reading(dataset, rows)
            for category in document["categories"]
            for dataset in category["datasets"]
        }

    def index_path(self, language: str) -> str:
        return "index.html" if language == self.languages[0] else f"index.{language}.html"

    def page_path(self, language: str, reading: Reading, number: int) -> str:
        return f"report/{language}/{reading.dataset['name']}-{number:04d}.html"

    def index(self, language: str) -> Iterator[bytes]:
        """The whole report in one language."""
        wording, document = Wording(language), self.document
        values = {
            **self._common(wording),
            "other_href": self.index_path(self._other(language)),
            "complete_words": documents.completeness(document)[language],
            "processing": document.get("processing"),
            "excluded": document.get("excluded", []),
            "systems": {
                source["name"]: wording.own({"en": source["title"], "sv": source["title_sv"]})
                for source in document["sources"]
            },
            "categories": self._categories(wording),
            "category_list": document["categories"],
            "title_of": lambda name: self._title_of(name, wording),
            "records": sum(int(reading.dataset["rows"]) for reading in self.readings.values()),
            "left_out": self._left_out(),
            "held": any(line["status"] == "found" for line in document["search"]),
            "only_excluded": bool(document.get("excluded")) and not (document["categories"] or document["attachments"]),
            "profiling_told": bool(document.get("processing")) and document["request"]["right"] == "access",
            "timeline": timeline(document["categories"], self.readings, document["made_at"], wording),
            "attachments": [self._attachment(a, wording) for a in document["attachments"][:_MOST_FILES]],
            "attributes": self._attributes(),
            "search": [{**line, "said": _said(line, language)} for line in document["search"]],
        }
        return _stream(_INDEX, values)

    def page(self, language: str, reading: Reading, number: int, columns: Columns, shared: Shared) -> Iterator[bytes]:
        """One page of a larger dataset."""
        wording, dataset = Wording(language), reading.dataset
        first = (number - 1) * PAGE + 1
        last_page = -(-min(int(dataset["rows"]), MOST) // PAGE)
        links = [(at, self.page_path(language, reading, at).rpartition("/")[2]) for at in range(1, last_page + 1)]
        values = {
            **self._common(wording),
            "other_href": "../../" + self.page_path(self._other(language), reading, number),
            "index_href": "../../" + self.index_path(language),
            "dataset": self._dataset(reading, wording),
            "view": View(dataset["name"], columns, wording, limit=_WHOLE, first=first, table=True, shared=shared),
            "first": first,
            "number": number,
            "links": links,
        }
        return _stream(_PAGE, values)

    def _common(self, wording: Wording) -> Json:
        return {
            "t": wording.text,
            "w": wording,
            "d": self.document,
            "other": self._other(wording.language),
            "style": Markup(_style()),  # noqa: S704 - our own file
            "policy": _policy(),
            "clip": clip,
            "most": MOST,
        }

    def _other(self, language: str) -> str:
        return next(name for name in LANGUAGES if name != language)

    def _titles(self, language: str) -> dict[str, str]:
        key = "title" if language == "en" else f"title_{language}"
        return {name: reading.dataset[key] for (_, name), reading in self.readings.items()}

    def _title_of(self, dataset: str, wording: Wording) -> str:
        """Of any dataset, one that is left out whole too."""
        return self._titles(wording.language).get(dataset) or wording.title(schema.load(dataset), dataset)

    def _categories(self, wording: Wording) -> Iterator[Json]:
        for category in self.document["categories"]:
            title = wording.own({"en": category["title"], "sv": category["title_sv"]})
            datasets = (self._dataset_view(dataset, wording) for dataset in category["datasets"])
            yield {"name": category["name"], "title": title, "datasets": datasets}

    def _dataset_view(self, entry: Mapping[str, Any], wording: Wording) -> Json:
        reading = self.readings[entry["source"], entry["name"]]
        limit = _SHORT if reading.paged else _WHOLE
        described = self._dataset(reading, wording)
        if entry["rows"]:
            described["view"] = View(entry["name"], reading.head(), wording, limit=limit)
        return described

    def _dataset(self, reading: Reading, wording: Wording) -> Json:
        entry = reading.dataset
        annotated = schema.load(entry["name"])
        processing = self.document.get("processing") or {"activities": []}
        return {
            **entry,
            "id": f"{entry['source']}-{entry['name']}",
            "title": self._titles(wording.language)[entry["name"]],
            "description": wording.description(annotated),
            "schema": schema_file(entry["name"]),
            "activities": [a for a in processing["activities"] if entry["name"] in a["datasets"]],
            "paged": reading.paged,
            "head": HEAD,
            "page": self.page_path(wording.language, reading, 1),
            "view": None,
        }

    def _attachment(self, attachment: Mapping[str, Any], wording: Wording) -> Json:
        extension = attachment["file"].rpartition(".")[2]
        audio = attachment["media_type"].startswith("audio/") and extension in _AUDIO
        transcripts = [
            f"{source}-{name}"
            for source, name in self.readings
            if audio and source == attachment["source"] and "transcript" in name
        ]
        title = self._title_of(attachment["dataset"], wording)
        return {
            **attachment,
            "audio": audio,
            "opens": extension in _LINKED,
            "transcripts": transcripts[:1],
            "dataset_title": title,
        }

    def _attributes(self) -> list[Json]:
        """The profile, the best known first."""
        attributes = self.document["profile"]["attributes"]
        listed = []
        for name in sorted(attributes, key=lambda name: (*_FIRST, name).index(name)):
            values = attributes[name]["values"]
            more = attributes[name]["more_values"] + max(0, len(values) - _MOST_VALUES)
            listed.append({**attributes[name], "name": name, "values": values[:_MOST_VALUES], "more": more})
        return listed

    def _left_out(self) -> int:
        """Items that were withheld or are doubtful, and the records and files of datasets that are left out whole."""
        counts = [int(entry["count"]) for entry in self.document["withheld"]]
        counts += [int(line.get("doubtful", 0)) for line in self.document["search"]]
        records: dict[tuple[str, str], int] = {}
        for entry in self.document.get("excluded", []):
            dataset = entry["source"], entry["dataset"]
            if dataset not in self.readings:
                # A record may stand under several reasons; a file stands under one.
                records[dataset] = max(records.get(dataset, 0), int(entry["rows"]))
                counts.append(int(entry["attachments"]))
        return sum(counts) + sum(records.values())


def _said(line: Mapping[str, Any], language: str) -> str:
    """What a line of the search report says, without the system's name, which stands above it."""
    title = line["title" if language == "en" else f"title_{language}"]
    words = str(line["words"][language]).removeprefix(f"{title}: ")
    return words[:1].upper() + words[1:]


def _stream(template: str, values: Mapping[str, Any]) -> Iterator[bytes]:
    """The rendered page in pieces of about 64 KiB."""
    pieces, size = [], 0
    for piece in compiled(template).generate(**values):
        pieces.append(piece)
        size += len(piece)
        if size >= _BUFFER:
            yield "".join(pieces).encode()
            pieces, size = [], 0
    yield "".join(pieces).encode()


@cache
def _style() -> str:
    return files("dsr.report").joinpath("templates", "report.css").read_text(encoding="utf-8").strip()


@cache
def _policy() -> str:
    """Content Security Policy (W3C, level 3) of every page: nothing is loaded but the package's own sound files, our
    style alone counts. `frame-ancestors` can't stand in a page."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; media-src 'self'; base-uri 'none'; "
        "form-action 'none'"
    )
