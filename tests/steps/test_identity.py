"""Whose record is it: never somebody else's, whatever the records look like."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_sources import email, phone

from dsr.evidence import Sighting, agrees, comparable, is_common, misspelt, name_of
from dsr.identity import Decision, decide
from dsr.model import Identifier, Match

ASA = email("asa@kvarn.example")
MOBILE = phone("+46701740605")
SWITCHBOARD = phone("+46851740610")
INFO = email("info@kvarn.example")
NUMBER = Identifier("customer_number", "K-100417")


def contact(value: str) -> Identifier:
    """A vendor's id of a contact."""
    return Identifier("salesforce_contact", value)


def seen(
    record_id: str, person: str, *holds: Identifier, source: str = "salesforce", unchecked: bool = False
) -> Sighting:
    """A record."""
    return Sighting(source, Match("dsr-test", "person", record_id, frozenset(), frozenset(holds), person), unchecked)


def settle(anchor: Identifier, world: Sequence[Sighting]) -> Decision:
    """Look up and decide until nothing new comes up, as the step does: a record is only seen once it is asked for."""
    asked: frozenset[Identifier] = frozenset({anchor})
    while True:
        visible = [s for s in world if s.match.holds & asked]
        decision = decide(anchor, visible, asked)
        if not decision.ask:
            return decision
        asked |= decision.ask


def released(anchor: Identifier, *world: Sighting) -> set[str]:
    """The ids of the records that are taken for the person's."""
    return {s.match.record_id for s in settle(anchor, world).theirs}


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


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("Anna Karlsson", "Anna Carlsson", True),
        ("Anna Karlsson", "Anna Karlssno", True),
        ("Anna Karlsson", "Karlson Anna", False),
        ("Erik Berg", "Erika Berg", False),
        ("Daniel Berg", "Daneil Berg", True),
        ("Matias Berg", "Mattias Berg", True),
        ("Daniel Berg", "Daniela Berg", False),
        ("Anna Berg", "Anna Bergh", False),
        ("Anna Maria Karlsson", "Anna Karlson", False),
        ("Karlsson", "Carlsson", False),
    ],
)
def test_what_counts_as_a_slip(one: str, other: str, slip: bool) -> None:
    """In long family names any, in given names only what makes no other name."""
    assert misspelt(name_of(one), name_of(other)) is slip
    assert misspelt(name_of(other), name_of(one)) is slip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Åsa-Lärka Öhrnqvist D'Arcy", "asa larka OHRNQVIST DARCY", True),
        ("Öhrnqvist D'Arcy, Åsa-Lärka", "Åsa-Lärka Öhrnqvist D’Arcy", True),
        ("Åsa Öhrnqvist", "Åsa Maria Öhrnqvist", True),
        ("Åsa Öhrnqvist", "Åse Öhrnqvist", False),
        ("Åsa Öhrnqvist", "Torkel Öhrnqvist", False),
        ("نور الهاشمي‏ (حسن)", "نور الهاشمي (حسن)", True),
        ("Søren Łukasz", "Soren Lukasz", True),
    ],
)
def test_names_are_told_apart(one: str, other: str, same: bool) -> None:
    """Accents, case, order and punctuation don't; words do."""
    assert comparable(name_of(one), name_of(other)) is same


@pytest.mark.parametrize("text", ["", "[not provided]", "asa@kvarn.example", "Unknown", "***"])
def test_placeholders_are_no_name(text: str) -> None:
    """They contradict nobody."""
    assert name_of(text) == ()


def test_a_lone_family_name_stands_for_no_household() -> None:
    """Known only as "Öhrnqvist": Torkel's records don't follow from that."""
    assert not agrees(name_of("Torkel Öhrnqvist"), [name_of("Öhrnqvist")])
    assert agrees(name_of("Öhrnqvist"), [name_of("Torkel Öhrnqvist")])


@pytest.mark.parametrize(
    ("identifier", "common"),
    [
        (email("info@a.example"), True),
        (email("Faktura2@a.example"), True),
        (email("inköp@a.example"), True),
        (email("it.support@a.example"), True),
        (email("no-reply+x@a.example"), True),
        (email("hr.persson@a.example"), False),
        (email("asa@a.example"), False),
        (phone("+46851740610"), True),
        (phone("+46701740605"), False),
        (phone("0701740605"), True),
        (phone("' OR 1=1"), True),
        (Identifier("salesforce_account", "001"), True),
        (Identifier("salesforce_contact", "003"), False),
    ],
)
def test_what_is_common_by_nature(identifier: Identifier, common: bool) -> None:
    """Role mailboxes, fixed lines, companies."""
    assert is_common(identifier) is common


# A small world of people who share what people share: mailboxes of a role and of a family, a company's switchboard
# and number, a mobile, a name. Whatever is shared shows somewhere: each of its users has a record that carries it
# beside their own address. What no record shows nobody can know.

_NAMES = ("Åsa Öhrnqvist", "Birger Qvarnsträng", "Åsa Bergfalk", "Torkel Öhrnqvist", "Åsa Öhrnkvist", "Åse Öhrnqvist")
_SHARED = (INFO, SWITCHBOARD, NUMBER, phone("+46701740699"), email("asa.ohrnqvist@hemma.example"))
_SOURCES = ("salesforce", "pardot", "invoicing", "webinars", "recordings")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[tuple[int, Sighting]], list[Identifier]]:
    """(person, record) pairs and each person's current address."""
    people = draw(st.integers(2, 4))
    locals_ = draw(st.lists(st.sampled_from(["asa.ohrnqvist", "asa.ohrnkvist", "b"]), min_size=people, max_size=people))
    addresses = [email(f"{local}@x{p}.example") for p, local in enumerate(locals_)]
    records: list[tuple[int, Sighting]] = []
    for person in range(people):
        name = draw(st.sampled_from(_NAMES))
        own = [addresses[person], phone(f"+4670174061{person}"), Identifier("salesforce_contact", f"c{person}"),
               email(f"former{person}@y.example")]  # fmt: skip
        shared = draw(st.sets(st.sampled_from(_SHARED)))
        for number, identifier in enumerate(sorted(shared)):
            records.append((person, seen(f"{person}s{number}", name, own[0], identifier)))
        for number in range(draw(st.integers(0, 5))):
            mine = draw(st.sets(st.sampled_from(own), max_size=4))
            theirs = draw(st.sets(st.sampled_from(sorted(shared)))) if shared else set()
            if mine | theirs:
                shown = draw(st.sampled_from([name, name, "", name.split()[0]]))
                source = draw(st.sampled_from(_SOURCES))
                records.append((person, seen(f"{person}r{number}", shown, *mine, *theirs, source=source)))
    return draw(st.permutations(records)), addresses


@given(worlds(), st.data())
@settings(max_examples=400, deadline=None)
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
    assert not decision.trusted & frozenset(_SHARED) - {i for p, s in records if p == asking for i in s.match.holds}


@given(worlds(), st.data())
@settings(max_examples=300, deadline=None)
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
        seen(f"form{n}", data.draw(st.sampled_from([*_NAMES, ""])), impostor, *typed, source="webinars", unchecked=True)
        for n, typed in enumerate(data.draw(st.lists(st.sets(st.sampled_from(known)), min_size=1, max_size=3)))
    ]
    decision = settle(impostor, [*forms, *(s for _, s in records)])
    assert {s.key for s in decision.theirs} <= {s.key for s in forms}


@given(worlds(), st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_order_doesn_t_matter(world: tuple[list[tuple[int, Sighting]], list[Identifier]], shuffle: object) -> None:
    """The same records in any order: the same decision."""
    records, addresses = world
    sightings = [s for _, s in records]
    before = settle(addresses[0], sightings)
    shuffle.shuffle(sightings)
    assert settle(addresses[0], sightings) == before
