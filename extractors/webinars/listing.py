"""The index: which address and phone number occurs in which record."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from dsr.model import Identifier, IndexEntry
from extractors.webinars.carried import email, identifiers
from extractors.webinars.client import Record
from extractors.webinars.meetings import Meetings
from extractors.webinars.references import ATTENDEE, PANELIST, REGISTRANT, Reference

_WINDOW = timedelta(days=30)
_OVERLAP = timedelta(days=2)
"""Webinars run on, and reports are ready some time after their end."""
_LONGEST = 60
"""Windows to go back at most; the vendor refuses long before."""


def entries(meetings: Meetings, hosts: Collection[str], since: datetime | None, now: datetime) -> Iterator[IndexEntry]:
    """Entries of all listed webinars, since people sign up until the end, and of the instances that ended after
    `since`; None = of all that the vendor's history reaches, which is six months."""
    past: dict[str, list[str]] = {}
    for row in _history(meetings, since, now):
        past.setdefault(str(row["meeting_id"]), []).append(str(row["meeting_uuid"]))
    listed = {str(w["id"]) for host in (hosts or meetings.users()) for w in meetings.webinars(host)}
    for webinar in sorted(listed | past.keys()):
        addresses: dict[str, str] = {}
        for registrant in meetings.all_registrants(webinar) or []:
            addresses[str(registrant["id"])] = email(registrant.get("email"))
            reference = Reference(webinar, REGISTRANT, str(registrant["id"]))
            yield from _entries("webinar_registration", reference, identifiers(registrant))
        for panelist in meetings.panelists(webinar):
            if panelist.get("id"):
                reference = Reference(webinar, PANELIST, str(panelist["id"]))
                yield from _entries("webinar_panelist", reference, identifiers(panelist))
        for uuid in past.get(webinar, []):
            yield from _attendees(meetings, webinar, uuid, addresses)


def _attendees(meetings: Meetings, webinar: str, uuid: str, addresses: dict[str, str]) -> Iterator[IndexEntry]:
    """Those who were there under another address than they signed up with, or without having signed up."""
    rows, _ = meetings.participants(uuid)
    for row in rows:
        carried = identifiers(row)
        registered = addresses.get(str(row.get("registrant_id") or ""))
        if carried and row.get("user_id") and registered != email(row.get("user_email")):
            reference = Reference(webinar, ATTENDEE, str(row["user_id"]), uuid)
            yield from _entries("webinar_attendance", reference, carried)


def _entries(dataset: str, reference: Reference, carried: set[Identifier]) -> Iterator[IndexEntry]:
    for identifier in sorted(carried):
        yield IndexEntry(identifier, dataset, reference.record_id, reference.ids())


def _history(meetings: Meetings, since: datetime | None, now: datetime) -> Iterator[Record]:
    """Past instances, newest window first, until `since` or until the vendor refuses."""
    end = now
    for _ in range(_LONGEST):
        start = end - _WINDOW
        if since is not None:
            start = max(start, since - _OVERLAP)
        rows = meetings.history(_day(start), _day(end))
        if rows is None:
            yield from _reachable(meetings, start, end)
            return
        yield from rows
        if since is not None and start <= since - _OVERLAP:
            return
        end = start - timedelta(days=1)


def _reachable(meetings: Meetings, refused: datetime, end: datetime) -> list[Record]:
    """The part of a window that lies within the vendor's limit, found by halving to the day."""
    reached: list[Record] = []
    start = end
    while start - refused > timedelta(days=1):
        middle = refused + (start - refused) / 2
        rows = meetings.history(_day(middle), _day(end))
        if rows is None:
            refused = middle
        else:
            start, reached = middle, rows
    return reached


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")
