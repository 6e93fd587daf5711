"""Every field of every dataset is explained in both languages, with its origin and its time where a reader needs them.

The package shows these texts to the person and hands them to the receiving controller; `x-origin` decides what is in
the Art. 20 file, `x-time` what is on the timeline, `x-event` what becomes an appointment.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from dsr import schema, vocabulary
from dsr.source import Dataset
from extractors import SOURCES

DATASETS = [d for source in SOURCES for d in source.declaration.datasets]
PLACEHOLDER = re.compile(
    r"\b(?:todo|tbd|fixme|xxx+|lorem|placeholder|översätt|translate me)\b|\?\?|\{\w*\}|<[\w ]+>|%s", re.IGNORECASE
)
EVENT_TIMES, EVENT_TEXTS = ("start", "end"), ("summary", "url", "location", "status")
Schema = dict[str, Any]


def faults(dataset: Dataset, text: Mapping[str, Any]) -> list[str]:
    """What is missing or wrong in a dataset's schema, each with its place; [] = a reader understands all of it."""
    places = {"": text, **text["properties"]}
    found = [f"{place}: {fault}" for place, definition in places.items() for fault in _texts(definition)]
    found += [f"{place}: {fault}" for place, d in text["properties"].items() for fault in _annotations(dataset, d)]
    for language in ("en", "sv"):
        titles = [_words(d, language).get("title", "") for d in text["properties"].values()]
        found += [f": two fields have the {language} title {t}" for t in sorted(set(titles)) if titles.count(t) > 1]
    return found + list(_times(text))


def _words(definition: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    words: Mapping[str, Any] = definition if language == "en" else definition.get("x-sv", {})
    return words


def _texts(definition: Mapping[str, Any]) -> Iterator[str]:
    for language in ("en", "sv"):
        for part in ("title", "description"):
            words = _words(definition, language).get(part, "")
            if not isinstance(words, str) or not words.strip():
                yield f"no {part} in {language}"
            elif words != words.strip() or PLACEHOLDER.search(words):
                yield f"{part} in {language} is no finished text"
        if not str(_words(definition, language).get("description", "")).endswith((".", "?")):
            yield f"description in {language} is no sentence"
    if definition.get("description") == definition.get("x-sv", {}).get("description"):
        yield "the Swedish description is the English one"


def _annotations(dataset: Dataset, definition: Mapping[str, Any]) -> Iterator[str]:
    origin = definition.get("x-origin", dataset.origin)
    if origin not in vocabulary.ORIGINS:
        yield "x-origin is no origin"
    if definition.get("x-origin") == dataset.origin:
        yield "x-origin repeats the dataset's"
    if definition.get("x-type", "decimal") != "decimal":
        yield "x-type is not decimal"
    if "x-type" in definition and schema.property_type(definition) != "string":
        yield "x-type on what is no text"


def _times(text: Mapping[str, Any]) -> Iterator[str]:
    event = text.get("x-event", {})
    moments = {f"x-event {k}": event[k] for k in EVENT_TIMES if k in event}
    if "x-time" in text:
        moments["x-time"] = text["x-time"]
    for name, field in moments.items():
        if text["properties"].get(field, {}).get("format") not in ("date", "date-time"):
            yield f": {name} is no field with a time"
    for name in EVENT_TEXTS:
        if name in event and event[name] not in text["properties"]:
            yield f": x-event {name} is no field"
    if event and not {"start", "summary"} <= event.keys() <= {*EVENT_TIMES, *EVENT_TEXTS}:
        yield ": x-event lacks a start or summary, or has something else"


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_every_field_is_explained_in_both_languages(dataset: Dataset) -> None:
    text = schema.load(dataset.name)
    jsonschema.Draft202012Validator.check_schema(text)
    assert text["properties"]
    assert faults(dataset, text) == []


def _without(*path: str) -> Callable[[Schema], None]:
    def change(text: Schema) -> None:
        place: Any = text
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def _with(value: Any, *path: str) -> Callable[[Schema], None]:
    def change(text: Schema) -> None:
        place: Any = text
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


SUBJECT = ("properties", "Subject")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_without("x-sv"), ": no title in sv"),
        (_without("description"), ": no description in en"),
        (_without("x-sv", "description"), ": no description in sv"),
        (_with("", "title"), ": no title in en"),
        (_without(*SUBJECT, "title"), "Subject: no title in en"),
        (_without(*SUBJECT, "x-sv", "title"), "Subject: no title in sv"),
        (_with(" ", *SUBJECT, "x-sv", "description"), "Subject: no description in sv"),
        (_with("TODO.", *SUBJECT, "description"), "Subject: description in en is no finished text"),
        (_with("What {field} holds.", *SUBJECT, "description"), "Subject: description in en is no finished text"),
        (_with("Plats", *SUBJECT, "x-sv", "title"), ": two fields have the sv title Plats"),
        (_with("guessed", *SUBJECT, "x-origin"), "Subject: x-origin is no origin"),
        (_with("observed", *SUBJECT, "x-origin"), "Subject: x-origin repeats the dataset's"),
        (_with("Subject", "x-time"), ": x-time is no field with a time"),
        (_with("Gone", "x-event", "end"), ": x-event end is no field with a time"),
        (_with("Gone", "x-event", "location"), ": x-event location is no field"),
        (_without("x-event", "summary"), ": x-event lacks a start or summary, or has something else"),
        (_with("decimal", "properties", "DurationInMinutes", "x-type"), "DurationInMinutes: x-type on what is no text"),
    ],
)
def test_a_text_that_is_missing_or_wrong_is_seen(change: Callable[[Schema], None], fault: str) -> None:
    dataset = next(d for d in DATASETS if d.name == "salesforce_event")
    text = deepcopy(schema.load(dataset.name))
    assert faults(dataset, text) == []
    change(text)
    assert fault in faults(dataset, text)


def test_a_swedish_text_left_in_english_is_seen() -> None:
    dataset = next(d for d in DATASETS if d.name == "salesforce_event")
    text = deepcopy(schema.load(dataset.name))
    field = text["properties"]["Subject"]
    field["x-sv"]["description"] = field["description"]
    assert "Subject: the Swedish description is the English one" in faults(dataset, text)
