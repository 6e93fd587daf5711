"""What all sandbox systems share on the wire: the call log, injected faults, latency, and the admin interface.

A system is an ASGI app wrapped in `Wire`. The admin interface (a port of its own) reads the log and sets faults:

    GET    /calls?system=salesforce     [{"system","method","path","status","at","api"}…]; `api` False = not
                                        counted by the vendor (sign-in, for example)
    DELETE /calls                       forget the log
    POST   /faults                      {"system","method"?,"path"? (regular expression),"kind","times"?,…}
    GET    /faults · DELETE /faults
    GET    /healthz
"""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAULT_KINDS = ("status", "reset", "truncate", "slow", "lost", "cut", "drip", "endless")
_HEADERS_ARRIVE = 0.05
"""Seconds until headers are on the other side, before a reset would overtake them."""
_DRIPS = 40
"""Pieces in which an answer drips."""


@dataclass
class Fault:
    """A failure to play. kind: `status` (answer with status, headers and body), `reset` (a TCP reset after the headers
    of a body), `truncate` (some of a body, then the connection is closed), `slow` (wait `seconds`, then answer as
    usual), `lost` (do it, then close without an answer), `cut` (do it; half of the answer's body, its length as if that
    were all), `drip` (do it; the answer in pieces with `seconds` between them), `endless` (a JSON array that goes on
    until the other side hangs up).

    `after`: so many calls that it would hit pass first. `times` counts down; -1 = for good. `path` is searched in the
    path with its query."""

    system: str
    kind: str = "status"
    method: str = ""
    path: str = ""
    after: int = 0
    times: int = -1
    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def hits(self, system: str, method: str, target: str) -> bool:
        """Whether this fault plays on that call; does not count it."""
        return (
            self.times != 0
            and self.system == system
            and self.method in ("", method)
            and re.search(self.path, target) is not None
        )


@dataclass(frozen=True)
class Call:
    """One call that reached a system. `at` is Unix seconds; `target` is path with query."""

    system: str
    method: str
    path: str
    status: int
    at: float
    api: bool = True


class Wiretap:
    """Call log and faults of the whole sandbox, kept in memory, one per process."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.calls: list[Call] = []
        self.faults: list[Fault] = []

    def fault_for(self, system: str, method: str, target: str) -> Fault | None:
        """The first fault that hits, counted down."""
        for fault in self.faults:
            if fault.hits(system, method, target):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= fault.times > 0
                return fault
        return None


class Wire:
    """ASGI middleware of one system: waits the latency, plays faults, logs the call."""

    def __init__(self, app: ASGIApp, system: str, tap: Wiretap, counted: Callable[[str], bool] = lambda _: True):
        self.app, self.system, self.tap, self.counted = app, system, tap, counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        if self.tap.latency:
            await asyncio.sleep(self.tap.latency)
        fault = self.tap.fault_for(self.system, scope["method"], target)
        status = 0

        async def logged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._answer(fault, scope, receive, logged)
        finally:
            call = Call(self.system, scope["method"], path, status, time.time(), self.counted(path))
            self.tap.calls.append(call)

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        elif fault.kind == "status":
            media_type = "application/json" if fault.body[:1] in ("{", "[") else "text/html"
            # Who asked whether to send the body won't: what follows on this connection would be taken for it.
            closing = {"connection": "close"} if any(name == b"expect" for name, _ in scope["headers"]) else {}
            response = Response(fault.body, fault.status, {**fault.headers, **closing}, media_type)
            await response(scope, receive, send)
        elif fault.kind == "endless":
            await _endless(fault, receive, send)
        elif fault.kind in ("cut", "drip"):
            await self._whole(fault, scope, receive, send)
        else:
            if fault.kind == "lost":
                await self.app(scope, receive, _nowhere)
            await self._break_off(fault, scope, receive, send)

    async def _whole(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """The system's own answer, once it is all there: half of it, or drop by drop."""
        start: Message = {}
        body = bytearray()

        async def gathered(message: Message) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))

        await self.app(scope, receive, gathered)
        kept = bytes(body[: len(body) // 2] if fault.kind == "cut" else body)
        headers = [(k, v) for k, v in start.get("headers", ()) if k.lower() != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(len(kept)).encode())]
        await send(start)
        size = max(len(kept) // _DRIPS, 1)
        for at in range(0, len(kept), size) if fault.kind == "drip" else ():
            await send({"type": "http.response.body", "body": kept[at : at + size], "more_body": True})
            await asyncio.sleep(fault.seconds)
        await send({"type": "http.response.body", "body": b"" if fault.kind == "drip" else kept})

    async def _break_off(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise more than is sent; uvicorn then closes the connection, for `reset` with RST instead of FIN."""
        body = b'{"records":[{"Id' if fault.kind == "truncate" else b""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100000")]})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if fault.kind == "reset":
            await asyncio.sleep(_HEADERS_ARRIVE)
            _reset(receive)
        raise ConnectionResetError(fault.kind)


async def _nowhere(_: Message) -> None:
    """Where an answer goes that nobody gets."""


async def _endless(fault: Fault, receive: Receive, send: Send) -> None:
    gone = asyncio.Event()

    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    listening = asyncio.create_task(listen())
    headers = {"content-type": "application/json", **fault.headers}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": encoded})
    piece = b"[" + b"1," * 32_000
    while not gone.is_set():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
        piece = piece.lstrip(b"[")
    await listening


def _reset(receive: Receive) -> None:
    """Abort the connection behind uvicorn's `receive` so that TCP says RST."""
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def admin_app(tap: Wiretap, extra: list[Route] | None = None) -> Starlette:
    """The admin interface; `extra` are routes that single systems add (read mail, list tickets, …)."""

    async def calls(request: Request) -> Response:
        system = request.query_params.get("system")
        if request.method == "DELETE":
            tap.calls.clear()
            return Response(status_code=204)
        return JSONResponse([asdict(c) for c in tap.calls if system in (None, c.system)])

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            tap.faults.clear()
            return Response(status_code=204)
        if request.method == "POST":
            body: dict[str, Any] = await request.json()
            fault = Fault(**body)
            if fault.kind not in FAULT_KINDS:
                return JSONResponse({"error": f"kind is one of {', '.join(FAULT_KINDS)}"}, 400)
            tap.faults.append(fault)
            return JSONResponse(asdict(fault), 201)
        return JSONResponse([asdict(f) for f in tap.faults])

    async def health(_: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [
        Route("/calls", calls, methods=["GET", "DELETE"]),
        Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/healthz", health),
    ]
    return Starlette(routes=routes + (extra or []))
