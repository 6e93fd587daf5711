"""The people that the sandbox is filled with: one canary, hard neighbours, and a crowd. Deterministic from a seed.

Only who they are stands here; what a system holds about them is made by that system's `seed`, which also writes
down the truth (`Truth`), field by field in the form that the package should show.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from faker import Faker

Expected = Literal["package", "doubtful", "withheld", "never"]


@dataclass(frozen=True)
class Company:
    """An employer. `customer_number` is ours; a sole trader's `org_no` is its owner's personal number."""

    name: str
    org_no: str
    domain: str
    switchboard: str
    customer_number: str
    sole_trader: bool = False


@dataclass(frozen=True)
class Person:
    """One human. `key` names them in the truth. `emails[0]` is the current address, the rest are former ones.
    `mobile` is theirs alone; the company's switchboard is not."""

    key: str
    given: str
    family: str
    emails: tuple[str, ...]
    mobile: str
    company: Company
    street: str
    postal_code: str
    city: str
    country: str = "SE"
    language: str = "sv"
    industry: str = "Manufacturing"
    stage: str = "Evaluation"
    title: str = "Purchaser"
    iban: str = ""
    ip: str = ""

    @property
    def name(self) -> str:
        """Given and family name with a blank between."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """The current address."""
        return self.emails[0]

    def identifying(self) -> list[str]:
        """Strings that point to this person alone; what a leak test looks for. None shorter than 7 characters."""
        values = [self.name, self.family, *self.emails, self.mobile, _national(self.mobile), self.street]
        values += [self.iban, self.ip]
        if self.company.sole_trader:
            values.append(self.company.org_no)
        return [v for v in dict.fromkeys(values) if len(v) >= 7]


@dataclass(frozen=True)
class Truth:
    """One record that a system holds about a person.

    `fields` is the record as the package should show it (schema fields, without provenance). `expected`:
    "package" must be there exactly so; "doubtful" is the canary's but not surely found, must not be there and
    counts as doubtful; "withheld" must be counted, not shown; "never" belongs to somebody else.
    """

    person: str
    dataset: str
    source_id: str
    fields: Mapping[str, Any]
    expected: Expected = "package"


@dataclass(frozen=True)
class Population:
    """`canary` has data in every system; `neighbours` are easily taken for the canary; `crowd` is the rest."""

    seed: int
    canary: Person
    neighbours: tuple[Person, ...]
    crowd: tuple[Person, ...] = field(repr=False)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody, the canary first."""
        return (self.canary, *self.neighbours, *self.crowd)

    def foreign(self) -> list[str]:
        """Strings that point to somebody else than the canary: none of them may be in the canary's package."""
        own = "\n".join((*self.canary.identifying(), self.canary.title, self.canary.company.name))
        others = [v for p in (*self.neighbours, *self.crowd) for v in p.identifying()]
        return [v for v in dict.fromkeys(others) if v not in own]

    def person(self, key: str) -> Person:
        """The person of that key. KeyError when there is none."""
        for person in self.people:
            if person.key == key:
                return person
        raise KeyError(key)

    def random(self, system: str) -> random.Random:
        """A generator of its own for each system, so that seeding one doesn't shift another."""
        return random.Random(f"{self.seed}:{system}")


KVARNBERGET = Company("Kvarnberget Verkstad AB", "556000-4615", "kvarnberget.example", "+46851740610", "K-100417")
STRANDBAGEN = Company("Strandbågen & Söner HB", "969000-1234", "strandbagen.example", "+46851740620", "K-100533")

CANARY = Person(
    "canary", "Åsa-Lärka", "Öhrnqvist D'Arcy",
    ("asa.ohrnqvist@kvarnberget.example", "asa.bergfalk@fornamn.example"),
    "+46701740605", KVARNBERGET, "Kvarnbergsvägen 17 C", "126 37", "Hägersten",
    title="=Head of \"Purchasing\"; Ädelträ", iban="SE3550000000054910000003", ip="198.51.100.77",
)  # fmt: skip

NEIGHBOURS = (
    # Same name, elsewhere.
    Person("same_name", "Åsa-Lärka", "Öhrnqvist D'Arcy", ("asa.ohrnqvist@strandbagen.example",), "+46701740611",
           STRANDBAGEN, "Strandpromenaden 108", "852 36", "Sundsvall", ip="198.51.100.11",
           iban="SE7280000810340009783242"),
    # Same name, same company, same switchboard: only the address tells them apart.
    Person("namesake_colleague", "Åsa-Lärka", "Öhrnqvist D'Arcy", ("asa.ohrnqvist2@kvarnberget.example",),
           "+46701740612", KVARNBERGET, "Gamla Ekvägen 212", "126 40", "Hägersten", ip="198.51.100.12"),
    # Same company, same switchboard number, shares the mailbox info@.
    Person("colleague", "Birger", "Qvarnsträng", ("birger.qvarnstrang@kvarnberget.example",), "+46701740613",
           KVARNBERGET, "Lövholmsgränd 331", "117 43", "Stockholm", ip="198.51.100.13"),
    # The canary's address with a plus tag: another human (a household's second user of one mailbox).
    Person("plus_address", "Torkel", "Öhrnqvist-Plusén", ("asa.ohrnqvist+torkel@kvarnberget.example",),
           "+46701740614", KVARNBERGET, "Kvarnstensbacken 44 D", "126 37", "Hägersten", ip="198.51.100.14"),
    # One letter off, and a prefix of the canary's address.
    Person("near_address", "Åse", "Öhrnqvistdotter", ("asa.ohrnqvist@kvarnberget.example.org",), "+46701740615",
           STRANDBAGEN, "Näraslingan 15 F", "852 37", "Sundsvall", ip="198.51.100.15"),
    # Hostile and foreign spellings.
    Person("formula", "=cmd|'/C calc'!A0", "O'Quote \"Robert'); DROP TABLE--", ("robert.oquote@strandbagen.example",),
           "+46701740616", STRANDBAGEN, "@SUM(1+1)*Formelgatan", "852 38", "Sundsvall", ip="198.51.100.16"),
    Person("right_to_left", "نور", "الهاشمي‏ (حسن)", ("nour.alhashimi@strandbagen.example",), "+46701740617",
           STRANDBAGEN, "شارع النيل ١٢٣", "852 39", "Sundsvall", language="ar", ip="198.51.100.17"),
)  # fmt: skip


def populate(people: int = 500, seed: int = 1) -> Population:
    """A population of that many humans, canary and neighbours included (never fewer than those)."""
    fake = Faker("sv_SE")
    fake.seed_instance(seed)
    companies = [_company(fake, n) for n in range(max(1, people // 8))]
    missing = max(0, people - 1 - len(NEIGHBOURS))
    crowd = tuple(_person(fake, n, companies[n % len(companies)]) for n in range(missing))
    return Population(seed, CANARY, NEIGHBOURS, crowd)


def _company(fake: Faker, n: int) -> Company:
    sole = n % 7 == 3
    org_no = f"{600101 + n % 300:06d}-{1000 + n:04d}" if sole else f"5567{n % 100:02d}-{1000 + n:04d}"
    return Company(fake.company(), org_no, f"bolag{n}.example", f"+4687{n:07d}", f"K-{200000 + n}", sole)


def _person(fake: Faker, n: int, company: Company) -> Person:
    given, family = fake.first_name(), fake.last_name()
    return Person(
        f"p{n:06d}", given, family, (f"p{n:06d}@{company.domain}",), f"+4670{2000000 + n:07d}", company,
        f"{fake.street_name()} {n}", fake.postcode(), fake.city(), ip=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
    )  # fmt: skip


def _national(phone: str) -> str:
    return "0" + phone.removeprefix("+46") if phone.startswith("+46") else phone
