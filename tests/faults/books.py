"""What speaks no HTTP: the invoicing database and the mail relay. What goes wrong with them takes its own form."""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Final

from line import Line, line, nobody
from parties import Party, moved, replaced
from receivers import Mailed
from running_sandbox import Sandbox
from sources import Changing, Reading
from wrongs import HTML

from extractors.invoicing import Invoicing

Play = Callable[[Line], None]


def _refusal(state: str, words: str) -> bytes:
    """An ErrorResponse of PostgreSQL's protocol 3.0."""
    fields = b"".join(code + value.encode() + b"\0" for code, value in
                      ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", state), (b"M", words)))  # fmt: skip
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


_SAID: Final = rb"COPY|SELECT"
DATABASE: Final[Mapping[str, Play]] = {
    "reset": lambda wire: wire.go_wrong("reset", _SAID),
    "timeout": lambda wire: wire.go_wrong("silent"),
    "busy": lambda wire: wire.go_wrong("say", words=_refusal("53300", "sorry, too many clients already")),
    "error": lambda wire: wire.go_wrong("say", _SAID, words=_refusal("XX000", "internal error")),
    "down": lambda wire: wire.go_wrong("say", words=f"HTTP/1.1 503 Unavailable\r\n\r\n{HTML}".encode()),
    "half": lambda wire: wire.go_wrong("cut", _SAID),
    "drip": lambda wire: wire.go_wrong("drip"),
    "lost": lambda wire: wire.go_wrong("reset", rb"COMMIT"),
}
RELAY: Final[Mapping[str, Play]] = {
    "reset": lambda wire: wire.go_wrong("reset", rb"(?i)\r\nDATA"),
    "timeout": lambda wire: wire.go_wrong("silent"),
    "busy": lambda wire: wire.go_wrong("say", words=b"421 4.7.0 Too many connections\r\n"),
    "error": lambda wire: wire.go_wrong("say", rb"(?i)RCPT", words=b"451 4.3.0 Local error in processing\r\n"),
    "down": lambda wire: wire.go_wrong("say", words=f"HTTP/1.1 503 Unavailable\r\n\r\n{HTML}".encode()),
    "half": lambda wire: wire.go_wrong("cut", rb"(?i)RCPT"),
    "shape": lambda wire: wire.go_wrong("say", words=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "drip": lambda wire: wire.go_wrong("drip", pause=0.005),
    "lost": lambda wire: wire.go_wrong("reset", rb"\r\n\.\r\n"),
}


class OnALine:
    """A party behind a `Line`, which plays what goes wrong. Mixed into a `Party`."""

    plays: ClassVar[Mapping[str, Play]]

    def target(self) -> int:
        """The port of the server itself."""
        raise NotImplementedError

    def elsewhere(self, port: int) -> AbstractContextManager[None]:
        """As `Party.elsewhere`."""
        raise NotImplementedError

    @contextmanager
    def wrong(self, key: str) -> Iterator[Callable[[], bool]]:
        """That goes wrong within the block; the function says whether it has."""
        if key == "refused":
            with nobody() as port, self.elsewhere(port):
                yield lambda: True
            return
        with line(self.target()) as wire, self.elsewhere(wire.port):
            self.plays[key](wire)
            yield lambda: wire.played > 0


class _Books(OnALine):
    plays = DATABASE
    sandbox: Sandbox
    connection_id: str

    def target(self) -> int:
        return int(self.sandbox.endpoints["connections"][self.connection_id]["port"])

    @contextmanager
    def wrong(self, key: str) -> Iterator[Callable[[], bool]]:
        kinds = {"shape": "missing_table", "token": "revoked"}
        if key not in kinds:
            with super().wrong(key) as played:
                yield played
            return
        role = self.sandbox.endpoints["connections"][self.connection_id]["login"]
        table = {"kind": kinds[key], "table": "address", "role": role}
        self.sandbox.admin.post("/invoicing/faults", json=table).raise_for_status()
        yield lambda: True
        self.sandbox.admin.delete("/invoicing/faults").raise_for_status()

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        connections = self.sandbox.endpoints["connections"]
        fields = moved(connections[self.connection_id], port)
        fields["extra"] = {**fields["extra"], "query": {"connect_timeout": "2"}}
        with replaced(connections, self.connection_id, fields):
            yield


class BooksReading(_Books, Reading):
    key, title, system, source = "invoicing_read", "invoicing (PostgreSQL), reading", "invoicing", Invoicing


class BooksChanging(_Books, Changing):
    key, title, system, source = "invoicing_change", "invoicing (PostgreSQL), changing", "invoicing", Invoicing


class Relay(OnALine, Mailed):
    plays = RELAY

    def target(self) -> int:
        return int(self.office.sandbox.endpoints["connections"]["dsr_mail"]["port"])

    @contextmanager
    def wrong(self, key: str) -> Iterator[Callable[[], bool]]:
        self.may_repeat = int(key == "lost")
        if key != "token":
            with super().wrong(key) as played:
                yield played
            return
        connections = self.office.sandbox.endpoints["connections"]
        with replaced(connections, "dsr_mail", {**connections["dsr_mail"], "password": "expired"}):
            yield lambda: True

    def elsewhere(self, port: int) -> Any:
        return Mailed.elsewhere(self, port)


LINED: tuple[type[Party], ...] = (BooksReading, BooksChanging, Relay)
