"""What a person is to be told whose request an officer entered; see `dsr.letterbox`.

GET  /entry/{request_id}/answers            the texts; looking is an event
POST /entry/{request_id}/answers/{number}   form: token, way, on (a day): it was sent
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsr import letterbox
from dsr.casefile import CaseFile
from dsr.channels import staff
from dsr.errors import PermanentError
from dsr.report.letters import render
from dsr.standing import Standing
from dsr.web.console import Desk, Visitor, form_of

_HERE: Final = "entry"
_GONE: Final = "case.closed"


def routes(desk: Desk) -> list[Route]:
    """Of this page."""
    pages = _Pages(desk)
    return [
        Route("/entry/{request_id}/answers", pages.page, methods=["GET"]),
        Route("/entry/{request_id}/answers/{number:int}", pages.note, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """All texts, those that are sent without their words."""
        visitor = await self._allowed(request)
        return await run_in_threadpool(self._page, request, visitor)

    async def note(self, request: Request) -> Response:
        """That one was sent."""
        visitor = await self._allowed(request)
        request_id, number = request.path_params["request_id"], request.path_params["number"]
        form = await form_of(request)
        self._desk.check(request, visitor.code, request_id, form.get("token", [""])[0])
        on, at = _day(form.get("on", [""])[0]), self._desk.now()
        if on is None or on > at.astimezone(self._desk.settings.zone).date():
            raise HTTPException(400, "Write the day on which it was sent; it can't be in the future.")
        note = partial(letterbox.note_sent, on=on, way=form.get("way", [""])[0], by=visitor.code, at=at)
        await run_in_threadpool(self._note, note, request_id, number)
        root = request.scope.get("root_path", "")
        return RedirectResponse(f"{root}/entry/{request_id}/answers#letter-{number}", 303)

    async def _allowed(self, request: Request) -> Visitor:
        """Who may start requests of this right: those who may enter one. The same 404 for what isn't there and what
        isn't theirs to see."""
        visitor = await self._desk.starter(request)
        events = await run_in_threadpool(self._desk.ledger.events, request.path_params["request_id"])
        standing = Standing.of(events)
        if standing is None or not letterbox.by_officer(events) or standing.right not in visitor.starts:
            raise HTTPException(404, "No request was entered under this id.")
        return visitor

    def _page(self, request: Request, visitor: Visitor) -> Response:
        request_id, now, zone = request.path_params["request_id"], self._desk.now(), self._desk.settings.zone
        letters = letterbox.letters(self._desk.ledger.events(request_id), self._case(request_id))
        seen = [letter.number for letter in letters if letter.text]
        if seen:
            # Before they are shown: what isn't noted isn't seen.
            detail = {"answers": seen[-64:], "by": visitor.code}
            self._desk.ledger.append(request_id, letterbox.VIEWED, detail, at=now)
        body = render(
            "answers.html.j2",
            root=request.scope.get("root_path", ""),
            here=_HERE,
            request_id=request_id,
            letters=letters,
            ways=staff.WAYS,
            zone=zone,
            today=now.astimezone(zone).date().isoformat(),
            token=self._desk.token(visitor.code, request_id),
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _note(self, note: Callable[..., None], request_id: str, number: int) -> None:
        with self._desk.alone(request_id):
            note(request_id, number, self._case(request_id), self._desk.ledger)

    def _case(self, request_id: str) -> CaseFile | None:
        try:
            return self._desk.cases.open(request_id)
        except PermanentError as error:
            if error.code != _GONE:
                raise
            return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
