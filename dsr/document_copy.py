"""The document of the copy that goes to another controller (Art. 20(2) GDPR): about the records that it gets, and
nothing else.

What was left out, doubtful or invalid, which systems hold nothing, what the controller knows the person as and how it
processes are not the other one's business; those parts are empty, so that the copy can be read in as every package can
(`dsr.read_package`). That not all systems could be read stays, without their names.
"""

from collections.abc import Mapping
from typing import Any, Final

from dsr import document as documents
from dsr import schema
from dsr.report.package import COMPLETE

_PARTIAL: Final = {
    "sv": "Paketet är inte fullständigt: alla system kunde inte läsas.",
    "en": "This package is not complete: not all systems could be read.",
}

Json = dict[str, Any]


def for_recipient(document: Mapping[str, Any]) -> Json:
    """What another controller gets of a person's document; as valid as that."""
    categories = [
        {**category, "datasets": [_without_unmapped(dataset) for dataset in category["datasets"]]}
        for category in document["categories"]
    ]
    giving = {dataset["source"] for category in categories for dataset in category["datasets"]}
    return {
        "request": {name: document["request"][name] for name in ("request_id", "right", "received_at", "language")},
        "made_at": document["made_at"],
        "complete": document["complete"],
        "categories": categories,
        "sources": [source for source in document["sources"] if source["name"] in giving],
        "profile": {"attributes": {}},
        "attachments": document["attachments"],
        "processing": {
            "controller": document["processing"]["controller"],
            "categories": [],
            "activities": [],
            "unsettled": [],
        },
        "withheld": [],
        "excluded": [],
        "invalid": [],
        "search": [],
    }


def completeness(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Whether all systems could be read, in words. `document` here and below as from `for_recipient`."""
    return COMPLETE[True] if document["complete"] else _PARTIAL


def reports(document: Mapping[str, Any]) -> Json:
    """The JSON files of the copy, by the name of their schema."""
    return {
        "document": document,
        "profile": document["profile"],
        "decisions": documents.decisions(document),
        "search-report": {**documents.search_report(document), "words": completeness(document)},
    }


def _without_unmapped(dataset: Json) -> Json:
    """How many records have fields that aren't disclosed is left out with them."""
    return dataset if schema.UNMAPPED in dataset["fields"] else {**dataset, "unmapped": 0}
