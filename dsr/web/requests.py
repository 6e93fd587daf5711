"""All requests and how they stand, from the ledger alone: no case file is opened, and nothing here is personal data.

GET  /requests?right=&phase=&waits=&overdue=&sort=&page=&id=   a page of the list
POST /requests/ticket                                          form: token, ticket; leads to the requests of that ticket
GET  /requests.csv?…                                           all that the same filters leave, for the authority
GET  /requests/figures                                         the same in numbers
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from dsr.airflow_client import dag_of
from dsr.checks import Checks
from dsr.figures import BUCKETS, figures
from dsr.overview import PHASES, SORTS, Asked, Overview, Row
from dsr.report.event_words import TITLES
from dsr.report.letters import render
from dsr.requesters import Requesters
from dsr.settings import subkey
from dsr.vocabulary import RIGHTS, SEARCH_STATUSES, UNCLEAR
from dsr.way import WAITS
from dsr.web.console import Desk, Visitor, airflow_of, form_of

HERE: Final = "requests"
_ON_A_PAGE: Final = 50
_MOST_EVENTS: Final = 20_000
"""Taken in before a page is shown; the rest by the next. That many take a second or two."""
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}")
_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_AT_ONCE: Final = 1000
"""Lines of the table."""
_MOST_IDS: Final = 50
_NEAR: Final = 7
"""Days; when so few are left it is shown."""

PHASE_WORDS: Final[Mapping[str, str]] = {
    "open": "without an answer",
    "answered": "answered, something still to do",
    "closed": "closed",
}
SORT_WORDS: Final[Mapping[str, str]] = {
    "left": "fewest days left",
    "received": "latest first",
    "oldest": "oldest first",
    "right": "right",
}
WAITS_WORDS: Final[Mapping[str, str]] = {
    "person": "the person, to confirm who they are",
    "officer": "an officer",
    "operator": "whoever runs the system, to mend it",
    "source": "a source",
    "day": "the day that was announced",
    "": "nobody",
}
OUTCOME_WORDS: Final[Mapping[str, str]] = {
    "disclosed": "disclosed",
    "disclosed_in_part": "disclosed in part",
    "nothing_held": "nothing held",
    "only_doubtful": "only what may be another's",
    "done": "done",
    "refused": "refused",
    "referred": "referred",
    "linked": "joined to another request",
    "ended": "ended without an answer",
    "answered": "answered",
}
"""Of `overview.Row.outcome`; another one stands for itself."""


@dataclass(frozen=True)
class Line:
    """A request as the list shows it. `age` and `left` in days, `left` None once no day counts; `used`: percent of its
    time that is over, at most 100; `mark`: good, near or bad; `took`: days until it was answered."""

    row: Row
    dag: str
    received: date
    age: int
    left: int | None
    used: int
    mark: str
    took: int | None

    @classmethod
    def of(cls, row: Row, today: date, zone: ZoneInfo) -> "Line":
        """As it stands today, in the controller's zone."""
        received = row.received_at.astimezone(zone).date()
        left = None if row.settled else (row.latest - today).days
        mark = "good" if left is None or left > _NEAR else "near" if left >= 0 else "bad"
        used = min(100, (today - received).days * 100 // max(1, (row.latest - received).days))
        took = (row.answered_at.astimezone(zone).date() - received).days if row.answered_at else None
        return cls(row, dag_of(row.run), received, (today - received).days, left, used, mark, took)

    @property
    def state(self) -> str:
        """In words: where it is, or what became of it."""
        row = self.row
        if row.failed:
            ended = "stopped" if row.failed == "stopped" else f"failed in {row.failed}"
            return f"{TITLES[row.place]}: {ended}" if row.place else ended
        return TITLES[row.place] if row.place else OUTCOME_WORDS.get(row.outcome, row.outcome)


def routes(desk: Desk) -> list[Route]:
    """Of the list."""
    pages = _Pages(desk)
    return [
        Route("/requests", pages.page, methods=["GET"]),
        Route("/requests/figures", pages.figures, methods=["GET"]),
        Route("/requests/ticket", pages.ticket, methods=["POST"]),
        Route("/requests.csv", pages.csv, methods=["GET"]),
    ]


class _Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """A page of the list."""
        visitor = await self._desk.visitor(request)
        return await run_in_threadpool(self._page, request, visitor)

    async def figures(self, request: Request) -> Response:
        """In numbers."""
        visitor = await self._desk.visitor(request)
        return await run_in_threadpool(self._figures, request, visitor)

    async def ticket(self, request: Request) -> Response:
        """To the requests of a ticket. A form that is sent, since addresses are kept in logs and histories."""
        visitor = await self._desk.visitor(request)
        form = await form_of(request)
        self._desk.check(request, visitor.code, HERE, form.get("token", [""])[0])
        typed = form.get("ticket", [""])[0]
        found = await run_in_threadpool(self._of_ticket, typed, visitor) if typed.strip() else []
        asked = urlencode([("id", request_id) for request_id in found] or [("id", "none")])
        return RedirectResponse(f"{request.scope['root_path']}/requests?{asked}", 303)

    async def csv(self, request: Request) -> Response:
        """All of them as a table."""
        visitor = await self._desk.visitor(request)
        asked = self._asked(request.query_params, visitor)
        await run_in_threadpool(self._overview.bring_up)
        rows = await run_in_threadpool(self._overview.rows, asked)
        headers = {"content-disposition": f'attachment; filename="requests-{self._today.isoformat()}.csv"'}
        return StreamingResponse(table(rows, self._desk.settings.zone), 200, headers, "text/csv; charset=utf-8")

    def _page(self, request: Request, visitor: Visitor) -> Response:
        behind = self._overview.bring_up(_MOST_EVENTS)
        params = request.query_params
        asked = self._asked(params, visitor)
        page = int(params["page"]) if _NUMBER.fullmatch(params.get("page", "")) else 1
        count = self._overview.count(asked)
        pages = max(1, -(-count // _ON_A_PAGE))
        page = min(page, pages)
        rows = self._overview.rows(asked, _ON_A_PAGE, (page - 1) * _ON_A_PAGE)
        kept = [(name, value) for name, value in params.multi_items() if value and name != "page"]
        body = render(
            "requests.html.j2",
            root=request.scope["root_path"],
            here=HERE,
            airflow=airflow_of(request),
            lines=[Line.of(row, self._today, self._desk.settings.zone) for row in rows],
            count=count,
            page=page,
            pages=pages,
            asked=asked,
            one_right=params.get("right", ""),
            query=urlencode(kept),
            tallies=self._overview.tallies(Asked(visitor.sees, self._today)),
            rights=[right for right in (*RIGHTS, UNCLEAR) if right in visitor.sees],
            phases={phase: PHASE_WORDS[phase] for phase in PHASES},
            waits={waits: WAITS_WORDS[waits] for waits in WAITS},
            waits_words=WAITS_WORDS,
            sorts={sort: SORT_WORDS[sort] for sort in SORTS},
            outcomes=OUTCOME_WORDS,
            behind=behind,
            token=self._desk.token(visitor.code, HERE),
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _figures(self, request: Request, visitor: Visitor) -> Response:
        behind = self._overview.bring_up(_MOST_EVENTS)
        found = figures(self._desk.ledger.engine, visitor.sees, self._today, self._desk.settings.timezone)
        body = render(
            "figures.html.j2",
            root=request.scope["root_path"],
            here=HERE,
            figures=found,
            buckets=_buckets(),
            statuses=SEARCH_STATUSES,
            most=max((max(load) for load in found.load.values()), default=1),
            budgets=[look for look in Checks(self._desk.ledger.engine).good().values() if look.calls_a_day],
            behind=behind,
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _asked(self, params: QueryParams, visitor: Visitor) -> Asked:
        right = params.get("right", "")
        rights = visitor.sees & {right} if right else visitor.sees
        phase, waits, sort = (params.get(name, "") for name in ("phase", "waits", "sort"))
        asked = Asked(
            rights,
            self._today,
            phase=phase if phase in PHASES else "",
            overdue=params.get("overdue") == "yes",
            waits=waits if waits in WAITS else "",
            sort=sort if sort in SORTS else "left",
        )
        ids = params.getlist("id")
        return replace(asked, ids=tuple(filter(_ID.fullmatch, ids[:_MOST_IDS]))) if ids else asked

    def _of_ticket(self, typed: str, visitor: Visitor) -> list[str]:
        """Those that they may see: an address tells nobody of others."""
        key = subkey(self._desk.settings.master_key, "requesters")
        found = Requesters(self._desk.ledger.engine, key).of_ticket(typed)[:_MOST_IDS]
        self._overview.bring_up(_MOST_EVENTS)
        return [row.request_id for row in self._overview.rows(Asked(visitor.sees, self._today, ids=tuple(found)))]

    @property
    def _overview(self) -> Overview:
        return Overview(self._desk.ledger.engine)

    @property
    def _today(self) -> date:
        return self._desk.now().astimezone(self._desk.settings.zone).date()


def _buckets() -> list[str]:
    """What `figures.BUCKETS` are called."""
    starts = [0, *(days + 1 for days in BUCKETS)]
    return [*(f"{start}–{end}" for start, end in zip(starts, BUCKETS, strict=False)), f"over {BUCKETS[-1]}"]


COLUMNS: Final = ("request", "right", "received", "answered", "days_taken", "last_day", "in_time", "extended",
                  "extended_for", "outcome", "refused", "refused_for")  # fmt: skip
"""Of the table for the authority."""


def table(rows: list[Row], zone: ZoneInfo) -> Iterator[bytes]:
    """One line for each request: codes, days in the controller's zone, counts of days; empty = not (yet). CSV as RFC
    4180 has it, in UTF-8; many lines at a time."""
    yield _written([COLUMNS])
    for start in range(0, len(rows), _AT_ONCE):
        yield _written(_cells(row, zone) for row in rows[start : start + _AT_ONCE])


def _cells(row: Row, zone: ZoneInfo) -> tuple[object, ...]:
    received = row.received_at.astimezone(zone).date()
    answered = row.answered_at.astimezone(zone).date() if row.answered_at else None
    return (
        row.request_id,
        row.right,
        received,
        answered or "",
        (answered - received).days if answered else "",
        row.latest,
        _yes(answered <= row.latest) if answered else "",
        _yes(bool(row.extended_for)),
        row.extended_for,
        row.outcome,
        _yes(row.outcome == "refused"),
        row.refused_for,
    )


def _written(lines: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(str(cell)) for cell in line] for line in lines)
    return text.getvalue().encode()


def _harmless(cell: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _yes(said: bool) -> str:
    return "yes" if said else "no"
