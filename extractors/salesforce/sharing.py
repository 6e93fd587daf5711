"""What a record shares with other people: then the record stays, and only the requester's link to it goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from extractors.salesforce.client import Client
from extractors.salesforce.layout import Layout
from extractors.salesforce.own import Person
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.standing import Row
from extractors.salesforce.values import email, full_id
from extractors.salesforce.writing import Writer, reason_of

_PEOPLE: Final = ("003", "00Q")
_STAFF: Final = "005"
_GONE: Final = ("", "ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")

LINKS: Final = {
    "Task": ("TaskRelation", "TaskId", ("RelationId",)),
    "Event": ("EventRelation", "EventId", ("RelationId",)),
    "EmailMessage": ("EmailMessageRelation", "EmailMessageId", ("RelationId", "RelationAddress")),
    "ContentDocument": ("ContentDocumentLink", "ContentDocumentId", ("LinkedEntityId",)),
}
"""Object → the object that links its records to people, the field that names the record, the fields that name whom."""
_OPTIONAL: Final = ("TaskRelation", "EventRelation")

Key = tuple[str, str]
"""Object and id."""


@dataclass
class Shared:
    """Records that stay because they are somebody else's too: key → "" when the requester's link to it is gone, else
    the reason why it isn't. `versions`: document → ids of all its versions that are not deleted."""

    records: dict[Key, str] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)


def detach(
    client: Client,
    layout: Layout,
    writer: Writer,
    owners: Mapping[Key, Person],
    rows: Mapping[str, Row],
    roles: frozenset[str],
) -> Shared:
    """Removes the owners' links to what they share with others. `rows`: the records as they are; `roles`: our own
    addresses that are no person's."""
    links, shared = _links(client, layout, owners)
    removed: dict[str, Key] = {}
    passed: dict[str, tuple[str, str, Mapping[str, Any]]] = {}
    for key, its in links.items():
        own = owners[key]
        others = [row for row in its if _others(key[0], row, own, roles)]
        if not others:
            continue
        shared.records[key] = ""
        removed |= {full_id(row["Id"]): key for row in its if _theirs(key[0], row, own)}
        if key[0] in ("Task", "Event") and full_id(rows[key[1]].get("WhoId")) in own.ids:
            passed[key[1]] = (key[0], key[1], {"WhoId": sorted(full_id(row["RelationId"]) for row in others)[0]})
    # First the field, since the vendor lets the relation follow it.
    for record_id, code in writer.change(list(passed.values())).items() if passed else ():
        shared.records[passed[record_id][0], record_id] = reason_of(code) if code else ""
    for record_id, code in writer.delete(sorted(removed)).items() if removed else ():
        if code not in _GONE:
            shared.records[removed[record_id]] = reason_of(code)
    return shared


def _links(client: Client, layout: Layout, owners: Mapping[Key, Person]) -> tuple[dict[Key, list[Row]], Shared]:
    queries: list[tuple[str, str]] = []
    for name, (link, field_name, whom) in LINKS.items():
        terms = [Term(field_name, record_id) for kind, record_id in owners if kind == name]
        if link not in _OPTIONAL or layout.has(link):
            queries += [(name, text) for text in statements(link, ["Id", "IsDeleted", field_name, *whom], terms)]
        if name == "ContentDocument":
            fields = ["Id", "IsDeleted", field_name]
            queries += [("", text) for text in statements("ContentVersion", fields, terms)]
    links: dict[Key, list[Row]] = {}
    shared = Shared()
    for name, rows in client.rows(queries):
        for row in _live(rows):
            if name:
                links.setdefault((name, full_id(row[LINKS[name][1]])), []).append(row)
            else:
                shared.versions.setdefault(full_id(row["ContentDocumentId"]), set()).add(full_id(row["Id"]))
    return links, shared


def _live(rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if not row.get("IsDeleted"))


def _others(name: str, row: Row, own: Person, roles: frozenset[str]) -> bool:
    """Whether a link leads to somebody else. Our staff are nobody here."""
    if name == "ContentDocument":
        entity = full_id(row["LinkedEntityId"])
        return entity not in own.entities and not entity.startswith(_STAFF)
    relation = full_id(row["RelationId"])
    if relation or name != "EmailMessage":
        return relation.startswith(_PEOPLE) and relation not in own.ids
    return email(row["RelationAddress"]) not in own.emails | roles | {""}


def _theirs(name: str, row: Row, own: Person) -> bool:
    if name == "ContentDocument":
        return full_id(row["LinkedEntityId"]) in own.entities
    relation = full_id(row["RelationId"])
    return relation in own.ids or (not relation and email(row.get("RelationAddress")) in own.emails)
