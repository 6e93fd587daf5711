"""An ASGI app on a free loopback port, for tests that go through the wire."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from sandbox.ports import loopback_socket


@contextmanager
def served(app: ASGIApp, chain: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """The app's base URL while it is served by uvicorn; https with a certificate."""
    listener = loopback_socket()
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", ssl_certfile=chain, ssl_keyfile=key, timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    try:
        yield f"{'https' if chain else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
