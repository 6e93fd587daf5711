"""A package as a set of files by path, in a ZIP or in a folder; nothing is trusted that the outside says of itself."""

import io
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from dsr.reading.error import PackageError
from dsr.reading.extra import extra

_SAFE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LONGEST: Final = 400
_ATTACHMENTS: Final = "data/attachments/"
_ATTACHMENT_LIST: Final = "data/attachments/attachments.json"
_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@dataclass(frozen=True)
class Limits:
    """What a package may grow to while it is read; against archives made to fill a disk.

    files   how many it may hold
    bytes   unpacked, all together; the only bound on attachments
    ratio   unpacked bytes per packed byte of all files but the attachments, where they unpack to more than
            `ratio_from`. (DEFLATE reaches 1032 at most; records of a real person 5 to 40, silence in a recording 800.)
    whole   bytes of one JSON file that has to be in memory as a whole: reports, descriptors, manifests
    """

    files: int = 1_000_000
    bytes: int = 256 * 1024**3
    ratio: int = 300
    ratio_from: int = 256 * 1024**2
    whole: int = 1024**3


class Container(Protocol):
    """`sizes`: path → bytes, every path safe and each there once."""

    sizes: Mapping[str, int]

    def open(self, path: str) -> BinaryIO:
        """The file's bytes. PackageError while reading when they can't be had."""

    def close(self) -> None:
        """No file can be opened after this."""


class Zipped:
    """A ZIP; encrypted ones (WinZip AES) with their password. PackageError when it is unsafe to read."""

    def __init__(self, file: BinaryIO, password: str | None, limits: Limits) -> None:
        self._file = file
        with _guarded(""):
            self._zip: Any = zipfile.ZipFile(file)
        infos = self._zip.infolist()
        if any(info.flag_bits & _ENCRYPTED for info in infos):
            if not password:
                raise PackageError("password.missing")
            with _guarded(""):
                self._zip = extra("pyzipper").AESZipFile(file)
            self._zip.setpassword(password.encode())
            infos = self._zip.infolist()
        self.sizes: Mapping[str, int] = _sizes((info.orig_filename, info.file_size) for info in infos)
        self._check(infos, limits)
        if password and infos:
            self._try_password(infos[0].filename)

    def _check(self, infos: list[Any], limits: Limits) -> None:
        for info in infos:
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                raise PackageError("path.symlink", info.filename)
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise PackageError("path.special", info.filename)
            if info.compress_type not in _METHODS:
                raise PackageError("archive.method", info.filename)
        _check_limits(self.sizes, limits)
        packed = sum(info.compress_size for info in infos)
        if packed > self._file.seek(0, os.SEEK_END):
            raise PackageError("archive.overlap")
        ours = [info for info in infos if not _is_attachment(info.filename)]
        unpacked, packed = sum(info.file_size for info in ours), sum(info.compress_size for info in ours)
        if unpacked > limits.ratio_from and unpacked > packed * limits.ratio:
            raise PackageError("limit.ratio")

    def _try_password(self, path: str) -> None:
        with self.open(path) as stream:
            stream.read(1)

    def open(self, path: str) -> BinaryIO:
        """See `Container`. PackageError("password.wrong") for an encrypted file that the password doesn't fit."""
        with _guarded(path):
            return io.BufferedReader(_Guarded(self._zip.open(path), path), 256 * 1024)

    def close(self) -> None:
        """See `Container`."""
        self._zip.close()
        self._file.close()


class Folder:
    """An unpacked package. Links are refused, not followed; empty folders don't matter."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        with _guarded(""):
            self.sizes: Mapping[str, int] = _sizes(_walk(root, ""))
        _check_limits(self.sizes, limits)

    def open(self, path: str) -> BinaryIO:
        """See `Container`."""
        with _guarded(path):
            descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW)
            return io.BufferedReader(_Guarded(io.FileIO(descriptor), path), 256 * 1024)

    def close(self) -> None:
        """See `Container`; there is nothing to close."""


class _Guarded(io.RawIOBase):
    """A stream whose errors are PackageErrors."""

    def __init__(self, inner: Any, path: str) -> None:
        self._inner, self._path = inner, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _guarded(self._path):
            data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


@contextmanager
def _guarded(path: str) -> Iterator[None]:
    """The readers' own errors as PackageErrors, without their texts: those name files of the outside."""
    try:
        yield
    except RuntimeError as error:
        wrong = "password" in str(error).lower()
        raise PackageError("password.wrong" if wrong else "archive.damaged", "" if wrong else path) from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError, KeyError):
        raise PackageError("archive.damaged", path) from None


def _is_attachment(path: str) -> bool:
    """Whether what it holds came from a source as it is; the list of them is ours."""
    return path.startswith(_ATTACHMENTS) and path != _ATTACHMENT_LIST


def _sizes(files: Iterable[tuple[str, int]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    seen: set[str] = set()
    for path, size in files:
        if len(path) > _LONGEST or not _SAFE.fullmatch(path):
            raise PackageError("path.unsafe", path)
        folded = unicodedata.normalize("NFC", path).casefold()
        if folded in seen:
            raise PackageError("path.duplicate", path)
        seen.add(folded)
        sizes[path] = size
    return sizes


def _walk(root: Path, prefix: str) -> Iterator[tuple[str, int]]:
    with os.scandir(root) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{prefix}{entry.name}"
            if entry.is_symlink():
                raise PackageError("path.symlink", path)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root / entry.name, f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                yield path, entry.stat(follow_symlinks=False).st_size
            else:
                raise PackageError("path.special", path)


def _check_limits(sizes: Mapping[str, int], limits: Limits) -> None:
    if len(sizes) > limits.files:
        raise PackageError("limit.files")
    if sum(sizes.values()) > limits.bytes:
        raise PackageError("limit.bytes")
