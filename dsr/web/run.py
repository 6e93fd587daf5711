"""One request, as the tab of its run in Airflow shows it, from the ledger alone: its way, its sources, its events.

GET  /run/{request_id}
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.certified import certificates
from dsr.errors import PermanentError
from dsr.ledger import Event, Head
from dsr.recipients import Informed, informed, register_of, said
from dsr.report.event_words import TITLES, Told, told
from dsr.report.letters import render
from dsr.standing import identified
from dsr.triage import linked_to
from dsr.way import OFFICER, PERSON, Way, way
from dsr.web.console import Desk, Visitor, airflow_of
from dsr.web.requests import OUTCOME_WORDS, WAITS_WORDS, Line
from dsr.web.told import seen

_ASKED: Final = {
    "sent": "asked by a link to a contact on file; no answer yet",
    "verified": "verified before",
    "no_contact": "no contact on file: an officer has to make sure",
    "contact_changed": "the contact on file was changed lately: an officer has to make sure",
    "undeliverable": "the mail to the contact on file was refused: an officer has to make sure",
    "unknown": "nothing surely theirs was found; the days in which they could be confirmed aren't over",
    "unknown_undeliverable": "nothing surely theirs was found, and the stated address takes no mail",
}
STATE_WORDS: Final = {
    "done": "done",
    "here": "here now",
    "failed": "stopped here",
    "skipped": "not needed",
    "ahead": "not reached",
}


@dataclass(frozen=True)
class Source:
    """What the events say of one source; "" and None = nothing. `records`, `files`: read for the answer; `done`: what
    was changed there."""

    name: str
    status: str = ""
    code: str = ""
    matches: int | None = None
    doubtful: int | None = None
    records: int | None = None
    files: int | None = None
    done: str = ""


@dataclass(frozen=True)
class Entry:
    """An event: when, in the controller's zone and in UTC, and in words."""

    at: datetime
    utc: str
    said: Told


def routes(desk: Desk) -> list[Route]:
    """Of this page."""

    async def page(request: Request) -> Response:
        visitor = await desk.visitor(request)
        return await run_in_threadpool(_page, desk, request, visitor)

    return [Route("/run/{request_id}", page, methods=["GET"])]


def _page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    events, row = seen(desk, request, visitor)
    zone = desk.settings.zone
    line = Line.of(row, desk.now().astimezone(zone).date(), zone)
    now = way(events)
    airflow = f"{airflow_of(request)}/dags/{line.dag}/runs/{row.request_id}"
    body = render(
        "run.html.j2",
        root=request.scope["root_path"],
        here="",
        airflow=airflow,
        line=line,
        row=row,
        way=now,
        decides=_decides(now),
        titles=TITLES,
        states=STATE_WORDS,
        waits=WAITS_WORDS,
        outcomes=OUTCOME_WORDS,
        officer=OFFICER,
        identity=identity(events),
        linked=linked_to(events),
        sources=sources(events),
        certificates=certificates(events, desk.declarations, desk.settings.controller.name),
        recipients=_recipients(events, desk),
        stands=said,
        events=[_entry(event, desk) for event in events],
        head=_chain(desk, row.request_id),
        zone=zone,
    )
    return Response(body, media_type="text/html; charset=utf-8")


def _recipients(events: Sequence[Event], desk: Desk) -> list[Informed] | None:
    """None when nothing was changed."""
    changed = any(event.kind in ("enforced", "notified", "notice_failed") for event in events)
    return informed(events, register_of(desk.settings), desk.declarations) if changed else None


def _decides(now: Way) -> bool:
    """Whether Airflow asks an officer: also while the person is asked who they are, since an officer may know."""
    return not now.stopped and (now.waits == OFFICER or (now.place, now.waits) == ("identity", PERSON))


def _entry(event: Event, desk: Desk) -> Entry:
    return Entry(
        event.at.astimezone(desk.settings.zone), f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", told(event)
    )


def _chain(desk: Desk, request_id: str) -> Head | None:
    """The end of the chain, when it and the events of this request are as they were written."""
    try:
        desk.ledger.verify_request(request_id)
        return desk.ledger.head()
    except PermanentError:
        return None


def identity(events: Sequence[Event]) -> str:
    """How who asks stands, in words; "" when nothing was asked or said."""
    words = [e for e in events if e.kind == "identity_verified"]
    if identified(events):
        method = str(words[-1].detail.get("method", "")).replace("_", " ")
        return f"confirmed by {words[-1].detail.get('by', 'nobody')}{f' ({method})' if method else ''}"
    if words:
        return "in doubt: an earlier confirmation was taken back"
    asked = [str(e.detail.get("outcome")) for e in events if e.kind == "identity_asked"]
    asked = [outcome for outcome in asked if outcome != "reminded"]
    refused = sum(e.kind == "identity_refused" for e in events)
    wrong = f"; wrong answers: {refused}" if refused else ""
    return f"{_ASKED.get(asked[-1], asked[-1])}{wrong}" if asked else ""


def sources(events: Sequence[Event]) -> list[Source]:
    """What became of each source that was searched, by the last word about it."""
    found: dict[str, Source] = {}
    done: dict[str, dict[tuple[str, str], int]] = {}
    for event in events:
        known, name = event.detail, str(event.detail.get("source", ""))
        if event.kind == "source_searched":
            done.pop(name, None)
            found[name] = Source(
                name, known["status"], known.get("code", ""), known.get("matches", 0), known.get("doubtful", 0)
            )
        elif event.kind == "source_failed":
            found[name] = replace(found.get(name, Source(name)), status="failed", code=known["code"])
        elif event.kind == "source_extracted":
            before = found.get(name, Source(name))
            if before.status == "failed":
                before = replace(before, status=known.get("status", ""), code="")
            found[name] = replace(before, records=known.get("records"), files=known.get("attachments"))
        elif event.kind == "enforced":
            by = done.setdefault(name, {})
            what = (str(known.get("effect", "")), str(known.get("outcome", "")))
            by[what] = by.get(what, 0) + int(known.get("count", 0))
            found.setdefault(name, Source(name))
    return [replace(source, done=_done(done.get(name, {}))) for name, source in found.items()]


def _done(counts: dict[tuple[str, str], int]) -> str:
    return ", ".join(f"{effect}: {outcome} {count}" for (effect, outcome), count in counts.items())
