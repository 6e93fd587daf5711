"""Asks for what comes next while what came before is still on its way: a few calls of one request at a time. More for
one would be fewer for all others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import ParamSpec, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


class Ahead:
    """A context: at its end nothing is under way any more, and what was not begun yet isn't. `at_once`: how many calls
    there are at most."""

    def __init__(self, at_once: int) -> None:
        self._at_once, self._threads = at_once, ThreadPoolExecutor(at_once, thread_name_prefix="ahead")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def begin(self, pieces: Iterable[T]) -> Iterator[T]:
        """The same pieces, the first of which is got now and the others as they are asked for. What goes wrong is
        raised where it is read."""
        rest = iter(pieces)
        return self._from(self._next(rest), rest)

    def one_by_one(self, listings: Iterable[Iterable[T]]) -> Iterator[T]:
        """All pieces of all of these, each begun as `begin` does, no more of them before they are read than there are
        calls at once."""
        waiting: deque[Iterator[T]] = deque()
        for pieces in listings:
            waiting.append(self.begin(pieces))
            if len(waiting) > self._at_once:
                yield from waiting.popleft()
        for begun in waiting:
            yield from begun

    def whole(self, listings: Iterable[Iterable[T]]) -> Iterator[T]:
        """The same, each got to its end by one thread, no more of them before they are read than there are threads."""
        waiting: deque[Future[list[T]]] = deque()
        for pieces in listings:
            waiting.append(self._threads.submit(list, pieces))
            if len(waiting) > self._at_once:
                yield from waiting.popleft().result()
        for got in waiting:
            yield from got.result()

    def ask(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """One call, which must not wait for another of these."""
        return self._threads.submit(call, *args, **kwargs)

    def each(self, ask: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """What is answered to each, in their order."""
        return list(self._threads.map(ask, things))

    def _next(self, rest: Iterator[T]) -> Future[list[T]]:
        """One piece, [] at the end: got by one of the threads, so that there are never more calls than these."""
        return self._threads.submit(lambda: list(islice(rest, 1)))

    def _from(self, got: Future[list[T]], rest: Iterator[T]) -> Iterator[T]:
        while piece := got.result():
            yield piece[0]
            got = self._next(rest)
