"""Who is called from here, as the tests of faults see them: something real that is done through the wire, and a look at
what came of it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit


class Party(ABC):
    """One external system in one use of it.

    key, title   in the table
    system       in the sandbox's call log and faults
    hit          which of its calls go wrong: `method`, `path` as in `sandbox.wire.Fault`
    skew         what it answers when clocks differ; {} = as everybody, a 429 until a time that is over by our clock
    """

    key: ClassVar[str]
    title: ClassVar[str]
    system: ClassVar[str]
    hit: ClassVar[Mapping[str, str]] = {}
    skew: ClassVar[Mapping[str, Any]] = {}

    def begin(self) -> None:  # noqa: B027 - nothing is fine
        """Once, before anything goes wrong."""

    @abstractmethod
    def attempt(self) -> None:
        """What a task does, once. Raises what a task would see."""

    @abstractmethod
    def assert_nothing(self) -> None:
        """After an attempt that failed: nothing claims to be done that isn't."""

    @abstractmethod
    def assert_once(self) -> None:
        """In the end: all is done, once."""

    @abstractmethod
    def elsewhere(self, port: int) -> Any:
        """A block in which the system is at that port of loopback."""

    def end(self) -> None:  # noqa: B027 - nothing is fine
        """As it was before."""


def moved(fields: Mapping[str, Any], port: int) -> dict[str, Any]:
    """A connection's fields, every address of them at another port of the same host."""
    text = json.dumps(fields)
    for value in _texts(fields):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.port:
            host = f"{parts.scheme}://{parts.hostname}"
            text = text.replace(f"{host}:{parts.port}", f"{host}:{port}")
    changed: dict[str, Any] = json.loads(text)
    if isinstance(fields.get("port"), int):
        changed["port"] = port
    return changed


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)


@contextmanager
def replaced(where: dict[str, Any], key: str, value: Any) -> Iterator[None]:
    """That entry is another one within the block."""
    before = where[key]
    where[key] = value
    try:
        yield
    finally:
        where[key] = before
