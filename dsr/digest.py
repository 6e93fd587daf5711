"""Hashes that are taken in threads beside the work: hashlib lets go of the interpreter while it hashes."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b, sha256
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

_AHEAD: Final = 4
"""Pieces that may wait for each hash, so that memory stays flat."""
_LEAST: Final = 64 * 1024
"""Bytes for which it pays to change threads."""


class Digest:
    """One hash of many pieces. The pieces must not change once they were given."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()

    def update(self, piece: bytes | memoryview) -> None:
        """Takes a piece; waits when too many are waiting."""
        if len(piece) < _LEAST and not self._waiting:
            self._state.update(piece)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "digest")
        while len(self._waiting) >= _AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._state.update, piece))

    def digest(self) -> bytes:
        """The hash of all of it."""
        self.close()
        result: bytes = self._state.digest()
        return result

    def close(self) -> None:
        """Waits for what was given and ends the thread."""
        while self._waiting:
            self._waiting.popleft().result()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None


class HashedFile:
    """Passes on what is written to `file`, and takes SHA-256 and BLAKE2b-512 of it and its size in bytes. Use it as a
    context; the hashes may be asked for before or after it ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size = file, 0
        self.sha256, self.blake2b = Digest(sha256()), Digest(blake2b())

    def write(self, data: Any) -> int:
        """Takes all of `data`; its length in bytes."""
        piece = data if isinstance(data, bytes) else bytes(data)
        self.sha256.update(piece)
        self.blake2b.update(piece)
        self.size += len(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.sha256.close()
        self.blake2b.close()
