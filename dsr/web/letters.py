"""Every letter, mail and answer in a ticket with made-up data, for those who answer for the words.

GET /letters                  the index
GET /letters/{stem}           one of them, `<name>.<language>`, as text and as its reader sees it
GET /letters/{stem}/as-sent   its HTML alone, as a mail program gets it
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dsr.report.letters import LANGUAGES, render
from dsr.report.preview import WAYS, index
from dsr.report.specimens import Specimen, specimens
from dsr.web.console import Desk

_FRAMING: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
_FRAMED: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)
"""A mail brings its style in its elements, as mail programs want it; nothing else of it does anything."""


def routes(desk: Desk) -> list[Route]:
    """Of these pages. Who may see them: as of the list of requests."""

    @cache
    def all_of() -> Mapping[str, Specimen]:
        return {specimen.stem: specimen for specimen in specimens(desk.settings)}

    async def found(request: Request) -> Specimen:
        await desk.visitor(request)
        specimen = (await run_in_threadpool(all_of)).get(request.path_params["stem"])
        if specimen is None:
            raise HTTPException(404)
        return specimen

    async def listed(request: Request) -> Response:
        await desk.visitor(request)
        groups = index((await run_in_threadpool(all_of)).values())
        root = request.scope.get("root_path", "")
        return HTMLResponse(render("console_letters.html.j2", groups=groups, languages=LANGUAGES, root=root))

    async def one(request: Request) -> Response:
        specimen = await found(request)
        others = [specimen.name + "." + language for language in LANGUAGES if language != specimen.language]
        other = next((stem for stem in others if stem in all_of()), "")
        root, way = request.scope.get("root_path", ""), WAYS[specimen.way]
        page = render("console_letter.html.j2", letter=specimen, other=other, way=way, root=root)
        return HTMLResponse(page, headers={"content-security-policy": _FRAMING})

    async def as_sent(request: Request) -> Response:
        return HTMLResponse((await found(request)).html, headers={"content-security-policy": _FRAMED})

    return [
        Route("/letters", listed, methods=["GET"]),
        Route("/letters/{stem}", one, methods=["GET"]),
        Route("/letters/{stem}/as-sent", as_sent, methods=["GET"]),
    ]
