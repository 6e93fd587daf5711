"""What a system of the sandbox offers to the process that runs it, and the options they all share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.people import Truth

ConnectionFields = dict[str, Any]
"""An Airflow connection as JSON: conn_type, host, port, login, password, schema, extra (an object)."""


class Clock:
    """The sandbox's time: the real one plus `offset` seconds. Moved on the admin port; real again after a restart.

    Who must do something when it is moved adds a function to `moved`.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self.moved: list[Callable[[], None]] = []

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self.offset

    def at(self) -> datetime:
        """The same, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def move(self, offset: float) -> None:
        """Set the offset and tell everybody who wants to know."""
        self.offset = offset
        for tell in self.moved:
            tell()


@dataclass(frozen=True)
class Options:
    """How the sandbox is sized. `rows_for_canary`: linked rows per invoicing table for the canary, beyond the few
    that everybody has. `folder`: where state is kept. `today`: the date the data is made around, ISO, whatever the
    real date is; a system whose behaviour depends on dates counts from it and adds the offset of `clock`."""

    folder: Path
    people: int = 500
    seed: int = 1
    rows_for_canary: int = 0
    latency_ms: float = 0.0
    today: str = "2026-11-20"
    clock: Clock = field(default_factory=Clock, compare=False, repr=False)


class HttpSystem(Protocol):
    """A vendor whose wire protocol is an ASGI app of ours.

    Constructed as `Cls(options, population)`: loads its state from `options.folder`, seeds it when it is new.
    `tls`: served over https with the sandbox's own authority.
    """

    @property
    def name(self) -> str:
        """Its name in the call log."""
        ...

    @property
    def tls(self) -> bool:
        """Whether it is served over https."""
        ...

    @property
    def app(self) -> ASGIApp:
        """The wire protocol."""
        ...

    def counted(self, path: str) -> bool:
        """Whether the vendor counts a call to that path (sign-in is not)."""
        ...

    def connections(self, base_url: str, authority: str) -> dict[str, ConnectionFields]:
        """Airflow connections by id for this system at that URL; `authority` is the CA file to trust ("" without)."""
        ...

    def admin_routes(self) -> list[Route]:
        """Routes of its own on the admin port, under `/<name>/…`; [] = none."""
        ...

    def truth(self) -> Sequence[Truth]:
        """What it holds about everybody, computed from the population, not read back."""
        ...


class ServerSystem(Protocol):
    """A system that is a real server (PostgreSQL, an S3 store, SMTP): started and stopped as a process or thread.

    Constructed as `Cls(options, population)`. `start` returns when it answers and is seeded.
    """

    @property
    def name(self) -> str:
        """Its name in the call log."""
        ...

    def start(self) -> None:
        """Start on a free loopback port; seed when the state is new."""
        ...

    def stop(self) -> None:
        """Stop it and wait until it is gone. Twice is fine."""
        ...

    def connections(self) -> dict[str, ConnectionFields]:
        """Airflow connections by id; only after `start`."""
        ...

    def admin_routes(self) -> list[Route]:
        """Routes of its own on the admin port, under `/<name>/…`."""
        ...

    def truth(self) -> Sequence[Truth]:
        """As `HttpSystem.truth`."""
        ...
