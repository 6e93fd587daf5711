"""Style, script and sign of the officers' pages.

GET  /assets/{name}
"""

from functools import cache
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_ASSETS: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "console.svg": "image/svg+xml",
    "review.css": "text/css",
    "review.js": "text/javascript",
}


def routes() -> list[Route]:
    """Of what the pages refer to."""
    return [Route("/assets/{name}", _answer, methods=["GET"])]


async def _answer(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(404)
    return Response(_text(name), media_type=f"{_ASSETS[name]}; charset=utf-8", headers={"cache-control": "no-cache"})


@cache
def _text(name: str) -> str:
    return files("dsr.report").joinpath("templates", name).read_text(encoding="utf-8")
