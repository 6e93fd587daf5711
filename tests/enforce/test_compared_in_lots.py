"""What remains is the same in whatever batches rows come, and finding it costs no more per row of a large subject."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_sources import NOTE

from dsr import plan, remaining, schema
from dsr.remaining import Compared, Sought, compare
from dsr.traces import Traces
from dsr.version import versions

GONE, SAME, OTHER = range(3)
Record = tuple[str, int]
"""Effect, and how the record is now."""
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(("erase", "anonymise", "restrict", "rectify", "keep")), st.sampled_from((GONE, SAME, OTHER))
    )
)


def rows(records: list[tuple[str, str]]) -> pa.RecordBatch:
    """Notes by id and text."""
    batch: pa.RecordBatch = schema.batch(NOTE, [(i, {"text": text}) for i, text in records])
    return batch


def compared(records: list[Record], at_once: int, *, backwards: bool = False) -> Compared:
    """Planned so, and read again in batches of `at_once`, with one that was not there before."""
    ids = [f"n{number}" for number in range(len(records))]
    before = versions(rows([(i, "before") for i in ids]), NOTE).to_pylist()
    lines = [
        {"_source_id": i, "version": version, "effect": effect, "ground": "", "until": None, "reason": ""}
        for i, version, (effect, _) in zip(ids, before, records, strict=True)
    ]
    now = [(i, "before" if state == SAME else "other") for i, (_, state) in zip(ids, records, strict=True) if state]
    now = [*(now[::-1] if backwards else now), ("new", "new")]
    read = [rows(now[start : start + at_once]) for start in range(0, len(now), at_once)]
    planned = [pa.RecordBatch.from_pylist(lines[start : start + 7], plan.COLUMNS) for start in range(0, len(lines), 7)]
    sought = Sought("crm", NOTE, Traces((), ()), corrections={"text": "other"}, strict=True)
    return compare(sought, lambda: iter(planned), lambda: iter(read))


@given(RECORDS, st.integers(1, 20), st.booleans())
def test_in_whatever_batches_rows_come(records: list[Record], at_once: int, backwards: bool) -> None:
    found, whole = compared(records, at_once, backwards=backwards), compared(records, 1000)
    assert (found.remaining, found.right, found.unseen) == (whole.remaining, whole.right, whole.unseen)
    assert sorted(found.there) == sorted(whole.there)
    wrong = {f"n{n}" for n, (effect, state) in enumerate(records) if (effect, state) in WRONG}
    assert set(found.there) == wrong
    assert any(left.reason == "not_planned" and left.count == 1 for left in found.remaining)


WRONG = {("erase", SAME), ("erase", OTHER), ("anonymise", SAME)}
"""Records that should be gone or anonymous and are not."""


@pytest.mark.parametrize("long", [False, True])
def test_of_ten_times_as_many_no_row_costs_more(monkeypatch: pytest.MonkeyPatch, *, long: bool) -> None:
    """The plan's ids are hashed some times in all, not once a batch; rows that are long are not held all the same."""
    hashed = 0
    index_in = remaining.pc.index_in

    def counted(values: Any, *, value_set: Any) -> Any:
        nonlocal hashed
        hashed += len(value_set)
        return index_in(values, value_set=value_set)

    monkeypatch.setattr(remaining.pc, "index_in", counted)
    if long:
        monkeypatch.setattr(remaining, "_BYTES", 1)
    per_row = []
    for count in (1_000, 10_000):
        hashed = 0
        compared([("keep", SAME)] * count, 10)
        per_row.append(hashed / count)
    assert (per_row[1] <= 20) is not long
