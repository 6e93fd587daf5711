"""compose: writes the package, a ZIP streamed into the case file, and signs it; and the copy for another controller.
Same input and time give the same bytes, unless they are encrypted."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, cast

from dsr import document as documents
from dsr import document_copy, interop, package, processing, schema, tabular
from dsr.archive import Archive, Content
from dsr.casefile import CaseFile
from dsr.cleared import read_once
from dsr.clearing import Clearing
from dsr.collected import Collected
from dsr.digest import HashedFile
from dsr.errors import PermanentError
from dsr.jsontext import dump
from dsr.package import COPY, PACKAGE, Package
from dsr.report import html
from dsr.report.readme import readme, readme_for_recipient
from dsr.sealing import PASSWORD, Seal
from dsr.search import stamp
from dsr.settings import Settings
from dsr.signing import Signer, trusted_comment
from dsr.source import Declaration


def compose(case: CaseFile, declarations: Sequence[Declaration], *, at: datetime, settings: Settings) -> Package:
    """Writes "package", its facts "package.json" and its signature "package.minisig"; with a password that it was
    encrypted with in "package.password". `at` becomes the time of every file in the ZIP. A copy for another controller
    that was made before is removed.

    Texts and files in which others may be spoken of are in it as a person has decided (`dsr.clearing`).
    PermanentError("case.absent") before `combine`, ("review.missing") before that review has ended, ("rows.lost") when
    other rows are there than `combine` saw.
    """
    clearing = Clearing(case)
    document = clearing.document(case.read_json("document"))
    unknown = {line["source"] for line in document["search"]} - {d.name for d in declarations}
    if unknown:
        raise PermanentError("source.undeclared", "compose")
    case.remove(COPY)
    writer = _Writer(case, clearing, document, Archive(at), at, settings.portal_url)
    return _written(PACKAGE, writer, _seal(case, settings), settings)


def compose_copy(case: CaseFile, *, at: datetime, settings: Settings) -> Package:
    """Writes the copy for another controller (Art. 20(2) GDPR) with facts and signature, as `dsr.package.COPY` says:
    the same records, and nothing about what is not among them (see `dsr.document_copy`). After `compose`.

    PermanentError as `compose`.
    """
    clearing = Clearing(case)
    document = document_copy.for_recipient(clearing.document(case.read_json("document")))
    writer = _CopyWriter(case, clearing, document, Archive(at), at, settings.portal_url)
    return _written(COPY, writer, Seal.for_recipient(case.read_json("request")), settings)


def _written(name: str, writer: "_Writer", seal: Seal, settings: Settings) -> Package:
    case, archive = writer.case, writer.archive
    case.remove(f"{name}.json")  # whoever reads the new package under its old facts would take it for the old one
    with case.writer(name) as file:
        written = HashedFile(file)
        with seal.wrap(cast(BinaryIO, written)) as sealed:
            archive.write(writer.members(), sealed, seal.password)
    sha256 = written.sha256.hexdigest()
    finished = Package(sha256, written.size, len(archive.entries), seal.encryption, seal.extension)
    comment = trusted_comment(case.case_id, seal.extension, sha256, writer.at)
    case.write_json(f"{name}.minisig", Signer.from_settings(settings).sign(written.blake2b.digest(), comment))
    case.write_json(f"{name}.json", vars(finished))
    return finished


def _seal(case: CaseFile, settings: Settings) -> Seal:
    """As the request says; with the password that an earlier try has made, if it has."""
    password = case.read_json(PASSWORD) if case.exists(PASSWORD) else None
    seal = Seal.for_request(case.read_json("request"), settings, password)
    if seal.password:
        case.write_json(PASSWORD, seal.password)
    return seal


class _Writer:
    """Yields the members of one package in order."""

    def __init__(
        self,
        case: CaseFile,
        clearing: Clearing,
        document: Mapping[str, Any],
        archive: Archive,
        at: datetime,
        portal_url: str,
    ) -> None:
        self.case, self.archive, self.at, self._document = case, archive, at, document
        self._portal_url = portal_url
        self._clearing = clearing
        self._rows_of = read_once(clearing.rows_of(documents.fields(document)))
        self._collected: dict[str, Collected] = {}
        self._neutralised: dict[str, int] = {}

    def members(self) -> Iterator[Any]:
        """All files: what explains, then what it is about, then what proves it whole."""
        yield from self._explaining()
        yield from self._schemas()
        for category in self._document["categories"]:
            for dataset in category["datasets"]:
                yield from self._dataset(dataset)
        yield from self._attachments()
        yield from self._descriptors()

    def _explaining(self) -> Iterator[Any]:
        text, document = self.archive.text, self._document
        for path, content in html.members(document, self._rows_of):
            yield text(path, b"".join(content))
        yield text(package.README, readme(document, self._portal_url))
        yield text("processing-information.jsonld", dump(processing.linked(document["processing"])))
        for name, value in self._reports().items():
            yield text(f"{name}.json", dump(value))
        for path, content in interop.members(document, self._rows_of):
            yield self.archive.member(path, content, self._most_bytes())

    def _reports(self) -> dict[str, Any]:
        document = self._document
        return {
            "document": document,
            "profile": document["profile"],
            "processing-information": document["processing"],
            "decisions": documents.decisions(document),
            "search-report": documents.search_report(document),
        }

    def _schemas(self) -> Iterator[Any]:
        for name in self._reports():
            yield self.archive.text(package.schema_file(name), dump(schema.load(name)))
        for name, fields in sorted(documents.fields(self._document).items()):
            yield self.archive.text(package.schema_file(name), dump(package.record_schema(name, fields)))

    def _dataset(self, dataset: Mapping[str, Any]) -> Iterator[Any]:
        collected = self._marker(dataset["source"])
        if stamp(collected.extracted_at) != dataset["extracted_at"]:
            raise PermanentError("rows.lost", "compose")  # read again since the document was made
        # Every byte may need six in JSON ("\u0000"), and each row brings its labels.
        labels = sum(len(name) + 64 for name in schema.arrow_schema(dataset["name"]).names)
        bound = 6 * collected.sizes[dataset["name"]] + dataset["rows"] * (labels + 256) + 4096
        yield self.archive.member(dataset["files"]["json"], self._json(dataset), bound)
        yield self.archive.member(dataset["files"]["csv"], self._csv(dataset), bound)

    def _json(self, dataset: Mapping[str, Any]) -> Content:
        left = dataset["rows"]
        yield b"["
        for cleared in self._rows_of(dataset["source"], dataset["name"]):
            batch = cleared.batch
            text = tabular.json_text(batch, dataset["name"], dataset["source"], dataset["extracted_at"])
            left -= batch.num_rows
            yield text if left else text[:-1]
        if left:
            raise PermanentError("rows.lost", "compose")
        yield b"\n]\n"

    def _csv(self, dataset: Mapping[str, Any]) -> Content:
        neutralised = 0
        yield tabular.csv_header(dataset["fields"])
        for cleared in self._rows_of(dataset["source"], dataset["name"]):
            text, count = tabular.csv_text(cleared.batch, dataset["source"], dataset["extracted_at"])
            neutralised += count
            yield text
        self._neutralised[dataset["files"]["csv"]] = neutralised

    def _attachments(self) -> Iterator[Any]:
        yield self.archive.text(package.ATTACHMENTS, dump(self._document["attachments"]))
        for file in self._clearing.files(self._document):
            yield self.archive.member(file.listed["file"], file.chunks(), file.listed["bytes"])

    def _descriptors(self) -> Iterator[Any]:
        entries = self.archive.entries
        described = package.descriptor(self._document, list(entries), self._neutralised, self.at)
        yield self.archive.text("datapackage.json", dump(described))
        payload = [entry for entry in entries if entry.path.startswith("data/")]
        for path, content in package.bag_info(payload, self.at).items():
            yield self.archive.text(path, content)
        tags = [entry for entry in entries if not entry.path.startswith("data/")]
        yield self.archive.text("tagmanifest-sha256.txt", package.manifest(tags))

    def _marker(self, source: str) -> Collected:
        if source not in self._collected:
            self._collected[source] = Collected.from_json(self.case.read_json(f"collected/{source}"))
        return self._collected[source]

    def _most_bytes(self) -> int:
        """A bound on a file drawn from all records: their values written once, each with a frame."""
        datasets = [d for category in self._document["categories"] for d in category["datasets"]]
        sizes: int = sum(self._marker(d["source"]).sizes[d["name"]] for d in datasets)
        rows: int = sum(d["rows"] for d in datasets)
        return 6 * sizes + 1024 * rows + 1024 * 1024


class _CopyWriter(_Writer):
    """The same records with the little that another controller needs to read them in."""

    def _explaining(self) -> Iterator[Any]:
        yield self.archive.text(package.README, readme_for_recipient(self._document, self._portal_url))
        for name, value in self._reports().items():
            yield self.archive.text(f"{name}.json", dump(value))

    def _reports(self) -> dict[str, Any]:
        return document_copy.reports(self._document)
