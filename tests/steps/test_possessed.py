"""A number that only a form states leads on when they have shown that they hold the phone, and never to what a record
shows to be another's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_records import ASA, MOBILE, SWITCHBOARD, seen, settle, worlds
from made_up_sources import email, phone

from dsr.evidence import Sighting, agrees, is_common
from dsr.findings import THEIRS, explained
from dsr.identity import Decision, decide
from dsr.model import Identifier

HELD = frozenset({MOBILE})
FORM = seen("form", "Åsa Öhrnqvist", ASA, MOBILE, source="pardot", unchecked=True)
CALL = seen("call", "", MOBILE, source="recordings")
BIRGER = email("birger@kvarn.example")


def ids(decision: Decision) -> set[str]:
    return {s.match.record_id for s in decision.theirs}


def test_the_call_is_theirs_once_they_have_shown_that_they_hold_the_phone() -> None:
    before, after = settle(ASA, [FORM, CALL]), settle(ASA, [FORM, CALL], HELD)
    assert (ids(before), ids(after)) == ({"form"}, {"form", "call"})
    assert (before.stated, before.provable, before.proven) == (HELD, HELD, frozenset())
    assert (after.stated, after.provable, after.proven) == (frozenset(), frozenset(), HELD)
    finding = explained(ASA, after, CALL)
    assert (finding.verdict, finding.codes) == (THEIRS, ("phone.proven", "no_name"))
    assert not finding.decidable


def test_a_checked_record_is_enough_by_itself() -> None:
    """What a record vouches for isn't said to rest on the proof."""
    world = [seen("c", "Åsa Öhrnqvist", ASA, MOBILE), CALL]
    assert settle(ASA, world, HELD) == settle(ASA, world)
    assert settle(ASA, world, HELD).proven == frozenset()


@pytest.mark.parametrize(("other", "shown"), [
    (seen("b", "Birger Qvarnsträng", BIRGER, MOBILE), {"form"}),
    (seen("b", "Birger Qvarnsträng", MOBILE), {"form"}),
    (seen("b", "", BIRGER, MOBILE), {"form"}),
    (seen("b", "Åsa Öhrnqvist", BIRGER, MOBILE), {"form"}),
    (seen("b", "Birger Qvarnsträng", BIRGER, MOBILE, source="webinars", unchecked=True), {"form"}),
    (seen("b", "Åsa Öhrnqvist", MOBILE), {"form", "call", "b"}),
])  # fmt: skip
def test_a_number_that_others_are_seen_to_have_leads_nowhere(other: Sighting, shown: set[str]) -> None:
    """However surely the phone is in hand: a household's, or one that was another's before."""
    decision = settle(ASA, [FORM, CALL, other], HELD)
    assert ids(decision) == shown
    assert (decision.proven == HELD) == ("call" in shown)
    assert (settle(ASA, [FORM, CALL, other]).provable == HELD) == ("call" in shown)


def test_nobody_without_a_name_gets_what_bears_one() -> None:
    """There is nothing to compare with, so whoever lends a phone could have its owner's records."""
    nameless = seen("form", "", ASA, MOBILE, source="pardot", unchecked=True)
    birger = seen("b", "Birger Qvarnsträng", MOBILE)
    decision = settle(ASA, [nameless, CALL, birger], HELD)
    assert ids(decision) == {"form"}
    assert settle(ASA, [nameless, CALL, birger]).provable == frozenset()
    assert ids(settle(ASA, [nameless, CALL], HELD)) == {"form", "call"}


def test_a_number_that_no_record_of_theirs_states_leads_nowhere() -> None:
    other = phone("+46701740699")
    call = seen("x", "", other, source="recordings")
    assert settle(ASA, [FORM, CALL, call], frozenset({other})) == settle(ASA, [FORM, CALL, call])


def test_a_fixed_line_is_never_proven() -> None:
    form = seen("form", "Åsa Öhrnqvist", ASA, SWITCHBOARD, unchecked=True)
    call = seen("x", "", SWITCHBOARD, source="recordings")
    decision = settle(ASA, [form, call], frozenset({SWITCHBOARD}))
    assert (ids(decision), decision.provable, decision.proven) == ({"form"}, frozenset(), frozenset())


def test_while_a_system_has_not_answered_nothing_is_asked_and_nothing_won() -> None:
    """Nobody knows who else it would have shown."""
    asked = frozenset({ASA, MOBILE})
    decision = decide(ASA, [FORM, CALL], asked, HELD, HELD)
    assert (ids(decision), decision.provable) == ({"form"}, frozenset())


def test_proof_is_of_numbers_only() -> None:
    other = email("asa@hemma.example")
    world = [seen("form", "Åsa Öhrnqvist", ASA, other, unchecked=True), seen("x", "", other, source="webinars")]
    decision = settle(ASA, world, frozenset({other}))
    assert (ids(decision), decision.provable) == ({"form"}, frozenset())


PHONES = [phone(f"+4670174061{n}") for n in range(4)] + [phone("+46701740699"), SWITCHBOARD]


@st.composite
def with_forms(draw: st.DrawFn) -> tuple[list[tuple[int, Sighting]], list[Identifier]]:
    """The small world, and forms in which anybody has typed anybody's number under their own address."""
    world, addresses = draw(worlds())
    for person, address in enumerate(addresses):
        names = sorted({s.match.person for owner, s in world if owner == person})
        for n, number in enumerate(draw(st.lists(st.sampled_from(PHONES), max_size=2))):
            name = draw(st.sampled_from(["", *names]))
            form = seen(f"{person}f{n}", name, address, number, source="pardot", unchecked=True)
            world.append((person, form))
    return draw(st.permutations(world)), addresses


@settings(max_examples=300, deadline=None)
@given(with_forms(), st.data())
def test_whatever_phones_they_hold_nothing_shown_to_be_another_s_is_released(
    drawn: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """A phone can be lent, or its code talked out of somebody: whoever asks may have shown to hold any."""
    pairs, addresses = drawn
    possessed = data.draw(st.frozensets(st.sampled_from(PHONES)))
    sightings = [s for _, s in pairs]
    for address in addresses:
        plain, decision = settle(address, sightings), settle(address, sightings, possessed)
        names = {s.name for s in plain.theirs if s.name}
        for number in decision.proven:
            assert number in possessed
            assert not is_common(number)
            behind = [s for s in sightings if number in s.identifiers]
            assert all(not s.addresses or s.addresses & decision.trusted for s in behind)
            assert all(not s.name or not names or agrees(s.name, names) for s in behind)
        if not decision.proven:
            assert ids(decision) == ids(plain)


@settings(max_examples=300, deadline=None)
@given(with_forms(), st.data())
def test_with_the_phones_that_are_theirs_they_get_nobody_else_s(
    drawn: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """Their own, and those that they share: whoever shares one shows it somewhere."""
    pairs, addresses = drawn
    sightings = [s for _, s in pairs]
    for person, address in enumerate(addresses):
        used = {i for owner, s in pairs if owner == person and not s.unchecked for i in s.identifiers}
        phones = [PHONES[person], *(i for i in used if i.kind == "phone")]
        decision = settle(address, sightings, data.draw(st.frozensets(st.sampled_from(phones))))
        owners = {s.key: owner for owner, s in pairs}
        assert {owners[s.key] for s in decision.theirs} <= {person}
