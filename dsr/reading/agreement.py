"""Whether the package agrees with itself: reports with their schemas, the document with what is there."""

from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs

from dsr.reading.error import PackageError
from dsr.reading.verified import Verified

_SCHEMA: Final = ".schema.json"


def check_agreement(package: Verified) -> None:
    """PackageError names the first file that says something else than another does."""
    for path in sorted(package.hashes):
        name = path.removesuffix(".json")
        schema = f"schemas/{name}{_SCHEMA}"
        described = "/" not in path and path != name and schema in package.hashes
        if described and not validator(package, schema).is_valid(package.json(path)):
            raise PackageError("schema.violation", path)
    if f"schemas/document{_SCHEMA}" not in package.hashes:
        raise PackageError("file.missing", f"schemas/document{_SCHEMA}")
    if package.descriptor.get("name") != package.document["request"]["request_id"].lower():
        raise PackageError("document.mismatch", "datapackage.json")
    for dataset in datasets(package):
        _check_records(package, dataset)
    for attachment in package.document["attachments"]:
        path = attachment["file"]
        if path not in package.hashes:
            raise PackageError("file.missing", path)
        stated = (attachment["sha256"], attachment["bytes"])
        if (package.hashes[path], package.container.sizes[path]) != stated:
            raise PackageError("attachment.mismatch", path)


def datasets(package: Verified) -> list[Mapping[str, Any]]:
    """The document's entries of all datasets, in its order; a name stands for one dataset only."""
    listed = [dataset for category in package.document["categories"] for dataset in category["datasets"]]
    if len({dataset["name"] for dataset in listed}) != len(listed):
        raise PackageError("document.mismatch", "document.json")
    return listed


def schema_path(dataset: str) -> str:
    """Where the schema of a dataset's records lies."""
    return f"schemas/{dataset}{_SCHEMA}"


def validator(package: Verified, path: str) -> jsonschema_rs.Draft202012Validator:
    """Of a schema in the package. Nothing is fetched for it, and patterns take time linear in the text."""
    try:
        return jsonschema_rs.Draft202012Validator(
            package.json(path), validate_formats=True, offline=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
        raise PackageError("schema.invalid", path) from None


def _check_records(package: Verified, dataset: Mapping[str, Any]) -> None:
    """Their number, and of how many the schema is broken: such are in a package as the source gave them, counted."""
    for path in dataset["files"].values():
        if path not in package.hashes:
            raise PackageError("file.missing", path)
    path, schema = dataset["files"]["json"], schema_path(dataset["name"])
    if schema not in package.hashes:
        raise PackageError("file.missing", schema)
    valid, rows, invalid = validator(package, schema).is_valid, 0, 0
    for record in package.records(path):
        rows += 1
        invalid += not valid(record)
    if (rows, invalid) != (dataset["rows"], dataset["invalid"]):
        raise PackageError("dataset.mismatch", path)
