"""Finding: what the index names is looked up at the vendor, and matches only if it still carries the identifier."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from dsr.model import Identifier, Match, Subject
from extractors.ahead import Ahead
from extractors.webinars.carried import identifiers, person
from extractors.webinars.client import Record
from extractors.webinars.meetings import Meetings
from extractors.webinars.references import ATTENDEE, KIND, PANELIST, REGISTRANT, Reference

_AT_ONCE: Final = 4
Held = tuple[str, Reference, list[Record]]
"""Dataset, reference, and the vendor's rows of it."""


def matches(meetings: Meetings, subjects: Sequence[Subject]) -> Iterator[Match]:
    """Matches of a batch. Each webinar is asked once, however many subjects have to do with it; a few at a time."""
    asking: dict[Reference, list[Subject]] = {}
    for subject in subjects:
        for value in subject.values(KIND):
            reference = Reference.parse(value)
            if reference is not None:
                asking.setdefault(reference, []).append(subject)
    webinars = _grouped(asking, lambda r: r.webinar).items()
    with Ahead(_AT_ONCE) as ahead:
        for dataset, reference, rows in ahead.whole(_held(meetings, webinar, known) for webinar, known in webinars):
            for subject in asking[reference]:
                yield from _match(subject, dataset, reference, rows)


def _match(subject: Subject, dataset: str, reference: Reference, rows: Sequence[Record]) -> Iterator[Match]:
    """The record id alone is no evidence: the record must carry one of the subject's addresses or numbers."""
    carried = {identifier for row in rows for identifier in identifiers(row)}
    by = frozenset(carried & subject.identifiers)
    if by:
        holds = frozenset(carried | {Identifier(KIND, reference.record_id)})
        name = next((name for row in rows if (name := person(row))), "")
        yield Match(subject.request_id, dataset, reference.record_id, by, holds, name, reference.ids())


def _held(meetings: Meetings, webinar: str, references: Iterable[Reference]) -> Iterator[Held]:
    kinds = _grouped(references, lambda r: r.kind)
    registrants = {r.person: r for r in kinds.get(REGISTRANT, [])}
    if registrants:
        yield from _registrants(meetings, webinar, registrants)
    panelists = {r.person: r for r in kinds.get(PANELIST, [])}
    if panelists:
        for row in meetings.panelists(webinar):
            if str(row.get("id")) in panelists:
                yield "webinar_panelist", panelists[str(row["id"])], [row]
    for uuid, attendees in _grouped(kinds.get(ATTENDEE, []), lambda r: r.uuid).items():
        rows, _ = meetings.participants(uuid)
        for reference in attendees:
            theirs = [row for row in rows if str(row.get("user_id")) == reference.person]
            yield "webinar_attendance", reference, theirs


def _registrants(meetings: Meetings, webinar: str, wanted: Mapping[str, Reference]) -> Iterator[Held]:
    """Registrations; of a webinar that was deleted, what its reports still tell of the registrant."""
    records = meetings.registrants(webinar, wanted)
    if records is not None:
        for key, record in records.items():
            yield "webinar_registration", wanted[key], [record]
        return
    stays: dict[str, list[Record]] = {}
    for uuid in meetings.instances(webinar):
        for row in meetings.participants(uuid)[0]:
            stays.setdefault(str(row.get("registrant_id") or ""), []).append(row)
    for key, reference in wanted.items():
        if key in stays:
            yield "webinar_attendance", reference, stays[key]


def _grouped(references: Iterable[Reference], key: Callable[[Reference], str]) -> dict[str, list[Reference]]:
    groups: dict[str, list[Reference]] = {}
    for reference in references:
        groups.setdefault(key(reference), []).append(reference)
    return groups
