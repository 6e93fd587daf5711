"""Answers without a case: a document of made-up or the sandbox's records, its rows, and the report in a folder."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from clear import cleared

from dsr import schema
from dsr.package import attachment_file, dataset_files
from dsr.report.html import members
from dsr.report.package import CATEGORY_TITLES_SV
from dsr.vocabulary import CATEGORIES

Records = Sequence[tuple[str, Mapping[str, Any]]]
MADE = "2026-11-20T12:00:00.123456Z"


def words(sv: str, en: str) -> dict[str, str]:
    """The same in both languages."""
    return {"sv": sv, "en": en}


def said(text: str) -> dict[str, str]:
    """One text for both."""
    return {"sv": text, "en": text}


class Answer:
    """`held`: (source, category, dataset) → records."""

    def __init__(self, held: Mapping[tuple[str, str, str], Records], *, language: str = "sv") -> None:
        self.batches = {(source, name): schema.batch(name, records) for (source, _, name), records in held.items()}
        sources = list(dict.fromkeys(source for source, _, _ in held)) or ["crm"]
        self.document: dict[str, Any] = {
            "request": {
                "request_id": "dsr-abcdefghijklmnopqrstuvwxyz",
                "right": "access",
                "received_at": "2026-11-19T08:00:00Z",
                "language": language,
            },
            "made_at": MADE,
            "complete": True,
            "categories": self._categories(held),
            "sources": [{"name": name, **_titles(name), "role": "processor"} for name in sources],
            "profile": {"attributes": {}},
            "attachments": [],
            "withheld": [],
            "excluded": [],
            "invalid": [],
            "search": [self._line(name, "found" if held else "none") for name in sources],
        }
        self.asked: list[tuple[str, str]] = []

    def _categories(self, held: Mapping[tuple[str, str, str], Records]) -> list[dict[str, Any]]:
        listed = []
        for category, title in CATEGORIES.items():
            entries = [
                {
                    "name": name,
                    "title": schema.load(name)["title"],
                    "title_sv": schema.load(name)["x-sv"]["title"],
                    "source": source,
                    "origin": "observed",
                    "processing": "crm",
                    "fields": [n for n in schema.arrow_schema(name).names if n != schema.SOURCE_ID],
                    "rows": len(records),
                    "invalid": 0,
                    "unmapped": 0,
                    "extracted_at": MADE,
                    "files": dataset_files(category, name),
                }
                for (source, its, name), records in held.items()
                if its == category
            ]
            if entries:
                titles = {"title": title, "title_sv": CATEGORY_TITLES_SV[category]}
                listed.append({"name": category, **titles, "datasets": entries})
        return listed

    def _line(self, source: str, status: str) -> dict[str, Any]:
        records = sum(b.num_rows for (its, _), b in self.batches.items() if its == source)
        text = words(f"System {source}: genomsökt.", f"System {source}: searched.")
        return {"source": source, **_titles(source), "status": status, "searched_at": MADE, "matches": 1,
                "doubtful": 0, "records": records, "words": text}  # fmt: skip

    def missing(self, source: str, status: str) -> None:
        """A system that could not be read."""
        line = self._line(source, status)
        line["words"] = words(
            f"System {source}: kunde inte läsas. Det som systemet kan ha om dig saknas i paketet.",
            f"System {source}: could not be read. What it may hold about you is missing from this package.",
        )
        self.document["search"].append(line)
        self.document["sources"].append({"name": source, **_titles(source), "role": "controller"})
        self.document["complete"] = False

    def attach(self, title: str, extension: str, media_type: str, source: str, dataset: str) -> str:
        """A file; where it lies."""
        listed = self.document["attachments"]
        path = attachment_file(len(listed) + 1, extension)
        listed.append({"file": path, "source": source, "dataset": dataset, "source_id": "1", "attachment_id": "2",
                       "title": title, "media_type": media_type, "bytes": 20_480, "sha256": "0" * 64})  # fmt: skip
        return path

    def rows(self, source: str, dataset: str) -> Iterator[pa.RecordBatch]:
        """As `dsr.rows.disclosed` gives them."""
        self.asked.append((source, dataset))
        batch = self.batches[source, dataset]
        for start in range(0, batch.num_rows, 16_384):
            yield batch.slice(start, 16_384)

    def pages(self) -> dict[str, str]:
        """Path → page."""
        return {path: b"".join(content).decode() for path, content in members(self.document, cleared(self.rows))}

    def write(self, folder: Path) -> Path:
        """The report in a folder; `index.html` there."""
        for path, content in members(self.document, cleared(self.rows)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("wb") as file:
                file.writelines(content)
        for attachment in self.document["attachments"]:
            path = folder / attachment["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"RIFF" + bytes(64))
        return folder / "index.html"


def processing(text: str = "") -> dict[str, Any]:
    """Processing information after `schemas/processing-information.schema.json`; `text` in place of all words."""
    made = copy.deepcopy(_PROCESSING)
    return _filled(made, text) if text else made


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        codes = (
            "id",
            "name",
            "term",
            "datasets",
            "role",
            "country",
            "duration",
            "dataset",
            "row",
            "blank",
            "term",
            "activities",
        )
        return {
            k: v if k in codes and not (k == "name" and "mail" in value) else _filled(v, text) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    return text if isinstance(value, str) else value


_PROCESSING: dict[str, Any] = {
    "request_id": "dsr-abcdefghijklmnopqrstuvwxyz",
    "made_at": MADE,
    "right": "access",
    "register": {"sha256": "0" * 64, "confirmed": True},
    "controller": {
        "name": "Kvarnens Verktyg AB",
        "registration": "556000-0000",
        "address": "Kvarngatan 1, 111 11 Stockholm, Sverige",
        "mail": "kontakt@kvarnen.example",
        "dpo_mail": "dataskydd@kvarnen.example",
    },
    "notice": {
        "title": words("Integritetspolicy", "Privacy notice"),
        "updated": "2022-11-04",
        "sha256": "0" * 64,
        "url": "https://kvarnen.example/privacy",
    },
    "authority": {
        "name": words("Integritetsskyddsmyndigheten (IMY)", "the Swedish Authority for Privacy Protection (IMY)"),
        "address": "Box 8114, 104 20 Stockholm",
        "mail": "imy@imy.se",
        "words": words("Du kan klaga hos tillsynsmyndigheten.", "You may complain to the supervisory authority."),
    },
    "rights": [
        {
            "term": "gdpr:A16",
            "title": words("Rättelse", "Rectification"),
            "words": words("Du kan få felaktiga uppgifter rättade.", "You may have wrong data corrected."),
        },
        {
            "term": "gdpr:A17",
            "title": words("Radering", "Erasure"),
            "words": words("Du kan i vissa fall få uppgifter raderade.", "You may in some cases have data erased."),
        },
    ],
    "categories": [],
    "activities": [
        {
            "id": "crm",
            "title": words("Sköta kundrelationen", "Managing the customer relationship"),
            "confirmed": True,
            "blank": [],
            "datasets": ["salesforce_contact"],
            "personal_data": [{"term": "pd:Name", "label": words("Namn", "Name")}],
            "purposes": [
                {
                    "term": "dpv:CustomerRelationshipManagement",
                    "words": words("Hålla ordning på vem vi har kontakt med.", "Keeping track of whom we deal with."),
                }
            ],
            "legal_basis": [
                {
                    "term": "gdpr:A6-1-f",
                    "words": words("Berättigat intresse (artikel 6.1 f)", "Legitimate interest (Article 6(1)(f))"),
                    "interest": words("Kunna svara våra kunder.", "Being able to answer our customers."),
                }
            ],
            "recipients": [
                {
                    "id": "salesforce",
                    "name": "Salesforce.com, Inc.",
                    "role": "processor",
                    "country": "US",
                    "words": words("Driver vårt kundregister.", "Runs our customer register."),
                }
            ],
            "transfers": [
                {
                    "recipient": "salesforce",
                    "country": "US",
                    "tool": "gdpr:A45-3",
                    "words": words("Beslut om adekvat skydd.", "Adequacy decision."),
                    "link": "https://www.dataprivacyframework.example/list",
                }
            ],
            "retention": [
                {
                    "duration": "P2Y",
                    "anchor": words("senaste kontakten", "last contact"),
                    "duty": None,
                    "words": words("Två år efter senaste kontakten.", "Two years after the last contact."),
                }
            ],
            "sources": [{"words": words("Du själv, våra säljare.", "You, our sales staff.")}],
            "automated_decisions": {
                "exists": False,
                "words": words("Inga beslut fattas automatiskt.", "No decision is made automatically."),
            },
        },
        {
            "id": "calls",
            "title": words("Spela in samtal", "Recording calls"),
            "confirmed": False,
            "blank": ["retention"],
            "datasets": [],
            "personal_data": [],
            "purposes": [],
            "legal_basis": [],
            "recipients": [],
            "transfers": [],
            "retention": [],
            "sources": [],
            "automated_decisions": {"exists": False, "words": words("Nej.", "No.")},
        },
    ],
    "profiling": [
        {
            "name": "language",
            "title": words("Språk", "Language"),
            "values": [
                {
                    "value": "sv",
                    "source": "salesforce",
                    "dataset": "salesforce_contact",
                    "field": "Language__c",
                    "source_id": "003",
                }
            ],
            "inputs": [
                {
                    "title": words("Språket i kundregistret", "The language in the customer register"),
                    "dataset": "salesforce_contact",
                    "field": "Language__c",
                    "values": ["sv"],
                    "records": 2,
                }
            ],
            "logic": words("Vi tar språket i registret.", "We take the language in the register."),
            "effect": words("Du får mejl på det språket.", "You get e-mail in that language."),
        },
        {
            "name": "stage",
            "title": words("Var du är i köpet", "Stage of the journey"),
            "values": [],
            "inputs": [],
            "logic": words("Vi räknar klick.", "We count clicks."),
            "effect": words("Andra utskick.", "Other mailings."),
        },
    ],
    "unsettled": [],
}


def _titles(source: str) -> dict[str, str]:
    return {"title": f"System {source}", "title_sv": f"System {source}"}
