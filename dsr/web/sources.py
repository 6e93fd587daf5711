"""The source systems: whether they let us in, what they hold that nobody has declared, how old their indexes are.

GET  /sources                      all of them
POST /sources/{name}               form: token; has this one looked at now
GET  /sources/schemas/{dataset}    the JSON Schema of a dataset
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import anyio
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dsr import schema
from dsr.checks import NOT_CONNECTED, Check, Checks
from dsr.errors import TransientError
from dsr.report.letters import render
from dsr.source import Declaration
from dsr.vocabulary import CATEGORIES
from dsr.web.console import Desk, form_of

_HERE: Final = "sources"
_STALE: Final = timedelta(days=2)
"""Looks and indexes are made every night."""
_AT_ONCE: Final = 2
_WORDS: Final[Mapping[str, str]] = {
    NOT_CONNECTED: "Not connected",
    "connection.failed": "Can't be reached",
    "timeout": "Can't be reached in time",
    "rate_limited": "Takes no more calls for now",
    "table.missing": "A table that is declared isn't there, or is hidden from us",
    "column.missing": "A column that is declared isn't there, or is hidden from us",
    "bucket.missing": "The bucket isn't there",
}
_BEGINNINGS: Final[Mapping[str, str]] = {
    "connection.": "Its connection in Airflow can't be used",
    "mapping.": "Its mapping can't be used",
    "object_missing": "An object that is declared isn't there, or is hidden from us",
    "field_missing": "A field that is declared isn't there, or is hidden from us",
    "signin.": "Doesn't let us in",
    "credentials.": "Doesn't let us in",
    "token.": "Doesn't let us in",
    "oauth.": "Doesn't let us in",
    "http.401": "Doesn't let us in",
    "http.403": "Doesn't let us in",
    "http.5": "Doesn't work at the moment",
}


@dataclass(frozen=True)
class Systems:
    """What the page works with. `freshness`: when a source's index was last read, None = never; `look`: has a source
    looked at, TransientError when that can't be started."""

    declarations: Sequence[Declaration]
    checks: Checks
    freshness: Callable[[str], datetime | None]
    look: Callable[[str, datetime], None]


@dataclass(frozen=True)
class System:
    """A source as the page shows it. `state`: good, near (something to see to) or bad; `said`: how it stands, in words.
    Times are in the controller's zone."""

    declaration: Declaration
    state: str
    said: str
    last: Check | None
    looked_at: datetime | None
    good_at: datetime | None
    undeclared: tuple[str, ...]
    indexed_at: datetime | None
    index_stale: bool


def routes(desk: Desk, systems: Systems) -> list[Route]:
    """Of this page."""
    pages = _Pages(desk, systems)
    return [
        Route("/sources", pages.page, methods=["GET"]),
        Route("/sources/{name}", pages.look, methods=["POST"]),
        Route("/sources/schemas/{dataset}", pages.schema, methods=["GET"]),
    ]


class _Pages:
    def __init__(self, desk: Desk, systems: Systems) -> None:
        self._desk, self._systems = desk, systems
        self._names = {declaration.name for declaration in systems.declarations}
        # As the webhook: starting a run calls the very server whose threads these would otherwise be.
        self._threads = anyio.CapacityLimiter(_AT_ONCE)

    async def page(self, request: Request) -> Response:
        """All sources."""
        visitor = await self._desk.visitor(request)
        asked = request.query_params.get("asked", "")
        token = self._desk.token(visitor.code, _HERE) if visitor.looks else ""
        return await run_in_threadpool(self._page, request, token, asked if asked in self._names else "")

    async def look(self, request: Request) -> Response:
        """Has one looked at; the page shows what came of it once it is there."""
        visitor = await self._desk.visitor(request)
        if not visitor.looks:
            raise HTTPException(403, "You may not start dsr_sources.")
        form, name = await form_of(request), request.path_params["name"]
        self._desk.check(request, visitor.code, _HERE, form.get("token", [""])[0])
        if name not in self._names:
            raise HTTPException(404)
        look = partial(self._systems.look, name, self._desk.now())
        try:
            await run_sync(look, limiter=self._threads)
        except TransientError as error:
            raise HTTPException(503, f"Airflow doesn't start it ({error.code}). Try again.") from None
        root = request.scope.get("root_path", "")
        return RedirectResponse(f"{root}/sources?asked={name}#{name}", 303)

    async def schema(self, request: Request) -> Response:
        """Of a declared dataset only."""
        await self._desk.visitor(request)
        name = request.path_params["dataset"]
        if not any(name == dataset.name for d in self._systems.declarations for dataset in d.datasets):
            raise HTTPException(404)
        return JSONResponse(schema.load(name))

    def _page(self, request: Request, token: str, asked: str) -> Response:
        last, good, at = self._systems.checks.last(), self._systems.checks.good(), self._desk.now()
        body = render(
            "sources.html.j2",
            root=request.scope.get("root_path", ""),
            here=_HERE,
            token=token,
            asked=asked,
            systems=[self._system(d, last.get(d.name), good.get(d.name), at) for d in self._systems.declarations],
            categories=CATEGORIES,
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _system(self, declaration: Declaration, last: Check | None, good: Check | None, at: datetime) -> System:
        zone = self._desk.settings.zone
        indexed_at = self._systems.freshness(declaration.name) if declaration.indexed else None
        state, said = _standing(last, at)
        return System(
            declaration,
            state,
            said,
            last,
            last.at.astimezone(zone) if last else None,
            good.at.astimezone(zone) if good else None,
            good.undeclared if good and not _is_off(last) else (),
            indexed_at.astimezone(zone) if indexed_at else None,
            declaration.indexed and (indexed_at is None or indexed_at < at - _STALE),
        )


def _standing(last: Check | None, at: datetime) -> tuple[str, str]:
    if last is None:
        return "near", "Never looked at"
    if last.code:
        return "near" if _is_off(last) else "bad", words_of(last.code)
    if last.at < at - _STALE:
        return "near", "Connected, but not looked at for a while"
    return "good", "Connected"


def _is_off(check: Check | None) -> bool:
    return check is not None and check.code == NOT_CONNECTED


def words_of(code: str) -> str:
    """What an error's code means for whoever sees to it, without the code."""
    known = _WORDS.get(code) or next((words for start, words in _BEGINNINGS.items() if code.startswith(start)), "")
    return known or "Doesn't answer as it should"
