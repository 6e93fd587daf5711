"""Sidecars: one JSON object per call that says who called and where everything lies.

`meta/dt=<date>/<contact id>.json`; from it `record_id`, "2026/03/05/<contact id>", which is enough to find it again.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import phonenumbers

from dsr.model import Identifier, IndexEntry, Match, Subject
from extractors.recordings.store import Store

DATASET: Final = "call_record"
KIND: Final = "call_contact"
_PREFIX: Final = "meta/"
_KEY: Final = re.compile(r"meta/dt=([0-9]{4})-([0-9]{2})-([0-9]{2})/([0-9A-Za-z-]{1,64})\.json")
_RECORD: Final = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9A-Za-z-]{1,64})")
_OVERLAP: Final = timedelta(hours=1)
_AT_ONCE: Final = 8

# Attributes are named by whoever built the contact flow; these are compared without case, blanks and punctuation.
_NAMES: Final = ("customername", "callername", "name")
_EMAILS: Final = ("customeremail", "calleremail", "email")


def index(store: Store, since: datetime | None) -> Iterator[IndexEntry]:
    """Entries of every call whose sidecar was written since then (with an hour to spare for clocks that differ)."""
    for stored in store.listed(_PREFIX):
        day = _KEY.fullmatch(stored.key)
        if day is None or (since is not None and stored.written_at < since - _OVERLAP):
            continue
        sidecar = store.read_object(stored.key, "sidecar", stored.version)
        if sidecar is not None:
            for identifier in sorted(named(sidecar)):
                yield IndexEntry(identifier, DATASET, "/".join(day.groups()))


def find(store: Store, subjects: Sequence[Subject]) -> Iterator[Match]:
    """A match for each call that a subject's `call_contact` points to and whose sidecar names the subject still."""
    asking: dict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        for record_id in subject.values(KIND):
            if _RECORD.fullmatch(record_id):
                asking[record_id].append(subject)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sidecars = list(pool.map(lambda record_id: store.read_object(_key(record_id), "sidecar"), asking))
    for (record_id, askers), sidecar in zip(asking.items(), sidecars, strict=True):
        if sidecar is not None:
            yield from _matches(record_id, sidecar, askers)


def known(store: Store, request_id: str, contact_ids: Iterable[str]) -> Iterator[Match]:
    """The calls of these contact ids that are there, whomever their sidecars name: an id is never given again. All
    sidecars are listed for it, a thousand a call, since an id doesn't tell the day."""
    wanted = frozenset(contact_ids)
    for stored in store.listed(_PREFIX):
        day = _KEY.fullmatch(stored.key)
        if day is None or day[4] not in wanted:
            continue
        sidecar = store.read_object(stored.key, "sidecar")
        if sidecar is not None:
            record_id = "/".join(day.groups())
            yield _match(request_id, record_id, sidecar, frozenset({Identifier(KIND, record_id)}))


def named(sidecar: Mapping[str, Any]) -> set[Identifier]:
    """Whom the call points to: the number, and an address that was noted; empty for a hidden number."""
    found = {Identifier("phone", _e164(str(sidecar.get("customer_number") or "")))}
    for email in _noted(sidecar, _EMAILS):
        if "@" in email:
            found.add(Identifier("email", email.strip().lower()))
    return {identifier for identifier in found if identifier.value}


def _matches(record_id: str, sidecar: Mapping[str, Any], askers: Sequence[Subject]) -> Iterator[Match]:
    names = named(sidecar)
    for subject in askers:
        by = frozenset(names & subject.identifiers)
        if by:
            yield _match(subject.request_id, record_id, sidecar, by)


def _match(request_id: str, record_id: str, sidecar: Mapping[str, Any], by: frozenset[Identifier]) -> Match:
    holds = frozenset(named(sidecar) | {Identifier(KIND, record_id)})
    person = next((name.strip() for name in _noted(sidecar, _NAMES)), "")
    keys = {k: sidecar.get(k) for k in ("record_keys", "transcript_key", "audio_key") if sidecar.get(k)}
    reference = {"sidecar_key": _key(record_id), "contact_id": record_id.rpartition("/")[2], **keys}
    return Match(request_id, DATASET, record_id, by, holds, person, reference)


def _key(record_id: str) -> str:
    year, month, day, contact_id = record_id.split("/")
    return f"{_PREFIX}dt={year}-{month}-{day}/{contact_id}.json"


def _noted(sidecar: Mapping[str, Any], wanted: Sequence[str]) -> list[str]:
    """Values of attributes with one of these names."""
    attributes = sidecar.get("attributes") or {}
    return [str(v) for k, v in attributes.items() if v and re.sub(r"[\W_]", "", k).casefold() in wanted]


def _e164(number: str) -> str:
    """Connect writes E.164; anything else ("anonymous", an extension, a SIP address) points to nobody."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
