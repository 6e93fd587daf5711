"""The document: all that is known about an answer apart from the records themselves (`schemas/document.schema.json`),
and the reports drawn from it.

Its parts: request · made_at · categories (each with its datasets, their rows and files) · sources · profile ·
attachments · withheld · excluded · invalid · search · complete · processing. Records stay in their columns until they
are written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import jsonschema_rs

from dsr import schema
from dsr.collected import Collected
from dsr.errors import PermanentError
from dsr.package import attachment_file, dataset_files
from dsr.report.package import (
    CATEGORY_TITLES_SV,
    COMPLETE,
    DOUBTFUL,
    EXCLUDED,
    FRESHNESS,
    GROUNDS,
    GROUNDS_PORTABILITY,
    LANGUAGES,
    SEARCH,
)
from dsr.search import SearchResult, stamp
from dsr.source import Dataset, Declaration
from dsr.validity import Validity
from dsr.vocabulary import CATEGORIES

INCOMPLETE: Final = ("failed", "not_connected")
"""Statuses of sources whose data may be missing."""

Json = dict[str, Any]


def final_result(search: SearchResult, collected: Collected | None) -> SearchResult:
    """The outcome for a source once it was searched and read: a source that could not be read counts as failed, and
    so does one that was found in and never read."""
    if search.status in INCOMPLETE:
        return search
    code = ""
    if collected is not None and collected.status == "failed":
        code = collected.code or "failed"
    elif collected is None and search.status == "found":
        code = "not_collected"
    if not code:
        return search
    return SearchResult(
        search.source, "failed", search.searched_at, search.matches, search.doubtful, code, search.freshness
    )


def search_line(declaration: Declaration, result: SearchResult, records: int) -> Json:
    """One line of the search report, in codes and numbers and in words."""
    values = {"at": minute(result.searched_at), "records": records, "code": result.code}
    words = {}
    for language in LANGUAGES:
        sentences = [SEARCH[result.status][language].format(title=declaration.titles[language], **values)]
        if result.doubtful:
            sentences.append(DOUBTFUL[language].format(count=result.doubtful))
        if result.freshness:
            sentences.append(FRESHNESS[language].format(at=minute(result.freshness)))
        words[language] = " ".join(sentences)
    titles = {"title": declaration.title, "title_sv": declaration.titles["sv"]}
    return {**result.as_json(), **titles, "records": records, "words": words}


def dataset_entry(
    source: str, dataset: Dataset, fields: Sequence[str], validity: Validity, unmapped: int, extracted_at: str
) -> Json:
    """What the document says about a dataset of which these fields are disclosed."""
    swedish = schema.load(dataset.name).get("x-sv", {}).get("title", dataset.title)
    return {
        "name": dataset.name,
        "title": dataset.title,
        "title_sv": swedish,
        "source": source,
        "origin": dataset.origin,
        "processing": dataset.processing,
        "fields": list(fields),
        "rows": validity.rows,
        "invalid": validity.invalid,
        "unmapped": unmapped,
        "extracted_at": extracted_at,
        "files": dataset_files(dataset.category, dataset.name),
    }


def sources(declarations: Iterable[Declaration]) -> list[Json]:
    """The systems, who runs them, and what they are called."""
    return [{"name": d.name, "title": d.title, "title_sv": d.titles["sv"], "role": d.role} for d in declarations]


def categories(datasets: Sequence[tuple[Dataset, Json]]) -> list[Json]:
    """Datasets under the categories of the notice, in its order; categories without any are left out.
    PermanentError("category.unknown", <dataset>) for one that the notice doesn't have: it would be dropped."""
    listed = []
    for dataset, _ in datasets:
        if dataset.category not in CATEGORIES:
            raise PermanentError("category.unknown", dataset.name)
    for category, title in CATEGORIES.items():
        entries = sorted((entry for d, entry in datasets if d.category == category), key=lambda e: str(e["name"]))
        if entries:
            names = {"name": category, "title": title, "title_sv": CATEGORY_TITLES_SV[category]}
            listed.append({**names, "datasets": entries})
    return listed


def invalid_entries(source: str, dataset: str, validity: Validity) -> list[Json]:
    """Rows that break their schema: how many break which rule first. They are in the package all the same."""
    return [
        {"source": source, "dataset": dataset, "rule": rule, "count": count}
        for rule, count in sorted(validity.rules.items())
    ]


def attachments(collected: Iterable[Collected], left_out: Collection[str]) -> list[Json]:
    """The attachments under their neutral names, with what they really are; those of the datasets that are left out
    whole are not among them."""
    kept = [(source.source, its) for source in collected for its in source.attachments if its.dataset not in left_out]
    return [
        {
            "file": attachment_file(number, attachment.extension),
            "source": source,
            "dataset": attachment.dataset,
            "source_id": attachment.record_id,
            "attachment_id": attachment.attachment_id,
            "title": attachment.title,
            "media_type": attachment.media_type,
            "bytes": attachment.bytes,
            "sha256": attachment.sha256,
        }
        for number, (source, attachment) in enumerate(kept, 1)
    ]


def withheld(collected: Sequence[Collected], left_out: Collection[str], right: str) -> list[Json]:
    """What was left out of the records that are disclosed, by dataset and ground, in the words of the right."""
    words = GROUNDS_PORTABILITY if right == "portability" else GROUNDS
    return [
        {"source": source.source, "dataset": dataset, "ground": ground, "count": count, "words": words[ground]}
        for source in collected
        for (dataset, ground), count in sorted(source.withheld.items())
        if dataset not in left_out
    ]


def excluded_entries(
    source: str,
    dataset: str,
    excluded: Mapping[str, Sequence[str]],
    rows: Mapping[str, int],
    attachments: int,
    withheld: int,
) -> list[Json]:
    """What of a dataset the right that is exercised doesn't reach, by reason, where there is any. `rows` per reason
    hold something there. Of a dataset that is left out whole: its `attachments`, and how many of its records were
    `withheld` before; both stand with the first reason, so that a sum over all counts them once."""
    first = next(iter(excluded), None)
    extra = {reason: (attachments, withheld) if reason == first else (0, 0) for reason in excluded}
    return [
        {
            "source": source,
            "dataset": dataset,
            "fields": list(fields),
            "reason": reason,
            "rows": rows[reason] + extra[reason][1],
            "attachments": extra[reason][0],
            "words": EXCLUDED[reason],
        }
        for reason, fields in excluded.items()
        if rows[reason] or any(extra[reason])
    ]


def request(accepted: Mapping[str, Any]) -> Json:
    """What of the request goes into the package. One for portability may go to another controller, who needs to know
    neither how the person reaches us nor what they told us."""
    known = ["request_id", "right", "channel", "received_at", "language"]
    if accepted["right"] != "portability":
        known += ["due", "ticket", "subject"]
    return {name: accepted[name] for name in known if name in accepted}


def fields(document: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Dataset → its fields that are disclosed."""
    return {d["name"]: d["fields"] for category in document["categories"] for d in category["datasets"]}


def check(document: Json) -> None:
    """PermanentError("document.invalid") when the document or a report drawn from it is not as its schema says."""
    parts = {
        "document": document,
        "profile": document["profile"],
        "search-report": search_report(document),
        "decisions": decisions(document),
        "processing-information": document["processing"],
    }
    if not all(_validator(name).is_valid(part) for name, part in parts.items()):
        raise PermanentError("document.invalid", "combine")


def completeness(document: Mapping[str, Any]) -> dict[str, str]:
    """Whether all systems could be read and, if not, which, in words."""
    missing = [line for line in document["search"] if line["status"] in INCOMPLETE]
    names = {"sv": ", ".join(line["title_sv"] for line in missing), "en": ", ".join(line["title"] for line in missing)}
    return {language: text.format(names=names[language]) for language, text in COMPLETE[not missing].items()}


def search_report(document: Mapping[str, Any]) -> Json:
    """`search-report.json` (`schemas/search-report.schema.json`)."""
    return {
        "request_id": document["request"]["request_id"],
        "made_at": document["made_at"],
        "complete": document["complete"],
        "words": completeness(document),
        "sources": document["search"],
    }


def decisions(document: Mapping[str, Any]) -> Json:
    """`decisions.json` (`schemas/decisions.schema.json`): what was left out, how much of it and on what ground."""
    doubtful = [
        {"source": line["source"], "ground": "not_certain", "count": line["doubtful"], "words": GROUNDS["not_certain"]}
        for line in document["search"]
        if line["doubtful"]
    ]
    return {
        "request_id": document["request"]["request_id"],
        "right": document["request"]["right"],
        "withheld": document["withheld"],
        "doubtful": doubtful,
        "excluded": document["excluded"],
        "invalid": document["invalid"],
    }


def minute(at: datetime | None) -> str:
    """A time for people, to the minute in UTC; "" when there is none."""
    return (stamp(at) or "")[:16].replace("T", " ") + " UTC" if at else ""


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schema.load(name), validate_formats=True)
