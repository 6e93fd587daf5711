"""What people share, or what somebody else has that looks like theirs: mailboxes, numbers, names in an address.

As in `benchmarks.difficulties`, each function changes somebody's records, or adds some, and says whether it could.
"""

from typing import Final

from benchmarks.population import Human, Population, addressed, local_part, some, swap
from dsr.model import Identifier

UNSEEN: Final = "shared, no record shows it"
"""What nobody can know from records: counted apart."""


def _in_mailbox(world: Population, human: Human, mailbox: Identifier) -> bool:
    record = some(world, addressed(human))
    if record is None:
        return False
    swap(record, human.email, mailbox)
    return True


def role_mailbox(world: Population, human: Human) -> bool:
    """One record stands under the company's info@."""
    if human.company is None:
        return False
    role = world.rng.choice(["info", "faktura", "order", "kontakt"])
    return _in_mailbox(world, human, Identifier("email", f"{role}@{human.company.domain}"))


def unlisted_mailbox(world: Population, human: Human) -> bool:
    """A mailbox of a function that no list knows; a colleague uses it, too."""
    colleague = next((c for c in human.company.people if c is not human), None) if human.company else None
    if human.company is None or colleague is None:
        return False
    mailbox = Identifier("email", f"{world.rng.choice(['montage', 'butik', 'plan2', 'jour'])}@{human.company.domain}")
    if not _in_mailbox(world, human, mailbox):
        return False
    world.record(colleague, "pardot", "pardot_prospect", colleague.name, mailbox)
    colleague.kinds.add("unlisted mailbox")
    if colleague.name == human.name:
        human.kinds.add(UNSEEN)
        colleague.kinds.add(UNSEEN)
    return True


def writes_from_role(world: Population, human: Human) -> bool:
    """Somebody's only address is a role's."""
    if human.company is None:
        return False
    address = Identifier("email", f"info@{human.company.domain}")
    for record in human.records:
        if human.email in record.holds:
            swap(record, human.email, address)
    human.email = address
    return True


def household_mailbox(world: Population, human: Human) -> bool:
    """Two people write from one address, the family's or one of theirs, and both are known by it."""
    partner = human.partner
    if partner is None:
        return False
    family = world.mailbox(f"familjen{local_part(human).partition('.')[2]}", "gmail.com")
    shared = family if world.chance(0.5) else human.email
    for one in (human, partner):
        for record in one.records:
            if one.email in record.holds:
                swap(record, one.email, shared)
        one.email = shared
        one.kinds.add("household mailbox")
    if not all(any(r.person and shared in r.holds for r in one.records) for one in (human, partner)):
        human.kinds.add(UNSEEN)
        partner.kinds.add(UNSEEN)
    return True


def household_mobile(world: Population, human: Human) -> bool:
    """Two people call by one mobile, and a record of each shows it."""
    partner = human.partner
    if partner is None:
        return False
    for one in (human, partner):
        for record in one.records:
            if one.mobile in record.holds:
                swap(record, one.mobile, human.mobile)
        one.mobile = human.mobile
        if not any(one.email in r.holds and one.mobile in r.holds and r.source != "pardot" for r in one.records):
            world.contact(one).holds.add(one.mobile)
        one.kinds.add("household mobile")
    return True


def anothers_tag(world: Population, human: Human) -> bool:
    """Somebody else of the household uses the address with a plus tag."""
    local, _, domain = human.email.value.partition("@")
    other = world.add(world.rng.choice(["Torkel", "Signe", "Ture"]), human.family)
    other.email, other.line = Identifier("email", f"{local}+{other.given.lower()}@{domain}"), human.line
    world.hold(other)
    other.kinds.add("another's plus tag")
    return True


def look_alike(world: Population, human: Human) -> bool:
    """Somebody registers under the person's name at a domain that looks like theirs, half of them with the person's
    mobile, and asks for what there is."""
    local, _, domain = human.email.value.partition("@")
    name, _, ending = domain.rpartition(".")
    close = world.rng.choice([f"{name}-{ending}.com", f"{name}.co", name.replace("o", "0", 1) + f".{ending}",
                              name.replace("l", "1", 1) + f".{ending}"])  # fmt: skip
    if close == domain:
        return False
    impostor = world.add(human.given, human.family)
    impostor.email = Identifier("email", f"{local}@{close}")
    mobile = human.mobile if world.chance(0.5) else None
    world.record(impostor, "webinars", "webinar_registration", human.name, impostor.email, mobile)
    impostor.kinds.add("look-alike domain")
    return True


def unseen(world: Population, human: Human) -> bool:
    """A mobile that was somebody else's before, or that a partner uses: the calls are theirs, and no record says so."""
    other = human.partner or world.rng.choice(world.humans)
    if other is human or any(human.mobile in r.holds for r in other.records):
        return False
    world.record(other, "recordings", "call_record", "", human.mobile)
    other.kinds.add(UNSEEN)
    return True
