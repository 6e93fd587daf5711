"""Pages for officers, mounted in Airflow's api-server by the plugin as `/dsr-console`.

Who may see them is Airflow's to say: the composition root gives `Desk.signed_in`. Every page, and every answer to one,
goes out with the headers of `_HEADERS`; whatever changes something needs the token that the page brought.

Import it lazily where start-up time counts.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsr.alone import Alone
from dsr.casefile import CaseFile, CaseStore
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey
from dsr.source import Declaration
from dsr.web.visitor import comes_from_here

SignedIn = Callable[[Request, str], Awaitable[str]]
"""The code of who asks, if they may review requests of this right. HTTPException 401 when nobody is signed in, 403 when
they may not."""


@dataclass(frozen=True)
class Visitor:
    """Who asks for a page that opens no case file. `code`: as evidence has them; `sees`: the rights whose runs they may
    see in Airflow, `vocabulary.UNCLEAR` for those where that is still to settle; `starts`: those whose runs they may
    start; `looks`: whether they may start a look at the sources; `sees_lists`, `starts_lists`: whether they may see,
    and start, the runs of erasure lists."""

    code: str
    sees: frozenset[str]
    starts: frozenset[str]
    looks: bool = False
    sees_lists: bool = False
    starts_lists: bool = False


Visiting = Callable[[Request], Awaitable[Visitor]]
"""Who asks. HTTPException 401 when nobody is signed in."""

MOUNT: Final = "/dsr-console"
"""Where the pages are in the api-server."""
_MOST_FORM: Final = 512 * 1024
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; media-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What the pages work with. `now` is the clock; `declarations`: of all sources."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    signed_in: SignedIn
    visiting: Visiting
    alone: Alone
    now: Callable[[], datetime] = _now
    declarations: Sequence[Declaration] = ()

    async def visitor(self, request: Request) -> Visitor:
        """Whoever may see how requests stand: the runs of any right. HTTPException 401, 403."""
        visitor = await self.visiting(request)
        if not visitor.sees:
            raise HTTPException(403, "You may not see the runs of any right.")
        return visitor

    async def starter(self, request: Request) -> Visitor:
        """Whoever may set something going: start the runs of any right. HTTPException 401, 403."""
        visitor = await self.visiting(request)
        if not visitor.starts:
            raise HTTPException(403, "You may not start the runs of any right.")
        return visitor

    def token(self, user: str, about: str) -> str:
        """What a form of this user's carries: about this request, or, when it is about none, of this page (`here`)."""
        key = subkey(self.settings.master_key, "console")
        return hmac.digest(key, f"{user}\0{about}".encode(), "sha256").hex()

    def check(self, request: Request, user: str, about: str, token: str) -> None:
        """HTTPException 403 unless the form came from our own page: its token, and the origin that the browser says."""
        origin = request.headers.get("origin")
        own = origin is None or comes_from_here(request, origin)
        if not own or not hmac.compare_digest(token.encode(), self.token(user, about).encode()):
            raise HTTPException(403, "The page is too old, or the form came from somewhere else: load the page again.")


async def opened(desk: Desk, request: Request) -> tuple[CaseFile, str]:
    """The case that a path names, and who asks. HTTPException 401 and 403 as `SignedIn`; the same 404 for a case that
    is gone and for one that never was, to those who may see any; nothing is read for others."""
    await desk.signed_in(request, "")
    try:
        case = await run_in_threadpool(desk.cases.open, request.path_params["request_id"])
        asked = await run_in_threadpool(case.read_json, "request")
    except PermanentError:
        raise HTTPException(404, "There is nothing to review for this run, or no longer.") from None
    return case, await desk.signed_in(request, asked["right"])


def airflow_of(request: Request) -> str:
    """The path of Airflow's own UI, before "/dags/…"; "" where it is at the root."""
    return str(request.scope["root_path"]).removesuffix(MOUNT)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a URL-encoded form. HTTPException 413 when it is too large, 400 when it is none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM:
            raise HTTPException(413)
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=20_000, errors="strict")
    except ValueError:
        raise HTTPException(400) from None


class _Headers:
    """Adds the same headers to every answer; one that has its own keeps them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in _HEADERS.items() if n.encode() not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self.app(scope, receive, with_headers)


def create_app(desk: Desk, pages: Sequence[Route] = ()) -> ASGIApp:
    """The pages; `pages`: those that work with more than the desk has."""
    from dsr.web import assets, letters, records, requests, review, run, told

    # Around it and not among its middleware, which an unexpected error's answer goes by.
    app = Starlette(
        routes=[
            *assets.routes(),
            *letters.routes(desk),
            *records.routes(desk),
            *requests.routes(desk),
            *run.routes(desk),
            *told.routes(desk),
            *review.routes(desk),
            *pages,
        ],
        exception_handlers={DsrError: _failed},
    )
    return _Headers(app)


async def _failed(_: Request, error: Any) -> Response:
    if isinstance(error, TransientError):
        return PlainTextResponse(f"Storage is not to be had ({error.code}). Try again.", 503, {"retry-after": "5"})
    return PlainTextResponse(_WORDS.get(error.code, f"This can't be done ({error.code})."), 409)


_WORDS: Final = {
    "review.concluded": "The review is over: what was decided stands.",
    "review.verdict": "This can't be decided about the item: choose what to hide, or withhold it whole.",
    "review.same_person": "Somebody else has to look a second time.",
    "review.item": "There is no such item any more: load the page again.",
    "review.changed": "Somebody has decided meanwhile, or it is another text by now: load the page, look again.",
    "review.nothing_hidden": "One of the words to hide doesn't stand there as you wrote it: nothing was decided.",
    "letter.unknown": "There is no such text.",
    "letter.way": "Say how it was sent.",
    "record.changed": "The record says something else by now: load the page and look again.",
}
