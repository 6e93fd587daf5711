"""What a system gives of several cases at once, for `dsr.together`: one reading, and each case takes its own part."""

import copy
from collections.abc import Generator, Iterable, Sequence
from threading import Condition, Lock

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.model import Piece


class Stream:
    """What a system gives of several cases, handed on one piece at a time, in order: a file's bytes are read before
    the next piece comes. Whoever is through with a piece fetches the next one, for whomever it is."""

    def __init__(self, pieces: Iterable[Piece], case_ids: Sequence[str], source: str) -> None:
        self._pieces, self._known, self._source = iter(pieces), frozenset(case_ids), source
        lock = Lock()
        self._turn = {case_id: Condition(lock) for case_id in case_ids}
        self._lock, self._here = lock, set(case_ids)
        self._piece: Piece | None = None
        self._taken = self._ended = False
        self._error: DsrError | None = None

    def pieces(self, case_id: str) -> Generator[Piece, None, None]:
        """Those of one case."""
        try:
            while (piece := self._next(case_id)) is not None:
                yield piece
        finally:
            self.leave(case_id)

    def leave(self, case_id: str) -> None:
        """It wants no more: what comes of its is passed over."""
        with self._lock:
            self._here.discard(case_id)
            if self._piece is not None and self._piece.request_id == case_id:
                self._piece, self._taken = None, False
            if self._piece is None:
                self._wake(next(iter(self._here), None))

    def stop(self) -> None:
        """It ends here for everybody, with an error."""
        with self._lock:
            self._error, self._ended, self._piece = interrupted(), True, None
            for turn in self._turn.values():
                turn.notify()

    def _next(self, case_id: str) -> Piece | None:
        with self._lock:
            if self._taken and self._piece is not None and self._piece.request_id == case_id:
                self._piece, self._taken = None, False
            while not self._ended:
                if self._piece is None:
                    self._fetch()
                elif self._piece.request_id == case_id:
                    self._taken = True
                    return self._piece
                else:
                    self._turn[case_id].wait()
            if self._error is not None:
                raise like(self._error) from None
            return None

    def _fetch(self) -> None:
        """The next piece that somebody still wants, or the end."""
        error: DsrError | None = unknown()
        try:
            self._piece = next((piece for piece in self._pieces if self._wanted(piece)), None)
            error = None
        except DsrError as known:
            error = known
        finally:
            self._error, self._ended = error, self._piece is None
            for case_id in self._here if self._piece is None else (self._piece.request_id,):
                self._wake(case_id)

    def _wanted(self, piece: Piece) -> bool:
        if piece.request_id not in self._known:
            raise PermanentError("piece.foreign", self._source)
        return piece.request_id in self._here

    def _wake(self, case_id: str | None) -> None:
        if case_id is not None:
            self._turn[case_id].notify()


def unknown() -> DsrError:
    """What all others get when a call ended in what no source may raise; that itself ends the case that made it."""
    return TransientError("unexpected.call", "together")


def interrupted() -> DsrError:
    """What a case gets that would go on although all were stopped."""
    return TransientError("together.interrupted", "together")


def like(error: DsrError) -> DsrError:
    """One of its own for each thread: a traceback belongs to one."""
    made = copy.copy(error)
    return made.with_traceback(None)
