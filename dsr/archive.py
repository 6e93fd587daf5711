"""Writing a ZIP as a stream, hashing every file on the way."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from isal import isal_zlib
from stream_zip import ZIP_32, ZIP_64, stream_zip

from dsr.package import Entry

_MODE: Final = 0o100600
_CHUNK: Final = 256 * 1024
_LEVEL: Final = 1
_ZIP_32_REACHES: Final = 4_000_000_000

Content = Iterable[bytes | memoryview]


class Archive:
    """Collects what is known of each file once its bytes have passed: give `member`s to `write`, and read `entries`
    from within them; a member may depend on those before it."""

    def __init__(self, at: datetime) -> None:
        self.entries: list[Entry] = []
        # DOS times know no zone: UTC, so that the same input gives the same bytes everywhere.
        self._at = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        self._reach = 0

    def member(self, path: str, content: Content, most_bytes: int) -> Any:
        """A file for the ZIP. `most_bytes` is a bound on its size; the ZIP64 form, which some old programs don't
        know, is only taken when the bounds say that it may be needed."""
        self._reach += most_bytes + most_bytes // 1000 + 1024
        return (
            path,
            self._at,
            _MODE,
            ZIP_32 if self._reach < _ZIP_32_REACHES else ZIP_64,
            self._watched(path, content),
        )

    def text(self, path: str, content: str | bytes) -> Any:
        """A file that is in memory as a whole."""
        data = content.encode() if isinstance(content, str) else content
        return self.member(path, [data], len(data))

    def write(self, members: Iterable[Any], file: BinaryIO, password: str | None = None) -> None:
        """Streams the ZIP into `file`, with a password in the AE-2 form of AES-256, whose salts are random."""
        for chunk in stream(members, password):
            file.write(chunk)

    def _watched(self, path: str, content: Content) -> Iterator[bytes | memoryview]:
        digest, size = hashlib.sha256(), 0
        for chunk in content:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self.entries.append(Entry(path, size, digest.hexdigest()))


def stream(members: Iterable[Any], password: str | None = None) -> Iterator[bytes]:
    """The bytes of a ZIP of these members, in stream-zip's form of them."""
    return iter(
        stream_zip(
            members, chunk_size=_CHUNK, get_compressobj=_compressor, extended_timestamps=False, password=password
        )
    )


def _compressor() -> Any:
    """A DEFLATE compressor: ISA-L's, six times as fast as zlib's at the same size."""
    return isal_zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
