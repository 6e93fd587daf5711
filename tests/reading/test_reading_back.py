"""What was put into a package comes out of it, types included."""

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_packages import ENTRIES, LEDGER, PUBLIC_KEY, WAV, of_entries, source, written
from made_up_sources import AT, NOTE, PERSON, REQUEST_ID, Fake

import dsr
from dsr import schema
from dsr.casefile import CaseFile
from dsr.model import Found, Piece, Rows
from dsr.reading.columns import columns

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "at": st.none() | st.datetimes(timezones=OFFSETS).map(lambda at: at.isoformat()),
            "day": st.none() | st.dates().map(str),
            "amount": st.none() | st.decimals(allow_nan=False, allow_infinity=False).map(str),
            "count": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**30), 10**30) | ANY_TEXT,
            "share": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
            "paid": st.none() | st.booleans(),
            "text": st.none() | ANY_TEXT,
            "state": st.sampled_from(["open", "closed", None]),
            "lines": st.none() | st.lists(NESTED, max_size=3),
            "detail": st.none() | st.dictionaries(st.text(max_size=3), NESTED, max_size=3),
            "extra": NESTED.filter(lambda value: value is not None),
        },
    ),
    max_size=8,
)


def read(path: Path) -> dict[str, list[Any]]:
    """The ledger's columns as Python values, and as texts under another name."""
    with dsr.read_package(path, public_key=PUBLIC_KEY) as contents:
        frame, texts = contents.frames[LEDGER], contents.texts(LEDGER)
    columns = {name: values(frame[name]) for name in frame.columns}
    return columns | {f"{name} as text": values(texts[name]) for name in texts.columns}


def values(series: "pd.Series[Any]") -> list[Any]:
    """Python values, null as None."""
    if series.dtype == object:
        return list(series)
    return pa.chunked_array(series.array.__arrow_array__()).to_pylist()


def whole(value: Any) -> Any:
    """The value with lone surrogates replaced, which no UTF-8 file can hold."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and true are not the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def instants(texts: list[str | None]) -> list[Any]:
    """What a column of times must read as."""
    try:
        return [None if text is None else dt.datetime.fromisoformat(text).astimezone(dt.UTC) for text in texts]
    except OverflowError:
        return texts


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS)
def test_records_come_back_exactly(records: list[dict[str, Any]]) -> None:
    """Unicode, surrogates, decimals, extreme dates, big integers, nested values, differing keys, none at all."""
    columns = of_entries([(f"l{n}", record) for n, record in enumerate(records)], read) if records else {}
    for name in ("text", "lines", "detail", "state", "day", "at", "amount"):
        given_values = [whole(record.get(name)) for record in records]
        read_as = columns.get(f"{name} as text", [])
        assert all(map(same, read_as, given_values)), name
    texts = {name: [record.get(name) for record in records] for name in ("at", "day", "amount")}
    assert columns.get("at", []) == instants(texts["at"])
    assert columns.get("day", []) == [text and dt.date.fromisoformat(text) for text in texts["day"]]
    for text, value in zip(texts["amount"], columns.get("amount", []), strict=True):
        assert value == (Decimal(text) if text is not None and isinstance(value, Decimal) else text)
    for number, record in enumerate(records):
        count, unmapped = record.get("count"), {}
        if count is not None and not (isinstance(count, int) and -(2**63) <= count < 2**63):
            unmapped["count"] = whole(count)
            count = None
        assert same(columns["count"][number], count)
        share = record.get("share")
        assert same(columns["share"][number], share if share is None else float(share))
        assert same(columns["paid"][number], record.get("paid"))
        if "extra" in record:
            unmapped["extra"] = whole(record["extra"])
        assert same(columns["unmapped"][number], unmapped or None)


@pytest.mark.parametrize(
    ("field", "texts", "kind"),
    [
        ("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", None], "timestamp[us, tz=UTC]"),
        ("at", ["0001-01-01T00:00:00+14:00"], "string"),
        ("at", ["2026-11-20T12:00:00.123456789+01:00"], "timestamp[ns, tz=UTC]"),
        ("at", ["9999-12-31T23:59:59.123456789Z"], "string"),
        ("at", ["2026-11-20T12:00:00Z", "in går"], "string"),
        ("at", ["2016-12-31T23:59:60Z"], "string"),
        ("at", ["2026-11-20T12:00:00"], "string"),
        ("at", [None, None], "timestamp[us, tz=UTC]"),
        ("day", ["0001-01-01", "9999-12-31"], "date32[day]"),
        ("day", ["2026-02-30", "2026-02-01"], "string"),
        ("day", ["0000-12-31"], "string"),
        ("amount", ["10.50", "-0.001", "7", None], "decimal128(5, 3)"),
        ("amount", ["12345678901234567890123456789012345678901234.5"], "decimal256(45, 1)"),
        ("amount", ["1E+3", "0.5"], "decimal128(5, 1)"),
        ("amount", ["1" * 77], "string"),
        ("amount", ["NaN"], "string"),
        ("amount", ["1_000"], "string"),
        ("amount", ["1E-100"], "string"),
    ],
)
def test_a_column_is_typed_only_when_all_of_it_fits(field: str, texts: list[str | None], kind: str) -> None:
    """Nothing is lost, cut or rounded for the sake of a type; else the whole column stays text."""

    def check(path: Path) -> None:
        with dsr.read_package(path) as contents:
            frame = contents.frames[LEDGER]
            arrow = frame[field].array.__arrow_array__()
            assert str(arrow.type) == kind
            assert values(contents.texts(LEDGER)[field]) == texts
            if kind == "string":
                assert arrow.to_pylist() == texts
            repr(frame)

    of_entries([(f"l{n}", {field: text}) for n, text in enumerate(texts)], check)


def test_what_the_package_is_about(case: CaseFile, tmp_path: Path) -> None:
    """The reports, the sizes and the attachments beside the frames."""
    path = written(case, tmp_path, source())
    with dsr.read_package(path, public_key=PUBLIC_KEY) as contents:
        assert contents.verified == "signed"
        assert contents.request_id == REQUEST_ID
        assert contents.right == "access"
        assert contents.made_at == AT
        assert contents.complete
        assert contents.missing == ()
        assert set(contents.frames) == {PERSON, NOTE, LEDGER}
        assert contents.rows == {PERSON: 1, NOTE: 1, LEDGER: len(ENTRIES)}
        assert contents.source(LEDGER) == "salesforce"
        assert contents.search_report["complete"] is True
        assert contents.decisions["request_id"] == REQUEST_ID
        assert contents.processing is not None
        assert contents.neutralised.cells[f"data/interactions/{NOTE}.csv"] == 1
        assert contents.frames[NOTE]["unmapped"][0] == {"extra": {"deep": [1]}}
        (attachment,) = contents.attachments
        assert attachment.title == "Samtal med Åsa.wav"
        with contents.open(attachment) as stream:
            assert stream.read() == WAV
        shown = repr(contents) + repr(contents.attachments) + repr(contents.frames)
        assert not any(text in shown for text in ("Åsa", "kvarn", "4670"))


def test_missing_sources_are_named(case: CaseFile, tmp_path: Path) -> None:
    """A package that isn't complete says so where one looks first."""
    path = written(case, tmp_path, source(), unconnected=["webinars"])
    with dsr.read_package(path) as contents:
        assert (contents.complete, contents.missing, contents.verified) == (False, ("webinars",), "hashed")
        assert "NOT COMPLETE, missing: webinars" in repr(contents)


def test_many_records_in_a_stream(case: CaseFile, tmp_path: Path) -> None:
    """More than one piece, and a value late in the file that changes the column's type."""
    many = [(f"l{n}", {"count": n, "at": f"2026-11-20T12:00:00.{n:06}+01:00", "text": "å" * 50}) for n in range(17_000)]
    many[-1][1]["at"] = "nyss"

    class Big(Fake):
        def extract(self, found: Found) -> Iterator[Piece]:
            yield Rows(REQUEST_ID, LEDGER, schema.batch(LEDGER, many))

    big = Big(source().declaration, source().people)
    with dsr.read_package(written(case, tmp_path, big)) as contents:
        frame = contents.frames[LEDGER]
        assert values(frame["count"]) == list(range(17_000))
        assert values(frame["at"]) == [record["at"] for _, record in many]


@pytest.mark.parametrize("number", [10**400, -(10**400), 2**53 + 1])
def test_a_number_that_no_float_holds_makes_the_column_python_s(number: int) -> None:
    """With all its digits."""
    made = columns([{"share": 1.5}, {"share": number}], {"properties": {"share": {"type": "number"}}})
    assert made == {"share": [1.5, number]}


@pytest.mark.parametrize("share", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_leave_the_package_readable(
    case: CaseFile, tmp_path: Path, share: float
) -> None:
    """They come back as text, beside what else they stood with."""
    given_source = source()
    given_source.rows = {NOTE: [("1", {"text": "a", "share": share, "detail": {"x": share, "y": "\ud800"}})]}
    text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(share)]
    with dsr.read_package(written(case, tmp_path, given_source)) as contents:
        frame = contents.frames[NOTE]
        assert frame["unmapped"][0] == {"share": text}
        assert frame["detail"][0] == {"x": text, "y": "\ufffd"}
