"""What the org holds: one `Record` per sObject, made from the population, with what a package must show of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.ids import salesforce_account_id, salesforce_contact_id, salesforce_id, salesforce_lead_id
from sandbox.people import Expected, Person, Population
from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.table import STAFF, moment

HOSTILE = " \"citat\" 'apostrof' \\ =1+1\n@SUM(A1)\t;åäö ÅÄÖ é \u202eabc\u202c نور 😀 <b>&amp;"
SUPPORT = "support@controller.example"
AGENT = "Agneta Handläggarsson"

Shown = Mapping[str, Any]
"""Fields whose value the package shows differently from the record; None = not at all (somebody else's)."""


@dataclass(frozen=True)
class Record:
    """One record. `about`: key of each person whose package must hold it → what it shows differently there;
    `extra`: what the package shows beside the record's own fields. `created` is when, UTC."""

    object: str
    id: str
    fields: Mapping[str, Any]
    created: datetime
    about: Mapping[str, Shown] = field(default_factory=dict)
    expected: Expected = "package"
    deleted: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As the org keeps it, system fields included."""
        at, kind = moment(self.created), CATALOGUE[self.object]
        staff = {"OwnerId", "CreatedById", "LastModifiedById"}
        stamps = {"CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at, **dict.fromkeys(staff, STAFF)}
        system = {k: v for k, v in stamps.items() if k.lower() in kind.by_name}
        return {"Id": self.id, "IsDeleted": self.deleted, **system, **self.fields}


@dataclass(frozen=True)
class Clock:
    """Dates around which the data is made; `today` is the sandbox's."""

    today: date

    def day(self, ago: int) -> str:
        """An ISO date that many days ago."""
        return (self.today - timedelta(ago)).isoformat()

    def at(self, ago: int, hour: int = 9, minute: int = 30) -> datetime:
        """A moment that many days ago, UTC, with milliseconds."""
        return datetime(self.today.year, self.today.month, self.today.day, hour, minute, 5, 123000, UTC) - timedelta(
            ago
        )

    def stamp(self, ago: int, hour: int = 9) -> str:
        """The same as the vendor writes it."""
        return moment(self.at(ago, hour))


@dataclass(frozen=True)
class Portrait:
    """A person and what their records are called. `rich` = the canary; `known` = canary or neighbour."""

    person: Person
    index: int
    rich: bool
    known: bool
    clock: Clock

    @property
    def contact(self) -> str:
        """Id of the Contact."""
        return salesforce_contact_id(self.person.key)

    @property
    def lead(self) -> str:
        """Id of the Lead."""
        return salesforce_lead_id(self.person.key)

    @property
    def individual(self) -> str:
        """Id of the Individual."""
        return self.id("Individual")

    @property
    def account(self) -> str:
        """Id of the Account: the company's, or their own when it is a person account."""
        return self.id("Account", "person") if self.person_account else company_account(self.person)

    @property
    def person_account(self) -> bool:
        """One neighbour is a customer as a private person."""
        return self.person.key == "plus_address"

    def id(self, kind: str, name: str = "1") -> str:
        """Id of another record of theirs."""
        return salesforce_id(CATALOGUE[kind].prefix, f"{self.person.key}:{kind}:{name}")

    def text(self, what: str) -> str:
        """Free text that names the person; hostile for the canary."""
        return f"{what}: {self.person.name}" + (HOSTILE if self.rich else "")

    def mobile(self) -> str:
        """The mobile as somebody typed it: in the national form, with 00, with (0), or in E.164."""
        national = self.person.mobile.removeprefix("+46")
        spaced = f"{national[:2]}-{national[2:5]} {national[5:7]} {national[7:]}"
        forms = (f"0{spaced}", f"0046{national}", f"+46 (0){spaced}", self.person.mobile)
        return forms[self.index % len(forms)] if self.known else self.person.mobile

    def record(self, kind: str, name: str, ago: int, *, id: str = "", about: Mapping[str, Shown] | None = None,
               expected: Expected = "package", deleted: bool = False, extra: Mapping[str, Any] | None = None,
               **fields: Any) -> Record:  # fmt: skip
        """A record of this person's, created that many days ago."""
        whose = {self.person.key: {}} if about is None else about
        created = self.clock.at(ago, 6 + self.index % 12)
        return Record(kind, id or self.id(kind, name), fields, created, whose, expected, deleted, extra or {})


def company_account(person: Person) -> str:
    """Id of the employer's Account."""
    return salesforce_account_id(person.company.customer_number)


def portraits(population: Population, today: str) -> list[Portrait]:
    """Everybody, the canary first."""
    clock, known = Clock(date.fromisoformat(today)), 1 + len(population.neighbours)
    return [Portrait(p, n, n == 0, n < known, clock) for n, p in enumerate(population.people)]


def records_of(population: Population, today: str) -> Iterator[Record]:
    """All records of the org."""
    from sandbox.salesforce import contacts, conversations, files, sales

    people = portraits(population, today)
    for topic in (contacts, sales, conversations, files):
        yield from topic.records(people)
