"""The version of a record: changes with any value, and with nothing else."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr import schema
from dsr.version import versions

VALUES = st.none() | st.text(max_size=8)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
RECORD = st.fixed_dictionaries(
    {"Subject": VALUES, "Description": VALUES, "Odd": NESTED, "IsDeleted": st.none() | st.booleans()}
)
ROWS = st.lists(st.tuples(st.text(min_size=1, max_size=4), RECORD), min_size=1, max_size=8)


def hashes(rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    found: list[str] = versions(schema.batch("salesforce_task", rows), "salesforce_task").to_pylist()
    return found


@given(ROWS)
def test_alone_or_among_others(rows: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever batch a record comes in, hostile text too."""
    assert hashes(rows) == [hashes([row])[0] for row in rows]


@given(RECORD, RECORD)
def test_two_records_are_alike_iff_their_versions_are(one: dict[str, Any], two: dict[str, Any]) -> None:
    batch = schema.batch("salesforce_task", [("1", one), ("1", two)])
    alike = batch.slice(0, 1).to_pylist() == batch.slice(1, 1).to_pylist()
    assert len(set(hashes([("1", one), ("1", two)]))) == (1 if alike or _reordered(batch) else 2)


def _reordered(batch: Any) -> bool:
    """The same but for the order of keys, which says nothing."""
    import json

    first, second = batch.to_pylist()
    nested = [json.loads(row.pop("unmapped") or "null") for row in (first, second)]
    return bool(first == second and json.dumps(nested[0], sort_keys=True) == json.dumps(nested[1], sort_keys=True))


def test_the_id_is_part_of_it() -> None:
    assert len(set(hashes([("1", {"Subject": "x"}), ("2", {"Subject": "x"})]))) == 2


@pytest.mark.parametrize(
    "text", ['\n{"_source":"","_source_id":', '"},\n{"_source":"","_source_id":"2"', "\x00", "\r\n"]
)
def test_text_that_looks_like_a_line(text: str) -> None:
    rows = [("1", {"Subject": text}), ("2", {"Odd": {text: text}}), ("3", {})]
    assert len(set(hashes(rows))) == 3


@pytest.mark.slow
def test_a_hundred_thousand_a_second() -> None:
    rows = [
        (f"00T{n:015d}", {"Subject": f"Ring {n}", "Description": "Text " * 10, "Status": "Completed"})
        for n in range(16_000)
    ]
    batch = schema.batch("salesforce_task", rows)
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        versions(batch, "salesforce_task")
        best = min(best, time.process_time() - start)
    assert len(rows) / best > 50_000, f"{len(rows) / best:.0f} a second"
