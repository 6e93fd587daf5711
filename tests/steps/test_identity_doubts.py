"""What speaks against a record without being somebody else's name: forms, misspelt names, switchboards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_records import (
    ASA,
    INFO,
    MOBILE,
    NAMES,
    NUMBER,
    SWITCHBOARD,
    contact,
    released,
    seen,
    settle,
    worlds,
)
from made_up_sources import email

from dsr.evidence import Sighting
from dsr.model import Identifier


def test_whoever_types_another_s_number_into_a_form_gets_nothing_by_it() -> None:
    """The other's calls are known by that number alone."""
    impostor = email("asa@kvarn-example.example")
    world = [
        seen("r", "Åsa Öhrnqvist", impostor, MOBILE, ASA, source="webinars", unchecked=True),
        seen("c", "Åsa Öhrnqvist", ASA),
        seen("call", "", MOBILE, source="recordings"),
        seen("named-call", "Åsa Öhrnqvist", MOBILE, source="recordings"),
    ]
    assert released(impostor, *world) == {"r"}
    assert {s.match.record_id for s in settle(impostor, world).doubtful} >= {"call", "named-call"}


def test_a_vendor_s_link_to_a_checked_record_vouches_for_what_a_form_states() -> None:
    """The lead was converted, so somebody has looked at it."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, contact("c")),
        seen("l", "Åsa Öhrnqvist", ASA, MOBILE, contact("c"), unchecked=True),
        seen("call", "", MOBILE, source="recordings"),
    ]
    assert released(ASA, *world) == {"c", "l", "call"}
    assert released(ASA, *world[1:]) == {"l"}


NAMED = email("asa.ohrnqvist@kvarn.example")


@pytest.mark.parametrize("written", ["Åsa Öhrnqist", "Åsa Öhrnnqvist", "Öhrnkvist, Åsa", "Asa Orhnqvist"])
def test_a_misspelt_family_name_under_an_address_made_of_the_name(written: str) -> None:
    """It is the same human's; under an address that says nothing it is not told."""
    world = [seen("c", "Åsa Öhrnqvist", NAMED), seen("r", written, NAMED, source="webinars")]
    assert released(NAMED, *world) == {"c", "r"}
    family = email("familjen@kvarn.example")
    assert not released(family, seen("c", "Åsa Öhrnqvist", family), seen("r", written, family, source="webinars"))


def test_a_second_mailbox_that_a_namesake_has_too() -> None:
    """Each beside an own address: it leads from neither to the other."""
    family, namesake = email("ohrnqvist@hemma.example"), email("asa@annan.example")
    world = [seen("c", "Åsa Öhrnqvist", ASA, family), seen("n", "Åsa Öhrnqvist", namesake, family),
             seen("r", "Åsa Öhrnqvist", family, source="webinars")]  # fmt: skip
    assert released(ASA, *world) == {"c"}
    assert released(namesake, *world) == {"n"}
    assert released(ASA, world[0], world[2]) == {"c", "r"}


def test_a_misspelt_name_behind_a_mobile_is_still_another_s() -> None:
    """A number is made of no name."""
    world = [seen("c", "Åsa Öhrnqvist", ASA, MOBILE), seen("k", "Åsa Öhrnkvist", MOBILE), seen("call", "", MOBILE)]
    assert released(ASA, *world) == {"c"}


def test_another_family_name_under_an_address_made_of_the_name_is_doubtful() -> None:
    """Before a marriage, or somebody else: that record stays out, the others don't; what it carries leads nowhere."""
    world = [
        seen("c", "Åsa Öhrnqvist", NAMED),
        seen("r", "Åsa Bergfalk", NAMED, MOBILE, source="webinars"),
        seen("call", "", MOBILE, source="recordings"),
    ]
    decision = settle(NAMED, world)
    assert [s.match.record_id for s in decision.theirs] == ["c"]
    assert [s.match.record_id for s in decision.doubtful] == ["r"]


@pytest.mark.parametrize("other", ["Åse Öhrnqvist", "Torkel Öhrnqvist", "Birger Qvarnsträng"])
def test_another_given_name_under_the_address_is_another_human(other: str) -> None:
    """Who may write from it, too, as in a household: nothing is released."""
    world = [seen("c", "Åsa Öhrnqvist", NAMED), seen("r", other, NAMED, source="webinars")]
    assert not released(NAMED, *world)


def test_the_customer_number_leads_to_swapped_names_too() -> None:
    """The family name in the field of the given name."""
    world = [seen("c", "Åsa Öhrnqvist", ASA, NUMBER), seen("i", "Öhrnqvist Åsa", NUMBER, source="invoicing")]
    assert released(ASA, *world) == {"c", "i"}


def test_behind_a_switchboard_others_are_told_by_their_whole_name() -> None:
    """Neither an address of their own nor another given name is needed; what may be theirs misspelt stays doubtful."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, SWITCHBOARD),
        seen("other", "Birger Qvarnsträng", SWITCHBOARD),
        seen("same-given", "Åsa Bergfalk", SWITCHBOARD),
        seen("misspelt", "Åsa Öhrnqist", SWITCHBOARD),
        seen("family", "Torkel Öhrnqvist", SWITCHBOARD),
        seen("half", "Birger", SWITCHBOARD),
    ]
    decision = settle(ASA, world)
    assert {s.match.record_id for s in decision.theirs} == {"c"}
    assert {s.match.record_id for s in decision.doubtful} == {"misspelt", "family", "half"}


def test_a_call_without_a_name_behind_a_crowd_s_number_could_be_anybody_s() -> None:
    """Three others are seen behind the switchboard; it stays doubtful, and nobody needs to look at it."""
    others = [
        seen(f"o{n}", name, SWITCHBOARD) for n, name in enumerate(["Birger Qvarnsträng", "Torkel Plusén", "Ulla Alm"])
    ]
    call, named = seen("call", "", SWITCHBOARD), seen("named", "Åsa Öhrnqvist", SWITCHBOARD)
    decision = settle(ASA, [seen("c", "Åsa Öhrnqvist", ASA, SWITCHBOARD), call, named, *others])
    assert decision.crowd == {SWITCHBOARD}
    assert [decision.is_anybodys(s) for s in decision.doubtful] == [True, False]
    assert not settle(ASA, [seen("c", "Åsa Öhrnqvist", ASA, SWITCHBOARD), call, *others[:2]]).crowd
    assert not any(map(settle(INFO, [seen("x", "", INFO)]).is_anybodys, [seen("x", "", INFO)]))


@given(worlds(), st.data())
@settings(max_examples=150, deadline=None)
def test_no_form_opens_another_s_records(
    world: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """Whatever somebody types into forms beside their own address: they get back what they typed."""
    records, _ = world
    impostor = email("asa.ohrnqvist@x-example.example")
    stated = ("email", "phone", "customer_number")
    known = sorted({MOBILE, *(i for _, s in records for i in s.match.holds if i.kind in stated)})
    forms = [
        seen(f"form{n}", data.draw(st.sampled_from([*NAMES, ""])), impostor, *typed, source="webinars", unchecked=True)
        for n, typed in enumerate(data.draw(st.lists(st.sets(st.sampled_from(known)), min_size=1, max_size=3)))
    ]
    decision = settle(impostor, [*forms, *(s for _, s in records)])
    assert {s.key for s in decision.theirs} <= {s.key for s in forms}
