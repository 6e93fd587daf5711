"""What is sent: the finished package of one case, read from the case file as it is sent."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from dsr.errors import PermanentError
from dsr.transmission.receipt import Receipt

_MEDIA_TYPES: Final[Mapping[str, str]] = {"zip": "application/zip"}


@dataclass(frozen=True)
class Upload:
    """One package on its way. Nothing here tells who the person is but the bytes themselves.

    request_id  opaque
    sha256      of the package, hex
    size        its length in bytes
    extension   "zip" or "zip.age"
    signature   text of the detached minisign signature; "" when the package has none
    reader      opens the package's bytes, to be read once, from start to end
    state       what `remember` was given last for this package, in whatever process; {} when nothing
    remember    keeps a JSON object across processes, encrypted: it holds upload URLs, and whoever has one may write
                there
    """

    request_id: str
    sha256: str
    size: int
    extension: str
    signature: str = field(repr=False)
    reader: Callable[[], AbstractContextManager[BinaryIO]] = field(repr=False)
    state: Mapping[str, Any] = field(repr=False)
    remember: Callable[[Mapping[str, Any]], None] = field(repr=False)

    @property
    def media_type(self) -> str:
        """IANA media type of the package."""
        return _MEDIA_TYPES.get(self.extension, "application/octet-stream")

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """The bytes from `start` on, `length` at a time, the last one shorter; nothing when `start` is the end.

        The case file can't be rewound, so what lies before `start` is read and dropped. All of it is hashed, and the
        last chunk only comes when the whole has proved to be the package that was released:
        PermanentError("package.changed") otherwise, so that no wrong package is ever complete at a recipient.
        """
        digest, position = hashlib.sha256(), 0
        with self.reader() as file:
            while position < self.size:
                chunk = _read(file, min(length, start - position if position < start else self.size - position))
                digest.update(chunk)
                position += len(chunk)
                ended = position == self.size and not file.read(1)
                if not chunk or (position == self.size and not (ended and digest.hexdigest() == self.sha256)):
                    raise PermanentError("package.changed", "transmit")
                if position > start:
                    yield chunk

    def check(self, receipt: Receipt) -> None:
        """PermanentError("receipt.mismatch") unless the receipt is for exactly these bytes."""
        if (receipt.sha256, receipt.bytes) != (self.sha256, self.size):
            raise PermanentError("receipt.mismatch", "transmit")


def _read(file: BinaryIO, length: int) -> bytes:
    """That many bytes, fewer only at the end."""
    whole = file.read(length)
    while len(whole) < length and (more := file.read(length - len(whole))):
        whole += more
    return whole
