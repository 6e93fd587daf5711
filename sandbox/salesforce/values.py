"""What may be written into a field, and the form in which it is kept."""

import base64
import binascii
import re
from datetime import UTC, date, datetime
from typing import Any

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError, invalid_field
from sandbox.salesforce.objects import LENGTHS, Field, ObjectType
from sandbox.salesforce.table import Table, full_id, moment, type_of
from sandbox.state import Document

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
_NUMBERS = ("double", "currency", "percent", "int")


def writable(table: Table, kind: ObjectType, values: Document) -> Document:
    """The values by the fields' own names, as they are kept. The vendor's error for what can't be written."""
    fields: Document = {}
    for name, value in values.items():
        if name == "attributes":
            continue
        field = kind.by_name.get(name.lower())
        if field is None or f"{kind.name}.{field.name}" in table.settings.hidden_fields:
            raise invalid_field(f"No such column '{name}' on sobject of type {kind.name}")
        if field.read_only:
            message = f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
            raise VendorError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
        fields[field.name] = _checked(field, value)
        if field.references and fields[field.name] is not None:
            _check_reference(table, field, fields[field.name])
    return fields


def check_required(kind: ObjectType, values: Document, names: set[str]) -> None:
    """REQUIRED_FIELD_MISSING when one of those fields is required and empty."""
    missing = [f.name for f in kind.fields if f.required and f.name in names and values.get(f.name) in (None, "")]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise VendorError(400, "REQUIRED_FIELD_MISSING", message, missing)


def _checked(field: Field, value: Any) -> Any:
    if value is None or value == "":
        return None
    if field.references:
        return full_id(str(value))
    if field.kind == "boolean" or field.kind in _NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number if field.kind in _NUMBERS else isinstance(value, bool)):
            raise _unreadable(field, value)
        return value
    if not isinstance(value, str | int | float):
        raise _unreadable(field, value)
    text = str(value)
    if field.kind in ("date", "datetime"):
        return _time(field, text)
    if field.kind == "base64":
        return _binary(field, text)
    if len(text) > LENGTHS.get(field.kind, 255):
        message = f"{field.name}: data value too large: {text[:80]} (max length={LENGTHS.get(field.kind, 255)})"
        raise VendorError(400, "STRING_TOO_LONG", message, [field.name])
    if field.kind == "email" and not _EMAIL.fullmatch(text):
        raise VendorError(400, "INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", [field.name])
    return text


def _time(field: Field, text: str) -> str:
    try:
        if field.kind == "date":
            return date.fromisoformat(text[:10]).isoformat()
        at = datetime.fromisoformat(text)
        return moment(at if at.tzinfo else at.replace(tzinfo=UTC))
    except ValueError:
        raise _unreadable(field, text) from None


def _binary(field: Field, text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _unreadable(field, text[:20]) from None
    return text


def _unreadable(field: Field, value: Any) -> VendorError:
    return VendorError(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.kind} from {value!r}")


def _check_reference(table: Table, field: Field, record_id: str) -> None:
    """A reference leads to a live record of one of its objects; those that the sandbox doesn't have aren't checked."""
    if not set(field.references) <= set(CATALOGUE):
        return
    kind = type_of(record_id)
    if kind.name not in field.references:
        message = f"{field.name}: id value of incorrect type: {record_id}"
        raise VendorError(400, "FIELD_INTEGRITY_EXCEPTION", message, [field.name])
    if table.of(kind).get(record_id, {"IsDeleted": True})["IsDeleted"]:
        raise VendorError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
