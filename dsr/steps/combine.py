"""combine: one validated document out of what the sources gave; the records themselves stay in their columns."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any, Final, Protocol

import pyarrow.compute as pc

from dsr import clearing, processing, rows, schema
from dsr import document as documents
from dsr.casefile import CaseFile
from dsr.collected import Collected, Counts
from dsr.errors import PermanentError
from dsr.profile import Profile
from dsr.register import Activity, Register
from dsr.search import SearchResult, stamp
from dsr.source import Dataset, Declaration
from dsr.validity import Validity

DOCUMENT: Final = "document"


class Share(Protocol):
    """What of a dataset is disclosed: its fields, none when it is left out whole, and what is excluded by reason."""

    @property
    def fields(self) -> Sequence[str]: ...
    @property
    def excluded(self) -> Mapping[str, Sequence[str]]: ...


PortableRule = Callable[[Dataset, Activity], Share]
"""Which part of a dataset Art. 20 reaches; `assess.portable` is one."""


def combine(
    case: CaseFile,
    declarations: Sequence[Declaration],
    register: Register,
    *,
    portable: PortableRule,
    at: datetime,
) -> Counts:
    """Checks every row against its dataset's schema and writes the document.

    A row that breaks its schema is neither dropped nor changed: it stays in the package and is counted with the rule
    that it breaks, without its values. For portability, what `portable` excludes is left out before anything else
    sees it. PermanentError("rows.lost") when there are other rows than the source gave, ("dataset.unregistered") when
    the register has no row for a dataset.
    """
    gathered = _Gathered(case, register, portable if case.read_json("request")["right"] == "portability" else None)
    results = [gathered.read(declaration) for declaration in declarations]
    left_out = gathered.left_out
    document = {
        "request": documents.request(case.read_json("request")),
        "made_at": stamp(at),
        "complete": not any(line["status"] in documents.INCOMPLETE for line in results),
        "categories": documents.categories(gathered.datasets),
        "sources": documents.sources(declarations),
        "profile": gathered.profile.as_json(),
        "attachments": documents.attachments(gathered.collected, left_out),
        "withheld": documents.withheld(gathered.collected, left_out, case.read_json("request")["right"]),
        "excluded": gathered.excluded,
        "invalid": gathered.invalid,
        "search": results,
    }
    rows_of = clearing.never_held(case, documents.fields(document))
    document["processing"] = processing.information(document, declarations, register, rows_of, at)
    documents.check(document)
    case.write_json(DOCUMENT, document)
    return _counts(document)


def incomplete(case: CaseFile) -> list[str]:
    """The sources that failed or are not connected, in the order of the search report. PermanentError("case.absent")
    before there is a document."""
    return [line["source"] for line in case.read_json(DOCUMENT)["search"] if line["status"] in documents.INCOMPLETE]


def unsettled(case: CaseFile) -> list[dict[str, Any]]:
    """The rows of the register that the answer rests on and that are blank in part or that nobody confirmed:
    `{"row", "blank", "confirmed", "words"}`. PermanentError("case.absent") before there is a document."""
    listed: list[dict[str, Any]] = case.read_json(DOCUMENT)["processing"]["unsettled"]
    return listed


@dataclass
class _Gathered:
    """What is known once every source's rows have been read."""

    case: CaseFile
    register: Register
    portable: PortableRule | None
    collected: list[Collected] = field(default_factory=list)
    datasets: list[tuple[Dataset, dict[str, Any]]] = field(default_factory=list)
    excluded: list[dict[str, Any]] = field(default_factory=list)
    invalid: list[dict[str, Any]] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    profile: Profile = field(default_factory=Profile)

    def read(self, declaration: Declaration) -> dict[str, Any]:
        """One source; its line of the search report."""
        search = SearchResult.from_json(self.case.read_json(f"search/{declaration.name}"))
        collected, records = _collected(self.case, declaration.name), 0
        result = documents.final_result(search, collected)
        if collected is not None and result.status not in documents.INCOMPLETE:
            self.collected.append(collected)
            records = sum(self._dataset(collected, declaration, dataset) for dataset in declaration.datasets)
        return documents.search_line(declaration, result, records)

    def _dataset(self, collected: Collected, declaration: Declaration, dataset: Dataset) -> int:
        """Reads a dataset, or notes that it is left out; how many of its rows are disclosed."""
        files = sum(kept.dataset == dataset.name for kept in collected.attachments)
        held = collected.datasets.get(dataset.name, 0)
        fields = self._fields(collected, dataset, held, files)
        if dataset.name not in collected.datasets:
            return 0
        if not fields:
            return 0
        validity, unmapped = self._rows(collected, declaration, dataset, fields)
        stamped = stamp(collected.extracted_at) or ""
        entry = documents.dataset_entry(declaration.name, dataset, fields, validity, unmapped, stamped)
        self.datasets.append((dataset, entry))
        self.invalid += documents.invalid_entries(declaration.name, dataset.name, validity)
        return validity.rows

    def _fields(self, collected: Collected, dataset: Dataset, held: int, files: int) -> Sequence[str]:
        """Its fields that are disclosed: all, but for portability."""
        every = [name for name in schema.arrow_schema(dataset.name).names if name != schema.SOURCE_ID]
        if self.portable is None:
            return every
        try:
            activity = self.register.activity(dataset.processing)
        except KeyError:
            raise PermanentError("dataset.unregistered", dataset.name) from None
        share = self.portable(dataset, activity)
        if not share.fields:
            self.left_out.add(dataset.name)
        withheld = sum(count for (name, _), count in collected.withheld.items() if name == dataset.name)
        if held or files or withheld:
            filled = self._filled(collected.source, dataset.name, share.excluded)
            left = (0, 0) if share.fields else (files, withheld)
            self.excluded += documents.excluded_entries(collected.source, dataset.name, share.excluded, filled, *left)
        return share.fields

    def _filled(self, source: str, dataset: str, excluded: Mapping[str, Sequence[str]]) -> Counter[str]:
        """Reason → how many rows hold something in a field that is excluded for it."""
        counts: Counter[str] = Counter()
        for batch in rows.batches(self.case, source, dataset):
            for reason, fields in excluded.items():
                empty = reduce(pc.and_, [pc.is_null(batch.column(name)) for name in fields])
                counts[reason] += batch.num_rows - (pc.sum(empty).as_py() or 0)
        return counts

    def _rows(
        self, collected: Collected, declaration: Declaration, dataset: Dataset, fields: Sequence[str]
    ) -> tuple[Validity, int]:
        """One pass: validity of the rows, what they add to the profile, rows with unmapped fields."""
        validity, unmapped = Validity(dataset.name, fields), 0
        extracted_at = stamp(collected.extracted_at) or ""
        for batch in rows.batches(self.case, declaration.name, dataset.name, fields):
            validity.check(batch)
            if schema.UNMAPPED in fields:
                unmapped += batch.num_rows - batch.column(schema.UNMAPPED).null_count
            if dataset.profile:
                self.profile.add(declaration.name, dataset, batch, extracted_at)
        if validity.rows != collected.datasets[dataset.name]:
            raise PermanentError("rows.lost", declaration.name)
        return validity, unmapped


def _collected(case: CaseFile, name: str) -> Collected | None:
    marker = f"collected/{name}"
    return Collected.from_json(case.read_json(marker)) if case.exists(marker) else None


def _counts(document: dict[str, Any]) -> Counts:
    datasets = {d["name"]: d["rows"] for category in document["categories"] for d in category["datasets"]}
    withheld = sum(entry["count"] for entry in document["withheld"])
    invalid = sum(entry["count"] for entry in document["invalid"])
    return Counts(sum(datasets.values()), len(document["attachments"]), withheld, invalid, datasets=datasets)
