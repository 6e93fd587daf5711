"""What the ledger keeps of a certificate, so that it can be read when its case file is gone: codes, counts and days.

certified   {"sha256", "right", "made_at", "unplaced": [{"dataset", "field"}],
             "systems": [{"source", "doubtful", "datasets": [{"dataset", "lines": [[…]]}]}]}

A line is as in `schemas/certificate.schema.json`, without what is null; lines are in lists of at most `_AT_ONCE`.
Titles and instructions are not kept: they are the declarations'. "sha256" is that of the whole.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

import rfc8785

from dsr import schema
from dsr.ledger import Event
from dsr.report.certificate import attribute_titles
from dsr.source import Dataset, Declaration

KIND: Final = "certified"
_AT_ONCE: Final = 64
"""As many as a list in the ledger takes."""


@dataclass(frozen=True)
class Certified:
    """A certificate as it can be read today. number: of its event; unaltered: it is what was certified then, word for
    word; else a title or the controller's name is another one by now."""

    number: int
    at: datetime
    sha256: str
    certificate: Mapping[str, Any]
    unaltered: bool


def digest(certificate: Mapping[str, Any]) -> str:
    """SHA-256 in hex of the RFC 8785 form."""
    return hashlib.sha256(rfc8785.dumps(dict(certificate))).hexdigest()


def kept(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of the event."""
    systems = []
    for system in certificate["systems"]:
        datasets = [{"dataset": d["dataset"], "lines": _in_parts(d["lines"])} for d in system["datasets"]]
        doubtful = {"doubtful": system["doubtful"]} if "doubtful" in system else {}
        systems.append({"source": system["source"], **doubtful, "datasets": datasets})
    named = {name: certificate[name] for name in ("right", "made_at")}
    unplaced = [{"dataset": each["dataset"], "field": each["field"]} for each in certificate.get("unplaced", ())]
    detail = {"sha256": digest(certificate), **named, "systems": systems}
    return {**detail, "unplaced": unplaced} if unplaced else detail


def certificates(events: Iterable[Event], declarations: Sequence[Declaration], controller: str) -> list[Certified]:
    """Those of a request, the latest first; without those of which only the digest is kept."""
    made = [event for event in events if event.kind == KIND and "systems" in event.detail]
    return [_read(event, declarations, controller) for event in reversed(made)]


def dataset_of(name: str, lines: Sequence[Mapping[str, Any]], dataset: Dataset | None) -> dict[str, Any]:
    """A dataset of a certificate, with its title and, where a person has to do something, what. `dataset`: as it is
    declared; None = it isn't any more."""
    if dataset is None:
        return {"dataset": name, "title": {"sv": name, "en": name}, "lines": lines}
    swedish = schema.load(name).get("x-sv", {}).get("title")
    value = {"dataset": name, "title": {"sv": swedish or dataset.title, "en": dataset.title}, "lines": lines}
    by_hand = any("manual" in (line["effect"], line.get("outcome")) for line in lines)
    return {**value, "instructions": dict(dataset.instructions)} if by_hand and dataset.instructions else value


def unplaced_of(dataset: str, field: str) -> dict[str, Any]:
    """A field that is to be corrected and that no record has, by name; dataset "": an attribute of the person."""
    if not dataset:
        return {"dataset": "", "field": field, "title": attribute_titles(field)}
    whole = schema.load(dataset)
    known = whole["properties"][field]
    english = f"{known['title']} ({whole['title']})"
    swedish = f"{known.get('x-sv', known)['title']} ({whole.get('x-sv', whole)['title']})"
    return {"dataset": dataset, "field": field, "title": {"sv": swedish, "en": english}}


def _in_parts(lines: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    said = [{name: value for name, value in line.items() if value is not None} for line in lines]
    return [said[start : start + _AT_ONCE] for start in range(0, len(said), _AT_ONCE)]


def _read(event: Event, declarations: Sequence[Declaration], controller: str) -> Certified:
    detail, by_name = event.detail, {declaration.name: declaration for declaration in declarations}
    certificate = {
        "request_id": event.request_id,
        "right": detail["right"],
        "made_at": detail["made_at"],
        "controller": controller,
        "systems": [_system(system, by_name.get(system["source"])) for system in detail["systems"]],
    }
    if detail.get("unplaced"):
        certificate["unplaced"] = [unplaced_of(each["dataset"], each["field"]) for each in detail["unplaced"]]
    unaltered = digest(certificate) == detail["sha256"]
    return Certified(event.seq, event.at, detail["sha256"], certificate, unaltered)


def _system(system: Mapping[str, Any], declaration: Declaration | None) -> dict[str, Any]:
    name = system["source"]
    titles = dict(declaration.titles) if declaration else {"sv": name, "en": name}
    declared = {dataset.name: dataset for dataset in declaration.datasets} if declaration else {}
    datasets = []
    for found in system["datasets"]:
        lines = [{"until": None, **line} for line in chain.from_iterable(found["lines"])]
        datasets.append(dataset_of(found["dataset"], lines, declared.get(found["dataset"])))
    doubtful = {"doubtful": system["doubtful"]} if "doubtful" in system else {}
    return {"source": name, "title": titles, "datasets": datasets, **doubtful}
