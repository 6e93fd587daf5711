"""JSON and CSV built from columns: the same as the usual way gives, for any value."""

import csv
import io
import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_sources import NOTE

from dsr import schema, tabular
from dsr.jsontext import embeddable, parse

STAMP = "2026-11-20T12:00:00Z"
_TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['=1+1', "+46 70 174 06 05", "+46-70", "-5", "@x", "\tx", "\rx", "\x00x", 'a"b', "\\", "a\nb", "å,ä;ö", "", "'",
     "-3.50", "-3.50\n", "-3.", "-1-1", "-\u0663", "\x1f", "=cmd|'/C calc'!A0", "\u202eabc", "😀", "null"]
)  # fmt: skip
_NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_RECORD = st.fixed_dictionaries(
    {"text": _TEXT},
    optional={
        "at": _TEXT,
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "seen": st.none() | st.booleans(),
        "tags": st.none() | st.lists(_TEXT, max_size=3),
        "detail": st.none() | st.dictionaries(_TEXT, _NESTED, max_size=3),
        '_odd "name"': st.none() | _TEXT,
        "surprise": _NESTED,
    },
)


def as_json(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Through the columns to JSON and back."""
    batch = schema.batch(NOTE, [(f"n{n}", record) for n, record in enumerate(records)])
    text = bytes(tabular.json_text(batch, NOTE, "salesforce", STAMP)).decode()
    value: list[dict[str, Any]] = json.loads("[" + text.rstrip(",") + "]")
    return value


def as_csv(records: list[dict[str, Any]]) -> tuple[list[dict[str, str]], int]:
    """Through the columns to CSV and back."""
    batch = schema.batch(NOTE, [(f"n{n}", record) for n, record in enumerate(records)])
    text, count = tabular.csv_text(batch, "salesforce", STAMP)
    raw = (tabular.csv_header(batch.schema.names[1:]) + bytes(text)).decode()
    return list(csv.DictReader(io.StringIO(raw, newline=""), strict=True)), count


def shown(number: int, record: dict[str, Any]) -> dict[str, Any]:
    """A record as the package must show it."""
    fields = schema.load(NOTE)["properties"]
    own: dict[str, Any] = {"_source": "salesforce", "_source_id": f"n{number}", "_extracted_at": STAMP}
    for name in fields:
        value = record.get(name)
        if value is not None or name not in ("text", "share"):
            own[name] = value
    own["unmapped"] = {k: v for k, v in record.items() if k not in fields} or None
    return own


@given(st.lists(_RECORD, min_size=1, max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_json_is_faithful(records: list[dict[str, Any]], same: bool) -> None:
    """Parsing gives the records back, types, nulls and nested values included; also where rows are alike."""
    records = records[:1] * len(records) if same else records
    assert as_json(records) == [shown(number, record) for number, record in enumerate(records)]


@given(st.lists(_RECORD, min_size=1, max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_csv_says_the_same_and_starts_no_formula(records: list[dict[str, Any]], same: bool) -> None:
    """Each text cell is the text, or the text behind an apostrophe; the count is right."""
    records = records[:1] * len(records) if same else records
    read, count = as_csv(records)
    seen = 0
    for number, (row, record) in enumerate(zip(read, records, strict=True)):
        assert row["_source_id"] == f"n{number}"
        for name in ("text", "at", '_odd "name"'):
            text = record.get(name) or ""
            harmless = re.fullmatch(r"\+[0-9 ]{6,18}|-?[0-9]+(\.[0-9]+)?", text)
            risky = text[:1] in set("=+-@\t\r\x00") and not harmless and text != ""
            seen += risky
            assert row[name] == ("'" + text if risky else text)
        for name in ("tags", "detail", "unmapped"):
            expected = shown(number, record)[name]
            assert (json.loads(row[name]) if row[name] else None) == expected
        assert row["count"] == ("" if record.get("count") is None else str(record["count"]))
        assert row["seen"] == {None: "", True: "true", False: "false"}[record.get("seen")]
    assert count == seen


def test_null_and_empty_text_differ_in_csv() -> None:
    """An empty cell in quotes is an empty text."""
    batch = schema.batch(NOTE, [("a", {"text": "x", "at": ""}), ("b", {"text": "x"})])
    lines = bytes(tabular.csv_text(batch, "s", STAMP)[0]).decode().split("\r\n")
    assert lines[0] == f'"s","a","{STAMP}","x","",,,,,,,,'
    assert lines[1] == f'"s","b","{STAMP}","x",,,,,,,,,'


@pytest.mark.parametrize(("number", "text"), [("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")])
def test_numbers_that_json_does_not_have(number: str, text: str) -> None:
    """They are kept as text, where the schema's type isn't broken; inside nested values too, whatever is beside."""
    value = float(number)
    (row,) = as_json([{"text": "x", "share": value}])
    assert "share" not in row
    assert row["unmapped"] == {"share": text}
    for beside, shown_beside in ((1, 1), (None, None), (2**80, 2**80), ("\ud800", "\ufffd")):
        (row,) = as_json([{"text": "x", "detail": {"a": [value, 1.5], "b": beside}}])
        assert row["detail"] == {"a": [text, 1.5], "b": shown_beside}


def test_a_source_s_own_columns_with_such_numbers() -> None:
    """A field that may not be null is left out; the CSV file tells."""
    whole = schema.batch(NOTE, [("1", {"text": "x", "share": 1.5}), ("2", {"text": "x", "share": 1.5})])
    at = whole.schema.get_field_index("share")
    batch = whole.set_column(at, whole.schema.field(at), pa.array([float("nan"), 1.5]))
    rows = json.loads("[" + bytes(tabular.json_text(batch, NOTE, "s", STAMP)).decode().rstrip(",") + "]")
    assert [row.get("share") for row in rows] == [None, 1.5]
    assert "share" not in rows[0]
    assert b",nan," in bytes(tabular.csv_text(batch, "s", STAMP)[0])


def test_numbers_in_text_stay_numbers_for_spreadsheets() -> None:
    """Money is kept as text, and credit notes are negative."""
    read, count = as_csv([{"text": "-3.50"}, {"text": "-12"}, {"text": "-3.50+1"}])
    assert ([row["text"] for row in read], count) == (["-3.50", "-12", "'-3.50+1"], 1)
    assert "^-?[0-9]+([.][0-9]+)?$" in tabular.NEUTRALISED


def test_an_empty_batch() -> None:
    """No rows, no text."""
    batch = schema.batch(NOTE, [])
    assert bytes(tabular.json_text(batch, NOTE, "s", STAMP)) == b""
    assert bytes(tabular.csv_text(batch, "s", STAMP)[0]) == b""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud800"', "\ufffd"),
        ("not json", "not json"),
        ("NaN", "NaN"),
        ("", ""),
    ],
)
def test_cells_of_json_text(text: str, value: Any) -> None:
    """Sound JSON as it is, all else so that any parser takes it."""
    assert json.loads(embeddable(text)) == value


@given(_NESTED)
def test_json_text_is_parsed_as_python_does(value: Any) -> None:
    """Whoever reads it."""
    assert embeddable(json.dumps(value, ensure_ascii=False)) == json.dumps(value, ensure_ascii=False)
    if not _is_big(value):
        assert parse(json.dumps(value)) == value


def _is_big(value: Any) -> bool:
    """Whether it holds integers beyond 64 bits, which a fast parser reads as floats."""
    if isinstance(value, dict):
        return any(_is_big(v) for v in value.values())
    if isinstance(value, list):
        return any(_is_big(v) for v in value)
    return isinstance(value, int) and not -(2**63) <= value < 2**64
