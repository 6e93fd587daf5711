"""Records of made-up people and what is decided of them, for the tests of whose a record is."""

from collections.abc import Sequence

from hypothesis import strategies as st
from made_up_sources import email, phone

from dsr.evidence import Sighting
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


def settle(anchor: Identifier, world: Sequence[Sighting], possessed: frozenset[Identifier] = frozenset()) -> Decision:
    """Look up and decide until nothing new comes up, as the step does: a record is only seen once it is asked for."""
    asked: frozenset[Identifier] = frozenset({anchor})
    while True:
        visible = [s for s in world if s.match.holds & asked]
        decision = decide(anchor, visible, asked, possessed=possessed)
        if not decision.ask:
            return decision
        asked |= decision.ask


def released(anchor: Identifier, *world: Sighting) -> set[str]:
    """The ids of the records that are taken for the person's."""
    return {s.match.record_id for s in settle(anchor, world).theirs}


# A small world of people who share what people share: mailboxes of a role and of a family, a company's switchboard
# and number, a mobile, a name. Whatever is shared shows somewhere: each of its users has a record that carries it
# beside their own address. What no record shows nobody can know.

NAMES = ("Åsa Öhrnqvist", "Birger Qvarnsträng", "Åsa Bergfalk", "Torkel Öhrnqvist", "Åsa Öhrnkvist", "Åse Öhrnqvist")
SHARED = (INFO, SWITCHBOARD, NUMBER, phone("+46701740699"), email("asa.ohrnqvist@hemma.example"))
SOURCES = ("salesforce", "pardot", "invoicing", "webinars", "recordings")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[tuple[int, Sighting]], list[Identifier]]:
    """(person, record) pairs and each person's current address."""
    people = draw(st.integers(2, 4))
    locals_ = draw(st.lists(st.sampled_from(["asa.ohrnqvist", "asa.ohrnkvist", "b"]), min_size=people, max_size=people))
    addresses = [email(f"{local}@x{p}.example") for p, local in enumerate(locals_)]
    records: list[tuple[int, Sighting]] = []
    for person in range(people):
        name = draw(st.sampled_from(NAMES))
        own = [addresses[person], phone(f"+4670174061{person}"), Identifier("salesforce_contact", f"c{person}"),
               email(f"former{person}@y.example")]  # fmt: skip
        shared = draw(st.sets(st.sampled_from(SHARED)))
        for number, identifier in enumerate(sorted(shared)):
            records.append((person, seen(f"{person}s{number}", name, own[0], identifier)))
        for number in range(draw(st.integers(0, 5))):
            mine = draw(st.sets(st.sampled_from(own), max_size=4))
            theirs = draw(st.sets(st.sampled_from(sorted(shared)))) if shared else set()
            if mine | theirs:
                shown = draw(st.sampled_from([name, name, "", name.split()[0]]))
                source = draw(st.sampled_from(SOURCES))
                records.append((person, seen(f"{person}r{number}", shown, *mine, *theirs, source=source)))
    return draw(st.permutations(records)), addresses
