"""One source failed, one isn't connected, one holds nothing: the package says exactly that, in words, in both
languages, wherever a person may look first."""

import json
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import pytest
from package_makers import CARD, THING, Given, declared, packed, request

from dsr.casefile import CaseFile
from dsr.errors import TransientError

SENTENCES = {
    "crm": {
        "sv": "Kundsystemet: genomsökt 2026-11-20 12:00 UTC. Antal poster om dig i paketet: 3.",
        "en": "Kundsystemet: searched 2026-11-20 12:00 UTC. Records about you in this package: 3.",
    },
    "shop": {
        "sv": "Webbutiken: kunde inte läsas (felkod http.500). Det som systemet kan ha om dig saknas i paketet.",
        "en": (
            "Webbutiken: could not be read (error http.500). What it may hold about you is missing from this package."
        ),
    },
    "calls": {
        "sv": "Växeln: inte anslutet och därför inte genomsökt. Det som systemet kan ha om dig saknas i paketet.",
        "en": "Växeln: not connected, so not searched. What it may hold about you is missing from this package.",
    },
    "letters": {
        "sv": "Utskicken: genomsökt 2026-11-20 12:00 UTC. Inget som säkert är om dig hittades.",
        "en": "Utskicken: searched 2026-11-20 12:00 UTC. Nothing that is surely about you was found.",
    },
}
WHOLE = {
    "sv": "Paketet är inte fullständigt: Webbutiken, Växeln kunde inte läsas.",
    "en": "This package is not complete: Webbutiken, Växeln could not be read.",
}
BADGES = {
    "crm": {"sv": "Hittat 3 poster", "en": "Found 3 records"},
    "shop": {"sv": "Kunde inte läsas", "en": "Could not be read"},
    "calls": {"sv": "Inte anslutet", "en": "Not connected"},
    "letters": {"sv": "Inget hittat", "en": "Nothing found"},
}
ROWS = {CARD: [("c1", {"name": "Edla"})], THING: [("t1", {"text": "ett"}), ("t2", {"text": "två"})]}


@pytest.fixture
def package(request_language: str, case: CaseFile) -> zipfile.ZipFile:
    """Four sources: one found, one that fails half-way, one not connected, one that knows nobody."""
    case.write_json("request", request(request_language))
    return packed(
        case,
        [
            Given(declared("crm", "Kundsystemet"), ROWS, withheld=2),
            Given(declared("shop", "Webbutiken"), ROWS, error=TransientError("http.500", "shop")),
            Given(declared("letters", "Utskicken"), ROWS, known=False),
        ],
        [declared("calls", "Växeln")],
    )


@pytest.fixture(params=["sv", "en"])
def request_language(request: Any) -> str:
    """The person's own language."""
    return str(request.param)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def words(text: str) -> str:
    """A text as it is read: blanks and line ends are one blank."""
    return re.sub(r"\s+", " ", text)


def seen(page: str) -> str:
    """The text of a page."""
    parser = _Text()
    parser.feed(page)
    return words(" ".join(parser.pieces))


def test_the_search_report(package: zipfile.ZipFile) -> None:
    """One sentence for each of the sources, one for the whole; codes beside them."""
    report = json.loads(package.read("search-report.json"))
    assert report["complete"] is False
    assert report["words"] == WHOLE
    assert {line["source"]: line["words"] for line in report["sources"]} == SENTENCES
    assert {line["source"]: (line["status"], line["records"]) for line in report["sources"]} == {
        "crm": ("found", 3), "shop": ("failed", 0), "calls": ("not_connected", 0), "letters": ("none", 0),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_read_me(package: zipfile.ZipFile, language: str) -> None:
    """All of it, in both languages."""
    text = words(package.read("README.txt").decode("utf-8-sig"))
    for sentence in (WHOLE, *SENTENCES.values()):
        assert sentence[language] in text


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_report(package: zipfile.ZipFile, request_language: str, language: str) -> None:
    """The page in the person's language and that in the other: at its top what is missing, further down each source
    by its name, its status and its sentence."""
    name = "index.html" if language == request_language else f"index.{language}.html"
    text = seen(package.read(name).decode())
    missing = [SENTENCES[source][language] for source in ("shop", "calls")]
    assert " ".join([WHOLE[language], *missing]) in text
    for source, sentence in SENTENCES.items():
        title, _, said = sentence[language].partition(": ")
        assert f" {title} {BADGES[source][language]} {said[0].upper()}{said[1:]} " in text
    other = {"sv": "en", "en": "sv"}[language]
    assert WHOLE[other] not in text


def test_the_decisions_hold_nothing_of_sources_that_are_missing(package: zipfile.ZipFile) -> None:
    """What is withheld is counted for what was read; a source that failed isn't made to look like a decision."""
    decisions = json.loads(package.read("decisions.json"))
    assert [(entry["source"], entry["dataset"], entry["count"]) for entry in decisions["withheld"]] == [
        ("crm", THING, 2)
    ]
    assert decisions["withheld"][0]["words"] == {
        "sv": "Andras rättigheter och friheter (artikel 15.4)",
        "en": "The rights and freedoms of others (Article 15(4))",
    }
    assert decisions["doubtful"] == []


def test_nothing_of_a_failed_source_is_left(package: zipfile.ZipFile) -> None:
    """A part would look like the whole."""
    document = json.loads(package.read("document.json"))
    listed = [dataset["source"] for category in document["categories"] for dataset in category["datasets"]]
    assert set(listed) == {"crm"}
    assert document["complete"] is False
