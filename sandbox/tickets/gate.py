"""Sign-in and the limit of calls per minute, before anything else of a ticket system."""

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Gate:
    """Lets calls through to `app`. per_minute: the plan's limit; signed_in: `user:password`; limits: (limit, calls
    left) → the headers of every answer; too_many, refused: the bodies of 429 and 401."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        per_minute: int,
        signed_in: str,
        limits: Callable[[int, int], Mapping[str, str]],
        too_many: Mapping[str, Any],
        refused: Mapping[str, Any],
    ) -> None:
        self.app, self.per_minute = app, per_minute
        self._expected = f"Basic {base64.b64encode(signed_in.encode()).decode()}".encode()
        self._limits, self._too_many, self._refused = limits, too_many, refused
        self._window, self._used = 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        left = self._remaining()
        limits = dict(self._limits(self.per_minute, max(0, left)))
        sent = Request(scope).headers.get("authorization", "")
        if left < 0:
            wait = {"Retry-After": str(60 - int(time.time()) % 60)}
            await JSONResponse(self._too_many, 429, {**limits, **wait})(scope, receive, send)
        elif not hmac.compare_digest(sent.encode(), self._expected):
            await JSONResponse(self._refused, 401, limits)(scope, receive, send)
        else:
            await self.app(scope, receive, _with(limits, send))

    def _remaining(self) -> int:
        """Counts one call; how many are left in this minute, negative when over the limit."""
        minute = int(time.time() // 60)
        if minute != self._window:
            self._window, self._used = minute, 0
        self._used += 1
        return self.per_minute - self._used


def _with(headers: Mapping[str, str], send: Send) -> Send:
    async def limited(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return limited
