"""A TCP line to a server, on which things go wrong whatever is spoken over it."""

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

_PIECE: Final = 64 * 1024
_POLL_S: Final = 0.1


@contextmanager
def nobody() -> Iterator[int]:
    """A port of loopback that is taken and where nobody listens: a connection is refused (ECONNREFUSED)."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


class Line:
    """Passes bytes on between whoever connects to `port` and 127.0.0.1:`target`, until something is to go wrong.

    `go_wrong(kind, at=…)` plays once, on the next connection (`drip`, `silent`) or when the client has said something
    that `at` matches:

    reset    the answer to that never comes; TCP says RST
    cut      a few bytes of the answer, then the end (FIN)
    silent   the connection stands, nothing ever comes
    drip     every byte of the server by itself, `pause` seconds apart
    say      `words` instead of the server's answer, then the end
    """

    def __init__(self, target: int) -> None:
        self.target, self._kind, self._at, self._words, self._pause = target, "", b"", b"", 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self._over = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        self.played = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def go_wrong(self, kind: str, at: bytes = b"", *, words: bytes = b"", pause: float = 0.0) -> None:
        """See the class. `at`: a regular expression."""
        self._kind, self._at, self._words, self._pause, self.played = kind, at, words, pause, 0

    def mend(self) -> None:
        """All well from the next connection on."""
        self._kind = ""

    def close(self) -> None:
        """No more connections."""
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            with suppress(OSError):
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        kind = self._kind
        with closing(client), suppress(OSError):
            if kind == "silent":
                self._kind, self.played = "", 1
                self._over.wait(10)
                return
            if kind == "say" and not self._at:
                self._kind, self.played = "", 1
                client.sendall(self._words)
                return
            with closing(socket.create_connection(("127.0.0.1", self.target))) as server:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                broken = threading.Event()
                threading.Thread(target=self._forth, args=(client, server, kind, broken), daemon=True).start()
                self._back(client, server, kind, broken)

    def _forth(self, client: socket.socket, server: socket.socket, kind: str, broken: threading.Event) -> None:
        said = b""
        client.settimeout(_POLL_S)  # a call that blocks would hold the connection open when it is to be reset
        with suppress(OSError):
            while piece := self._heard(client, broken):
                said = (said + piece)[-2 * _PIECE :]
                if kind in ("reset", "cut", "say") and self._kind and re.search(self._at, said):
                    self._kind, self.played = "", 1
                    broken.set()
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _heard(self, client: socket.socket, broken: threading.Event) -> bytes:
        while not broken.is_set():
            with suppress(TimeoutError):
                return client.recv(_PIECE)
        return b""

    def _back(self, client: socket.socket, server: socket.socket, kind: str, broken: threading.Event) -> None:
        while piece := server.recv(_PIECE):
            if broken.is_set():
                if kind == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    client.sendall(self._words if kind == "say" else piece[: min(3, len(piece) - 1)])
                    client.shutdown(socket.SHUT_RDWR)
                time.sleep(2 * _POLL_S)
                return
            for at in range(0, len(piece), 1 if kind == "drip" else _PIECE):
                client.sendall(piece[at : at + (1 if kind == "drip" else _PIECE)])
                if kind == "drip":
                    self.played = 1
                    time.sleep(self._pause)


@contextmanager
def line(target: int) -> Iterator[Line]:
    """Until the block ends."""
    made = Line(target)
    try:
        yield made
    finally:
        made.close()
