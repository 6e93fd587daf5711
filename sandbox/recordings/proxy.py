"""A reverse proxy as an ASGI app: every call reaches the server behind it byte by byte, signed Host header included."""

from collections.abc import AsyncIterator

import httpx
from starlette.types import Receive, Scope, Send

_HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"expect", b"te", b"upgrade", b"trailer"}


class Proxy:
    """Forwards to `http://127.0.0.1:<port>`; path and query are passed on as they were sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        limits = httpx.Limits(max_connections=64, keepalive_expiry=5)
        self._client = httpx.AsyncClient(timeout=60, limits=limits, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        url = httpx.URL(scheme="http", host="127.0.0.1", port=self._port, raw_path=target)
        headers = [(k, v) for k, v in scope["headers"] if k not in _HOP_BY_HOP]
        has_body = any(k in (b"content-length", b"transfer-encoding") for k, _ in scope["headers"])
        request = httpx.Request(scope["method"], url, headers=headers, content=_body(receive) if has_body else None)
        answer = await self._client.send(request, stream=True)
        try:
            passed = [(k.lower(), v) for k, v in answer.headers.raw if k.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": passed})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
