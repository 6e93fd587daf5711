"""Whether rows obey their dataset's JSON Schema, column by column.

The judge is jsonschema-rs (2020-12, formats asserted). It needs a Python object per value, so only what can't be
waved through is shown to it: a column whose Arrow type already is all that the schema asks; values of a format whose
usual spelling a vectorised expression recognises; and of the rest each different value once. A schema that says
something about the record as a whole (beyond `required`) is judged row by row.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final

import jsonschema_rs
import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.jsontext import parse

_DAY: Final = (
    r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
)
_USUAL: Final = {
    "date": rf"^{_DAY}$",
    "date-time": rf"^{_DAY}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,9}})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$",
    "email": r"^[A-Za-z0-9_+-]{1,60}@[a-z0-9]{1,60}(?:\.[a-z0-9]{1,60}){1,3}$",
}
"""What surely is valid; narrower than the format. Everything else goes to the judge."""

_SAYS_NOTHING: Final = {"$comment", "title", "description", "examples", "default", "deprecated", "readOnly", "type"}


class Validity:
    """Judges the batches of one dataset, which hold these fields. `rules`: pointer into the schema → how many rows
    break it first."""

    def __init__(self, dataset: str, fields: Collection[str]) -> None:
        self.rules: Counter[str] = Counter()
        self.rows = self.invalid = 0
        judged = schema.subset(dataset, fields)
        self._required = frozenset(judged.get("required", ()))
        self._by_row = _validator(dataset, None) if schema.WHOLE_RECORD & judged.keys() else None
        self._properties: dict[str, dict[str, Any]] = judged["properties"]
        self._dataset = dataset

    def check(self, batch: pa.RecordBatch) -> None:
        """Counts the rows of a batch, and those that are not valid. Null counts as absent unless the schema allows
        it, since columns can't tell the two apart."""
        self.rows += batch.num_rows
        broken: dict[int, str] = {}
        for name, definition in self._properties.items():
            for row, rule in self._column(batch.column(name), name, definition):
                broken.setdefault(row, rule)
        if self._by_row is not None:
            for row, record in enumerate(_records(batch, self._properties)):
                rule = _first_rule(self._by_row, record, "")
                if rule:
                    broken.setdefault(row, rule)
        self.invalid += len(broken)
        self.rules.update(broken.values())

    def _column(self, column: pa.Array, name: str, definition: Mapping[str, Any]) -> list[tuple[int, str]]:
        broken: list[tuple[int, str]] = []
        column = schema.finite(column)  # as the package shows it
        if column.null_count and name in self._required and not _nullable(definition):
            nulls = pc.indices_nonzero(pc.is_null(column)).to_pylist()
            broken += [(row, "/required") for row in nulls]
        if column.null_count == len(column) or _by_type_alone(definition):
            return broken
        doubted = _doubted(column, definition)
        if doubted is None:
            return broken
        validator = _validator(self._dataset, name)
        nested = schema.property_type(definition) in ("object", "array")
        encoded = doubted.dictionary_encode()
        rules = [
            _rule(validator, value, f"/properties/{name}", nested=nested) for value in encoded.dictionary.to_pylist()
        ]
        if any(rules):
            for row, at in enumerate(encoded.indices.to_pylist()):
                if at is not None and rules[at]:
                    broken.append((row, rules[at]))
        return broken


def _doubted(column: pa.Array, definition: Mapping[str, Any]) -> pa.Array | None:
    """The column with all that surely is valid made null; None when nothing is left."""
    usual = _USUAL.get(definition.get("format", ""))
    if (
        usual is None
        or not pa.types.is_string(column.type)
        or definition.keys() - _SAYS_NOTHING - {"format"} - _extensions(definition)
    ):
        return column
    passes = pc.match_substring_regex(column, usual)
    if pc.all(passes).as_py() is not False:
        return None
    return pc.if_else(passes, pa.scalar(None, column.type), column)


def _by_type_alone(definition: Mapping[str, Any]) -> bool:
    """Whether the Arrow type is all that a property asks."""
    nested = schema.property_type(definition) in ("object", "array")
    return not nested and "type" in definition and not definition.keys() - _SAYS_NOTHING - _extensions(definition)


def _extensions(definition: Mapping[str, Any]) -> set[str]:
    return {key for key in definition if key.startswith("x-")}


def _nullable(definition: Mapping[str, Any]) -> bool:
    declared = definition.get("type", [])
    return "null" in ([declared] if isinstance(declared, str) else declared)


def _rule(validator: Any, value: Any, place: str, *, nested: bool) -> str:
    if nested:
        try:
            value = parse(value)
        except ValueError:
            return f"{place}/form"
    return _first_rule(validator, value, place)


def _first_rule(validator: Any, value: Any, place: str) -> str:
    """Pointer of the first rule that a value breaks; "" when it is valid. Never the value itself."""
    if validator.is_valid(value):
        return ""
    error = next(iter(validator.iter_errors(value)))
    return place + "".join(f"/{step}" for step in error.schema_path)


@cache
def _validator(dataset: str, name: str | None) -> Any:
    """The judge of a whole record, or of one property of it."""
    whole = schema.load(dataset)
    if name is None:
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    definition = {**whole["properties"][name]}
    if "$defs" in whole:
        definition["$defs"] = whole["$defs"]
    return jsonschema_rs.Draft202012Validator(definition, validate_formats=True)


def _records(batch: pa.RecordBatch, properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows as records: nulls left out unless the schema allows them, nested values parsed."""
    columns: dict[str, list[Any]] = {}
    for name, definition in properties.items():
        values = schema.finite(batch.column(name)).to_pylist()
        if schema.property_type(definition) in ("object", "array"):
            values = [None if v is None else _parsed(v) for v in values]
        columns[name] = values
    keeps = {name: _nullable(definition) for name, definition in properties.items()}
    return [
        {name: values[row] for name, values in columns.items() if values[row] is not None or keeps[name]}
        for row in range(batch.num_rows)
    ]


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return text
