"""The comparison of two states: exactly what differs, whatever it is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sandbox.comparison import Change, difference
from sandbox.entries import Entry, owners, shortened
from sandbox.people import Truth

_CONTENT = st.dictionaries(
    st.sampled_from(["a", "b", "ö"]), st.one_of(st.none(), st.integers(0, 2), st.text(max_size=3))
)
_STATE = st.dictionaries(
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["k", "l"]), st.text(max_size=3)),
    st.tuples(_CONTENT, st.booleans()),
    max_size=8,
)


def _lines(state: dict[tuple[str, str, str], tuple[dict[str, object], bool]]) -> list[str]:
    return [Entry(*key, content, "canary", deleted).line() for key, (content, deleted) in sorted(state.items())]


@given(_STATE, _STATE)
def test_every_difference_and_nothing_else(before: dict, after: dict) -> None:  # type: ignore[type-arg]
    found = {(c.system, c.kind, c.id): c for c in difference(_lines(before), reversed(_lines(after)))}
    assert set(found) == {k for k in {**before, **after} if before.get(k) != after.get(k)}
    for key, change in found.items():
        if key not in before:
            assert (change.what, change.fields) == ("added", tuple(sorted(after[key][0])))
        elif key not in after:
            assert (change.what, change.fields) == ("removed", tuple(sorted(before[key][0])))
        else:
            (one, binned), (other, binned_now) = before[key], after[key]
            wanted = {f for f in {**one, **other} if (f in one, one.get(f)) != (f in other, other.get(f))}
            wanted |= {"deleted"} if binned != binned_now else set()
            assert (change.what, change.fields) == ("changed", tuple(sorted(wanted)))


def test_lines_are_canonical() -> None:
    line = Entry("s", "k", "1", {"b": 1, "a": "å"}).line()
    assert line == '{"content":{"a":"å","b":1},"deleted":false,"id":"1","kind":"k","system":"s"}\n'
    assert json.loads(Entry("s", "k", "1", {}, "p", True).line())["person"] == "p"
    assert difference([line, "\n"], [line.strip()]) == []
    assert difference([line], []) == [Change("s", "k", "1", "", "removed", ("a", "b"))]


def test_long_texts_are_told_by_their_hash() -> None:
    assert shortened({"a": [{"b": "x" * 5000}], "c": "y"})["a"][0]["b"]["length"] == 5000


def test_owners_of_a_shared_record() -> None:
    truths = [Truth("b", "d", "1", {}), Truth("a", "d", "1", {}, "never"), Truth("c", "d", "2:name", {}, "withheld")]
    assert owners(truths) == {"1": "a,b", "2:name": "c", "2": "c"}
