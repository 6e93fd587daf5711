"""Which kept records go, whatever was noted, read and said of them: a pure decision, so any combination."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_records import AT

from dsr.bonds import PARENT_ABSENT
from dsr.kept import Kept, Signs
from dsr.steps.end_retention.deciding import Decided, Seen, decide

LAW, DAY = "gdpr:JustificationA17LegallyRequired", date(2033, 12, 31)
NOTED, OTHER = Signs(b"1", {}, {"text": "a"}), Signs(b"2", {}, {"text": "b"})
EMPTIED = Signs(b"3", {}, {})
OUTCOMES = ("going", "anew", "refused", "unclear", "by_hand", "expires")


def record(number: int, **more: Any) -> Kept:
    """A record as it was noted."""
    return replace(Kept("note", LAW, "retention.duty", DAY, "d" * 64, AT, str(number), NOTED), **more)


def read(number: int, effect: str = "erase", **more: Any) -> Seen:
    """The same as it reads now."""
    bond = (LAW, date(2040, 1, 1), "retention.duty") if effect == "restrict" else ("gdpr:A17", None, "")
    return replace(Seen("note", effect, *bond, False, str(number), "v", NOTED), **more)


def decided(kept: list[Kept], seen: list[Seen], due: set[int] | None = None, **more: Any) -> Decided:
    """All of them due, unless said."""
    known = {k.key: k for k in kept}
    wanted = set(known) if due is None else {("note", str(n)) for n in due}
    given_ = {"at": AT, "ours": False, "stopped": False, "confirmed": False, **more}
    return decide(known, wanted, {(s.dataset, s.record_id): s for s in seen}, **given_)


def of(found: Decided, number: int) -> str:
    """What became of one; "" = nothing."""
    return next((name for name in OUTCOMES if ("note", str(number)) in getattr(found, name)), "")


@pytest.mark.parametrize(
    ("kept", "seen", "more", "became"),
    [
        ({}, {}, {}, "going"),
        ({}, {"signs": OTHER}, {}, "refused"),
        ({}, {"signs": OTHER}, {"confirmed": True}, "going"),
        ({}, {"signs": OTHER, "older": True}, {}, "going"),
        ({}, {"signs": EMPTIED}, {}, "refused"),
        ({}, {"signs": EMPTIED}, {"ours": True}, "going"),
        ({}, {"signs": OTHER}, {"ours": True}, "refused"),
        ({"asked_at": AT}, {"signs": EMPTIED}, {}, "going"),
        ({"asked_at": AT}, {"signs": OTHER}, {}, "refused"),
        ({"asked_at": AT}, {"signs": OTHER, "effect": "anonymise"}, {}, "going"),
        ({}, {}, {"stopped": True}, "refused"),
        ({}, {}, {"stopped": True, "confirmed": True}, "going"),
        ({}, {"effect": "manual"}, {}, "by_hand"),
        ({}, {"effect": "expire"}, {}, "by_hand"),
        ({"reason": "hold.legal"}, {"effect": "expire"}, {}, "expires"),
        ({}, {"effect": "restrict", "until": None, "reason": "retention.undated"}, {"confirmed": True}, "unclear"),
        ({}, {"effect": "restrict", "until": None, "reason": "hold.legal"}, {"confirmed": True}, "anew"),
        ({}, {"effect": "restrict", "until": None, "reason": PARENT_ABSENT}, {}, "unclear"),
        ({"asked_at": AT}, {"effect": "restrict", "until": None, "reason": PARENT_ABSENT}, {}, "going"),
        ({"signs": Signs()}, {}, {}, "refused"),
    ],
)
def test_one_record(kept: dict[str, Any], seen: dict[str, Any], more: dict[str, Any], became: str) -> None:
    assert of(decided([record(1, **kept)], [read(1, **seen)], **more), 1) == became


def test_kept_on_is_noted_anew() -> None:
    """With its new ground and day; and, as it surely is the same, with what it reads like now."""
    found = decided([record(1, signs=OTHER)], [read(1, "restrict", older=True)])
    assert found.anew[("note", "1")] == record(1, until=date(2040, 1, 1))
    unsure = decided([record(1, signs=OTHER)], [read(1, "restrict")])
    assert unsure.anew[("note", "1")] == record(1, signs=OTHER, until=date(2040, 1, 1))


@pytest.mark.parametrize(
    ("part", "due", "more", "became"),
    [
        (read(2), True, {}, "going"),
        (read(2, signs=OTHER), True, {}, "refused"),
        (read(2, "restrict"), True, {}, "anew"),
        (read(2, "restrict", until=None, reason="retention.undated"), True, {}, "unclear"),
        (read(2, "manual"), True, {}, "refused"),
        (read(2), False, {}, "anew"),
        (read(3), None, {}, "refused"),
        (read(3), None, {"confirmed": True}, "going"),
        (read(3, "manual"), None, {"confirmed": True}, "refused"),
        (read(3, "restrict"), None, {"confirmed": True}, "anew"),
    ],
)
def test_a_whole_goes_with_its_parts(part: Seen, due: bool | None, more: dict[str, Any], became: str) -> None:
    """due: None = the part came in since, and nobody noted it."""
    kept = [record(1)] if due is None else [record(1), record(2, until=date(2041, 1, 1))]
    whole = ("note", "k1")
    found = decided(kept, [read(1, whole=whole), replace(part, whole=whole)], {1, 2} if due else {1}, **more)
    assert of(found, 1) == became
    if became == "going":
        assert of(found, int(part.record_id)) == "going"


_RECORDS = st.integers(0, 6).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.builds(record, st.just(n), asked_at=st.none() | st.just(AT), signs=st.sampled_from([NOTED, Signs()])),
        st.builds(
            read,
            st.just(n),
            st.sampled_from(["erase", "anonymise", "restrict", "manual", "expire"]),
            signs=st.sampled_from([NOTED, OTHER, EMPTIED]),
            older=st.booleans(),
            whole=st.sampled_from([None, ("note", "a"), ("note", "b")]),
        ),
        st.sampled_from(["due", "kept", "new", "gone"]),
    )
)


@given(
    records=st.lists(_RECORDS, unique_by=lambda r: r[0], min_size=1),
    ours=st.booleans(),
    stopped=st.booleans(),
    confirmed=st.booleans(),
)
def test_any_records(records: list[Any], ours: bool, stopped: bool, confirmed: bool) -> None:
    kept = [k for _, k, _, how in records if how != "new"]
    seen = {n: s for n, _, s, how in records if how != "gone"}
    due = {n for n, _, _, how in records if how in ("due", "gone")}
    found = decided(kept, list(seen.values()), due, ours=ours, stopped=stopped, confirmed=confirmed)
    places = {n: [name for name in OUTCOMES if ("note", str(n)) in getattr(found, name)] for n, *_ in records}
    for number, _, _, how in records:
        assert len(places[number]) == (1 if how == "due" else 0) or (confirmed and how == "new"), (how, places)
    going = {n for n, names in places.items() if "going" in names}
    for number in going:
        assert seen[number].effect in ("erase", "anonymise")
        assert found.going["note", str(number)] == seen[number].effect
        assert confirmed or (("note", str(number)) in found.same and not stopped)
        family = {n for n, s in seen.items() if s.whole is not None and s.whole == seen[number].whole}
        assert family <= going
    for key, anew in found.anew.items():
        assert anew.until is not None
        assert key not in found.going
