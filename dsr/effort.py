"""What it takes to ask the sources: calls that were sent and time that was waited, of this process alone.

Clients note each call as they send it, whoever uses a source notes the time. Counts only; nothing is kept beyond the
process, so whoever wants to know of a stretch of work takes the difference of two looks.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """calls: requests or statements that were sent, repeated ones too; milliseconds: waited for the source."""

    calls: int = 0
    milliseconds: int = 0

    def __sub__(self, before: "Effort") -> "Effort":
        return Effort(self.calls - before.calls, self.milliseconds - before.milliseconds)

    def as_json(self) -> dict[str, int]:
        """As an event of the ledger has it."""
        return {"calls": self.calls, "milliseconds": self.milliseconds}


_calls: Counter[str] = Counter()
_nanoseconds: Counter[str] = Counter()
_lock = Lock()


def call(place: str) -> None:
    """A call is sent to that source."""
    with _lock:
        _calls[place] += 1


@contextmanager
def waiting(place: str) -> Iterator[None]:
    """A block in which that source is waited for, however it ends."""
    began = time.monotonic_ns()
    try:
        yield
    finally:
        with _lock:
            _nanoseconds[place] += time.monotonic_ns() - began


def waited(place: str, items: Iterable[T]) -> Iterator[T]:
    """The same items; the time until each of them comes counts, not what is done with it."""
    iterator = iter(items)
    while True:
        with waiting(place):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def so_far(place: str) -> Effort:
    """Of this process."""
    with _lock:
        return Effort(_calls[place], _nanoseconds[place] // 1_000_000)
