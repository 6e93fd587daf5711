"""From a webhook's bytes to a checked JSON document, with faults that name the field and never show its value."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import jsonschema_rs

from dsr import schema
from dsr.channels.ticket import Refused

_MEANING: Final = {
    "enum": "is not one of the accepted values",
    "const": "is not the accepted value",
    "format": "is not in the form that the schema asks for",
    "maxLength": "is too long",
    "minLength": "is empty",
    "pattern": "is not in the form that the schema asks for",
    "type": "has the wrong type",
}
_MOST_PROBLEMS: Final = 20


def document(body: bytes, schema_name: str, place: str) -> dict[str, Any]:
    """The body as JSON that fits `schemas/<schema_name>.schema.json`.

    Refused("body.not_json") when it is no JSON (RFC 8259: UTF-8, no NaN, no name twice); Refused("body.invalid")
    with the fields when it doesn't fit."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # no lone surrogates: nothing after this could store them
        errors = list(_validator(schema_name).iter_errors(value))
    except (ValueError, RecursionError):
        raise Refused("body.not_json", place) from None
    problems = sorted({problem for error in errors for problem in _problems(error)})
    if problems:
        raise Refused("body.invalid", place, problems[:_MOST_PROBLEMS])
    checked: dict[str, Any] = value
    return checked


def stated(**values: Any) -> dict[str, str]:
    """The values that somebody filled in, without surrounding blanks."""
    trimmed = {name: str(value).strip() for name, value in values.items() if value is not None}
    return {name: value for name, value in trimmed.items() if value}


def moment(text: str | None, pointer: str, place: str) -> datetime | None:
    """When the ticket was made, UTC; None when it doesn't say. Refused("body.invalid") for a day that doesn't exist."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("body.invalid", place, [(pointer, "is no point in time")]) from None


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """Pointer and what is wrong there. The library's message repeats the value, so it is not used."""
    path = "#" + "".join(f"/{_escaped(str(part))}" for part in error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        yield f"{path}/{_escaped(kind.property)}", "is required"
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        yield from ((f"{path}/{_escaped(name)}", "is not known here") for name in kind.unexpected)
    else:
        yield path, _MEANING.get(str(error.schema_path[-1]), "does not fit the schema")


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("not a JSON number")


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema.load(name), validate_formats=True)
