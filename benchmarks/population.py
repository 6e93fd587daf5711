"""A made-up population with known truth: who there is, and what five systems hold about them.

A record is what `find` reports of it: identifiers, name, links. Nothing is difficult here yet but what comes with
names as frequent as they are, switchboards and households; `benchmarks.difficulties` does the rest. Deterministic.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.names import family_name, given_name
from dsr.model import Identifier

FREEMAIL: Final = ("gmail.com", "hotmail.com", "outlook.com", "telia.com", "icloud.com", "live.se")
_SIZES: Final = ((1, 40), (2, 25), (4, 15), (8, 10), (20, 6), (60, 3), (200, 1))
"""How many people of a company we know, and how many companies of a hundred are like that."""

_COMPANIES: Final = 0.285
"""Share of companies among companies and households: seven of ten people then belong to a company."""

NOTHING: Final = Identifier("email", "")


@dataclass(eq=False, slots=True)
class Record:
    """One record of a system; `owner` is the number of the human whose it is."""

    source: str
    dataset: str
    record_id: str
    owner: int
    person: str
    holds: set[Identifier]


@dataclass(eq=False, slots=True)
class Company:
    """An employer."""

    number: int
    domain: str
    switchboard: Identifier
    customer_number: Identifier
    people: list["Human"] = field(default_factory=list, repr=False)


@dataclass(eq=False, slots=True)
class Human:
    """One human. `email` is the address that they write from; `line` the fixed line that they share with others:
    the employer's or the household's. `kinds`: the difficulties that their records have."""

    number: int
    given: str
    family: str
    company: Company | None = field(default=None, repr=False)
    email: Identifier = NOTHING
    mobile: Identifier = NOTHING
    line: Identifier | None = None
    partner: "Human | None" = field(default=None, repr=False)
    kinds: set[str] = field(default_factory=set)
    records: list[Record] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    def held(self, *datasets: str) -> list[Record]:
        """Their records of these datasets."""
        return [r for r in self.records if r.dataset in datasets]


class Population:
    """All humans, and a generator of chance that everything is drawn from."""

    def __init__(self, people: int, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311  # repeatable, no secret
        self.humans: list[Human] = []
        self._ids = 0
        self._mailboxes: Counter[str] = Counter()
        companies = 0
        while len(self.humans) < people:
            if self.chance(_COMPANIES):
                self._company(companies)
                companies += 1
            else:
                self._household()
        for human in self.humans:
            self.hold(human)

    def chance(self, share: float) -> bool:
        """Whether something that happens to that share happens now."""
        return self.rng.random() < share

    def add(self, given: str, family: str, company: Company | None = None) -> Human:
        """Another human, with a mobile of their own; the address is still to come."""
        human = Human(len(self.humans), given, family, company)
        human.mobile = self.mobile()
        self.humans.append(human)
        return human

    def mobile(self) -> Identifier:
        """A mobile number that nobody had."""
        return Identifier("phone", f"+4670{1_000_000 + self._next():07d}")

    def mailbox(self, local: str, domain: str) -> Identifier:
        """An address that nobody had: the second of a name gets a 2."""
        wanted = f"{local}@{domain}"
        self._mailboxes[wanted] += 1
        number = self._mailboxes[wanted]
        return Identifier("email", wanted if number == 1 else f"{local}{number}@{domain}")

    def record(self, human: Human, source: str, dataset: str, person: str, *holds: Identifier | None) -> Record:
        """A new record of theirs. It carries its own id where the vendor's ids are identifiers."""
        record_id = f"{dataset}-{self._next()}"
        own = _OWN_ID.get(dataset)
        carried = {i for i in holds if i is not None} | ({Identifier(own, record_id)} if own else set())
        made = Record(source, dataset, record_id, human.number, person, carried)
        human.records.append(made)
        return made

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _company(self, number: int) -> None:
        size = self.rng.choices([s for s, _ in _SIZES], [w for _, w in _SIZES])[0]
        company = Company(
            number,
            f"bolag{number}.se",
            Identifier("phone", f"+468{5_000_000 + number:07d}"),
            Identifier("customer_number", f"K-{100_000 + number}"),
        )
        for _ in range(size):
            human = self.add(given_name(self.rng), family_name(self.rng), company)
            human.email = self.mailbox(local_part(human), company.domain)
            human.line = company.switchboard
            company.people.append(human)

    def _household(self) -> None:
        first = self.add(given_name(self.rng), family_name(self.rng))
        both = [first]
        if self.chance(0.25):
            family = first.family if self.chance(0.65) else family_name(self.rng)
            given = given_name(self.rng)
            while given == first.given:
                given = given_name(self.rng)
            second = self.add(given, family)
            first.partner, second.partner = second, first
            both.append(second)
        line = Identifier("phone", f"+4631{3_000_000 + self._next():07d}") if self.chance(0.2) else None
        for human in both:
            year = self.rng.randrange(45, 100) if self.chance(0.4) else ""
            human.email = self.mailbox(f"{local_part(human)}{year}", self.rng.choice(FREEMAIL))
            human.line = line

    def hold(self, human: Human) -> None:
        """What the systems hold of somebody about whom nothing is difficult: at least one record."""
        chances: list[tuple[float, Callable[[Human], object]]] = [
            (0.85 if human.company else 0.4, self.contact),
            (0.12, self.lead),
            (0.55, self.prospect),
            (0.2, self.invoicing),
            (0.35, self.registration),
            (0.12, self.registration),
            (0.25, self.call),
            (0.12, self.call),
        ]
        for share, make in chances:
            if self.chance(share):
                make(human)
        if not any(human.email in r.holds for r in human.records):
            self.contact(human)

    def contact(self, human: Human) -> Record:
        """A contact in the CRM."""
        mobile = human.mobile if self.chance(0.65) else None
        line = human.line if self.chance(0.45) else None
        return self.record(human, "salesforce", "salesforce_contact", human.name, human.email, mobile, line)

    def lead(self, human: Human) -> Record:
        """A lead; of those who became a contact, six of ten were converted and carry the vendor's link."""
        contacts = human.held("salesforce_contact")
        link = Identifier("salesforce_contact", contacts[0].record_id) if contacts and self.chance(0.6) else None
        mobile = human.mobile if self.chance(0.5) else None
        return self.record(human, "salesforce", "salesforce_lead", human.name, human.email, mobile, link)

    def prospect(self, human: Human) -> Record:
        """A prospect of the marketing platform, mostly synchronised with the contact; one in seven bears no name."""
        contacts = human.held("salesforce_contact")
        link = Identifier("salesforce_contact", contacts[0].record_id) if contacts and self.chance(0.8) else None
        name, mobile = human.name if self.chance(0.85) else "", human.mobile if self.chance(0.3) else None
        return self.record(human, "pardot", "pardot_prospect", name, human.email, mobile, link)

    def invoicing(self, human: Human) -> Record:
        """A customer's contact in the books; one in ten without an address."""
        email = human.email if self.chance(0.9) else None
        phone = self.rng.choice([human.mobile, human.line, None])
        number = human.company.customer_number if human.company else None
        return self.record(human, "invoicing", "invoicing_contact", human.name, email, phone, number)

    def registration(self, human: Human) -> Record:
        """Who registered for a webinar."""
        mobile = human.mobile if self.chance(0.25) else None
        return self.record(human, "webinars", "webinar_registration", human.name, human.email, mobile)

    def call(self, human: Human) -> Record:
        """A call: by their mobile, one in eight by the fixed line that they share; one in five has a name noted."""
        number = human.line if human.line and self.chance(0.12) else human.mobile
        name, email = human.name if self.chance(0.2) else "", human.email if self.chance(0.1) else None
        return self.record(human, "recordings", "call_record", name, number, email)


_OWN_ID: Final = {
    "salesforce_contact": "salesforce_contact",
    "salesforce_lead": "salesforce_lead",
    "pardot_prospect": "pardot_prospect",
    "invoicing_contact": "invoicing_contact",
    "webinar_registration": "webinar_registrant",
    "call_record": "call_contact",
}


def local_part(human: Human) -> str:
    """What stands before the @: given and family name without accents."""
    return f"{plain(human.given)}.{plain(human.family)}"


def plain(text: str) -> str:
    """Letters without accents, in lower case."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if c.isascii() and c.isalnum())


def some(world: Population, records: list[Record]) -> Record | None:
    """One of these; None when there is none."""
    return world.rng.choice(records) if records else None


def named(human: Human) -> list[Record]:
    """Records with their name beside the first that answers to their address, which stays as it is."""
    first = next((r for r in human.records if human.email in r.holds), None)
    return [r for r in human.records if r is not first and r.person == human.name]


def addressed(human: Human, *datasets: str) -> list[Record]:
    """Records with their address, likewise."""
    mine = [r for r in human.records if human.email in r.holds]
    return [r for r in mine[1:] if not datasets or r.dataset in datasets]


def swap(record: Record, old: Identifier, new: Identifier) -> None:
    """It carries the new one in place of the old."""
    record.holds = (record.holds - {old}) | {new}
