"""Erasure lists: an officer gives a list of people whose data is to go, and sees how lists stand.

GET  /lists                   the lists so far, and a form
POST /lists                   multipart form: token, key, step (check, take), reason, file; what is wrong, or the list
GET  /lists/{list_id}         how one stands
POST /lists/{list_id}/start   form: token; starts its run, where Airflow couldn't be reached before

The file is personal data: it is read in memory, goes into the case file, and is in no address, log or temporary file.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsr import listed, listfile
from dsr.deliveries import Deliveries
from dsr.erasurelist import REASONS
from dsr.errors import DsrError
from dsr.report.event_words import told
from dsr.report.letters import render
from dsr.requestid import new_id
from dsr.steps.take_list import take_list
from dsr.web.console import Desk, Visitor, airflow_of, form_of
from dsr.web.uploaded import Uploaded, uploaded

_HERE: Final = "lists"
_AT_ONCE: Final = 1
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES: Final = 40 * 1024 * 1024
"""Of the longest list with the longest addresses."""

StartList = Callable[[str], None]
"""Starts the run of an erasure list; one that was started is a success. TransientError when it can't be started."""


@dataclass(frozen=True)
class _Told:
    """What is said above the form: that a file can be taken, or what is wrong, line by line. `key`: of the form that
    was sent, which goes on with it; "" = a new one."""

    reason: str = ""
    key: str = ""
    people: int = 0
    wrong: Sequence[str] = ()


def routes(desk: Desk, deliveries: Deliveries, start: StartList) -> list[Route]:
    """Of these pages. `start`: starts a list's run; DsrError when it can't."""
    pages = _Pages(desk, deliveries, start)
    return [
        Route("/lists", pages.page, methods=["GET"]),
        Route("/lists", pages.send, methods=["POST"]),
        Route("/lists/{list_id}", pages.one, methods=["GET"]),
        Route("/lists/{list_id}/start", pages.start, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, desk: Desk, deliveries: Deliveries, start: StartList) -> None:
        self._desk, self._deliveries, self._start = desk, deliveries, start
        # As the webhook: starting a run calls the very server whose threads these would otherwise be.
        self._threads = anyio.CapacityLimiter(_AT_ONCE)

    async def page(self, request: Request) -> Response:
        """The lists so far, and the form for whoever may start one."""
        return await run_in_threadpool(self._page, request, await self._seer(request), _Told())

    async def send(self, request: Request) -> Response:
        """Looks at the file, or takes it in."""
        visitor = await self._starter(request)
        form = await uploaded(request, _MOST_BYTES)
        self._desk.check(request, visitor.code, _HERE, form.fields.get("token", ""))
        reason, wrong = form.fields.get("reason", ""), []
        people: list[dict[str, str]] = []
        if reason not in REASONS:
            wrong.append("Say why their data is to go.")
        if not _KEY.fullmatch(form.fields.get("key", "")):
            wrong.append("This form is too old: load the page again.")
        try:
            people = await run_sync(listfile.read, form.content, limiter=self._threads)
        except listfile.BadList as bad:
            wrong += [_said(*problem) for problem in bad.problems] if form.content else ["Choose a file."]
        told = _Told(reason, "", len(people), wrong)
        if wrong or form.fields.get("step") != "take":
            return await run_in_threadpool(self._page, request, visitor, told)
        try:
            list_id = await run_sync(partial(self._take, visitor, form, people), limiter=self._threads)
        except DsrError as error:
            again = f"It is not known to be kept ({error.code}): send the same file once more with this form."
            told = _Told(reason, form.fields["key"], 0, [again])
            if error.code == "delivery.conflict":
                told = _Told(reason, "", 0, ["This form was sent before, with another file: this is a new one."])
            return await run_in_threadpool(self._page, request, visitor, told)
        return RedirectResponse(f"{request.scope['root_path']}/lists/{list_id}", 303)

    async def one(self, request: Request) -> Response:
        """How a list stands."""
        return await run_in_threadpool(self._one, request, await self._seer(request))

    async def start(self, request: Request) -> Response:
        """Starts its run; one that was started goes on as it is."""
        visitor = await self._starter(request)
        form, list_id = await form_of(request), request.path_params["list_id"]
        self._desk.check(request, visitor.code, _HERE, form.get("token", [""])[0])
        await run_in_threadpool(self._received, list_id)
        try:
            await run_sync(partial(self._start, list_id), limiter=self._threads)
        except DsrError as error:
            raise HTTPException(503, f"Airflow doesn't start it ({error.code}). Try again.") from None
        return RedirectResponse(f"{request.scope['root_path']}/lists/{list_id}?started=yes", 303)

    async def _seer(self, request: Request) -> Visitor:
        visitor = await self._desk.visiting(request)
        if not visitor.sees_lists:
            raise HTTPException(403, "You may not see the runs of erasure lists.")
        return visitor

    async def _starter(self, request: Request) -> Visitor:
        visitor = await self._seer(request)
        if not visitor.starts_lists:
            raise HTTPException(403, "You may not start the runs of erasure lists.")
        return visitor

    def _take(self, visitor: Visitor, form: Uploaded, people: Sequence[dict[str, str]]) -> str:
        """The same form gives the same list, however often it is sent."""
        desk, at, reason = self._desk, self._desk.now(), form.fields["reason"]
        digest = hashlib.sha256(reason.encode() + b"\0" + form.content).hexdigest()
        asked = f"{visitor.code}:{form.fields['key']}"
        list_id = self._deliveries.remember("erasure_list", asked, digest, new_id("list"), at)
        with desk.alone(list_id):
            take_list(people, list_id, reason=reason, by=visitor.code, at=at, cases=desk.cases, ledger=desk.ledger)
        try:
            self._start(list_id)
        except DsrError:
            # Taken in is taken in: its page says that the run has not begun, and starts it.
            return list_id
        return list_id

    def _received(self, list_id: str) -> Any:
        """Its events. HTTPException 404 when it is no list."""
        events = self._desk.ledger.events(list_id)
        if not events or events[0].kind != listed.RECEIVED:
            raise HTTPException(404, "No list was taken in under this id.")
        return events

    def _page(self, request: Request, visitor: Visitor, said: _Told) -> Response:
        zone = self._desk.settings.zone
        lists = [(its, its.at.astimezone(zone)) for its in listed.received(self._desk.ledger)]
        body = render(
            "lists.html.j2",
            root=request.scope["root_path"],
            here=_HERE,
            token=self._desk.token(visitor.code, _HERE) if visitor.starts_lists else "",
            key=said.key or secrets.token_hex(16),
            reasons=REASONS,
            columns=listfile.COLUMNS,
            most=listfile.MOST,
            more=len(said.wrong) >= listfile.MOST_TOLD,
            said=said,
            lists=lists,
        )
        return Response(body, 422 if said.wrong else 200, media_type="text/html; charset=utf-8")

    def _one(self, request: Request, visitor: Visitor) -> Response:
        list_id = request.path_params["list_id"]
        events = self._received(list_id)
        its, zone = listed.Received.of(list_id, events[0].at, events[0].detail), self._desk.settings.zone
        states = listed.standing(self._desk.ledger, list_id, its.people)
        body = render(
            "list.html.j2",
            root=request.scope["root_path"],
            here=_HERE,
            token=self._desk.token(visitor.code, _HERE) if visitor.starts_lists else "",
            airflow=f"{airflow_of(request)}/dags/dsr_erasure_list/runs/{list_id}",
            its=its,
            reason=REASONS.get(its.reason, its.reason),
            states=states,
            begun=len(events) > 1 or set(states) != {listed.NOT_BEGUN},
            asked=request.query_params.get("started") == "yes",
            events=[(event.at.astimezone(zone), told(event)) for event in events],
        )
        return Response(body, media_type="text/html; charset=utf-8")


def _said(line: int, column: str, what: str) -> str:
    place = f"Line {line}" if line else "The file"
    return f"{place}{f', {column},' if column else ''} {what}."
