"""Processing information: what Art. 15(1)(a)-(h) and 15(2) GDPR ask to be told beside the data themselves.

Drawn from the register of processing for exactly the systems of one answer, and `schemas/processing-information`
checked. What the register does not state is listed under `unsettled`, never filled in.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import jsonschema_rs

from dsr import schema
from dsr.cleared import RowsOf
from dsr.errors import PermanentError
from dsr.processing_linked import linked
from dsr.processing_profiling import profiling
from dsr.processing_words import decision_words, unsettled_words
from dsr.register import Activity, Register, Words
from dsr.report.package import CATEGORY_TITLES_SV
from dsr.search import stamp
from dsr.source import Dataset, Declaration
from dsr.vocabulary import CATEGORIES

__all__ = ["information", "linked"]

Json = dict[str, Any]
_EVERYTHING: Final = "access"
"""The right that also tells of processing of which the package holds no data."""


def information(
    document: Mapping[str, Any],
    declarations: Sequence[Declaration],
    register: Register,
    rows: RowsOf,
    at: datetime,
) -> Json:
    """The processing information of a document (its `request`, `categories` and `search` are read).

    Activities of datasets in the package come first, in the sources' order; an access answer adds those of the other
    datasets of systems that are connected. PermanentError("information.invalid") when the outcome breaks its schema.
    """
    right = document["request"]["right"]
    held = _held(document)
    datasets = _by_activity(declarations, _connected(document) if right == _EVERYTHING else frozenset(), held)
    listed = [register.activities[row] for row in datasets if row in register.activities]
    unsettled = register.unsettled(datasets)
    stated = register.controller
    contact = stated.dpo_mail or stated.mail or stated.name
    value = {
        "request_id": document["request"]["request_id"],
        "made_at": stamp(at),
        "right": right,
        "register": {"sha256": register.digest, "confirmed": not any(not row.confirmed for row in unsettled)},
        "controller": _controller(register),
        "notice": _notice(register),
        "authority": _authority(register),
        "rights": [
            {"term": told.term, "title": dict(told.title), "words": dict(told.words)} for told in register.rights
        ],
        "categories": _categories(document, datasets),
        "activities": [_activity(row, datasets[row.id], held, register) for row in listed],
        # Its values are conclusions, which Art. 20 doesn't reach: without them it would say that there are none.
        "profiling": profiling(listed, held, rows) if right == _EVERYTHING else [],
        "unsettled": [
            {
                "row": row.row,
                "blank": list(row.blank),
                "confirmed": row.confirmed,
                "words": unsettled_words(row.row, register.activities.get(row.row), row.blank, row.confirmed, contact),
            }
            for row in unsettled
        ],
    }
    if not _validator().is_valid(value):
        raise PermanentError("information.invalid", "combine")
    return value


def _held(document: Mapping[str, Any]) -> dict[str, str]:
    """Datasets in the package → their source."""
    return {
        dataset["name"]: dataset["source"] for category in document["categories"] for dataset in category["datasets"]
    }


def _connected(document: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(line["source"] for line in document["search"] if line["status"] != "not_connected")


def _by_activity(
    declarations: Sequence[Declaration], others: frozenset[str], held: Mapping[str, str]
) -> dict[str, list[Dataset]]:
    """Row → its datasets: those held; and for rows of which none is held, those of the `others`' systems."""
    inside: dict[str, list[Dataset]] = {}
    outside: dict[str, list[Dataset]] = {}
    for declaration in declarations:
        for dataset in declaration.datasets:
            if held.get(dataset.name) == declaration.name:
                inside.setdefault(dataset.processing, []).append(dataset)
            elif declaration.name in others:
                outside.setdefault(dataset.processing, []).append(dataset)
    return {**inside, **{row: listed for row, listed in outside.items() if row not in inside}}


def _categories(document: Mapping[str, Any], datasets: Mapping[str, Sequence[Dataset]]) -> list[Json]:
    activity_of = {dataset.name: row for row, listed in datasets.items() for dataset in listed}
    found = []
    for category in document["categories"]:
        names = [dataset["name"] for dataset in category["datasets"]]
        found.append(
            {
                "name": category["name"],
                "title": {"sv": CATEGORY_TITLES_SV[category["name"]], "en": CATEGORIES[category["name"]]},
                "datasets": names,
                "activities": list(dict.fromkeys(activity_of[name] for name in names)),
            }
        )
    return found


def _activity(row: Activity, datasets: Sequence[Dataset], held: Mapping[str, str], register: Register) -> Json:
    terms = dict.fromkeys(term for dataset in datasets for term in dataset.personal_data)
    return {
        "id": row.id,
        "title": dict(row.title),
        "confirmed": row.confirmed is not None,
        "blank": list(row.blank),
        "datasets": [dataset.name for dataset in datasets if dataset.name in held],
        "personal_data": [{"term": term, "label": dict(register.terms.words(term))} for term in terms],
        "purposes": [{"term": p.term, "words": dict(p.words)} for p in row.purposes if p.term],
        "legal_basis": [
            {"term": b.term, "words": dict(b.words), "interest": _maybe(b.interest)} for b in row.legal_basis if b.term
        ],
        "recipients": [
            {"id": r.id, "name": r.name, "role": r.role, "country": r.country, "words": dict(r.words)}
            for r in row.recipients
            if r.name and r.role
        ],
        "transfers": [
            {"recipient": t.recipient, "country": t.country, "tool": t.tool, "words": dict(t.words), "link": t.link}
            for t in row.transfers
            if t.tool
        ],
        "retention": [
            {"duration": r.duration, "anchor": dict(r.anchor), "duty": _maybe(r.duty), "words": dict(r.words)}
            for r in row.retention
            if any(r.words.values())
        ],
        "sources": [{"words": dict(s.words)} for s in row.sources if any(s.words.values())],
        "automated_decisions": {"exists": row.automated_decisions.exists, "words": dict(decision_words(row))},
    }


def _maybe(words: Words | None) -> Json | None:
    return dict(words) if words is not None and any(words.values()) else None


def _controller(register: Register) -> Json:
    stated = register.controller
    return {
        "name": stated.name,
        "registration": stated.registration,
        "address": stated.address,
        "mail": stated.mail,
        "dpo_mail": stated.dpo_mail,
    }


def _notice(register: Register) -> Json:
    stated = register.notice
    return {"title": dict(stated.title), "updated": stated.updated, "sha256": stated.sha256, "url": stated.url}


def _authority(register: Register) -> Json:
    stated = register.authority
    return {
        "name": dict(stated.name),
        "address": stated.address,
        "mail": stated.mail,
        "words": dict(stated.words),
    }


@cache
def _validator() -> Any:
    return jsonschema_rs.Draft202012Validator(schema.load("processing-information"), validate_formats=True)
