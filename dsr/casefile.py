"""The case file: all personal data of one request, encrypted to a key pair of its own.

    keys/<case>                 the key pair, its private half wrapped by the wrapping key (see `Settings.case_keys`)
    cases/<case>/<name>.age     the objects, each an age file
    cases/<case>/handed/<name>  what the store itself hands out: encrypted to the person, not to the case
    probes/<random>             nothing, for a moment: whether the store can be written to

Keys lie apart from the objects, so that a store's backup can leave them out: without its key a case is noise.
Closing destroys the key first. Names of objects are slash paths of codes ("rows/salesforce/…"), never personal data.
"""

import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final, cast

import orjson
from pyrage.x25519 import Identity

from dsr.agefile import AgeFile
from dsr.casekey import CaseKey, kept_form, new_key, open_key
from dsr.casestream import EncryptingFile, decrypting
from dsr.errors import PermanentError
from dsr.objectstore import ObjectStore

_PLACE: Final = "casefile"
_CASE_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LONGEST_NAME: Final = 200
_SUFFIX: Final = ".age"
_HANDED: Final = "handed"
_CHUNK: Final = 1024 * 1024
_LONGEST_WRITE: Final = timedelta(days=1)
GONE: Final = ("case.closed", "case.absent")
"""Codes of a case that was destroyed; of any other error it may still be there."""


class CaseStore:
    """All case files at one address (see `ObjectStore` for its forms).

    `keys`: what wraps the cases' own keys, the present one first, then former ones; without any, cases can be opened
    for writing only.
    """

    def __init__(self, uri: str, *keys: bytes) -> None:
        self._store = ObjectStore(uri)
        self._keys = keys

    def create(self, case_id: str) -> "CaseFile":
        """The case file, made with a fresh key unless it exists. PermanentError("key.absent") without wrapping key."""
        key_name = _key_name(case_id)
        if not self._keys:
            raise PermanentError("key.absent", _PLACE)
        kept = self._store.add(key_name, new_key(case_id, self._keys[0]))
        return CaseFile(self._store, case_id, open_key(case_id, kept, self._keys))

    def open(self, case_id: str) -> "CaseFile":
        """The case file. PermanentError("case.closed") when its key is gone or there never was one."""
        kept = self._kept(case_id)
        return CaseFile(self._store, case_id, open_key(case_id, kept, self._keys))

    def rewrap(self, case_id: str) -> bool:
        """Wraps the case's key with the present key; whether a former one had wrapped it. A case that is closed in the
        same moment stays closed: its objects are gone, so its key goes with them. PermanentError as `open`."""
        key = open_key(case_id, self._kept(case_id), self._keys)
        if key.identity is None:
            raise PermanentError("key.absent", _PLACE)
        if key.wrapped_by == 0:
            return False
        self._store.replace(_key_name(case_id), kept_form(case_id, key.identity, self._keys[0]))
        if not self._store.names(f"cases/{case_id}"):
            self._store.remove(_key_name(case_id))
        return True

    def probe(self) -> None:
        """Whether the store can be written to: puts an empty object beside the cases and takes it away again.
        TransientError("store.unavailable") when not."""
        name = f"probes/{secrets.token_hex(8)}"
        self._store.replace(name, b"")
        self._store.remove(name)

    def cases(self) -> list[str]:
        """The ids of all cases that have a key, sorted."""
        return [name for name in self._store.names("keys") if _CASE_ID.fullmatch(name)]

    def sweep(self, at: datetime) -> int:
        """Removes what is left of cases without a key, as after a crash while closing; how many there were. Of the
        others what writers left that died more than a day before `at` (aware)."""
        present = self._store.names("cases", deep=False)
        keyed = set(self._store.names("keys"))
        left = [name for name in present if name not in keyed]
        for name in left:
            self._store.remove_folder(f"cases/{name}")
        self._store.remove_parts(at - _LONGEST_WRITE)
        return len(left)

    def _kept(self, case_id: str) -> bytes:
        try:
            return self._store.read(_key_name(case_id))
        except FileNotFoundError:
            raise PermanentError("case.closed", _PLACE) from None


class CaseFile:
    """One case's objects. TransientError("store.unavailable") from every method when the store can't be reached."""

    def __init__(self, store: ObjectStore, case_id: str, key: CaseKey) -> None:
        self.case_id = case_id
        self._store = store
        self._key: CaseKey | None = key

    def write_json(self, name: str, value: Any) -> None:
        """Stores a JSON value, in place of an older one."""
        with self.writer(name) as file:
            try:
                file.write(orjson.dumps(value))
            except TypeError:  # integers beyond 64 bits, lone surrogates
                file.write(json.dumps(value).encode())

    def read_json(self, name: str) -> Any:
        """The JSON value of that name. PermanentError("case.absent") when there is none."""
        with self.reader(name) as file:
            return json.loads(file.read())

    def exists(self, name: str) -> bool:
        """Whether there is an object of that name."""
        return self._store.exists(self._path(name))

    def names(self, prefix: str = "") -> list[str]:
        """The names of the objects that begin with `prefix`, sorted; [] when there is none."""
        # Only the folder that the prefix names is listed: a case has hundreds of objects, and steps ask often.
        folder = prefix[: prefix.rfind("/") + 1]
        found = self._store.names(f"{self._folder}/{folder}".rstrip("/"))
        names = (folder + name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))
        return sorted(name for name in names if name.startswith(prefix))

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """A file for an object's bytes, encrypted as they come; needs only the public half of the key.

        The object is there, in place of an older one, once the block has ended without an error, and not before."""
        pending = self._store.begin(self._path(name))
        file = EncryptingFile(pending.file, self._open_key().recipient)
        try:
            yield cast(BinaryIO, file)
            file.close()
            pending.publish()
        finally:
            file.abandon()
            pending.discard()

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        """An object's bytes, decrypted as they are read; can't be rewound. PermanentError("case.absent") when there
        is none, ("key.absent") without wrapping key, ("casefile.tampered") at the read that comes to a change or cut:
        what was read before that is genuine but may not be all."""
        with self._found(name, self._store.open) as stream, decrypting(stream, self._identity()) as file:
            yield file

    @contextmanager
    def anywhere(self, name: str) -> Iterator[AgeFile]:
        """An object's bytes, to be read from any place, as often as wanted. Errors as `reader`; a cut shows at once."""
        with self._found(name, self._store.open_anywhere) as stream:
            yield AgeFile(stream, self._identity())

    def remove(self, prefix: str) -> int:
        """Removes the objects whose names begin with `prefix`; how many. End it with a slash to mean a folder."""
        names = self.names(prefix)
        self._store.remove(*map(self._path, names))
        return len(names)

    @property
    def hands_out(self) -> bool:
        """Whether the store can give an object to somebody who has nothing but an address."""
        return self._store.hands_out

    def lay_out(self, name: str, handed: str) -> None:
        """Stores a copy of an object without the case's encryption, for `address`; once."""
        if self._store.exists(self._handed(handed)):
            return
        pending = self._store.begin(self._handed(handed))
        try:
            with self.reader(name) as file:
                shutil.copyfileobj(file, pending.file, _CHUNK)
            pending.publish()
        finally:
            pending.discard()

    def address(self, handed: str, filename: str, lifetime: timedelta) -> str | None:
        """Where the store gives such a copy for so long, to be saved under that name; None when there is none."""
        if not (self.hands_out and self._store.exists(self._handed(handed))):
            return None
        return self._store.address(self._handed(handed), filename, lifetime)

    def withdraw(self, keep: str) -> None:
        """Removes all such copies but one."""
        if self.hands_out:
            others = [name for name in self._store.names(f"{self._folder}/{_HANDED}") if name != keep]
            self._store.remove(*map(self._handed, others))

    def close(self) -> None:
        """Destroys the case: its key first, then its objects. Twice is fine."""
        self._key = None
        self._store.remove(_key_name(self.case_id))
        self._store.remove_folder(self._folder)
        # Whoever wraps it anew in this moment may have put it back while there was still something in the folder.
        self._store.remove(_key_name(self.case_id))

    @property
    def _folder(self) -> str:
        return f"cases/{self.case_id}"

    def _open_key(self) -> CaseKey:
        if self._key is None:
            raise PermanentError("case.closed", _PLACE)
        return self._key

    def _identity(self) -> Identity:
        identity = self._open_key().identity
        if identity is None:
            raise PermanentError("key.absent", _PLACE)
        return identity

    def _found(self, name: str, opened: Callable[[str], Any]) -> Any:
        self._identity()
        try:
            return opened(self._path(name))
        except FileNotFoundError:
            raise PermanentError("case.absent", _PLACE) from None

    def _handed(self, name: str) -> str:
        return f"{self._folder}/{_HANDED}/{name}"

    def _path(self, name: str) -> str:
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise PermanentError("case.name", _PLACE)
        return f"{self._folder}/{name}{_SUFFIX}"


def _key_name(case_id: str) -> str:
    if not _CASE_ID.fullmatch(case_id):
        raise PermanentError("case.id", _PLACE)
    return f"keys/{case_id}"
