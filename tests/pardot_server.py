"""Account Engagement alone, served by uvicorn on loopback: for tests that turn its clock and limits."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from served import served

from dsr.source import Connection
from sandbox.pardot.signin import BUSINESS_UNIT
from sandbox.pardot.system import Pardot as System
from sandbox.people import populate
from sandbox.system import Options
from sandbox.wire import Wire, Wiretap

_TLS = ssl.create_default_context()
"""Made once: a context of its own for each client costs more than its calls."""


class PardotServer:
    """A running business unit. `system.settings` and `tap` are its own, so that a test may set them directly."""

    def __init__(self, folder: Path, people: int = 20) -> None:
        self.population = populate(people)
        self.system = System(Options(folder, people), self.population)
        self.tap = Wiretap()
        self.url = ""
        self.truth = list(self.system.truth())

    def connection(self, **extra: Any) -> Connection:
        """As an extractor gets it; `extra` replaces members of the connection's extra."""
        fields = self.system.connections(self.url, "")["dsr_pardot"]
        values = {k: v for k, v in fields.items() if k not in ("conn_type", "extra")}
        return Connection("dsr_pardot", **values, extra={**fields["extra"], **extra})

    def client(self) -> httpx.Client:
        """A signed-in client of the API."""
        fields = self.system.connections(self.url, "")["dsr_pardot"]
        data = {"grant_type": "client_credentials", "client_id": fields["login"], "client_secret": fields["password"]}
        answer = httpx.post(f"{self.url}/services/oauth2/token", data=data, verify=_TLS).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Pardot-Business-Unit-Id": BUSINESS_UNIT}
        return httpx.Client(base_url=f"{self.url}/api/v5", headers=headers, verify=_TLS)

    def calls(self) -> list[str]:
        """Paths of the calls that the vendor counts, in order."""
        return [c.path.removeprefix("/api/v5/") for c in self.tap.calls if c.api]

    def reset(self) -> None:
        """Defaults again, no faults, an empty log."""
        self.system.settings.replace({})
        self.tap.faults.clear()
        self.tap.calls.clear()


@contextmanager
def serving(folder: Path, people: int = 20) -> Iterator[PardotServer]:
    """Serve until the block ends."""
    running = PardotServer(folder, people)
    wired = Wire(running.system.app, "pardot", running.tap, running.system.counted)
    with served(wired) as running.url:
        yield running
