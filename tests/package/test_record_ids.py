"""Ids that repeat are found without keeping the ids, and two ids with one hash are not taken for one."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from package_makers import CARD

from dsr import recordids, rows, schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError

ids = st.lists(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=3), max_size=8), max_size=5
)


@settings(deadline=None)
@given(ids)
def test_found_if_and_only_if_one_occurs_twice(pieces: list[list[str]]) -> None:
    """In one piece or in two."""
    arrays = [pa.array(piece, pa.string()) for piece in pieces]
    gathered = recordids.RecordIds()
    for array in arrays:
        gathered.add(array)
    every = [text for piece in pieces for text in piece]
    suspects = gathered.suspects()
    assert bool(len(suspects) and recordids.repeats(arrays, suspects)) == (len(set(every)) < len(every))


def test_many_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that repeats far apart among many."""
    monkeypatch.setattr(recordids, "_AT_ONCE", 1000)
    for repeated in (False, True):
        gathered = recordids.RecordIds()
        for start in range(0, 20_000, 500):
            gathered.add(pa.array([str(number) for number in range(start, start + 500)]))
        if repeated:
            gathered.add(pa.array(["17"]))
        assert len(gathered.suspects()) == repeated


@pytest.fixture
def one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """All ids have the same hash."""
    monkeypatch.setattr(recordids, "hash", lambda text: 1, raising=False)


def _write(case: CaseFile, *given_ids: str) -> None:
    with rows.RowsWriter(case, "crm") as writer:
        for source_id in given_ids:
            writer.add(CARD, schema.batch(CARD, [(source_id, {"name": "Edla"})]))


def test_two_ids_with_one_hash_are_two(case: CaseFile, one_hash: None) -> None:
    """The ids themselves decide then."""
    _write(case, "a", "b", "c")
    assert sum(batch.num_rows for batch in rows.batches(case, "crm", CARD)) == 3


def test_what_repeats_leaves_no_rows(case: CaseFile) -> None:
    """An error, and nothing half-good in the case file."""
    with pytest.raises(PermanentError) as error:
        _write(case, "a", "b", "a")
    assert error.value.code == "record.duplicate"
    assert case.names("rows/") == []
