"""What makes it hard to tell whose a record is, each with the share of people to whom it happens.

The shares are assumptions about a business of mostly companies' contacts; `--share kind=0.01` changes one. Each changes
somebody's records, or adds some, and says whether it could: a move with a link needs a contact to link to. The truth
stays known, since a record keeps its owner.
"""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.names import family_name, mistyped
from benchmarks.population import FREEMAIL, Human, Population, addressed, local_part, named, some, swap
from benchmarks.sharing import (
    UNSEEN,
    anothers_tag,
    household_mailbox,
    household_mobile,
    look_alike,
    role_mailbox,
    unlisted_mailbox,
    unseen,
    writes_from_role,
)
from dsr.model import Identifier


def apply(world: Population, shares: Mapping[str, float]) -> None:
    """Every difficulty, to that share of the people that there were before."""
    born = list(world.humans)
    for kind, (make, _) in DIFFICULTIES.items():
        for human in born:
            if world.chance(shares[kind]) and make(world, human):
                human.kinds.add(kind)
    _name_the_namesakes(world)


def typo_in_name(world: Population, human: Human) -> bool:
    """A letter wrong in given or family name."""
    record = some(world, named(human))
    long = [word for word in human.name.split() if len(word) > 3]
    if record is None or not long:
        return False
    word = world.rng.choice(long)
    record.person = record.person.replace(word, mistyped(world.rng, word), 1)
    return True


def typo_in_address(world: Population, human: Human) -> bool:
    """A letter wrong in what the person typed themselves."""
    record = some(world, addressed(human, "salesforce_lead", "pardot_prospect", "webinar_registration"))
    if record is None:
        return False
    local, _, domain = human.email.value.partition("@")
    name, dot, ending = domain.rpartition(".")
    wrong = f"{mistyped(world.rng, local)}@{domain}" if world.chance(0.6) else (
        f"{local}@{mistyped(world.rng, name)}{dot}{ending}")  # fmt: skip
    swap(record, human.email, Identifier("email", wrong))
    return True


def _former(world: Population, human: Human) -> Identifier:
    domain = f"bolag{world.rng.randrange(10_000)}.se" if world.chance(0.6) else world.rng.choice(FREEMAIL)
    return world.mailbox(local_part(human), domain)


def moved_linked(world: Population, human: Human) -> bool:
    """Another employer and so another address; the vendor's link joins what was before: a merged contact or a converted
    lead, and whatever else lies under the former address."""
    contacts = human.held("salesforce_contact")
    if not contacts:
        return False
    former, link = _former(world, human), Identifier("salesforce_contact", contacts[0].record_id)
    dataset = world.rng.choice(["salesforce_contact", "salesforce_lead"])
    old = world.record(human, "salesforce", dataset, human.name, former, link)
    if world.chance(0.5):
        old.holds.add(human.mobile)
    for record in addressed(human):
        if record.dataset != "salesforce_contact" and world.chance(0.5):
            swap(record, human.email, former)
    return True


def _moved(world: Population, human: Human, *, mobile: bool) -> bool:
    unlinked = [r for r in addressed(human) if not any(i.kind == "salesforce_contact" for i in r.holds)]
    record = some(world, unlinked)
    if record is None:
        return False
    swap(record, human.email, _former(world, human))
    record.holds = record.holds | {human.mobile} if mobile else record.holds - {human.mobile}
    return True


def moved_with_mobile(world: Population, human: Human) -> bool:
    """A former address that no vendor links; only the mobile stayed."""
    return _moved(world, human, mobile=True)


def moved_without_trace(world: Population, human: Human) -> bool:
    """A former address, and nothing that joins it to today's."""
    return _moved(world, human, mobile=False)


def new_mobile(world: Population, human: Human) -> bool:
    """Calls by a former number, which the contact still has in another field in six of ten cases."""
    calls = [r for r in human.held("call_record") if human.mobile in r.holds]
    if not calls:
        return False
    former = world.mobile()
    swap(calls[0], human.mobile, former)
    contacts = human.held("salesforce_contact")
    if contacts and world.chance(0.6):
        contacts[0].holds.add(former)
    return True


def namesake(world: Population, human: Human) -> bool:
    """Somebody of the very same name begins at the same company, and becomes known like anybody."""
    if human.company is None:
        return False
    other = world.add(human.given, human.family, human.company)
    other.email, other.line = world.mailbox(local_part(other), human.company.domain), human.line
    human.company.people.append(other)
    world.hold(other)
    return True


def swapped_name(world: Population, human: Human) -> bool:
    """The family name in the field of the given name."""
    record = some(world, named(human))
    if record is None:
        return False
    record.person = f"{human.family} {human.given}"
    return True


def swapped_fields(world: Population, human: Human) -> bool:
    """In the books the address stands in the name's field, or the mobile in the customer number's."""
    books = [r for r in human.held("invoicing_contact") if human.email in r.holds]
    if not books:
        return False
    record = books[0]
    if world.chance(0.5):
        record.person, record.holds = human.email.value, record.holds - {human.email}
    else:
        numbers = {i for i in record.holds if i.kind == "customer_number"}
        record.holds = (record.holds - numbers - {human.mobile}) | {Identifier("customer_number", human.mobile.value)}
    return True


def married(world: Population, human: Human) -> bool:
    """One record still bears the name before a marriage."""
    record = some(world, named(human))
    if record is None:
        return False
    record.person = f"{human.given} {family_name(world.rng)}"
    return True


def own_tag(world: Population, human: Human) -> bool:
    """One record under their address with a plus tag, which counts as another address."""
    record = some(world, addressed(human, "webinar_registration", "pardot_prospect", "salesforce_lead"))
    if record is None:
        return False
    local, _, domain = human.email.value.partition("@")
    swap(record, human.email, Identifier("email", f"{local}+{world.rng.choice(['zoom', 'news', 'a'])}@{domain}"))
    return True


def _name_the_namesakes(world: Population) -> None:
    """Marks all who share a whole name with a colleague, those whom chance has made too."""
    seen: dict[tuple[int, str], list[Human]] = {}
    for human in world.humans:
        if human.company is not None:
            seen.setdefault((human.company.number, human.name), []).append(human)
    for group in seen.values():
        for human in group if len(group) > 1 else ():
            human.kinds.add("namesake at the company")


Make = Callable[[Population, Human], bool]
DIFFICULTIES: Final[Mapping[str, tuple[Make, float]]] = {
    "namesake at the company": (namesake, 0.005),
    "moved, vendor's link": (moved_linked, 0.05),
    "moved, same mobile": (moved_with_mobile, 0.01),
    "moved, no trace": (moved_without_trace, 0.004),
    "new mobile": (new_mobile, 0.05),
    "typo in the name": (typo_in_name, 0.02),
    "typo in the address": (typo_in_address, 0.01),
    "swapped names": (swapped_name, 0.02),
    "swapped fields": (swapped_fields, 0.01),
    "name before marriage": (married, 0.01),
    "role mailbox": (role_mailbox, 0.02),
    "unlisted mailbox": (unlisted_mailbox, 0.01),
    "writes from a role": (writes_from_role, 0.003),
    "household mailbox": (household_mailbox, 0.01),
    "household mobile": (household_mobile, 0.01),
    "own plus tag": (own_tag, 0.005),
    "another's plus tag": (anothers_tag, 0.003),
    "look-alike domain": (look_alike, 0.003),
    UNSEEN: (unseen, 0.003),
}
"""Kind → what makes it, and the share of people."""
