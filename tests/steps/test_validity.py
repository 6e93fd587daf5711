"""The vectorised check against the reference implementation of JSON Schema."""

from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_sources import NOTE, PERSON, SCHEMAS

from dsr import schema
from dsr.validity import Validity

_TIMES = st.sampled_from(
    ["2026-11-20T12:00:00Z", "2026-11-20T12:00:00.123456+01:00", "2026-02-29T00:00:00Z", "2028-02-29T00:00:00Z",
     "2026-13-01T00:00:00Z", "2026-11-20 12:00:00", "2026-11-20T25:00:00Z", "2026-11-20T12:00:00", "x", "",
     "2026-04-31T00:00:00Z", "2026-11-20T12:00:00+0100", "2026-11-20T12:00:00.Z"]
)  # fmt: skip
_DAYS = st.sampled_from(
    ["2026-11-20", "2026-02-30", "2028-02-29", "2026-1-1", "", "2026-11-20T00:00:00Z", "1900-02-29"]
)
_RECORD = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(max_size=3),
        "at": st.none() | _TIMES,
        "day": st.none() | _DAYS,
        "count": st.none() | st.integers(-3, 3),
        "tags": st.none() | st.lists(st.text(max_size=2) | st.integers(0, 1), max_size=2),
        "detail": st.none() | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    },
)
_REFERENCE = {
    name: jsonschema.Draft202012Validator(SCHEMAS[name], format_checker=jsonschema.FormatChecker()) for name in SCHEMAS
}


def judged(dataset: str, records: list[dict[str, Any]]) -> Validity:
    """What the check says of a batch."""
    batch = schema.batch(dataset, [(f"n{n}", record) for n, record in enumerate(records)])
    validity = Validity(dataset, batch.schema.names)
    validity.check(batch)
    return validity


@given(st.lists(_RECORD, min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_as_the_reference_says(records: list[dict[str, Any]]) -> None:
    """As many invalid rows as jsonschema finds with formats asserted; null that isn't allowed counts as absent."""
    plain = [{k: v for k, v in record.items() if v is not None} for record in records]
    expected = sum(not _REFERENCE[NOTE].is_valid(record) for record in plain)
    validity = judged(NOTE, records)
    assert (validity.rows, validity.invalid) == (len(records), expected)
    assert validity.rules.total() == expected


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"text": "x", "at": "yesterday"}, "/properties/at/format"),
        ({"text": "x", "count": -1}, "/properties/count/minimum"),
        ({"at": "2026-11-20T12:00:00Z"}, "/required"),
        ({"text": "x", "tags": ["a", 1]}, "/properties/tags/items/type"),
    ],
)
def test_the_rule_is_named_without_the_value(record: dict[str, Any], rule: str) -> None:
    """A pointer into the schema."""
    assert judged(NOTE, [{"text": "fine"}, record]).rules == {rule: 1}


def test_a_time_with_a_line_end_is_none() -> None:
    """Which the reference's checker lets pass."""
    assert judged(NOTE, [{"text": "x", "at": "2026-11-20T12:00:00Z\n"}]).invalid == 1


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("asa@kvarn.example", True),
        ("Asa.O@kvarn.example", True),
        ("asa", False),
        ("@", False),
        ('"a b"@x.example', True),
    ],
)
def test_addresses(address: str, valid: bool) -> None:
    """Usual ones by the quick way, unusual ones by the judge."""
    assert judged(PERSON, [{"email": address}]).invalid == (not valid)


def test_a_closed_list_of_values() -> None:
    """Null too where the list names it."""
    assert judged(PERSON, [{"email": "a@b.example", "language": "sv"}, {"email": "a@b.example"}]).invalid == 0
    assert judged(PERSON, [{"email": "a@b.example", "language": "de"}]).rules == {"/properties/language/enum": 1}


def test_rules_about_the_whole_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are judged row by row."""
    seen = {"properties": {"seen": {"const": True}}, "required": ["seen"]}
    conditional = {**SCHEMAS[NOTE], "if": seen, "then": {"required": ["share"]}}
    monkeypatch.setitem(SCHEMAS, "made_up_conditional", conditional)
    records = [
        {"text": "a", "seen": True},
        {"text": "b"},
        {"text": "c", "at": "x"},
        {"text": "d", "seen": True, "share": 1},
    ]
    validity = judged("made_up_conditional", records)
    assert validity.invalid == 2


def test_numbers_that_json_does_not_have_count_as_the_package_shows_them() -> None:
    """As no value: invalid exactly where the schema asks for one."""
    whole = schema.batch(NOTE, [("1", {"text": "x", "share": 1.5}), ("2", {"text": "x", "share": 2.5})])
    at = whole.schema.get_field_index("share")
    batch = whole.set_column(at, whole.schema.field(at), pa.array([float("nan"), 1.5]))
    for required, invalid in ((["text"], 0), (["text", "share"], 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schema, "load", lambda name, must=required: {**SCHEMAS[name], "required": must})
            validity = Validity(NOTE, batch.schema.names)
            validity.check(batch)
        assert validity.invalid == invalid
