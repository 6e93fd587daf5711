"""Files that encrypt what is written and decrypt what is read, in age's format (https://age-encryption.org/v1).

`pyrage` only knows whole strings and copying from one file to another. Up to 1 MiB goes as a string; more goes
through a pipe, with a thread at the other end that copies, so that memory stays flat however long the file is. age
authenticates every 64 KiB and the end: no changed byte comes out, and a cut is an error, never an earlier end.
"""

import fcntl
import io
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, BinaryIO, Final, cast

import pyarrow as pa
import pyrage
from pyrage.x25519 import Identity, Recipient

from dsr.errors import PermanentError, TransientError
from dsr.objectstore import store_errors

_WHOLE: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024
_PLACE: Final = "casefile"


class EncryptingFile(io.RawIOBase):
    """Takes plain bytes and writes an age file for `recipient` into `sink`, which stays open. It is complete after
    `close`; TransientError when `sink` doesn't take it. `abandon` ends without completing."""

    def __init__(self, sink: IO[bytes], recipient: Recipient) -> None:
        super().__init__()
        self._sink = sink
        self._recipients = [recipient]
        self._start = bytearray()
        self._pipe: io.BufferedWriter | None = None
        self._copying: Future[None] | None = None

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Takes all of `data`, any bytes-like object; its length in bytes."""
        if self.closed:
            raise ValueError("write to closed file")
        view = memoryview(data).cast("B")
        if self._pipe is None:
            if len(self._start) + len(view) <= _WHOLE:
                self._start += view
                return len(view)
            self._pipe = self._open_pipe()
        try:
            self._pipe.write(self._start)
            self._start.clear()
            self._pipe.write(view)
        except BrokenPipeError:
            self._end()
            raise TransientError("store.unavailable", _PLACE) from None
        return len(view)

    def close(self) -> None:
        """Completes the age file. Twice is fine."""
        if self.closed:
            return
        super().close()
        if self._pipe is None:
            with store_errors():
                self._sink.write(pyrage.encrypt(bytes(self._start), self._recipients))
        elif self._end() is not None:
            raise TransientError("store.unavailable", _PLACE)

    def abandon(self) -> None:
        """Ends without completing; what `sink` holds is of no use. After `close` it does nothing."""
        if not self.closed:
            super().close()
            self._end()

    def _open_pipe(self) -> io.BufferedWriter:
        source, sink = _pipe()
        self._copying = _in_thread(lambda: _encrypt(source, self._sink, self._recipients))
        return sink

    def _end(self) -> BaseException | None:
        """Closes the pipe and waits for the thread; what went wrong there."""
        if self._pipe is None or self._copying is None:
            return None
        with suppress(BrokenPipeError):
            self._pipe.close()
        return self._copying.exception()


class _DecryptingFile(io.RawIOBase):
    """Gives the plain bytes of a long age file. An error shows at the read that comes to it."""

    def __init__(self, source: "_Source", identity: Identity) -> None:
        super().__init__()
        self._source = source
        self._pipe, sink = _pipe()
        self._copying = _in_thread(lambda: _decrypt(source, sink, identity))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._pipe.readinto1(buffer)
        if count == 0 and self._copying.exception() is not None:
            raise self._source.error()
        return count

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._pipe.close()
        self._copying.exception()
        self._source.close()


class _Source:
    """The encrypted bytes of a store's stream, read in large pieces; remembers whether the store itself failed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._failed = False
        self._ahead = io.BytesIO(self._read(_WHOLE))

    def whole(self) -> bytes | None:
        """All of it, when it is short; None when there is more."""
        start = self._ahead.getvalue()
        return start if len(start) < _WHOLE else None

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        piece = self._ahead.read(size)
        if not piece and (more := self._read(_WHOLE)):
            self._ahead = io.BytesIO(more)
            piece = self._ahead.read(size)
        return piece

    def error(self) -> TransientError | PermanentError:
        """Why decryption failed: the store did, or else the bytes aren't what was written."""
        if self._failed:
            return TransientError("store.unavailable", _PLACE)
        return PermanentError("casefile.tampered", _PLACE)

    def close(self) -> None:
        self._stream.close()

    def _read(self, size: int) -> bytes:
        """That many bytes, fewer only at the end."""
        pieces: list[bytes] = []
        try:
            while size and (piece := self._stream.read(size)):
                pieces.append(piece)
                size -= len(piece)
        except (OSError, pa.ArrowException):
            self._failed = True
            raise self.error() from None
        return b"".join(pieces)


def decrypting(stream: Any, identity: Identity) -> BinaryIO:
    """The plain bytes of the age file in `stream`, as a file to read once, from start to end; closing it closes
    `stream`. PermanentError("casefile.tampered"), here or at a later read, when the bytes aren't those written or
    aren't for this identity."""
    source = _Source(stream)
    whole = source.whole()
    if whole is None:
        return io.BufferedReader(_DecryptingFile(source, identity), _CHUNK)
    source.close()
    try:
        return io.BytesIO(pyrage.decrypt(whole, [identity]))
    except (pyrage.DecryptError, OSError, ValueError):
        raise source.error() from None


def _encrypt(source: BinaryIO, sink: IO[bytes], recipients: list[Recipient]) -> None:
    with source:
        pyrage.encrypt_io(cast(io.BufferedIOBase, source), cast(io.BufferedIOBase, sink), recipients)


def _decrypt(source: _Source, sink: BinaryIO, identity: Identity) -> None:
    with sink:
        pyrage.decrypt_io(cast(io.BufferedIOBase, source), cast(io.BufferedIOBase, sink), [identity])


def _pipe() -> tuple[io.BufferedReader, io.BufferedWriter]:
    """A pipe's ends; on Linux a wider one than the usual 64 KiB, so that the threads change turns less often."""
    read_end, write_end = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user's pipes are over their quota: the usual width does as well
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _CHUNK)
    return io.BufferedReader(io.FileIO(read_end, "rb"), _CHUNK), io.BufferedWriter(io.FileIO(write_end, "wb"), _CHUNK)


def _in_thread(work: Callable[[], None]) -> Future[None]:
    pool = ThreadPoolExecutor(1, "casefile")
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future
