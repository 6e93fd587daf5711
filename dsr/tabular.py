"""Arrow batches as JSON and as CSV, built by vectorised kernels: no Python object per row.

JSON is the faithful copy: nested values and `unmapped` as such, numbers with their digits, nulls kept where the
schema allows null. CSV is for spreadsheets: all text in quotes (so that "" and nothing differ), nested values as
their JSON text, and text that a spreadsheet would take for a formula behind an apostrophe.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.jsontext import embeddable

PROVENANCE: Final = ("_source", schema.SOURCE_ID, "_extracted_at")
"""The fields that every record in the package bears before its own."""

NEUTRALISED: Final = (
    "Text cells that begin with = + - @ tab, CR or NUL have a leading ' so that no spreadsheet takes them for a "
    "formula; telephone numbers (^\\+[0-9 ]{6,18}$) and plain numbers (^-?[0-9]+([.][0-9]+)?$) are left. The JSON "
    "file holds the text as it is."
)

_FORMULA: Final = pa.array([b"=", b"+", b"-", b"@", b"\t", b"\r", b"\x00"])
_HARMLESS: Final = r"^\+[0-9 ]{6,18}$|^-?[0-9]+([.][0-9]+)?$"
# Bytes that JSON or CSV text in quotes can't hold as they are.
_SPECIAL: Final = bytes(byte < 32 or byte in b'"\\' for byte in range(256))
_CONTROL: Final = re.compile('[\x00-\x1f"\\\\]')
_EMPTY: Final = pa.scalar("")
_ONE: Final = pa.array([""])

Piece = Any
"""`pa.Array | str`: what a line is joined from: a column, or text that is the same in every line."""


def json_text(batch: pa.RecordBatch, dataset: str, source: str, extracted_at: str) -> memoryview:
    """One object per row, each begun by a newline and ended by a comma."""
    start = "\n{" + f'"_source":{_quoted(source)},"{schema.SOURCE_ID}":'
    pieces: list[Piece] = [start, *_text_cell(batch.column(schema.SOURCE_ID))]
    pieces.append(f',"_extracted_at":{_quoted(extracted_at)}')
    for field, column in _columns(batch):
        label = f",{_quoted(field.name)}:"
        column = schema.finite(column)
        nested = schema.is_json(field)
        if not column.null_count:
            pieces += [label, *_json_cell(column, nested=nested)]
        elif column.null_count == len(column):
            pieces.append(f"{label}null" if field.name in _nullable(dataset) else "")
        else:
            value = _join([label, *_json_cell(column, nested=nested)])
            pieces.append(pc.coalesce(value, f"{label}null" if field.name in _nullable(dataset) else ""))
    return _bytes(_join([*pieces, "},"]))


def csv_header(fields: Iterable[str]) -> bytes:
    """The first line: the provenance, then the fields of the dataset as they are in its batches."""
    return (",".join(_csv_quoted(name) for name in (*PROVENANCE, *fields)) + "\r\n").encode()


def csv_text(batch: pa.RecordBatch, source: str, extracted_at: str) -> tuple[memoryview, int]:
    """One line per row, ended by CR LF, and how many cells were neutralised. Null is an empty cell without quotes."""
    ids, neutralised = _csv_text_cell(batch.column(schema.SOURCE_ID))
    pieces: list[Piece] = [f"{_csv_quoted(source)},", *ids, f",{_csv_quoted(extracted_at)}"]
    for _, column in _columns(batch):
        cell, count = _csv_cell(column)
        neutralised += count
        if not column.null_count:
            pieces += [",", *cell]
        elif column.null_count == len(column):
            pieces.append(",")
        else:
            pieces += [",", pc.coalesce(_join(cell), _EMPTY)]
    return _bytes(_join([*pieces, "\r\n"])), neutralised


def _columns(batch: pa.RecordBatch) -> Iterator[tuple[pa.Field, pa.Array]]:
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.name != schema.SOURCE_ID:
            yield field, column


def _json_cell(column: pa.Array, *, nested: bool) -> list[Piece]:
    if _is_constant(column):
        return [_join([*_json_cell(column.slice(0, 1), nested=nested), _ONE])[0].as_py()]
    if nested:
        return [pa.array([None if v is None else embeddable(v) for v in column.to_pylist()], pa.string())]
    if not pa.types.is_string(column.type):
        return [column.cast(pa.string())]
    return _text_cell(column)


def _text_cell(column: pa.Array) -> list[Piece]:
    return ['"', _escaped(column) if _has_special(column) else column, '"']


def _is_constant(column: pa.Array) -> bool:
    """Whether every row says the same: then the value is written once, into what all lines share. Books are full of
    such columns (currency, status, the person's own name)."""
    if len(column) < 2 or column.null_count or column[0] != column[-1]:
        return False
    return bool(pc.all(pc.equal(column, column[0])).as_py())


def _escaped(column: pa.Array) -> pa.Array:
    """Text as it stands between the quotes of a JSON string."""
    column = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    for character, escape in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        column = pc.replace_substring(column, character, escape)
    left = pc.match_substring_regex(column, "[\x00-\x1f]")
    if pc.any(left).as_py():
        rare = [_escape(text) for text in column.filter(left).to_pylist()]
        column = pc.replace_with_mask(column, pc.fill_null(left, False), pa.array(rare, pa.string()))
    return column


def _escape(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if c < " " else c for c in text)


def _csv_cell(column: pa.Array) -> tuple[list[Piece], int]:
    if _is_constant(column):
        cell, count = _csv_cell(column.slice(0, 1))
        return [_join([*cell, _ONE])[0].as_py()], count * len(column)
    if not pa.types.is_string(column.type):
        return [column.cast(pa.string())], 0
    return _csv_text_cell(column)


def _csv_text_cell(column: pa.Array) -> tuple[list[Piece], int]:
    first = pc.binary_slice(column.view(pa.binary()), 0, 1)
    risky = pc.is_in(first, _FORMULA)
    count = 0
    if pc.any(risky).as_py():
        risky = pc.and_not(risky, pc.fill_null(pc.match_substring_regex(column, _HARMLESS), False))
        count = pc.sum(risky).as_py() or 0
        if count:
            column = pc.if_else(risky, _join(["'", column]), column)
    if _has_special(column):
        column = pc.replace_substring(column, '"', '""')
    return ['"', column, '"'], count


def _has_special(column: pa.Array) -> bool:
    """Whether any text of a column needs escaping; looks at the bytes at once rather than at each value."""
    return b"\x01" in bytes(_bytes(column)).translate(_SPECIAL)


def _bytes(column: pa.Array) -> memoryview:
    """The bytes of all values of a text column, one after the other, without a copy. Null values may leave bytes
    of what they were, so only for columns without nulls it is exactly the text."""
    data = column.buffers()[2]
    if data is None or not len(column):
        return memoryview(b"")
    offsets = memoryview(column.buffers()[1]).cast("i" if pa.types.is_string(column.type) else "q")
    return memoryview(data)[offsets[column.offset] : offsets[column.offset + len(column)]]


def _join(pieces: Sequence[Piece]) -> pa.Array:
    """The pieces of each line joined; a line with a null is null. Neighbouring fixed texts become one."""
    merged: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif not isinstance(piece, str) or piece:
            merged.append(piece)
    return pc.binary_join_element_wise(*merged, _EMPTY)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _csv_quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@cache
def _nullable(dataset: str) -> frozenset[str]:
    """The fields that a record may hold as null; the others are left out where there is no value."""
    allowed = {schema.UNMAPPED}
    for name, definition in schema.load(dataset)["properties"].items():
        declared = definition.get("type", "null")
        if "null" in ([declared] if isinstance(declared, str) else declared):
            allowed.add(name)
    return frozenset(allowed)
