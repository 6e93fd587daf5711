"""A case file whose rows and attachments are made while they are read, so that nothing large lies anywhere.

Rows: a few Arrow batches, encoded once the way `rows` keeps them, given again and again. Attachments: a block of noise,
again and again. All else really is in the case file. The finished package is encrypted for it and then only counted.
"""

import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import pyarrow as pa

from benchmarks.synthetic import TABLES, rows_from
from dsr import rows, schema
from dsr.casefile import CaseFile
from dsr.casekey import new_key, open_key
from dsr.casestream import EncryptingFile
from dsr.collected import Collected, KeptAttachment
from dsr.objectstore import ObjectStore

BATCH: Final = 12_500
DIFFERENT: Final = 8
"""Batches per table that differ; more rows are the same ones again."""
BLOCK: Final = 4 * 1024 * 1024
_BUFFER: Final = 1024 * 1024
_TAIL: Final = 256 * 1024
_ZIP64: Final = b"PK\x06\x06"
_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What ends an Arrow IPC stream."""


class Counting(io.RawIOBase):
    """Takes everything and keeps its length."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Counts it."""
        self.size += len(data)
        return len(data)


class Tail(io.RawIOBase):
    """Passes on what is written and keeps the end of it, so that a ZIP's directory can be read with `directory`."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self._end = file, bytearray()
        self.size = 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Passes it on."""
        self.size += len(data)
        self._end += memoryview(data)[-_TAIL:]
        if len(self._end) > 2 * _TAIL:
            del self._end[:-_TAIL]
        return self._file.write(data)

    def directory(self) -> tuple[list[zipfile.ZipInfo], bool]:
        """The files of the ZIP that was written, as Python's zipfile reads their directory; whether it has the
        ZIP64 form."""
        with zipfile.ZipFile(_Hollow(bytes(self._end), self.size)) as archive:
            return archive.infolist(), _ZIP64 in self._end[-98:]


class _Hollow(io.BytesIO):
    """A file of which only the end is known."""

    def __init__(self, end: bytes, size: int) -> None:
        super().__init__(end)
        self._before = size - len(end)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(max(0, offset - self._before) if whence == 0 else offset, whence) + self._before

    def tell(self) -> int:
        return super().tell() + self._before


class Repeated(io.RawIOBase):
    """A file that consists of some pieces, one after the other."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


@dataclass(frozen=True)
class Stream:
    """The pieces of an object: `start`, then each of `again` as often as it takes `count` of them, then `end`."""

    again: Sequence[bytes]
    count: int
    start: bytes = b""
    end: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """In order."""
        yield self.start
        for number in range(self.count):
            yield self.again[number % len(self.again)]
        yield self.end


class GeneratedCase(CaseFile):
    """Reads the objects of `streams` out of these, all others as ever; of the package only the size is kept."""

    def __init__(self, folder: str, streams: Mapping[str, Stream]) -> None:
        case_id, master = "dsr-benchmark", bytes(32)
        key = open_key(case_id, new_key(case_id, master), [master])
        super().__init__(ObjectStore(folder), case_id, key)
        self._streams, self._recipient = streams, key.recipient
        self.counting = Counting()
        self.package: Tail | None = None

    def names(self, prefix: str = "") -> list[str]:
        """Of the generated objects and of those that really are there."""
        return sorted([*super().names(prefix), *(name for name in self._streams if name.startswith(prefix))])

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """An object, made up or real."""
        if name not in self._streams:
            with super().reader(name) as file:
                yield file
            return
        yield io.BufferedReader(Repeated(self._streams[name].pieces()), _BUFFER)

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """An object; rows and the package are encrypted and then counted."""
        if name != "package" and not name.startswith("rows/"):
            with super().writer(name) as file:
                yield file
            return
        encrypting = cast(BinaryIO, EncryptingFile(cast(BinaryIO, self.counting), self._recipient))
        tail = Tail(encrypting)
        yield cast(BinaryIO, tail)
        encrypting.close()
        if name == "package":
            self.package = tail


def prepare(folder: Path) -> None:
    """Encodes the batches that are given again and again: making them up isn't measured."""
    for name in TABLES:
        for number in range(DIFFERENT):
            batch = rows_from(name, range(number * BATCH, (number + 1) * BATCH))
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema, options=options) as stream:
                stream.write_batch(batch)
            text = sink.getvalue().to_pybytes()
            message = text.removeprefix(_start(name)).removesuffix(_END)
            (folder / f"{name}.{number}").write_bytes(message)
            (folder / f"{name}.size").write_text(str(batch.nbytes))


def row_streams(folder: Path, batches: int) -> dict[str, Stream]:
    """Object → stream of so many batches of each table."""
    return {
        f"{rows.folder('invoicing', name)}0000": Stream(
            [(folder / f"{name}.{number}").read_bytes() for number in range(DIFFERENT)], batches, _start(name), _END
        )
        for name in TABLES
    }


def collected_rows(folder: Path, batches: int, at: datetime) -> Collected:
    """The marker of rows that nobody has collected."""
    sizes = {name: int((folder / f"{name}.size").read_text()) * batches for name in TABLES}
    return Collected("invoicing", "found", at, dict.fromkeys(TABLES, batches * BATCH), sizes)


def attachment_streams(sizes: Sequence[int]) -> dict[str, Stream]:
    """Object → noise of that size, in whole blocks."""
    block = os.urandom(BLOCK)
    return {_attachment(number): Stream([block], size // BLOCK) for number, size in enumerate(sizes, 1)}


def collected_attachments(sizes: Sequence[int], at: datetime) -> Collected:
    """The marker of attachments that nobody has collected."""
    kept = [
        KeptAttachment(_attachment(n), TABLES[0], "1", str(n), "audio/wav", "wav", "", size // BLOCK * BLOCK, "0" * 64)
        for n, size in enumerate(sizes, 1)
    ]
    return Collected("invoicing", "found", at, attachments=tuple(kept))


def _attachment(number: int) -> str:
    return f"attachments/invoicing/{number:04d}"


def _start(name: str) -> bytes:
    return bytes(schema.arrow_schema(name).serialize().to_pybytes())
