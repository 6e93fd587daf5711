"""What a person can be told of a request, in words: what was done, and which recipients know. Both from the ledger and
the register, so also when the case file is gone; neither holds anything about the person but counts and grounds.

GET  /run/{request_id}/certificate/{number}?lang=   a certificate; number: of its event
GET  /run/{request_id}/recipients?lang=             the letter to the person who asks (Art. 19, second sentence)
"""

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.certified import certificates
from dsr.errors import PermanentError
from dsr.ledger import Event
from dsr.overview import Row
from dsr.recipients import informed, letter, register_of
from dsr.report.certificate import as_text
from dsr.report.letters import LANGUAGES, render
from dsr.web.console import Desk, Visitor

_NAMES: Final = {"sv": "Swedish", "en": "English"}


def routes(desk: Desk) -> list[Route]:
    """Of these pages."""

    async def certificate(request: Request) -> Response:
        visitor = await desk.visitor(request)
        return await run_in_threadpool(_certificate, desk, request, visitor)

    async def recipients(request: Request) -> Response:
        visitor = await desk.visitor(request)
        return await run_in_threadpool(_recipients, desk, request, visitor)

    return [
        Route("/run/{request_id}/certificate/{number:int}", certificate, methods=["GET"]),
        Route("/run/{request_id}/recipients", recipients, methods=["GET"]),
    ]


def seen(desk: Desk, request: Request, visitor: Visitor) -> tuple[Sequence[Event], Row]:
    """The events of a request and how it stands. The same 404 for one that isn't there and one of another right."""
    events = desk.ledger.events(request.path_params["request_id"])
    row = Row.of(events)
    if row is None or row.right not in visitor.sees:
        raise HTTPException(404, "This run answers no request, or none that you may see.")
    return events, row


def _certificate(desk: Desk, request: Request, visitor: Visitor) -> Response:
    events, row = seen(desk, request, visitor)
    found = certificates(events, desk.declarations, desk.settings.controller.name)
    one = next((one for one in found if one.number == request.path_params["number"]), None)
    if one is None:
        raise HTTPException(404, "There is no such certificate.")
    language = _language(desk, request, row)
    return _page(request, row, language, "Certificate", as_text(one.certificate, language, desk.settings), made=one)


def _recipients(desk: Desk, request: Request, visitor: Visitor) -> Response:
    events, row = seen(desk, request, visitor)
    register = register_of(desk.settings)
    if register is None:
        raise HTTPException(409, "The register can't be read: see the page Register.")
    language = _language(desk, request, row)
    text = letter(informed(events, register, desk.declarations), row, language, desk.settings)
    return _page(request, row, language, "Letter about the recipients", text)


def _page(request: Request, row: Row, language: str, title: str, text: str, **more: object) -> Response:
    body = render(
        "told.html.j2",
        root=request.scope["root_path"],
        here="",
        path=request.url.path.rpartition("/")[2],
        row=row,
        title=title,
        text=text,
        language=language,
        languages=_NAMES,
        **{"made": None, **more},
    )
    return Response(body, media_type="text/html; charset=utf-8")


def _language(desk: Desk, request: Request, row: Row) -> str:
    """As asked for, else the person's own, which only the case file knows, else the first that we have."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    try:
        return str(desk.cases.open(row.request_id).read_json("request")["language"])
    except PermanentError:
        return LANGUAGES[0]
