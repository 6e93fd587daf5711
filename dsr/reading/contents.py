"""What a verified package holds, as values to work with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import pyarrow as pa

from dsr.reading.agreement import datasets, schema_path
from dsr.reading.columns import columns
from dsr.reading.error import PackageError
from dsr.reading.extra import extra
from dsr.reading.verified import Verified

_INCOMPLETE: Final = ("failed", "not_connected")


@dataclass(frozen=True)
class Attachment:
    """A file that belongs to a record. `title` is its real name, which may be personal and is in no path."""

    file: str
    source: str
    dataset: str
    source_id: str
    attachment_id: str
    title: str
    media_type: str
    bytes: int
    sha256: str

    def __repr__(self) -> str:
        return f"Attachment({self.file}, {self.media_type}, {self.bytes} bytes)"


@dataclass(frozen=True)
class Neutralised:
    """What was changed in the CSV files so that no spreadsheet takes text for a formula; the JSON is as it was.
    `cells`: path of a CSV file → how many of its cells."""

    rule: str
    cells: Mapping[str, int]


class Frames(Mapping[str, Any]):
    """Dataset → `pandas.DataFrame`, read when first asked for and kept. Columns as `dsr.reading.columns` says."""

    def __init__(self, package: Verified, listed: Mapping[str, Mapping[str, Any]]) -> None:
        self._package, self._listed = package, listed
        self._kept: dict[str, Any] = {}

    def __getitem__(self, dataset: str) -> Any:
        if dataset not in self._kept:
            self._kept[dataset] = frame(self._package, self._listed[dataset], typed=True)
        return self._kept[dataset]

    def __contains__(self, dataset: object) -> bool:
        return dataset in self._listed

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __repr__(self) -> str:
        return f"Frames({', '.join(self._listed)})"


class PackageContents:
    """A package that was found whole. Use it as a context, or `close` it.

    verified     "signed": by the key that was given; "hashed": nothing is missing, added or altered since the hashes
                 were made, but by whom they were made is not known
    signed_says  the trusted comment of the signature; "" without one
    request_id   opaque id of the request
    right        "access" or "portability"
    made_at      when the package was made, aware
    complete     whether every source could be searched and read; `missing` names those that couldn't
    frames       dataset → `pandas.DataFrame`
    rows         dataset → its number of records, without reading them
    document, search_report, decisions, profile   the JSON files of those names, as Python values
    processing   `processing-information.json`; None in a package without it
    attachments  metadata; `open` gives the bytes
    """

    def __init__(self, package: Verified, verified: str, signed_says: str) -> None:
        self._package = package
        self._datasets = {dataset["name"]: dataset for dataset in datasets(package)}
        self.verified, self.signed_says = verified, signed_says
        self.document = package.document
        request = self.document["request"]
        self.request_id: str = request["request_id"]
        self.right: str = request["right"]
        self.made_at = datetime.fromisoformat(self.document["made_at"])
        self.complete: bool = self.document["complete"]
        self.search_report = package.json("search-report.json")
        self.decisions = package.json("decisions.json")
        self.profile = package.json("profile.json")
        self.processing = self._optional("processing-information.json")
        self.frames = Frames(package, self._datasets)
        self.rows: Mapping[str, int] = {name: dataset["rows"] for name, dataset in self._datasets.items()}
        fields = Attachment.__dataclass_fields__
        self.attachments = tuple(
            Attachment(**{name: entry[name] for name in fields}) for entry in self.document["attachments"]
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Sources that could not be searched or read; what they hold is not in the package."""
        return tuple(line["source"] for line in self.document["search"] if line["status"] in _INCOMPLETE)

    @property
    def neutralised(self) -> Neutralised:
        """Cells of CSV files that differ from the record, by rule and file; files without any are left out."""
        resources = self._package.descriptor["resources"]
        cells = {r["path"]: r["neutralisedCells"] for r in resources if r.get("neutralisedCells")}
        return Neutralised(self._package.descriptor.get("csvNeutralisation", {}).get("rule", ""), cells)

    def texts(self, dataset: str) -> Any:
        """The dataset's `pandas.DataFrame` with times, dates and decimals as the very text that the source gave:
        offsets, trailing zeros and all. KeyError when there is no such dataset."""
        return frame(self._package, self._datasets[dataset], typed=False)

    def source(self, dataset: str) -> str:
        """Which system the dataset comes from. KeyError when there is no such dataset."""
        return str(self._datasets[dataset]["source"])

    def open(self, attachment: Attachment) -> BinaryIO:
        """The attachment's bytes as a stream; PackageError("file.changed") at its end when it isn't any more what was
        verified."""
        return self._package.open(attachment.file)

    def close(self) -> None:
        """Lets go of the file; frames that were read stay."""
        self._package.container.close()

    def _optional(self, path: str) -> Any:
        return self._package.json(path) if path in self._package.hashes else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = f"{len(self.rows)} datasets, {sum(self.rows.values())} records, {len(self.attachments)} attachments"
        whole = "complete" if self.complete else f"NOT COMPLETE, missing: {', '.join(self.missing)}"
        return f"<PackageContents {self.request_id}: {self.right}, {self.verified}, {counts}, {whole}>"


def frame(package: Verified, dataset: Mapping[str, Any], *, typed: bool) -> Any:
    """The records of a dataset as a `pandas.DataFrame`; Arrow's types, and `object` for nested values."""
    pandas = extra("pandas")
    schema = package.json(schema_path(dataset["name"]))
    made = columns(package.records(dataset["files"]["json"]), schema, typed=typed)
    if any(len(column) != dataset["rows"] for column in made.values()):
        raise PackageError("file.changed", dataset["files"]["json"])
    # Column by column, so that Arrow's memory is taken over as it is.
    series = {name: _series(pandas, column) for name, column in made.items()}
    return pandas.DataFrame(series, index=pandas.RangeIndex(dataset["rows"]), copy=False)


def _series(pandas: Any, column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        return pandas.Series(pandas.arrays.ArrowExtensionArray(column), copy=False)
    return pandas.Series(column, dtype=object)
