"""Anonymise: records that are kept without the person. What is taken out is data, per dataset."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dsr.model import Outcome
from dsr.schema import UNMAPPED
from dsr.selection import Selection
from extractors.salesforce.changing import Changes, Wanted, change, read
from extractors.salesforce.client import Client
from extractors.salesforce.layout import Layout
from extractors.salesforce.own import Person
from extractors.salesforce.sharing import Key
from extractors.salesforce.standing import Chosen, Row, chosen


@dataclass(frozen=True)
class Anonymised:
    """What makes a record nobody's.

    links     fields that lead to the person
    described fields by which somebody described themselves, all of them one and the same person
    texts     fields in which anybody may have written anything
    """

    links: tuple[str, ...]
    described: tuple[str, ...]
    texts: tuple[str, ...]


ANONYMISED: Final[Mapping[str, Anonymised]] = {
    "salesforce_case": Anonymised(
        links=("ContactId", "AccountId"),
        described=("SuppliedName", "SuppliedEmail", "SuppliedPhone", "SuppliedCompany"),
        texts=("Subject", "Description", "Comments"),
    ),
}
"""By dataset. All these fields are emptied, and so are those that the connection's `anonymise_fields` names.

AccountId only when it is a person account: a company is nobody. Comments reads as empty at the vendor, where writing
to it makes a comment (object reference, Case), so it is not written while it is empty. The vendor's copies of the
contact's fields (ContactEmail and so on) go with ContactId."""


def anonymise(
    client: Client, layout: Layout, selections: Sequence[Selection], more: Collection[str]
) -> Iterator[Outcome]:
    """Takes the person out; one outcome per record. `more`: further fields to empty, `Object.Field`.

    A record that is somebody else's too keeps what describes that person, and the texts, which a person has to look
    through: "manual".
    """
    records = []
    for record in chosen(selections, "anonymise", _columns()):
        if record.dataset in ANONYMISED:
            records.append(record)
        else:
            yield record.outcome("manual", "anonymise.undeclared")
    if not records:
        return
    people = {s.request_id: Person.of(s) for s in selections}
    fields: dict[Key, list[str]] = {(r.object, r.id): _fields(r, layout, more) for r in records}
    before = read(client, layout, fields)
    wanted: Wanted = {}
    for record in records:
        row = before.get(record.id, {})
        emptied = _emptied(record, row, people[record.request_id], fields[record.object, record.id])
        writable = {f: None for f in emptied if layout.writable(record.object, f) or row.get(f) is None}
        wanted.setdefault((record.object, record.id), {}).update(writable)
    changes = change(client, layout, wanted, before)
    for record in records:
        yield _outcome(record, changes, layout, fields[record.object, record.id], people[record.request_id])


def _columns() -> set[str]:
    return {UNMAPPED, *(f for a in ANONYMISED.values() for f in (*a.links, *a.described, *a.texts))}


def _fields(record: Chosen, layout: Layout, more: Collection[str]) -> list[str]:
    """All that might be emptied, as far as the user sees it."""
    what = ANONYMISED[record.dataset]
    named = [f.partition(".")[2] for f in sorted(more) if f.partition(".")[0] == record.object]
    return [f for f in (*what.links, *what.described, *what.texts, *named) if layout.kind(record.object, f)]


def _emptied(record: Chosen, row: Row, person: Person, fields: Sequence[str]) -> list[str]:
    what = ANONYMISED[record.dataset]
    others = _others(record, row)
    skipped = {f for f in what.links if row.get(f) not in person.ids | person.accounts}
    skipped |= set(what.described) if others & set(what.described) else set()
    skipped |= set(fields) - {*what.links, *what.described} if others else set()
    return [f for f in fields if f not in skipped]


def _others(record: Chosen, row: Row) -> set[str]:
    """Fields of the record that were withheld from the requester, since they are somebody else's."""
    what = ANONYMISED[record.dataset]
    return {f for f in (*what.links, *what.described) if row.get(f) is not None and record.row.get(f) is None}


def _outcome(record: Chosen, changes: Changes, layout: Layout, fields: Sequence[str], person: Person) -> Outcome:
    row = changes.before.get(record.id, {})
    outcome = changes.outcome(record)
    if outcome.outcome != "done":
        return outcome
    if _others(record, row):
        return record.outcome("manual", "shared.record")
    left = [f for f in _emptied(record, row, person, fields) if not layout.writable(record.object, f)]
    if any(row.get(f) is not None for f in left):
        return record.outcome("retained", "field.read_only")
    own_kinds = {name for name in record.row.get(UNMAPPED) or {} if name.endswith("__c")}
    return record.outcome("done", "fields.unlisted" if own_kinds - set(fields) else "")
