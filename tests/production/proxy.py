"""The company's TLS proxy, as docs/deployment.md wants it: https outside, plain http to one server on this machine.

It says who comes (`X-Forwarded-For`, overwriting what they say themselves) and by which scheme, passes `Host`, takes
bodies of 256 KB and holds no answer back. `python proxy.py --port 443 --to http://127.0.0.1:8090 --chain … --key …`"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

_LARGEST: Final = 256 * 1024
_OWN: Final = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
_OF_ONE_CONNECTION: Final = (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer")

Headers = list[tuple[bytes, bytes]]


class Proxy:
    """An ASGI application that passes everything on to `to`."""

    def __init__(self, to: str) -> None:
        self._to = httpx.URL(to)
        # A connection to the server is not kept: it might be closed there in the moment in which it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(10, read=600), limits=limits, trust_env=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        body, more = bytearray(), True
        while more and len(body) <= _LARGEST:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if len(body) > _LARGEST:
            await _answer(send, 413)
            return
        headers = [*_without(scope["headers"], (*_OWN, *_OF_ONE_CONNECTION, b"content-length"))]
        headers += [(b"x-forwarded-for", scope["client"][0].encode()), (b"x-forwarded-proto", b"https")]
        url = self._to.copy_with(raw_path=scope["raw_path"] + (b"?" + scope["query_string"]).rstrip(b"?"))
        # Not `build_request`, which adds headers and cookies of its own.
        request = httpx.Request(scope["method"], url, headers=headers, content=bytes(body))
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError:
            await _answer(send, 502)
            return
        try:
            kept = _without(answer.headers.raw, _OF_ONE_CONNECTION)
            lowered = [(name.lower(), value) for name, value in kept]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": lowered})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


def _without(headers: Iterable[tuple[bytes, bytes]], names: Iterable[bytes]) -> Headers:
    dropped = set(names)
    return [(name, value) for name, value in headers if name.lower() not in dropped]


async def _answer(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--chain", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    args = parser.parse_args()
    uvicorn.run(
        Proxy(args.to),
        host="127.0.0.1",
        port=args.port,
        ssl_certfile=args.chain,
        ssl_keyfile=args.key,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # longer than any client's
        lifespan="off",
    )


if __name__ == "__main__":
    main()
