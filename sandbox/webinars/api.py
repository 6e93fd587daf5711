"""The wire of the sandbox's Zoom: one ASGI app over /oauth/token, /v2 and the file downloads."""

import json
import secrets
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.webinars.account import Account, Call, Endpoint, ZoomError
from sandbox.webinars.limits import Limits
from sandbox.webinars.oauth import Tokens
from sandbox.webinars.recordings import Recordings
from sandbox.webinars.reports import Reports
from sandbox.webinars.webinars import Webinars


class Api:
    """Answers calls; `tokens` and `limits` are open to the admin port."""

    def __init__(self, account: Account) -> None:
        self.tokens = Tokens(account.now)
        self.limits = Limits(account.now)
        self._recordings = Recordings(account)
        self.sweep = self._recordings.sweep
        self._endpoints: list[Endpoint] = [
            *Webinars(account).endpoints(),
            *Reports(account).endpoints(),
            *self._recordings.endpoints(),
        ]
        self._signatures: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ZoomError as error:
            body = {"code": error.code, "message": error.message}
            response = JSONResponse(body, error.status, error.headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
        segments = raw.split(b"?")[0].decode("latin-1").strip("/").split("/")
        if segments == ["oauth", "token"] and request.method == "POST":
            form = {**request.query_params, **{k: str(v) for k, v in (await request.form()).items()}}
            status, body = self.tokens.issue(_authorization(request), form, _origin(request))
            return JSONResponse(body, status)
        if segments[0] == "rec" and len(segments) == 3:
            return self._file(request, segments[1], segments[2])
        if segments[0] == "v2":
            return await self._call(request, [_argument(s) for s in segments[1:]])
        raise ZoomError(404, 2300, "This API endpoint is not recognized.")

    async def _call(self, request: Request, segments: list[str]) -> Response:
        self.tokens.check(_authorization(request))
        for endpoint in self._endpoints:
            args = endpoint.match(request.method, segments)
            if args is None:
                continue
            headers = self.limits.take(endpoint.category)
            status, body = endpoint.handler(
                Call(args, dict(request.query_params), await _json(request), _origin(request))
            )
            return (
                Response(status_code=status, headers=headers) if body is None else JSONResponse(body, status, headers)
            )
        raise ZoomError(404, 2300, "This API endpoint is not recognized.")

    def _file(self, request: Request, step: str, name: str) -> Response:
        """`download` wants the Bearer and leads on to `content`, whose address is good once and needs no sign-in."""
        if step == "download":
            self.tokens.check(_authorization(request))
            if self._recordings.content(name) is None:
                raise ZoomError(404, 3301, "This recording does not exist.")
            signature = secrets.token_urlsafe(24)
            self._signatures[signature] = name
            return RedirectResponse(f"/rec/content/{signature}", 302)
        found = self._recordings.content(self._signatures.pop(name, ""))
        if found is None:
            raise ZoomError(403, 403, "Forbidden")
        return Response(found[0], media_type=found[1])


def _argument(segment: str) -> str:
    """A path argument. A UUID that begins with `/` or holds `//` must come encoded twice, as the vendor demands."""
    once = unquote(segment)
    if once.startswith("/") or "//" in once:
        raise ZoomError(404, 3001, "Webinar does not exist.")
    return unquote(once) if "%2F" in once.upper() else once


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


async def _json(request: Request) -> Any:
    body = await request.body()
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise ZoomError(400, 300, "Request Body should be a valid JSON object.") from None
