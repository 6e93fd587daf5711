"""What a right must make of a person's records, from the sandbox's truth and the law as it is read here: nothing of the
plan, nothing of what the systems' sources say of themselves. What is otherwise is a finding, in words."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from state import Changed, Key, State

from extractors import SOURCES
from sandbox.people import Person, Truth

GOES = frozenset({
    "salesforce_contact", "salesforce_lead", "salesforce_individual", "salesforce_contact_point_email",
    "salesforce_consent", "salesforce_contact_point_consent", "salesforce_duplicate", "salesforce_other",
    "salesforce_campaign_member", "salesforce_opportunity_role", "salesforce_case_comment", "salesforce_task",
    "salesforce_event", "salesforce_email", "salesforce_file", "salesforce_attachment",
    "pardot_prospect", "pardot_tag", "pardot_list_membership",
    "invoicing_address", "invoicing_bank_account", "invoicing_email_dispatch",
    "webinar_registration", "webinar_panelist", "webinar_chat_message",
    "call_record", "call_transcript_line",
})  # fmt: skip
NAMELESS = frozenset({"salesforce_case", "invoicing_contact", "invoicing_customer"})
EXPIRES = frozenset({"salesforce_contact_history", "salesforce_lead_history"})
BY_HAND = frozenset({
    "salesforce_account", "salesforce_opportunity", "salesforce_quote", "salesforce_order",
    "pardot_lifecycle_history", "pardot_email", "pardot_visitor_activity", "pardot_visitor", "pardot_visit",
    "pardot_page_view", "pardot_external_activity", "pardot_opportunity",
    "webinar_attendance", "webinar_question", "webinar_poll_answer", "webinar_survey_answer",
})  # fmt: skip
LATER = timedelta(hours=7)
"""So long after a vendor was asked to delete for good it has."""
BOOKS = frozenset({
    "invoicing_invoice", "invoicing_invoice_line", "invoicing_payment", "invoicing_reminder", "invoicing_document",
})  # fmt: skip
"""Accounts: kept to the end of the seventh year after the calendar year in which the financial year ended (Bookkeeping
Act 1999:1078, 7:2), once they are accounts at all."""
assert {d.name for s in SOURCES for d in s.declaration.datasets} == GOES | NAMELESS | EXPIRES | BY_HAND | BOOKS

STAMPS = frozenset({"LastModifiedDate", "SystemModstamp", "updatedAt", "updated_at", "LastModifiedById"})
MARKS: Mapping[str, frozenset[str]] = {
    "Contact": frozenset({"HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"}),
    "Lead": frozenset({"HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"}),
    "Individual": frozenset({
        "HasOptedOutProcessing", "HasOptedOutProfiling", "HasOptedOutTracking", "HasOptedOutGeoTracking",
        "HasOptedOutSolicit",
    }),
    "CampaignMember": frozenset({"HasOptedOutOfEmail", "DoNotCall"}),
    "Account": frozenset({"PersonHasOptedOutOfEmail", "PersonHasOptedOutOfFax", "PersonDoNotCall"}),
    "prospects": frozenset({"isDoNotEmail", "isDoNotCall", "notes"}),
    "list-memberships": frozenset({"optedOut"}),
    "customer": frozenset({"restricted_at", "restricted_purposes"}),
    "customer_contact": frozenset({"restricted_at", "restricted_purposes"}),
    "invoice": frozenset({"restricted_at", "restricted_purposes"}),
    "bank_account": frozenset({"restricted_at", "restricted_purposes"}),
    "object": frozenset({"tags"}),
}  # fmt: skip
"""Kind → where a restriction shows."""
_PARDOT = {
    "prospect": "prospects", "visitor": "visitors", "visit": "visits", "page_view": "visitor-page-views",
    "visitor_activity": "visitor-activities", "email": "emails", "lifecycle_history": "lifecycle-histories",
    "list_membership": "list-memberships", "tag": "tagged-objects", "opportunity": "opportunities",
    "external_activity": "external-activities",
}  # fmt: skip
_BOOKED = {"contact": "customer_contact", "document": "invoice_document"}
_LINKS = (
    "TaskRelation", "EventRelation", "EmailMessageRelation", "ContentDocument", "ContentDocumentLink",
    "ContactPointTypeConsent", "ContactHistory", "LeadHistory",
)  # fmt: skip
_CALL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def places(truth: Truth, state: State) -> list[Key]:
    """Where a record lies; several for a call, none for what is only a part of something else."""
    dataset, number = truth.dataset, truth.source_id
    if dataset.startswith("salesforce_"):
        return [key for key in state if key[0] == "salesforce" and key[2] == number]
    if dataset.startswith("pardot_"):
        return [("pardot", _PARDOT[dataset.removeprefix("pardot_")], number)]
    if dataset.startswith("invoicing_"):
        table = dataset.removeprefix("invoicing_")
        return [("invoicing", _BOOKED.get(table, table), number)]
    if dataset in ("webinar_registration", "webinar_panelist"):
        webinar, _, seat = number.split(":", 2)
        return [("webinars", "registrant" if dataset == "webinar_registration" else "panelist", f"{webinar}:{seat}")]
    if dataset == "call_record":
        return [k for k in state if k[0] == "recordings" and number in k[2]]
    return []


def effect_of(truth: Truth, invoices: Mapping[str, Truth], day: date) -> str:
    """What an erasure must plan for it."""
    dataset = truth.dataset
    if dataset in BOOKS:
        invoice = invoices[str(truth.fields["invoice_id"])].fields
        ended, is_account = invoice.get("fiscal_year_end"), invoice.get("issued_at") or invoice.get("booked_at")
        kept = is_account and (ended is None or day <= date(int(str(ended)[:4]) + 7, 12, 31))
        return "restrict" if kept else "erase"
    ways = {"erase": GOES, "anonymise": NAMELESS, "expire": EXPIRES, "manual": BY_HAND}
    return next(way for way, names in ways.items() if dataset in names)


def planned_as_the_law_says(
    truth: Iterable[Truth], planned: Mapping[tuple[str, str], str], key: str, right: str, day: date
) -> Iterator[str]:
    """Findings: records of the person that the plan misses, has and must not have, or does something else with."""
    mine = {(t.dataset, t.source_id): t for t in truth if t.person == key and t.expected == "package"}
    invoices = {t.source_id: t for t in mine.values() if t.dataset == "invoicing_invoice"}
    yield from (f"not planned: {record}" for record in mine.keys() - planned.keys())
    yield from (f"planned, and not theirs: {record}" for record in planned.keys() - mine.keys())
    for record in mine.keys() & planned.keys():
        wanted = effect_of(mine[record], invoices, day) if right == "erasure" else "restrict"
        if planned[record] != wanted:
            yield f"{planned[record]} instead of {wanted}: {record}"


def erased(
    people: Collection[Person],
    others: Collection[Person],
    truth: Iterable[Truth],
    before: State,
    after: State,
    day: date,
) -> Iterator[str]:
    """Findings after these people were erased. `others`: everybody whose data is still there."""
    keys = {person.key for person in people}
    mine = [t for t in truth if t.person in keys and t.expected == "package"]
    invoices = {t.source_id: t for t in mine if t.dataset == "invoicing_invoice"}
    effects: dict[Key, str] = {}
    for record in mine:
        for place in places(record, before):
            effects[place] = effect_of(record, invoices, day)
    stays = _Staying(before, {key[2] for key in effects}, {other.key for other in others})
    gone = {k for k, e in effects.items() if e == "erase" and not stays.at(k)}
    yield from (f"still there: {k}" for k in sorted(gone) if k in after)
    ids = {key[2] for key, effect in effects.items() if effect == "erase"}
    ids |= {before[key]["content"]["ContentDocumentId"] for key in gone if key[1] == "ContentVersion"}
    for change in before.until(after):
        if change.key not in gone and not _follows(change, effects.get(change.key, ""), ids, keys):
            yield f"changed: {change}"
    words = _words(people, others)
    for key, effect in effects.items():
        if effect == "anonymise" and key in after and not stays.at(key) and _says(after[key], words):
            yield f"not anonymous: {key}"
    left = {place for t in truth if t.person in keys for place in places(_whole(t), before)} - gone
    # Webinars that ended before the reports go back can't be looked through by anybody: nothing is known of them.
    webinars = {t.source_id.partition(":")[0] for t in truth if t.dataset.startswith("webinar_")}
    left |= {key for key in after if key[0] == "webinars" and key[2].partition(":")[0] not in webinars}
    for key, entry in after.items():
        # What a vendor's bin still has of a link to something that others share goes with time.
        binned = entry["deleted"] and key[1] in _LINKS
        known = key in left or binned or key[1].startswith("report_")
        if not known and set(str(entry.get("person", "")).split(",")) <= keys | {""} and _says(entry, words):
            yield f"names them: {key}"


def restricted(person: Person, truth: Iterable[Truth], before: State, after: State) -> Iterator[str]:
    """Findings after a restriction: all that can bear a mark bears one, and nothing else has changed."""
    mine = [t for t in truth if t.person == person.key and t.expected == "package"]
    there = {
        place for t in mine for place in places(t, before) if before.get(place, {"deleted": True})["deleted"] is False
    }
    ids = {key[2] for key in there}
    changes = {change.key: change for change in before.until(after)}
    for key, change in changes.items():
        fields = change.fields - STAMPS
        if change.before is None:
            if not (key[1] in _LINKS and set(map(str, change.content.values())) & ids):
                yield f"added: {change}"
        elif key[1] == "Account" and change.person == person.key and fields <= MARKS["Account"]:
            continue  # of a private customer the vendor shows the contact's fields there too
        elif change.after is None or key not in there or not fields <= MARKS.get(key[1], frozenset()):
            yield f"changed: {change}"
    for key in there:
        entry = after[key]["content"]
        if key[1] == "prospects" and not (entry["isDoNotEmail"] and "dsr-restricted" in str(entry["notes"])):
            yield f"not marked: {key}"
        if key[1] in ("Contact", "Lead") and not entry.get("HasOptedOutOfEmail"):
            yield f"not marked: {key}"
        if key[1] in ("customer_contact", "customer", "invoice") and not entry["restricted_at"]:
            yield f"not marked: {key}"
        if key[1] == "object" and "/contact-records/" not in key[2] and not entry.get("tags"):
            yield f"not marked: {key}"


def as_before(before: State, after: State, *, but: Collection[Key] = ()) -> Iterator[str]:
    """Findings after a restriction was lifted: only the vendor's stamps, and its notes of what happened, are new."""
    for change in before.until(after):
        noted = change.before is None and (
            change.key[1] in ("ContactHistory", "LeadHistory") or change.after["deleted"]
        )  # type: ignore[index]
        if not noted and change.fields - STAMPS and change.key not in but:
            yield f"changed: {change}"
        if not noted and (change.before is None or change.after is None):
            yield f"changed: {change}"


def without_what_expired(before: State, after: State, key: str) -> State:
    """`before` less what lay in vendors' bins then and was thrown out with time; what is this person's stays in it."""

    def expired(place: Key) -> bool:
        entry = before[place]
        return entry["deleted"] and place not in after and key not in str(entry.get("person", "")).split(",")

    return State({place: entry for place, entry in before.items() if not expired(place)})


def link_emptied(change: Changed, before: State, after: State, key: str) -> bool:
    """Whether all that has changed is look-ups that led to a record of this person and are empty since it went."""
    fields = change.fields - STAMPS
    led = [k for k in before if k[:1] == change.key[:1] and before[k].get("person") == key and k not in after]
    gone = {number for _, _, number in led}
    then = change.after["content"] if change.after is not None else {}
    return bool(fields) and all(str(change.content.get(f)) in gone and then.get(f, "") is None for f in fields)


class _Staying:
    """What a vendor keeps, or leaves to a person, whatever is asked. `own`: ids of the people's records; `others`: keys
    of those whose data is still there."""

    def __init__(self, before: State, own: Collection[str], others: Collection[str]) -> None:
        self._before, self._others = before, frozenset(others)
        links = [e["content"] for k, e in before.items() if k[1] == "ContentDocumentLink"]
        self._shared = {link["ContentDocumentId"] for link in links if link["LinkedEntityId"] not in own}
        locked = [k[2] for k in before if k[0] == "recordings" and self._is_locked(k)]
        self._locked = {call for name in locked for call in _CALL.findall(name)}
        self._customers = self._private_customers()

    def at(self, key: Key) -> bool:
        """Whether this stays. Beside what is locked or several people's: the sidecar by which a locked call is found
        again, list memberships in their bin, and records that nobody has said are erasable."""
        entry = self._before.get(key)
        if entry is None or self._others & set(str(entry.get("person", "")).split(",")) or self._is_locked(key):
            return True
        if key[0] == "recordings":
            return "/meta/" in key[2] and bool(self._locked & set(_CALL.findall(key[2])))
        if key[1] == "ContentVersion":
            return entry["content"]["ContentDocumentId"] in self._shared
        if key[1] == "prospects":
            return entry["content"].get("salesforceContactId") in self._customers
        return key[2] in self._customers or key[1] in ("Certificate__c", "list-memberships")

    def _private_customers(self) -> set[str]:
        """Ids of private customers who have bought something: the vendor would delete the sales, which are left to a
        person, along with them; and what it won't delete while they are there, the marketing platform keeps."""
        sold = {e["content"]["AccountId"] for k, e in self._before.items() if k[1] == "Opportunity"}
        contacts = [e["content"] for k, e in self._before.items() if k[1] == "Contact"]
        found = {(c["Id"], c["AccountId"]) for c in contacts if c.get("IsPersonAccount") and c["AccountId"] in sold}
        return {number for pair in found for number in pair}

    def _is_locked(self, key: Key) -> bool:
        content = self._before[key]["content"]
        return key[0] == "recordings" and bool(content.get("mode") or content.get("legal_hold"))


def _follows(change: Changed, effect: str, gone: Collection[str], keys: Collection[str]) -> bool:
    """Whether a change is what was asked for, or what the vendor does along with it."""
    fields, kind = change.fields - STAMPS, change.key[1]
    if change.before is not None and change.after is not None:
        if effect == "anonymise":
            return True
        if effect == "restrict":
            return fields <= MARKS.get(kind, frozenset())
        if kind in ("list-memberships", "prospects"):
            return effect == "erase" and fields <= {"deleted", "isDeleted"}
        if kind == "tags":
            return fields <= {"objectCount"}
        if kind in _LINKS and fields <= {"deleted", "IsDeleted"}:
            return bool(set(map(str, change.content.values())) & set(gone))
        return all(str(change.content.get(name)) in gone for name in fields)
    if "/contact-records/" in change.key[2]:
        return bool(keys & set(change.person.split(",")))  # rewritten without their calls, see `deliveries`
    if change.key[0] == "recordings":
        return change.after is None and set(change.person.split(",")) <= keys
    return change.after is None and kind in _LINKS and bool(set(map(str, change.content.values())) & set(gone))


def _whole(truth: Truth) -> Truth:
    """The record that a withheld part belongs to."""
    if truth.expected != "withheld" or truth.dataset.startswith("webinar"):
        return truth
    return Truth(truth.person, truth.dataset, truth.source_id.partition(":")[0], truth.fields, truth.expected)


def _words(people: Collection[Person], others: Collection[Person]) -> list[str]:
    """What points to one of these and to nobody else. A family's name alone may be a company's."""
    foreign = "\n".join(word for person in others for word in person.identifying())
    mine = [w for person in people for w in person.identifying() if w != person.family]
    return [word.casefold() for word in mine if word not in foreign]


def _says(entry: Mapping[str, Any], words: Iterable[str]) -> bool:
    # Of a case, the vendor lets nobody write into its internal comments.
    content = {k: v for k, v in entry["content"].items() if (entry["kind"], k) != ("Case", "Comments")}
    text = json.dumps(content, ensure_ascii=False).casefold()
    return any(word in text for word in words)
