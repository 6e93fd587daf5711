"""The CSV of bulk jobs: delimiters, line endings, and values as the fields' types want them."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.objects import ObjectType

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"
"""Empties a field. An empty column leaves the field as it is."""

Row = dict[str, str]


class UnreadableJobError(Exception):
    """The job fails as a whole; the text is its errorMessage."""


def read(data: bytes, delimiter: str, ending: str) -> tuple[list[str], list[Row]]:
    """Column names and rows. UnreadableJobError when the file isn't what the job says."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableJobError("InvalidBatch : Failed to parse CSV: not UTF-8") from None
    if not text.strip():
        raise UnreadableJobError("InvalidBatch : No data")
    if ("\r\n" in text.partition("\n")[0] + "\n") != (ending == "CRLF"):
        raise UnreadableJobError(f"ClientInputError : LineEnding is invalid on user data. Current setting is {ending}")
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter]))
    header, rows = lines[0], [line for line in lines[1:] if line]
    if any(len(line) != len(header) for line in rows):
        raise UnreadableJobError("InvalidBatch : Failed to parse CSV: a row has another number of columns")
    return header, [dict(zip(header, line, strict=True)) for line in rows]


def write(header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str, ending: str) -> bytes:
    """A CSV file, every value quoted; None is empty."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=DELIMITERS[delimiter], lineterminator=ENDINGS[ending], quoting=csv.QUOTE_ALL)
    writer.writerows([list(header), *(["" if v is None else _text(v) for v in row] for row in rows)])
    return file.getvalue().encode()


def typed(kind: ObjectType, row: Row) -> dict[str, Any]:
    """The values of a row as JSON would have them; empty columns left out."""
    values: dict[str, Any] = {}
    for name, text in row.items():
        field = kind.by_name.get(name.lower())
        if text == "" or name.lower() == "id" or field is None:
            continue
        if text == NULL:
            values[field.name] = None
        elif field.kind == "boolean":
            values[field.name] = _boolean(field.name, text)
        elif field.kind in ("int", "double", "currency", "percent"):
            values[field.name] = _number(field.name, text)
        else:
            values[field.name] = text
    return values


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise VendorError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: value not of required type: {text}", [name])
    return text.lower() in ("true", "1")


def _number(name: str, text: str) -> float:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        message = f"{name}: value not of required type: {text}"
        raise VendorError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", message, [name]) from None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
