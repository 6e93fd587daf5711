"""Which prospects answer to identifiers: one call per address and Salesforce id, one per 200 prospect ids.

The vendor compares as it likes; what counts is decided here, on normal forms: the whole address without regard to
case, a Salesforce id in its 18-character form.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import phonenumbers

from dsr.model import Identifier, Match, Subject
from extractors.pardot.client import Client
from extractors.pardot.fields import FOUND

DATASET = "pardot_prospect"
IDS_PER_CALL = 200
SEARCHED = ("email", "salesforce_contact", "salesforce_lead", "pardot_prospect")

_SALESFORCE_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SUFFIX = ascii_uppercase + "012345"
_KINDS = {"003": "salesforce_contact", "00Q": "salesforce_lead"}


def matches(client: Client, subjects: Sequence[Subject], region: str) -> Iterator[Match]:
    """A match per subject and prospect that answers to it. `region`: country of phone numbers without a prefix."""
    identifiers = {i for s in subjects for i in s.identifiers if i.kind in SEARCHED and i.value.strip()}
    records = {r["id"]: r for r in _search(client, identifiers)}
    held = {key: holds(record, region) for key, record in records.items()}
    for subject in subjects:
        for key in sorted(records):
            by = subject.identifiers & held[key]
            if any(i.kind in SEARCHED for i in by):
                person = " ".join(str(records[key].get(n) or "") for n in ("firstName", "lastName")).strip()
                yield Match(subject.request_id, DATASET, str(key), by, held[key], person)


def _search(client: Client, identifiers: Iterable[Identifier]) -> Iterator[dict[str, Any]]:
    ordered = sorted(identifiers)
    filters = [{"email": i.value} for i in ordered if i.kind == "email"]
    linked = [i.value for i in ordered if i.kind in ("salesforce_contact", "salesforce_lead")]
    filters += [{"salesforceId": value} for value in linked if _SALESFORCE_ID.fullmatch(value)]
    own = [i.value for i in ordered if i.kind == "pardot_prospect" and i.value.isascii() and i.value.isdigit()]
    filters += [{"idList": ids} for ids in id_lists(own)]
    for each in filters:
        for page in client.query(FOUND, **each):
            yield from page


def id_lists(ids: Sequence[str]) -> Iterator[str]:
    """Values for `idList`, so that a URL stays short."""
    for start in range(0, len(ids), IDS_PER_CALL):
        yield ",".join(ids[start : start + IDS_PER_CALL])


def holds(record: Mapping[str, Any], region: str) -> frozenset[Identifier]:
    """Every identifier of a person that a prospect carries. The company's account id is none."""
    found = {Identifier("pardot_prospect", str(record["id"]))}
    if email := str(record.get("email") or "").strip():
        found.add(Identifier("email", email.lower()))
    if phone := _e164(str(record.get("phone") or ""), region):
        found.add(Identifier("phone", phone))
    for name, kind in (("salesforceContactId", "salesforce_contact"), ("salesforceLeadId", "salesforce_lead")):
        if link := _id18(str(record.get(name) or "")):
            found.add(Identifier(kind, link))
    link = _id18(str(record.get("salesforceId") or ""))
    if link[:3] in _KINDS:
        found.add(Identifier(_KINDS[link[:3]], link))
    return frozenset(found)


def _e164(text: str, region: str) -> str:
    """A phone number in E.164; "" for what can't be one."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _id18(text: str) -> str:
    """A Salesforce id with its checksum, so that forms of 15 and 18 characters compare equal; "" for none."""
    if not _SALESFORCE_ID.fullmatch(text):
        return ""
    capitals = [[n for n, c in enumerate(text[i : i + 5]) if c in ascii_uppercase] for i in (0, 5, 10)]
    return text[:15] + "".join(_SUFFIX[sum(1 << n for n in places)] for places in capitals)
