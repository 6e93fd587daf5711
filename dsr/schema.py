"""Datasets' JSON Schemas and the Arrow form of their rows.

`schemas/<dataset>.schema.json` describes one record as the source holds it. From it follow the columns:

    _source_id   string, the vendor's id of the record, never null
    <field>      one per property: string, int64, float64 or bool; nested objects and arrays are JSON text
                 (field metadata `form: json`); absent and null are both null
    unmapped     JSON text of an object with everything that the source returned and the schema doesn't name,
                 or whose value doesn't fit the schema's type; null when there is nothing

Times are text in RFC 3339 with their offset, decimals text with their digits, so that nothing is rounded. JSON has no
NaN and no infinity: they stand as the texts "NaN", "Infinity" and "-Infinity", inside nested values and, from a field
of numbers, in `unmapped`.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

SOURCE_ID = "_source_id"
UNMAPPED = "unmapped"
_JSON_FORM = {b"form": b"json"}
_ARROW = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_MOST_WHOLE = 2**53
"""Up to here a float64 holds every whole number; larger ones go into `unmapped` with all their digits."""
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}


@cache
def load(name: str) -> dict[str, Any]:
    """The JSON Schema 2020-12 of a dataset or document. FileNotFoundError when `schemas/` holds none."""
    text = files("schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


WHOLE_RECORD: Final = frozenset({
    "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "dependentRequired",
    "dependentSchemas", "minProperties", "maxProperties", "enum", "const",
})  # fmt: skip
"""Keywords that say something about a record as a whole."""


def subset(name: str, fields: Collection[str]) -> dict[str, Any]:
    """The schema of a dataset's records when only these fields are given. What the schema says of the record as a
    whole can't be judged by a part of it and is left out then."""
    whole = load(name)
    kept = {field: definition for field, definition in whole["properties"].items() if field in fields}
    if len(kept) == len(whole["properties"]):
        return whole
    rest = {key: value for key, value in whole.items() if key not in WHOLE_RECORD}
    return {**rest, "properties": kept, "required": [field for field in whole.get("required", ()) if field in kept]}


def property_type(definition: Mapping[str, Any]) -> str:
    """The one JSON type besides null that a property has; "string" when it names none (enum, const)."""
    declared = definition.get("type", "string")
    names = [declared] if isinstance(declared, str) else [t for t in declared if t != "null"]
    return str(names[0]) if names else "string"


@cache
def arrow_schema(name: str) -> pa.Schema:
    """Columns of a dataset's record batches, in the order of the schema's properties."""
    fields = [pa.field(SOURCE_ID, pa.string(), nullable=False)]
    for field, definition in load(name)["properties"].items():
        kind = property_type(definition)
        nested = kind in ("object", "array")
        fields.append(pa.field(field, _ARROW.get(kind, pa.string()), metadata=_JSON_FORM if nested else None))
    fields.append(pa.field(UNMAPPED, pa.string(), metadata=_JSON_FORM))
    return pa.schema(fields)


@cache
def held(name: str) -> frozenset[str]:
    """The fields of a dataset that a person looks at before anybody else gets them, since other people may be spoken of
    there (Art. 15(4) GDPR): those that the schema marks `x-free-text`, and `unmapped`, which may hold anything."""
    marked = (field for field, definition in load(name)["properties"].items() if definition.get("x-free-text"))
    return frozenset((*marked, UNMAPPED))


def is_json(field: pa.Field) -> bool:
    """Whether a column holds JSON text of a nested value."""
    return (field.metadata or {}).get(b"form") == b"json"


def batch(name: str, records: Iterable[tuple[str, Mapping[str, Any]]]) -> pa.RecordBatch:
    """Rows of a dataset from `(source id, record)` pairs as a vendor's JSON gives them.

    Nothing is dropped: what has no column, or another type than the schema says, goes into `unmapped`.
    """
    schema = arrow_schema(name)
    kinds = {field: property_type(d) for field, d in load(name)["properties"].items()}
    columns: dict[str, list[Any]] = {field: [] for field in schema.names}
    for source_id, record in records:
        columns[SOURCE_ID].append(source_id)
        rest = {k: v for k, v in record.items() if k not in kinds}
        for field, kind in kinds.items():
            value = record.get(field)
            if not _fits(value, kind):  # also NaN and infinity
                rest[field] = value
                value = None
            columns[field].append(_cell(value, kind))
        columns[UNMAPPED].append(_json(rest) if rest else None)
    arrays = [pa.array(columns[f.name], type=f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def finite(column: pa.Array) -> pa.Array:
    """The column as JSON can hold it: without the NaN and infinity that a source's own columns may have."""
    if not pa.types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False:
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _fits(value: Any, kind: str) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int) and kind == "integer":
        return -(2**63) <= value < 2**63
    if isinstance(value, int) and kind == "number":
        return abs(value) <= _MOST_WHOLE
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _PYTHON[kind])


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in ("object", "array"):
        return _json(value)
    if kind == "number":
        return float(value)
    if kind == "string":
        return _encodable(value)
    return value


def _json(value: Any) -> str:
    """JSON text; the standard library's where orjson refuses (big integers, lone surrogates). Numbers that JSON
    doesn't have are spelled the same by both."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value, ensure_ascii=True)
        return json.dumps(_spelled(value), ensure_ascii=True) if "NaN" in text or "Infinity" in text else text
    # orjson writes null for NaN and infinity; few values hold any null, and only those are looked at.
    return orjson.dumps(_spelled(value)).decode() if "null" in text else text


def _spelled(value: Any) -> Any:
    """The value with NaN and infinity as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _spelled(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(part) for part in value]
    return value


def _encodable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 can't carry, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
