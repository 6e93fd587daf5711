"""Whose record is it: never somebody else's, whatever the records look like."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_records import (
    ASA,
    INFO,
    MOBILE,
    NUMBER,
    SHARED,
    SWITCHBOARD,
    contact,
    released,
    seen,
    settle,
    worlds,
)
from made_up_sources import email, phone

from dsr.evidence import Sighting
from dsr.model import Identifier


def test_all_that_the_address_and_its_mobile_lead_to() -> None:
    """Contact by address, call without a name by the contact's mobile."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD, contact("c")),
        seen("call", "", MOBILE, source="recordings"),
        seen("switchboard-call", "", SWITCHBOARD, source="recordings"),
    ]
    assert released(ASA, *world) == {"c", "call"}
    assert [s.match.record_id for s in settle(ASA, world).doubtful] == ["switchboard-call"]


def test_a_namesake_at_the_same_company_stays_out() -> None:
    """Same name, same switchboard, same customer number: only the address differs, and that is enough."""
    namesake = email("asa2@kvarn.example")
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD, NUMBER),
        seen("n", "Åsa Öhrnqvist", namesake, phone("+46701740612"), SWITCHBOARD, NUMBER),
        seen("n2", "Åsa Öhrnqvist", NUMBER, SWITCHBOARD, source="invoicing"),
    ]
    assert released(ASA, *world) == {"c"}
    assert released(namesake, *world) == {"n"}


def test_a_namesake_without_an_address_is_not_reached_by_the_customer_number() -> None:
    """The namesake is known by their own mobile; a record with name and number could be either's."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE, NUMBER, SWITCHBOARD),
        seen("n", "Åsa Öhrnqvist", phone("+46701740612"), SWITCHBOARD),
        seen("either", "Åsa Öhrnqvist", NUMBER, source="invoicing"),
    ]
    assert released(ASA, *world) == {"c"}


def test_the_customer_number_of_a_company_with_one_contact() -> None:
    """Leads to a record of the same full name, never to one without a name."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, NUMBER),
        seen("i", "Öhrnqvist, Åsa", NUMBER, source="invoicing"),
        seen("call", "", NUMBER, SWITCHBOARD, source="recordings"),
    ]
    assert released(ASA, *world) == {"c", "i"}


@pytest.mark.parametrize("name", ["Åsa Öhrnqvist", "Birger Qvarnsträng", ""])
def test_the_shared_mailbox_leads_nowhere(name: str) -> None:
    """Not even to a record that bears the person's own name."""
    world = [seen("c", "Åsa Öhrnqvist", ASA, INFO), seen("box", name, INFO, source="webinars")]
    decision = settle(ASA, world)
    assert {s.match.record_id for s in decision.theirs} == {"c"}
    assert {s.match.record_id for s in decision.doubtful} == {"box"}
    assert not settle(INFO, world).theirs


def test_two_people_behind_the_ticket_s_own_address() -> None:
    """Nothing is released, all is doubtful."""
    family = email("familjen@hemma.example")
    world = [seen("a", "Åsa Öhrnqvist", family), seen("t", "Torkel Öhrnqvist", family, source="webinars")]
    decision = settle(family, world)
    assert not decision.theirs
    assert len(decision.doubtful) == 2
    lone = [*world, seen("f", "Öhrnqvist", family, source="pardot")]
    assert not settle(family, lone).theirs


def test_a_vendor_s_link_leads_to_the_former_address() -> None:
    """The converted lead under the name before a marriage brings its address, and that brings a registration."""
    former = email("asa.bergfalk@fornamn.example")
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE, contact("c")),
        seen("l", "Åsa Bergfalk", former, MOBILE, contact("c"), Identifier("salesforce_lead", "l")),
        seen("r", "Asa Bergfalk", former, source="webinars"),
    ]
    assert released(ASA, *world) == {"c", "l", "r"}
    assert released(former, *world) == {"c", "l", "r"}


def test_a_link_between_strangers_is_not_believed() -> None:
    """A lead that was converted into a colleague's contact by mistake."""
    birger = email("birger@kvarn.example")
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, contact("c")),
        seen("l", "Birger Qvarnsträng", birger, contact("c")),
        seen("b", "Birger Qvarnsträng", birger, source="webinars"),
    ]
    assert released(ASA, *world) == {"c"}
    nameless = [seen("l", "Åsa Öhrnqvist", ASA, contact("x")), seen("m", "Birger Q", birger, contact("x")),
                seen("x", "", contact("x"), SWITCHBOARD)]  # fmt: skip
    assert released(ASA, *nameless) == {"l"}


def test_a_nameless_record_is_no_bridge_to_somebody_else() -> None:
    """A call log entry with two numbers must not carry a colleague in."""
    other = phone("+46701740613")
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE),
        seen("bridge", "", MOBILE, other, source="recordings"),
        seen("b", "Birger Qvarnsträng", other, email("birger@kvarn.example")),
    ]
    assert "b" not in released(ASA, *world)


def test_a_mobile_that_a_colleague_carries_too() -> None:
    """Shared, so calls with it are doubtful."""
    world = [
        seen("c", "Åsa Öhrnqvist", ASA, MOBILE),
        seen("b", "Birger Qvarnsträng", email("birger@kvarn.example"), MOBILE, source="pardot"),
        seen("call", "", MOBILE, source="recordings"),
    ]
    decision = settle(ASA, world)
    assert {s.match.record_id for s in decision.theirs} == {"c"}
    assert {s.match.record_id for s in decision.doubtful} == {"call"}
    assert MOBILE in decision.shared


def test_an_account_is_a_company() -> None:
    """Colleagues hang on the same account."""
    account = Identifier("salesforce_account", "001")
    world = [seen("c", "Åsa Öhrnqvist", ASA, account), seen("b", "", account)]
    decision = settle(ASA, world)
    assert {s.match.record_id for s in decision.theirs} == {"c"}
    assert account not in decision.trusted


def test_a_plus_tag_is_another_address() -> None:
    """Another human's."""
    world = [seen("c", "Åsa Öhrnqvist", ASA), seen("t", "Torkel Plusén", email("asa+torkel@kvarn.example"))]
    assert released(ASA, *world) == {"c"}


@given(worlds(), st.data())
@settings(max_examples=150, deadline=None)
def test_never_a_record_of_somebody_else(
    world: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """Whoever asks, whatever is shared: only their own records."""
    records, addresses = world
    asking = data.draw(st.integers(0, len(addresses) - 1))
    owners = {s.key: person for person, s in records}
    decision = settle(addresses[asking], [s for _, s in records])
    assert {owners[s.key] for s in decision.theirs} <= {asking}
    assert not {s.key for s in decision.theirs} & {s.key for s in decision.doubtful}
    assert not decision.trusted & frozenset(SHARED) - {i for p, s in records if p == asking for i in s.match.holds}


@given(worlds(), st.data())
@settings(max_examples=120, deadline=None)
def test_a_stranger_s_record_never_releases_more(
    world: tuple[list[tuple[int, Sighting]], list[Identifier]], data: st.DataObject
) -> None:
    """Each record of somebody else that comes up can only take away."""
    records, addresses = world
    asking = data.draw(st.integers(0, len(addresses) - 1))
    strangers = [s for person, s in records if person != asking]
    own = [s for person, s in records if person == asking]
    count = data.draw(st.integers(0, len(strangers)))
    fewer = {s.key for s in settle(addresses[asking], own + strangers[:count]).theirs}
    more = {s.key for s in settle(addresses[asking], own + strangers).theirs}
    assert more <= fewer


@given(worlds(), st.randoms())
@settings(max_examples=80, deadline=None)
def test_the_order_doesn_t_matter(world: tuple[list[tuple[int, Sighting]], list[Identifier]], shuffle: object) -> None:
    """The same records in any order: the same decision."""
    records, addresses = world
    sightings = [s for _, s in records]
    before = settle(addresses[0], sightings)
    shuffle.shuffle(sightings)
    assert settle(addresses[0], sightings) == before
