"""The version of a record: a hash over all its values, by which a change between approval and execution shows.

BLAKE2b of 16 bytes, in hex, over the record's JSON line as the package has it, its id included, nested values with
their keys sorted. Left out are the fields that change by being looked at or synchronised: properties with
`x-volatile: true` in the dataset's schema, and the names that the schema's own `x-volatile` lists, in `unmapped` too.
"""

import json
from collections.abc import Collection
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import orjson
import pyarrow as pa

from dsr import schema
from dsr.errors import PermanentError
from dsr.jsontext import parse
from dsr.tabular import json_text

_SIZE: Final = 16
_BEGIN: Final = b'\n{"_source":"","_source_id":'
"""What each line begins with; within a line there is no line break, since JSON text has none."""


def versions(batch: pa.RecordBatch, dataset: str) -> pa.Array:
    """The version of each record of a batch, text; the same whatever batch the record comes in."""
    return pa.array([blake2b(line, digest_size=_SIZE).hexdigest() for line in _lines(batch, dataset)], pa.string())


def _lines(batch: pa.RecordBatch, dataset: str) -> list[bytes]:
    if not batch.num_rows:
        return []
    fields, of_unmapped = _volatile(dataset)
    columns = {}
    for described, column in zip(batch.schema, batch.columns, strict=True):
        if described.name in fields:
            continue
        if schema.is_json(described):
            dropped = of_unmapped if described.name == schema.UNMAPPED else frozenset[str]()
            column = pa.array([_canonical(text, dropped) for text in column.to_pylist()], pa.string())
        columns[described.name] = column
    kept = pa.schema([batch.schema.field(name) for name in columns])
    steady = pa.RecordBatch.from_arrays(list(columns.values()), schema=kept)
    lines = bytes(json_text(steady, dataset, "", "")).split(_BEGIN)[1:]
    if len(lines) != batch.num_rows:
        raise PermanentError("version.lines", "plan")
    return lines


def _canonical(text: str | None, dropped: Collection[str]) -> str | None:
    """A nested value with sorted keys, without spaces and line breaks; what is no JSON becomes a JSON string."""
    if text is None:
        return None
    try:
        value = parse(text)
    except ValueError:
        value = text
    if dropped and isinstance(value, dict):
        value = {name: inner for name, inner in value.items() if name not in dropped}
        if not value:
            return None
    return _dump(value)


def _dump(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, sort_keys=True)


@cache
def _volatile(dataset: str) -> tuple[frozenset[str], frozenset[str]]:
    """Properties that are left out, and names of `unmapped`."""
    whole = schema.load(dataset)
    fields = frozenset(name for name, definition in whole["properties"].items() if definition.get("x-volatile") is True)
    named = frozenset(whole.get("x-volatile", ()))
    return fields | (named & whole["properties"].keys()), named
