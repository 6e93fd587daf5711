"""What of an org is one requester's own, as far as an approved selection tells."""

from dataclasses import dataclass, field

from dsr.selection import Selection
from dsr.vocabulary import EFFECTS
from extractors.salesforce.values import email, full_id

_PERSONS = ("salesforce_contact", "salesforce_lead", "salesforce_account")


@dataclass(frozen=True)
class Person:
    """ids: of contacts, leads, individuals and person accounts; accounts: of person accounts alone; emails: addresses
    in lower case; entities: ids of all their records, whatever the plan says of them."""

    ids: frozenset[str] = field(repr=False)
    accounts: frozenset[str] = field(repr=False)
    emails: frozenset[str] = field(repr=False)
    entities: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, selection: Selection) -> "Person":
        """The person of a request."""
        matches = selection.found.matches
        ids = {full_id(m.record_id) for m in matches if m.dataset in _PERSONS}
        ids |= {full_id(m.reference.get("individual")) for m in matches}
        addresses = {email(i.value) for m in matches for i in m.by | m.holds if i.kind == "email"}
        records = {
            full_id(record_id)
            for effect in EFFECTS
            for dataset in selection.datasets(effect)
            # A company's account is everybody's who works there.
            if dataset != "salesforce_account"
            for record_id in selection.ids(dataset, effect)
        }
        return cls(
            ids=frozenset(ids - {""}),
            # `find` reports no other accounts.
            accounts=frozenset(full_id(m.record_id) for m in matches if m.dataset == "salesforce_account"),
            emails=frozenset(addresses - {""}),
            entities=frozenset(records | ids - {""}),
        )


def together(people: list[Person]) -> Person:
    """Several requesters as one: what they share is theirs alone when all of them want it gone."""
    if len(people) == 1:
        return people[0]
    return Person(*(frozenset().union(*parts) for parts in zip(*(_parts(p) for p in people), strict=True)))


def _parts(person: Person) -> tuple[frozenset[str], ...]:
    return person.ids, person.accounts, person.emails, person.entities
