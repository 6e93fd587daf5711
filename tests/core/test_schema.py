"""Rows in Arrow keep everything that a source returned."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr import schema

DATASET = "salesforce_contact"
SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").glob("*.schema.json"))

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
names = st.sampled_from(["Email", "LastName", "HasOptedOutOfEmail", "Custom__c", "_odd", ""]) | st.text(max_size=8)


def read_back(row: dict[str, Any]) -> dict[str, Any]:
    """The record as the row tells it: declared columns and `unmapped` together."""
    nested = {f.name for f in schema.arrow_schema(DATASET) if schema.is_json(f)}
    parsed = {k: json.loads(v) if k in nested and v is not None else v for k, v in row.items()}
    rest = parsed.pop(schema.UNMAPPED) or {}
    return {**{k: v for k, v in parsed.items() if v is not None and k != schema.SOURCE_ID}, **rest}


@settings(deadline=None)
@given(st.lists(st.dictionaries(names.filter(lambda n: n not in ("_source_id", "unmapped")), values), max_size=5))
def test_nothing_is_dropped_whatever_the_source_returns(records: list[dict[str, Any]]) -> None:
    batch = schema.batch(DATASET, [(str(n), record) for n, record in enumerate(records)])
    assert batch.schema == schema.arrow_schema(DATASET)
    for row, record in zip(batch.to_pylist(), records, strict=True):
        have = read_back(row)
        for name, value in record.items():
            if value is not None:
                assert have[name] == value or isinstance(value, str)


def test_lone_surrogates_are_replaced_not_fatal() -> None:
    batch = schema.batch(DATASET, [("1", {"LastName": "a\ud800b", "other": "\udfff"})])
    row = batch.to_pylist()[0]
    assert row["LastName"] == "a\ufffdb"
    assert json.loads(row["unmapped"])["other"]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda p: p.name)
def test_every_schema_is_valid_2020_12_and_named_after_its_file(path: Path) -> None:
    text = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(text)
    assert text["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert text["$id"] == f"https://dsr.example/schemas/{path.name}"
    assert text["title"]
    assert text["description"]
    assert re.fullmatch(r"[a-z0-9_-]+\.schema\.json", path.name)
