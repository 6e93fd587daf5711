"""combine: one validated document out of what the sources gave; the records themselves stay in their columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from dsr import document as documents
from dsr import rows, schema
from dsr.casefile import CaseFile
from dsr.collected import Collected, Counts
from dsr.errors import PermanentError
from dsr.profile import Profile
from dsr.search import SearchResult, stamp
from dsr.source import Declaration
from dsr.validity import Validity

DOCUMENT: Final = "document"


def combine(case: CaseFile, declarations: Sequence[Declaration], *, at: datetime) -> Counts:
    """Checks every row against its dataset's schema and writes the document.

    A row that breaks its schema is neither dropped nor changed: it stays in the package and is counted with the rule
    that it breaks, without its values. PermanentError("rows.lost") when there are other rows than the source gave.
    """
    results, collected, datasets, invalid, profile = [], [], [], [], Profile()
    for declaration in declarations:
        search = SearchResult.from_json(case.read_json(f"search/{declaration.name}"))
        kept = _collected(case, declaration.name)
        result = documents.final_result(search, kept)
        readable = kept if kept is not None and result.status not in documents.INCOMPLETE else None
        if readable is not None:
            collected.append(readable)
            for dataset in declaration.datasets:
                if dataset.name in readable.datasets:
                    validity, unmapped = _read(case, readable, declaration, dataset.name, profile)
                    stamped = stamp(readable.extracted_at) or ""
                    entry = documents.dataset_entry(declaration.name, dataset, validity, unmapped, stamped)
                    datasets.append((dataset, entry))
                    invalid += documents.invalid_entries(declaration.name, dataset.name, validity)
        records = readable.counts().records if readable is not None else 0
        results.append(documents.search_line(declaration, result, records))
    document = {
        "request": case.read_json("request"),
        "made_at": stamp(at),
        "complete": not any(line["status"] in documents.INCOMPLETE for line in results),
        "categories": documents.categories(datasets),
        "sources": [{"name": d.name, "title": d.title, "role": d.role} for d in declarations],
        "profile": profile.as_json(),
        "attachments": documents.attachments(collected),
        "withheld": documents.withheld(collected),
        "invalid": invalid,
        "search": results,
    }
    documents.check(document)
    case.write_json(DOCUMENT, document)
    return _counts(document)


def incomplete(case: CaseFile) -> list[str]:
    """The sources that failed or are not connected, in the order of the search report. PermanentError("case.absent")
    before there is a document."""
    return [line["source"] for line in case.read_json(DOCUMENT)["search"] if line["status"] in documents.INCOMPLETE]


def _collected(case: CaseFile, name: str) -> Collected | None:
    marker = f"collected/{name}"
    return Collected.from_json(case.read_json(marker)) if case.exists(marker) else None


def _read(
    case: CaseFile, collected: Collected, declaration: Declaration, name: str, profile: Profile
) -> tuple[Validity, int]:
    """One pass over a dataset: validity of its rows, what it adds to the profile, rows with unmapped fields."""
    dataset, validity, unmapped = declaration.dataset(name), Validity(name), 0
    extracted_at = stamp(collected.extracted_at) or ""
    for batch in rows.batches(case, declaration.name, name):
        validity.check(batch)
        unmapped += batch.num_rows - batch.column(schema.UNMAPPED).null_count
        if dataset.profile:
            profile.add(declaration.name, dataset, batch, extracted_at)
    if validity.rows != collected.datasets[name]:
        raise PermanentError("rows.lost", declaration.name)
    return validity, unmapped


def _counts(document: dict[str, Any]) -> Counts:
    datasets = {d["name"]: d["rows"] for category in document["categories"] for d in category["datasets"]}
    withheld = sum(entry["count"] for entry in document["withheld"])
    invalid = sum(entry["count"] for entry in document["invalid"])
    return Counts(sum(datasets.values()), len(document["attachments"]), withheld, invalid, datasets)
