"""Parsing the package gives exactly what the source gave, types included, whatever that is.

What may differ, by the rules that `dsr.schema` states: lone surrogates are U+FFFD; null and absent are one; what the
schema doesn't name, or has another type than it says, stands under `unmapped`.
"""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from package_makers import CARD, REQUEST_ID, SCHEMAS, THING, Given, declared, packed, request

import dsr
from dsr import schema
from dsr.casefile import CaseFile, CaseStore

Record = dict[str, Any]

PROPERTIES = SCHEMAS[THING]["properties"]
PYTHON: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict
}  # fmt: skip

everything = st.characters(exclude_categories=())
"""Every code point: controls, lone surrogates, unassigned ones and those beyond the first plane."""
texts = st.text(everything, max_size=12) | st.sampled_from(
    ["", " ", "=1+1", "+46701740605", "-", "@", "\x00", "\r\n", '"', "\\", "\\u0041", "';--", "\u2028", "\ufeff",
     "null", "a\ud800b", "\udfff", "Å\u030a", "مرحبا\u202e", "👩‍👩‍👧", "{}", "]]>", "x" * 5000]
)  # fmt: skip
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.1, -0.0, 5e-324, 1.7976931348623157e308]
)
integers = st.integers() | st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**40])
keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.sampled_from(
    ["", "_source", "unmapped", "a\ud800"]
)
nested = st.recursive(
    st.none() | st.booleans() | integers | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
times = st.datetimes().map(lambda at: at.isoformat() + "Z") | st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2026-03-29T02:30:00+01:00",
     "1582-10-10T00:00:00-00:01", "2016-12-31T23:59:60Z", "in går", "", "2026-11-20T12:00:00.100000Z"]
)  # fmt: skip
days = st.dates().map(str) | st.sampled_from(["0001-01-01", "9999-12-31", "0000-00-00", "2026-02-30", "5/4/26"])
amounts = st.decimals(allow_nan=False, allow_infinity=False).map(str) | st.sampled_from(
    ["0.10", "1e3", "-0.00", "9" * 60]
)

fitting: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "text_or_null": texts,
    "amount": amounts,
    "at": times,
    "day": days,
    "whole": integers,
    "number": numbers | st.integers(),
    "yes": st.booleans(),
    "many": st.lists(nested, max_size=3),
    "nested": st.dictionaries(keys, nested, max_size=3),
    next(name for name in PROPERTIES if name.startswith("_odd")): texts,
}
records = st.fixed_dictionaries({}, optional={name: kind | nested for name, kind in fitting.items()}).flatmap(
    lambda known: st.dictionaries(keys.filter(lambda k: k not in PROPERTIES), nested, max_size=3).map(
        lambda more: {**known, **more}
    )
)


def sound(value: Any) -> Any:
    """Without lone surrogates, which UTF-8 can't carry."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [sound(item) for item in value]
    if isinstance(value, dict):
        return {sound(key): sound(item) for key, item in value.items()}
    return value


def fits(value: Any, kind: str) -> bool:
    """Whether a value has the type that the schema says, and the column can hold all of it."""
    if value is None:
        return True
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if isinstance(value, int) and kind == "integer":
        return -(2**63) <= value < 2**63
    if isinstance(value, int) and kind == "number":
        return abs(value) <= 2**53
    return isinstance(value, PYTHON[kind])


def expected(record: Record) -> Record:
    """The record as the rules say it stands in the package, without its provenance."""
    stated: Record = {}
    rest = {name: value for name, value in record.items() if name not in PROPERTIES}
    for name, definition in PROPERTIES.items():
        value = record.get(name)
        if not fits(value, schema.property_type(definition)):
            rest[name], value = value, None
        if value is not None or "null" in definition["type"]:
            stated[name] = value
    return {**sound(stated), "unmapped": sound(rest) or None}


def same(one: Any, other: Any) -> bool:
    """Equal and of the same types all the way down; a whole number may be written as 1 or 1.0, as in JSON."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and bool(one == other)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(records, max_size=6))
@example([])
@example([{}, {}])
@example([{"text": "a"}, {"whole": 1}, {"number": 1, "other": None}])
def test_what_is_parsed_is_what_was_given(given_records: list[Record]) -> None:
    """Through the case file, Arrow, JSON and ZIP; CSV holds as many rows; the package verifies as a whole."""
    rows = [(f"t{number}", record) for number, record in enumerate(given_records)]
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, bytes(32)).create(REQUEST_ID)
        case.write_json("request", request())
        source = Given(declared("things"), {CARD: [("c1", {"name": "Edla"})], THING: rows})
        package = packed(case, [source])
        path = Path(folder) / "package.zip"
        with case.reader("package") as file:
            path.write_bytes(file.read())
        with dsr.read_package(path) as contents:
            assert contents.rows[THING] == len(rows)
            assert len(contents.frames[THING]) == len(rows)
    parsed = json.loads(package.read(f"data/interactions/{THING}.json"))
    assert [record["_source_id"] for record in parsed] == [source_id for source_id, _ in rows]
    for got, (_, record) in zip(parsed, rows, strict=True):
        plain = {name: value for name, value in got.items() if name not in ("_source", "_source_id", "_extracted_at")}
        assert same(plain, expected(record)), (plain, expected(record))
        assert got["_source"] == "things"
    lines = csv.DictReader(io.StringIO(package.read(f"data/interactions/{THING}.csv").decode(), newline=""))
    assert [line["_source_id"] for line in lines] == [source_id for source_id, _ in rows]


def test_a_dataset_without_records_is_an_empty_list(case: CaseFile) -> None:
    """Which says: searched, nothing there; in CSV a header alone."""
    package = packed(case, [Given(declared("things"), {CARD: [("c1", {"name": "Edla"})], THING: []})])
    assert json.loads(package.read(f"data/interactions/{THING}.json")) == []
    assert len(package.read(f"data/interactions/{THING}.csv").decode().split("\r\n")) == 2
    assert "not complete" not in json.loads(package.read("search-report.json"))["words"]["en"]


def test_types_when_read_back(case: CaseFile, tmp_path: Path) -> None:
    """As data frames: integers are integers though some are missing, decimals and times are such."""
    pandas = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    rows = [
        ("t1", {"whole": 2**53 + 1, "number": 0.1, "yes": True, "amount": "0.10",
                "at": "2026-11-20T12:00:00.123456+01:00", "day": "0001-01-01", "many": [1, "a"], "nested": {"a": None},
                "text": "Å"}),
        ("t2", {"whole": None, "amount": "-12345678901234567890.5", "day": "9999-12-31"}),
    ]  # fmt: skip
    packed(case, [Given(declared("things"), {CARD: [("c1", {})], THING: rows})])
    path = tmp_path / "package.zip"
    with case.reader("package") as file:
        path.write_bytes(file.read())
    with dsr.read_package(path) as contents:
        frame = contents.frames[THING]
        assert list(contents.texts(THING)["amount"]) == ["0.10", "-12345678901234567890.5"]
    assert frame["whole"].iloc[0] == 2**53 + 1
    assert pandas.isna(frame["whole"].iloc[1])
    arrow = {
        name: frame[name].dtype.pyarrow_dtype for name in ("whole", "number", "yes", "amount", "at", "day", "text")
    }
    assert (arrow["whole"], arrow["number"], arrow["yes"]) == (pa.int64(), pa.float64(), pa.bool_())
    assert pa.types.is_decimal(arrow["amount"])
    assert pa.types.is_timestamp(arrow["at"])
    assert pa.types.is_date(arrow["day"])
    assert arrow["text"] == pa.string()
    assert [str(day) for day in frame["day"]] == ["0001-01-01", "9999-12-31"]
    assert (frame["many"].iloc[0], frame["nested"].iloc[0]) == ([1, "a"], {"a": None})
