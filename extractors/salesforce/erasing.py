"""Erase: children first into the recycle bin, then out of it for good; what is claimed is what a last look shows.

Nothing is kept between calls: each looks first how the records stand, so one that comes after an interruption goes on
where the other stopped.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dsr.model import Outcome
from dsr.selection import Selection
from dsr.vocabulary import EFFECTS
from extractors.salesforce.bulk import Bulk
from extractors.salesforce.client import Client
from extractors.salesforce.hanging import Hanging, hanging
from extractors.salesforce.layout import PARENTS, Layout
from extractors.salesforce.own import Person, together
from extractors.salesforce.plan import OTHER
from extractors.salesforce.purging import Purge, Verdict
from extractors.salesforce.sharing import Key, detach
from extractors.salesforce.standing import Chosen, Row, by_object, chosen, standing
from extractors.salesforce.values import full_id
from extractors.salesforce.writing import Writer, reason_of

BULK_ROWS: Final = 2_000
"""More records of one object than this are deleted by a job."""
_LATER: Final = (
    ("ContactPointEmail", "ContentDocument", "EmailMessage", "Order"),
    ("Task", "Event", "Quote"),
    ("Case", "Opportunity"),
    ("Contact", "Lead"),
    ("Individual", "Account"),
)
"""Objects in the order of deletion; all others come first."""
_FIELDS: Final = ("AccountId", "IsPersonAccount", "ContentDocumentId")
_SEEN: Final = {"Task": ("WhoId",), "Event": ("WhoId",)}
_GONE: Final = ("", "ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")


@dataclass(frozen=True)
class _Item:
    """A record to erase, and what has to be deleted for it: itself, a version's file, a person account's account."""

    record: Chosen
    key: Key

    @property
    def own(self) -> Key:
        return self.record.object, self.record.id


class Erasing:
    """One erasure of a batch. `roles`: our own addresses that are no person's; `patience`: seconds to wait for jobs."""

    def __init__(
        self, client: Client, layout: Layout, roles: frozenset[str], patience: float, erasable: frozenset[str]
    ) -> None:
        """`erasable`: objects beyond those of the datasets whose records are one person's alone."""
        self._client, self._layout, self._roles = client, layout, roles
        # What the vendor deletes along with a person is the person's, by its own design.
        self._erasable = erasable | {child for name in PARENTS for child, _ in layout.cascades.get(name, ())}
        self._writer, self._bulk = Writer(client), Bulk(client, patience)
        self._stays: dict[Key, Verdict] = {}
        """What is not deleted, and what that means for it."""
        self._by_hand: set[str] = set()
        """Ids of what was to be erased, and is a person's to do."""

    def outcomes(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Does it; one outcome per record."""
        people = {s.request_id: Person.of(s) for s in selections}
        items: list[_Item] = []
        for record in chosen(selections, "erase", _FIELDS):
            item = _item(record, people[record.request_id], self._erasable)
            if isinstance(item, Outcome):
                self._by_hand.add(record.id)
                yield item
            else:
                items.append(item)
        # A person account and its contact are one record; the account's own line in the plan decides about it.
        approved = {(item.record.request_id, item.own) for item in items}
        for item in [item for item in items if item.key[0] == "Account"]:
            if (item.record.request_id, item.key) not in approved:
                yield item.record.outcome("manual", "person_account.not_approved")
                items.remove(item)
        before = self._standing(items)
        there = [item for item in items if item.record.id in before]
        live = [item for item in there if not before[item.record.id]["IsDeleted"]]
        self._delete(live, before, people, selections)
        purge = Purge(self._client, self._layout, self._bulk, self._stays)
        purge.run(by_object(item.key for item in there if item.key not in self._stays))
        after = self._standing(there) if there else {}
        for item in items:
            if item.record.id not in before:
                yield item.record.outcome("absent")
            elif item.record.id not in after:
                yield item.record.outcome("done")
            else:
                verdict = purge.verdict(item.key, after[item.record.id])
                yield item.record.outcome(verdict.outcome, verdict.reason, verdict.until)

    def _standing(self, items: Iterable[_Item]) -> dict[str, Row]:
        wanted = by_object(key for item in items for key in (item.own, item.key))
        return standing(self._client, self._layout, wanted, _SEEN)

    def _delete(
        self,
        items: list[_Item],
        rows: Mapping[str, Row],
        people: Mapping[str, Person],
        selections: Sequence[Selection],
    ) -> None:
        """Into the recycle bin, all that may go there."""
        if not items:
            return
        known = by_object(key for item in items for key in (item.own, item.key))
        hangs = hanging(self._client, self._layout, known)
        self._share(items, rows, people)
        going = [item for item in items if item.key not in self._stays]
        # A task that was shared belongs to another person by now, so it hangs on none of these any more.
        passed = {key for key, verdict in self._stays.items() if verdict.reason == _LINK_REMOVED.reason}
        self._keep(hangs, {key for item in going for key in (item.own, item.key)} | passed, selections)
        for level in _levels(item.key for item in going):
            ids = {name: [i for i in its if (name, i) not in self._stays] for name, its in level.items()}
            self._delete_level({name: its for name, its in ids.items() if its}, hangs)

    def _keep(self, hangs: Hanging, going: Collection[Key], selections: Sequence[Selection]) -> None:
        """What would take along a record that doesn't go stays. It is a person's to do where the plan, or a rule, left
        that record as it is: nothing will change by itself. One that nobody has decided about blocks it."""
        left = hangs.left(going)
        decided = self._by_hand | _planned_otherwise(selections) if left else set()
        for child in left:
            verdict = _FOR_A_PERSON if child[1] in decided and child not in self._stays else _CHILD_KEPT
            for parent in hangs.above(child):
                if self._stays.get(parent, _FOR_A_PERSON) == _FOR_A_PERSON:
                    self._stays[parent] = verdict

    def _share(self, items: list[_Item], rows: Mapping[str, Row], people: Mapping[str, Person]) -> None:
        requests: dict[Key, dict[str, None]] = {}
        for item in items:
            requests.setdefault(item.key, {})[item.record.request_id] = None
        groups = {group: together([people[r] for r in group]) for group in {tuple(its) for its in requests.values()}}
        owners = {key: groups[tuple(its)] for key, its in requests.items()}
        shared = detach(self._client, self._layout, self._writer, owners, rows, self._roles)
        for key, reason in shared.records.items():
            self._stays[key] = Verdict("blocked", reason) if reason else _LINK_REMOVED
        chosen_ids = {item.record.id for item in items}
        for document, versions in shared.versions.items():
            if not versions <= chosen_ids:
                self._stays.setdefault(("ContentDocument", document), _CHILD_KEPT)

    def _delete_level(self, ids: Mapping[str, list[str]], hangs: Hanging) -> None:
        many = {name: its for name, its in ids.items() if len(its) > BULK_ROWS}
        self._delete_few({i: name for name, its in ids.items() if name not in many for i in its}, hangs)
        for name, its in many.items():
            self._delete_many(name, its, hangs)

    def _delete_few(self, objects: Mapping[str, str], hangs: Hanging) -> None:
        """Of id → object, by lists."""
        for record_id, code in self._writer.delete(list(objects)).items():
            if code not in _GONE:
                self._leave((objects[record_id], record_id), Verdict("blocked", reason_of(code)), hangs)

    def _delete_many(self, name: str, ids: list[str], hangs: Hanging) -> None:
        """By a job: for good at once, or into the recycle bin when the user may not do more."""
        running = self._bulk.settle("hardDelete", [name]) | self._bulk.settle("delete", [name])
        if running.get(name) != "running":
            job = self._bulk.run("hardDelete", {name: ids})[name]
            if job.state == "not_permitted":
                job = self._bulk.run("delete", {name: ids})[name]
            if job.state == "unsupported":
                self._delete_few(dict.fromkeys(ids, name), hangs)
                return
            if job.state == "ended":
                for record_id, code in job.codes.items():
                    if code not in _GONE:
                        self._leave((name, full_id(record_id)), Verdict("blocked", reason_of(code)), hangs)
                return
        for record_id in ids:
            self._leave((name, record_id), Verdict("scheduled", "delete.running"), hangs)

    def _leave(self, key: Key, verdict: Verdict, hangs: Hanging) -> None:
        """Not deleted, so nothing that would take it along is either."""
        self._stays[key] = verdict
        above = verdict if verdict.outcome == "scheduled" else _CHILD_KEPT
        for parent in hangs.above(key):
            self._stays.setdefault(parent, above)


_LINK_REMOVED: Final = Verdict("retained", "shared.link_removed")
_CHILD_KEPT: Final = Verdict("blocked", "child.kept")
_FOR_A_PERSON: Final = Verdict("manual", "child.kept")


def _planned_otherwise(selections: Sequence[Selection]) -> set[str]:
    """Ids of what the plans do something else with than erasing it."""
    return {
        record_id
        for selection in selections
        for effect in EFFECTS
        if effect != "erase"
        for dataset in selection.datasets(effect)
        for record_id in selection.ids(dataset, effect)
    }


def _item(record: Chosen, person: Person, erasable: Collection[str]) -> _Item | Outcome:
    """What to delete for a record, or what becomes of it without."""
    if record.dataset == OTHER and record.object not in erasable:
        return record.outcome("manual", "object.not_the_persons")
    if record.object.endswith("History"):
        return record.outcome("retained", "vendor.field_history")
    if record.object == "Account" and record.id not in person.accounts:
        return record.outcome("manual", "account.of_organisation")
    if record.object == "ContentVersion":
        document = full_id(record.row.get("ContentDocumentId"))
        return _Item(record, ("ContentDocument", document)) if document else record.outcome("blocked", "file.unknown")
    if record.object == "Contact" and record.row.get("IsPersonAccount"):
        return _Item(record, ("Account", full_id(record.row.get("AccountId"))))
    return _Item(record, (record.object, record.id))


def _levels(keys: Iterable[Key]) -> Iterator[dict[str, list[str]]]:
    """The records in the order of deletion."""
    rank = {name: n for n, names in enumerate(_LATER, 1) for name in names}
    grouped = by_object(keys)
    for level in range(len(_LATER) + 1):
        found = {name: grouped[name] for name in sorted(grouped) if rank.get(name, 0) == level}
        if found:
            yield found
