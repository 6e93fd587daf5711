"""A vendor of nothing, served by uvicorn, for tests of the wire itself."""

import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.ports import loopback_socket
from sandbox.wire import Wire, Wiretap, admin_app


async def _answer(_: Request) -> Response:
    return JSONResponse({"ok": True})


def _serve(app: ASGIApp) -> tuple[uvicorn.Server, threading.Thread, str]:
    listener = loopback_socket()
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    return server, thread, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def vendor_and_admin() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of a wired app and of its admin interface."""
    tap = Wiretap()
    app = Starlette(routes=[Route("/v1/{rest:path}", _answer), Route("/token", _answer)])
    wired = Wire(app, "vendor", tap, counted=lambda path: path != "/token")
    running = [_serve(wired), _serve(admin_app(tap))]
    vendor, admin = (httpx.Client(base_url=url) for _, _, url in running)
    yield vendor, admin
    for server, thread, _ in running:
        server.should_exit = True
        thread.join()
