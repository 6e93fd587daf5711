"""Salesforce alone, over TLS on loopback, with its admin port: what tests of one system need, in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import requests
from conformance import Records, records
from requests.adapters import HTTPAdapter
from running_sandbox import Sandbox
from served import served
from simple_salesforce.api import Salesforce as SimpleSalesforce

from dsr.model import Attachment, Found, Identifier, Piece, Subject
from extractors.salesforce import Salesforce
from sandbox.people import populate
from sandbox.salesforce.system import Salesforce as System
from sandbox.system import Options
from sandbox.tls import certificate
from sandbox.wire import Wire, Wiretap, admin_app


@contextmanager
def serving(folder: Path, people: int = 40) -> Iterator[Sandbox]:
    """A sandbox that holds only Salesforce, until the block ends."""
    population, tap = populate(people), Wiretap()
    system = System(Options(folder, people), population)
    authority, chain, key = certificate(folder / "tls")
    wired = Wire(system.app, system.name, tap, system.counted)
    with served(wired, chain, key) as url, served(admin_app(tap, system.admin_routes())) as admin_url:
        endpoints = {"admin": admin_url, "connections": system.connections(url, str(authority))}
        with httpx.Client(base_url=admin_url, timeout=30) as admin:
            yield Sandbox(folder, endpoints, admin, population, list(system.truth()))


class _Loopback(HTTPAdapter):
    """What DNS would do: leads login.salesforce.com to the sandbox. simple-salesforce itself is not touched."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, *args: Any, **kw: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://login.salesforce.com", self._base_url)
        return super().send(request, *args, **kw)


def simple_salesforce(sandbox: Sandbox) -> SimpleSalesforce:
    """simple-salesforce as anybody would use it, signed in by JWT bearer."""
    connection = sandbox.connection("dsr_salesforce")
    session = requests.Session()
    session.trust_env = False
    session.verify = connection.extra["ca"]
    session.mount("https://login.salesforce.com", _Loopback(f"{connection.host}:{connection.port}"))
    return SimpleSalesforce(
        username=connection.login,
        consumer_key=connection.extra["consumer_key"],
        privatekey_file=connection.extra["private_key_file_path"],
        version="67.0",
        session=session,
    )


@contextmanager
def settings(sandbox: Sandbox, **values: Any) -> Iterator[None]:
    """The org turned in some way, and back."""
    before = {k: v for k, v in sandbox.admin.get("/salesforce/settings").json().items() if k in values}
    sandbox.admin.post("/salesforce/settings", json=values).raise_for_status()
    try:
        yield
    finally:
        sandbox.admin.post("/salesforce/settings", json={"used": 0, **before}).raise_for_status()


def connect(sandbox: Sandbox, **extra: Any) -> Salesforce:
    """A client; `extra` replaces members of the connection's extra."""
    connection = sandbox.connection("dsr_salesforce")
    return Salesforce.connect(replace(connection, extra={**connection.extra, **extra}))


def calls(sandbox: Sandbox) -> list[str]:
    """Resources that were asked, in order; the log is forgotten."""
    paths = [c["path"].rpartition("/v67.0/")[2] for c in sandbox.calls("salesforce")]
    sandbox.forget()
    return paths


def subject(*values: str, request_id: str = "dsr-1") -> Subject:
    """Somebody known by addresses only."""
    return Subject(request_id, frozenset(Identifier("email", v) for v in values))


def extract(source: Salesforce, found: Found) -> tuple[Records, list[Piece]]:
    """Records, and the pieces that they came in; files unread."""
    pieces = list(source.extract(found))
    return records(p for p in pieces if not isinstance(p, Attachment)), pieces
