"""The sandbox's Zoom alone, served over TLS on loopback: for tests that turn its clock and limits."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from served import served

from dsr.source import Connection
from sandbox.people import populate
from sandbox.system import Options
from sandbox.tls import certificate
from sandbox.webinars.limits import Limits
from sandbox.webinars.system import Zoom
from sandbox.wire import Wire, Wiretap


class ZoomServer:
    """A running account. `system` and `tap` are its own, so that a test may set them directly."""

    def __init__(self, folder: Path, people: int) -> None:
        self.population = populate(people)
        self.system = Zoom(Options(folder, people), self.population)
        self.tap = Wiretap()
        self.url, self.authority = "", ""
        self.truth = list(self.system.truth())

    def connection(self, **extra: Any) -> Connection:
        """As an extractor gets it; `extra` replaces members of the connection's extra."""
        fields = self.system.connections(self.url, self.authority)["dsr_webinars"]
        values = {k: v for k, v in fields.items() if k not in ("conn_type", "extra")}
        return Connection("dsr_webinars", **values, extra={**fields["extra"], **extra})

    def client(self) -> httpx.Client:
        """A signed-in client of the API."""
        context = ssl.create_default_context(cafile=self.authority)
        connection = self.connection()
        form = {"grant_type": "account_credentials", "account_id": connection.extra["account_id"]}
        auth = (connection.login, connection.password)
        answer = httpx.post(f"{self.url}/oauth/token", data=form, auth=auth, verify=context).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return httpx.Client(base_url=f"{self.url}/v2", headers=headers, verify=context)

    def calls(self) -> list[str]:
        """Paths of the calls that the vendor counts, in order."""
        return [c.path.removeprefix("/v2/") for c in self.tap.calls if c.api]

    def reset(self) -> None:
        """The real time, the vendor's limits, no faults, an empty log."""
        self.system.account.offset = 0.0
        self.system.api.limits = Limits(self.system.account.now)
        self.tap.faults.clear()
        self.tap.calls.clear()


@contextmanager
def serving(folder: Path, people: int = 40) -> Iterator[ZoomServer]:
    """Serve until the block ends."""
    running = ZoomServer(folder / "state", people)
    authority, chain, key = certificate(folder / "tls")
    running.authority = str(authority)
    wired = Wire(running.system.app, "webinars", running.tap, running.system.counted)
    with served(wired, chain, key) as running.url:
        yield running
