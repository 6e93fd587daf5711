"""The package's layout and its descriptors: which file lies where, Data Package v2 and BagIt 1.0.

No name holds personal data: datasets' and categories' names are codes, attachments are numbered.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dsr import schema
from dsr.search import stamp
from dsr.tabular import NEUTRALISED, PROVENANCE

ATTACHMENTS: Final = "data/attachments/attachments.json"
README: Final = "README.txt"
PACKAGE: Final = "package"
COPY: Final = "transmission/package"
"""Where a case file keeps the finished files, the person's and another controller's; each with its facts under the name
with ".json" and its signature under the name with ".minisig"."""
_PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"
_PROVENANCE: Final = {
    PROVENANCE[0]: {
        "title": "Source",
        "description": "Name of the system that the record comes from.",
        "x-sv": {"title": "Källa", "description": "Namnet på systemet som posten kommer från."},
        "type": "string",
    },
    PROVENANCE[1]: {
        "title": "Source's id",
        "description": "The id of the record in that system.",
        "x-sv": {"title": "Källans id", "description": "Postens id i det systemet."},
        "type": "string",
    },
    PROVENANCE[2]: {
        "title": "Time of reading",
        "description": "When the record was read from the system, RFC 3339 in UTC.",
        "x-sv": {"title": "Läst", "description": "När posten lästes ur systemet, RFC 3339 i UTC."},
        "type": "string",
        "format": "date-time",
    },
}
_UNMAPPED: Final = {
    "title": "Other fields",
    "description": "What the system returned and this schema doesn't name, or whose value has another type.",
    "x-sv": {
        "title": "Övriga fält",
        "description": "Det som systemet lämnade och som schemat inte beskriver, eller vars värde har en annan typ.",
    },
    "type": ["object", "null"],
}
_TITLES: Final = {"access": "Personal data, GDPR Article 15", "portability": "Personal data, GDPR Article 20"}
# In capitals: for "json" frictionless goes by the file's name and takes *view.json, *report.json and *schema.json for
# descriptors of its own. So it checks hash and bytes, which is what a descriptor says of a file that is no table.
_JSON: Final = {"format": "JSON", "mediatype": "application/json"}
_FORMS: Final = {
    "json": _JSON,
    "jsonld": {"format": "jsonld", "mediatype": "application/ld+json"},
    "txt": {"format": "txt", "mediatype": "text/plain"},
    "html": {"format": "html", "mediatype": "text/html"},
    "vcf": {"format": "vcf", "mediatype": "text/vcard"},
    "ics": {"format": "ics", "mediatype": "text/calendar"},
}
"""Extension → what the descriptor says of files that are neither datasets nor attachments."""


@dataclass(frozen=True)
class Package:
    """The finished file as it is handed out: SHA-256 in hex, its bytes, how many files the ZIP holds, how it is
    encrypted (one of `sealing`'s ways) and its extension without the first dot."""

    sha256: str
    bytes: int
    files: int
    encryption: str = "none"
    extension: str = "zip"


@dataclass(frozen=True)
class Entry:
    """A file that was written: its path in the package, its bytes and SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


def dataset_files(category: str, dataset: str) -> dict[str, str]:
    """Where a dataset's two files lie, by format."""
    return {"json": f"data/{category}/{dataset}.json", "csv": f"data/{category}/{dataset}.csv"}


def attachment_file(number: int, extension: str) -> str:
    """Where an attachment lies; numbered from 1 over the whole package."""
    return f"data/attachments/att-{number:04d}.{extension}"


def schema_file(name: str) -> str:
    """Where a schema lies."""
    return f"schemas/{name}.schema.json"


def record_schema(dataset: str, fields: Collection[str]) -> dict[str, Any]:
    """The schema of a dataset's records as they stand in the package: their provenance and the fields that are
    disclosed. A file is an array of these; absent means that the system holds no value."""
    plain = schema.subset(dataset, fields)
    unmapped = {schema.UNMAPPED: _UNMAPPED} if schema.UNMAPPED in fields else {}
    properties = {**_PROVENANCE, **plain["properties"], **unmapped}
    return {**plain, "properties": properties, "required": [*PROVENANCE, *plain.get("required", [])]}


def descriptor(
    document: Mapping[str, Any], entries: Iterable[Entry], neutralised: Mapping[str, int], at: datetime
) -> dict[str, Any]:
    """`datapackage.json`: a resource per file. `neutralised`: CSV path → cells changed by the rule."""
    request = document["request"]
    datasets = {
        path: dataset
        for category in document["categories"]
        for dataset in category["datasets"]
        for path in dataset["files"].values()
    }
    attachments = {attachment["file"]: attachment for attachment in document["attachments"]}
    resources = []
    for entry in entries:
        resource: dict[str, Any] = {
            "name": entry.path.lower().replace("/", "-").replace(".", "-").replace("_", "-"),
            "path": entry.path,
            "bytes": entry.bytes,
            "hash": f"sha256:{entry.sha256}",
        }
        if entry.path in datasets:
            resource |= _dataset_resource(entry.path, datasets[entry.path], neutralised.get(entry.path, 0))
        elif entry.path in attachments:
            resource |= {"mediatype": attachments[entry.path]["media_type"]}
        else:
            resource |= _FORMS[entry.path.rpartition(".")[2]]
        resources.append(resource)
    return {
        "$schema": _PROFILE,
        "name": request["request_id"].lower(),
        "title": _TITLES[request["right"]],
        "created": stamp(at),
        "csvNeutralisation": {"rule": NEUTRALISED, "cells": sum(neutralised.values())},
        "resources": resources,
    }


def _dataset_resource(path: str, dataset: Mapping[str, Any], neutralised: int) -> dict[str, Any]:
    about = {
        "title": dataset["title"],
        "source": dataset["source"],
        "records": dataset["rows"],
        "recordSchema": schema_file(dataset["name"]),
        "encoding": "utf-8",
    }
    if not path.endswith(".csv"):
        return {**about, **_JSON}
    fields: list[dict[str, Any]] = [{"name": name, "type": "string"} for name in PROVENANCE]
    fields += [{"name": name, "type": _field_type(dataset["name"], name)} for name in dataset["fields"]]
    return {
        **about,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True},
        "schema": {"fields": fields, "missingValues": [""]},
        "neutralisedCells": neutralised,
    }


def _field_type(dataset: str, name: str) -> str:
    if name == schema.UNMAPPED:
        return "object"
    return schema.property_type(schema.load(dataset)["properties"][name])


def bag_info(payload: Sequence[Entry], at: datetime) -> dict[str, str]:
    """The tag files of the bag (RFC 8493) that need nothing but the payload: path → text."""
    size, count = sum(entry.bytes for entry in payload), len(payload)
    info = f"Bagging-Date: {at.astimezone(UTC):%Y-%m-%d}\nPayload-Oxum: {size}.{count}\n"
    return {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": info,
        "manifest-sha256.txt": manifest(payload),
    }


def manifest(entries: Iterable[Entry]) -> str:
    """One line per file, as `sha256sum -c` reads it."""
    return "".join(f"{entry.sha256}  {entry.path}\n" for entry in sorted(entries, key=lambda e: e.path))
