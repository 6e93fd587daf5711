"""Named objects in a folder or an object store, by way of `pyarrow.fs`. Knows nothing of what they hold.

An object appears whole or not at all, and replaces an older one in one step: locally by renaming a finished file,
elsewhere by one upload that only shows when complete; until its last byte is known it waits in a temporary file. S3 is
read by pyarrow and written by boto3 (`dsr.s3bucket`).
"""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from dsr.errors import PermanentError, TransientError
from dsr.s3bucket import S3Bucket, is_s3

_PLACE: Final = "casefile"
_PART: Final = ".part"
_AT_ONCE: Final = 8
_S3_OPTIONS: Final = ("endpoint_override", "scheme", "region", "tls_ca_file_path")


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what the store raises into a TransientError; FileNotFoundError passes, the caller knows what it means."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException):
        raise TransientError("store.unavailable", _PLACE) from None


class ObjectStore:
    """The objects below one address.

    uri  a folder, made when it isn't there; `s3://bucket/prefix?endpoint_override=host:port&scheme=https&region=…`
         with `key:secret@` before the bucket or else AWS's own variables; or another URI that `pyarrow.fs` knows.
         The bucket exists already and keeps no old versions: what is deleted must be gone.
    PermanentError("setting.case_store") when it can't be understood.
    """

    def __init__(self, uri: str) -> None:
        try:
            self._fs, root = _filesystem(uri)
        except (pa.ArrowException, ValueError, OSError):
            raise PermanentError("setting.case_store", "settings") from None
        self._root = root.rstrip("/")
        self._local = isinstance(self._fs, fs.LocalFileSystem)
        self._bucket = S3Bucket(uri) if is_s3(uri) else None
        if self._local:
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, name: str) -> "Pending":
        """Starts an object; see there."""
        with store_errors():
            return Pending(self._fs, self._path(name), local=self._local, bucket=self._bucket)

    def add(self, name: str, content: bytes) -> bytes:
        """Stores an object unless there is one; returns what is stored then. Locally exactly one of several wins;
        an object store can't promise that for two that start in the same moment."""
        pending = self.begin(name)
        try:
            pending.file.write(content)
            return content if pending.publish(new=True) and self._local else self.read(name)
        finally:
            pending.discard()

    def replace(self, name: str, content: bytes) -> None:
        """Stores an object, in place of an older one."""
        pending = self.begin(name)
        try:
            pending.file.write(content)
            pending.publish()
        finally:
            pending.discard()

    def open(self, name: str) -> Any:
        """An object's bytes as a pyarrow stream, to be closed. FileNotFoundError when there is none."""
        with store_errors():
            return self._fs.open_input_stream(self._path(name))

    def open_anywhere(self, name: str) -> Any:
        """An object's bytes as a pyarrow file that can be read from any place, to be closed. FileNotFoundError when
        there is none."""
        with store_errors():
            return self._fs.open_input_file(self._path(name))

    def read(self, name: str) -> bytes:
        """An object's bytes. FileNotFoundError when there is none."""
        with self.open(name) as stream, store_errors():
            return bytes(stream.read())

    def exists(self, name: str) -> bool:
        """Whether there is such an object."""
        with store_errors():
            return bool(self._fs.get_file_info(self._path(name)).type == fs.FileType.File)

    def names(self, folder: str, *, deep: bool = True) -> list[str]:
        """The names of the objects below a folder, relative to it, sorted; [] when there is none. Not deep: the
        objects and folders directly in it. Unfinished objects aren't listed."""
        base = self._path(folder)
        selector = fs.FileSelector(base, allow_not_found=True, recursive=deep)
        with store_errors():
            infos = self._fs.get_file_info(selector)
        found = (i.path.removeprefix(base).strip("/") for i in infos if not deep or i.type == fs.FileType.File)
        return sorted(name for name in found if name and not name.endswith(_PART))

    def written(self, folder: str) -> dict[str, tuple[int, datetime]]:
        """The objects below a folder: name relative to it → bytes, and when it was written, aware. As `names`."""
        base = self._path(folder)
        with store_errors():
            infos = self._fs.get_file_info(fs.FileSelector(base, allow_not_found=True, recursive=True))
        return {
            name: (info.size, info.mtime)
            for info in infos
            if info.type == fs.FileType.File and not info.path.endswith(_PART)
            for name in [info.path.removeprefix(base).strip("/")]
        }

    def remove(self, *names: str) -> None:
        """Removes objects for good; none there = done."""
        if not self._local:
            # Several at a time: each is some calls, and the store may be far.
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="remove") as threads:
                list(threads.map(self._delete, names))
            return
        tried: list[Path] = []
        try:
            for name in names:
                tried.append(Path(self._path(name)))
                self._delete(name)
        finally:
            _remove_parts(tried)

    def remove_folder(self, folder: str) -> None:
        """Removes all below a folder, finished or not; none there = done."""
        try:
            with store_errors():
                self._fs.delete_dir(self._path(folder))
        except FileNotFoundError:
            return

    def remove_parts(self, before: datetime) -> int:
        """Removes parts that nobody has written to since then: their writers died. How many; of a store that is not a
        folder none, since there a part is the writer's own file. `before`: aware."""
        removed = 0
        for part in Path(self._root).rglob(f"*{_PART}") if self._local else ():
            with store_errors(), contextlib.suppress(FileNotFoundError):  # its writer has ended just now
                if datetime.fromtimestamp(part.stat().st_mtime, UTC) < before:
                    part.unlink()
                    removed += 1
        return removed

    @property
    def hands_out(self) -> bool:
        """Whether `address` can be asked: of S3 alone."""
        return self._bucket is not None

    def address(self, name: str, filename: str, lifetime: timedelta) -> str:
        """An address that gives an object to whoever has it, for so long, to be saved under that name."""
        if self._bucket is None:
            raise PermanentError("store.address", _PLACE)
        return self._bucket.address(self._path(name), filename, lifetime)

    def _delete(self, name: str) -> None:
        with store_errors(), contextlib.suppress(FileNotFoundError):
            self._fs.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


class Pending:
    """An object being written: `file` takes its bytes, `publish` makes it the object, `discard` comes last in any
    case. When the process dies in between there is no object, only a part that nobody lists."""

    def __init__(self, filesystem: fs.FileSystem, path: str, *, local: bool, bucket: S3Bucket | None = None) -> None:
        self._fs, self._path, self._local, self._bucket = filesystem, path, local, bucket
        self.file: IO[bytes]
        if local:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = f"{path}.{secrets.token_hex(8)}{_PART}"
            self.file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        else:
            handle, part = tempfile.mkstemp(prefix="dsr-", suffix=_PART)
            self.file = os.fdopen(handle, "wb")
        self._part = Path(part)

    def publish(self, *, new: bool = False) -> bool:
        """Makes the bytes written so far the object. With `new` only if there is none, otherwise False; an object
        store can't promise that between two in the same moment. TransientError when the store fails."""
        with store_errors():
            self.file.close()
            if self._local and new:
                return self._linked()
            if new and self._fs.get_file_info(self._path).type == fs.FileType.File:
                return False
            if self._local:
                self._part.replace(self._path)
            elif self._bucket is not None:
                self._bucket.put(self._part, self._path)
            else:
                # In one native call, which no signal's exception can end half-way.
                fs.copy_files(str(self._part), self._path, fs.LocalFileSystem(), self._fs)
                if self._fs.get_file_info(self._path).size != self._part.stat().st_size:
                    raise OSError("not as it was written")
            return True

    def _linked(self) -> bool:
        try:
            os.link(self._part, self._path)
        except FileExistsError:
            return False
        return True

    def discard(self) -> None:
        """Removes the part, if it is still there; also where there is no room for what it should still take."""
        with store_errors():
            try:
                self.file.close()
            finally:
                self._part.unlink(missing_ok=True)


def _filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system and the path of the root in it."""
    parts = urlsplit(uri)
    if not parts.scheme:
        return fs.LocalFileSystem(), str(Path(uri).absolute())
    if not is_s3(uri):
        filesystem, path = fs.FileSystem.from_uri(uri)
        return filesystem, str(path)
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if not parts.hostname or not set(options) <= set(_S3_OPTIONS):
        raise ValueError("not an S3 address")
    if parts.username:
        options |= {"access_key": unquote(parts.username), "secret_key": unquote(parts.password or "")}
    # Parts go up one after the other: pyarrow's background uploads would hold a slow store's parts in memory.
    filesystem = fs.S3FileSystem(**options, background_writes=False, allow_delayed_open=True)
    return filesystem, f"{parts.hostname}{parts.path}"


def _remove_parts(paths: Iterable[Path]) -> None:
    """Removes what writers that died left of objects, and writes their folders to the disk, so that a deletion
    outlives a power cut. Each folder once, however many of its objects are removed."""
    folders: dict[Path, set[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, set()).add(path.name)
    with store_errors():
        for folder, names in folders.items():
            if folder.exists():
                for part in os.listdir(folder):
                    if part.endswith(_PART) and part.removesuffix(_PART).rpartition(".")[0] in names:
                        (folder / part).unlink(missing_ok=True)
                _settle(folder)


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
