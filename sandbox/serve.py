"""Runs every system of the sandbox in one process: HTTP systems on uvicorn, real servers as their children."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.administration import Administration
from sandbox.invoicing.system import Invoicing
from sandbox.mail.system import Mail
from sandbox.pardot.system import Pardot
from sandbox.people import Population, Truth, populate
from sandbox.ports import loopback_socket
from sandbox.processor.system import Processor
from sandbox.receiver.bucket import Bucket
from sandbox.receiver.system import Receiver
from sandbox.recordings.system import Recordings
from sandbox.salesforce.system import Salesforce
from sandbox.sms.system import Texts
from sandbox.system import HttpSystem, Options, ServerSystem
from sandbox.tickets.system import Callback, Freshdesk, Jira, Zendesk
from sandbox.tls import certificate
from sandbox.webinars.system import Zoom
from sandbox.wire import Fault, Wire, Wiretap, admin_app

ENDPOINTS = "endpoints.json"
CONNECTIONS = "connections.json"
"""In the form that Airflow's LocalFilesystemBackend reads."""


async def serve(options: Options, faults: Sequence[Fault] = ()) -> None:
    """Serve until SIGTERM or SIGINT; `endpoints.json` in the state folder appears when everything answers."""
    population = populate(options.people, options.seed)
    tap = Wiretap(options.latency_ms / 1000)
    tap.faults.extend(faults)
    vendors: tuple[Callable[[Options, Population], HttpSystem], ...] = (
        Salesforce,
        Pardot,
        Zoom,
        Zendesk,
        Jira,
        Freshdesk,
        Callback,
        Receiver,
        Processor,
        Texts,
    )
    recordings = Recordings(options, population, tap)
    http = [*(vendor(options, population) for vendor in vendors), Bucket(recordings)]
    servers: list[ServerSystem] = [
        Invoicing(options, population, tap),
        recordings,
        Mail(options, population),
    ]
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        administration = Administration(options, population, [*http, *servers])
        await _serve_http(options.folder, tap, http, servers, administration.routes())
    finally:
        for server in servers:
            await asyncio.to_thread(server.stop)
        (options.folder / ENDPOINTS).unlink(missing_ok=True)


async def _serve_http(
    folder: Path, tap: Wiretap, http: Sequence[HttpSystem], servers: Sequence[ServerSystem], routes: Sequence[Route]
) -> None:
    authority, chain, key = certificate(folder / "tls")
    running: list[tuple[_Server, socket.socket]] = []
    connections: dict[str, Any] = {}
    for system in http:
        app = Wire(system.app, system.name, tap, system.counted)
        server, listener = _server(app, chain, key) if system.tls else _server(app)
        running.append((server, listener))
        url = f"{'https' if system.tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        connections |= system.connections(url, str(authority) if system.tls else "")
    for started in servers:
        connections |= started.connections()
    everything: list[HttpSystem | ServerSystem] = [*http, *servers]
    own = [route for system in everything for route in system.admin_routes()]
    admin, listener = _server(admin_app(tap, [*routes, *own]))
    running.append((admin, listener))
    truth = await asyncio.to_thread(_write_truth, folder, everything)
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in running]
    await asyncio.gather(*(server.ready.wait() for server, _ in running))
    endpoints = {
        "admin": f"http://127.0.0.1:{listener.getsockname()[1]}",
        "authority": str(authority),
        "connections": connections,
        "truth": str(truth),
    }
    _write_atomically(folder / CONNECTIONS, json.dumps(connections, indent=1))
    _write_atomically(folder / ENDPOINTS, json.dumps(endpoints, indent=1))
    await _until_stopped()
    for server, _ in running:
        server.should_exit = True
    await asyncio.gather(*tasks)


class _Server(uvicorn.Server):
    """One of several servers in a process: says when it is ready and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _server(app: ASGIApp, chain: Path | None = None, key: Path | None = None) -> tuple[_Server, socket.socket]:
    listener = loopback_socket()
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        ssl_certfile=chain,
        ssl_keyfile=key,
    )
    return _Server(config), listener


async def _until_stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _write_truth(folder: Path, systems: Sequence[HttpSystem | ServerSystem]) -> Path:
    records: list[Truth] = [record for system in systems for record in system.truth()]
    lines = (json.dumps(asdict(record), ensure_ascii=False) for record in records)
    path = folder / "truth.jsonl"
    _write_atomically(path, "\n".join(lines))
    return path


def _write_atomically(path: Path, text: str) -> None:
    """Private to the user: the file holds the sandbox's credentials."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
