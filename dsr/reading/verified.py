"""A package that was found whole, file by file."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, BinaryIO, Final

from dsr import jsontext
from dsr.reading import records
from dsr.reading.container import Container, Limits
from dsr.reading.error import PackageError

_BUFFER: Final = 256 * 1024


class Verified:
    """`hashes`: path → SHA-256 in hex, of every file but the tag manifest."""

    def __init__(self, container: Container, hashes: Mapping[str, str], limits: Limits) -> None:
        self.container, self.hashes, self.limits = container, hashes, limits

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """`document.json`."""
        return self._object("document.json")

    @cached_property
    def descriptor(self) -> Mapping[str, Any]:
        """`datapackage.json`."""
        return self._object("datapackage.json")

    def open(self, path: str) -> BinaryIO:
        """The file's bytes, hashed again on the way: PackageError("file.changed") at its end when it isn't any more
        what was verified. PackageError("file.missing") when there is none."""
        if path not in self.hashes:
            raise PackageError("file.missing", path)
        return io.BufferedReader(_Rehashed(self.container.open(path), path, self.hashes[path]), _BUFFER)

    def json(self, path: str) -> Any:
        """A JSON file, in memory as a whole."""
        with self.open(path) as file:
            if self.container.sizes[path] > self.limits.whole:
                raise PackageError("limit.bytes", path)
            text = file.read()
        try:
            return jsontext.parse(text.decode())
        except (ValueError, RecursionError):
            raise PackageError("json.damaged", path) from None

    def records(self, path: str) -> Iterator[dict[str, Any]]:
        """The records of a dataset's JSON file, in a stream."""
        return records.records(lambda: self.open(path), path, self.limits.whole)

    def _object(self, path: str) -> Mapping[str, Any]:
        value = self.json(path)
        if not isinstance(value, dict):
            raise PackageError("json.damaged", path)
        return value


class _Rehashed(io.RawIOBase):
    """A stream that must end with the hash that was verified."""

    def __init__(self, inner: BinaryIO, path: str, sha256: str) -> None:
        self._inner, self._path, self._stated = inner, path, sha256
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        self._digest.update(data)
        if not data and len(buffer) and self._digest.hexdigest() != self._stated:
            raise PackageError("file.changed", self._path)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()
