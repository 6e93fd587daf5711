"""Opening a package: its signature and hash, its encryption, then everything inside."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyrage
from pyrage.x25519 import Identity

from dsr import signing
from dsr.errors import PermanentError
from dsr.reading.container import Container, Folder, Limits, Zipped
from dsr.reading.contents import PackageContents
from dsr.reading.error import PackageError
from dsr.reading.integrity import verified

_AGE: Final = b"age-encryption.org/v1\n"
_CHUNK: Final = 1024 * 1024
_HASH: Final = re.compile(r"\\?([0-9a-fA-F]{64})\b")


def read_package(
    path: str | os.PathLike[str],
    *,
    public_key: str | os.PathLike[str] | None = None,
    signature: str | os.PathLike[str] | None = None,
    password: str | None = None,
    age_identity: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
) -> PackageContents:
    """What a package holds, once all of it has been verified. Nothing is returned of a package that isn't whole.

    path          the ZIP as it was received (`.zip`, `.zip.age`), or a folder into which it was unpacked
    public_key    the sender's minisign public key, from a place that isn't the package: text or path of a `.pub` file.
                  None: no signature is looked at, and `verified` says "hashed": whole, but from whomever
    signature     text or path of the signature; None = `path` + ".minisig". Only with a public key
    password      of an encrypted ZIP
    age_identity  for `.zip.age`: an "AGE-SECRET-KEY-1…" or the path of a file with it. The ZIP then lies unpacked from
                  age in a nameless temporary file until the contents are closed
    limits        against archives made to fill the disk

    Looked at, in this order: the signature; SHA-256 in `path` + ".sha256", if that is there; paths and sizes;
    both manifests of the bag (RFC 8493), each file by hash, none missing, none more; `datapackage.json`, each file by
    hash and size; reports against the JSON Schemas in the package; records by number and schema; attachments.

    PackageError (`code`, `file`) for whatever isn't so. ImportError names the extra when a library is missing.
    """
    limits = limits or Limits()
    place = Path(path)
    if place.is_dir():
        if public_key is not None:
            raise PackageError("signature.needs_file")
        return _contents(Folder(place, limits), "hashed", "", limits)
    try:
        file = cast(BinaryIO, place.open("rb"))
    except OSError:
        raise PackageError("package.missing", place.name) from None
    try:
        comment = "" if public_key is None else _check_signature(place, file, public_key, signature)
        _check_hash(place, file)
        container = Zipped(_unsealed(file, age_identity), password, limits)
        return _contents(container, "hashed" if public_key is None else "signed", comment, limits)
    except BaseException:
        file.close()
        raise


def _contents(container: Container, how: str, comment: str, limits: Limits) -> PackageContents:
    try:
        contents = PackageContents(verified(container, limits), how, comment)
        named = re.search(r"(?:^| )request:(\S+)", comment)
        if named and named[1] != contents.request_id:
            raise PackageError("document.mismatch", "document.json")
        return contents
    except (KeyError, TypeError, AttributeError, ValueError):
        # A document that lacks what every package says; the schema that came with it allows that.
        container.close()
        raise PackageError("document.mismatch", "document.json") from None
    except BaseException:
        container.close()
        raise


def _check_signature(
    place: Path,
    file: BinaryIO,
    public_key: str | os.PathLike[str],
    signature: str | os.PathLike[str] | None,
) -> str:
    beside = Path(f"{place}.minisig")
    if signature is None and not beside.is_file():
        raise PackageError("signature.missing", beside.name)
    key, text = _text(public_key), _text(beside if signature is None else signature)
    try:
        return signing.verify(key, text, _chunks(file))
    except PermanentError:
        raise PackageError("signature.wrong") from None


def _text(given: str | os.PathLike[str]) -> str:
    """The text itself, or that of the file. Keys and signatures have a line that starts so; a key may come bare."""
    if isinstance(given, str) and (given.lstrip().startswith("untrusted comment:") or re.fullmatch(r"RW\S{54}", given)):
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise PackageError("signature.unreadable") from None


def _check_hash(place: Path, file: BinaryIO) -> None:
    beside = Path(f"{place}.sha256")
    if not beside.exists():
        return
    try:
        stated = _HASH.match(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stated = None
    if stated is None:
        raise PackageError("hash.unreadable", beside.name)
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    if digest.hexdigest() != stated[1].lower():
        raise PackageError("hash.mismatch", place.name)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _unsealed(file: BinaryIO, identity: str | os.PathLike[str] | None) -> BinaryIO:
    """The ZIP itself; what age sealed is decrypted into a file that has no name and is gone once closed."""
    file.seek(0)
    sealed = file.read(len(_AGE)) == _AGE
    file.seek(0)
    if not sealed:
        return file
    if identity is None:
        raise PackageError("identity.missing")
    keys = _identities(identity)
    plain = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    try:
        pyrage.decrypt_io(cast(BufferedIOBase, file), cast(BufferedIOBase, plain), keys)
    except (pyrage.DecryptError, OSError):
        plain.close()
        raise PackageError("identity.wrong") from None
    file.close()
    plain.seek(0)
    return plain


def _identities(given: str | os.PathLike[str]) -> list[Identity]:
    try:
        bare = isinstance(given, str) and given.strip().startswith("AGE-SECRET-KEY-")
        text = str(given) if bare else Path(given).read_text(encoding="utf-8")
        keys = [Identity.from_str(line.strip()) for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
    except (OSError, ValueError, pyrage.IdentityError):
        raise PackageError("identity.invalid") from None
    if not keys:
        raise PackageError("identity.invalid")
    return keys
