"""The detached signature of a package, in minisign's format (https://jedisct1.github.io/minisign/).

The prehashed form "ED": Ed25519 over the file's BLAKE2b-512, which is made while the file is written, so that it
isn't read again. A key's id is the start of its BLAKE2b, so that key and id always go together.

`cryptography` does the work. py-minisign signs only what it reads itself, not a digest, and has no types; it and the
minisign program check in the tests what is made here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dsr.errors import PermanentError
from dsr.setting_values import SettingError
from dsr.settings import Settings, subkey

SIGNATURE: Final = "package.minisig"
"""Where a case file keeps the signature of its package, a JSON string."""
_PLACE: Final = "signature"
_PURE: Final = b"Ed"
_PREHASHED: Final = b"ED"
_KEY_ID: Final = slice(2, 10)
"""Where the id stands, in a public key as in a signature: after two bytes for the algorithm."""
_KEY_BYTES: Final = 2 + 8 + 32
_SIGNATURE_BYTES: Final = 2 + 8 + 64
_TRUSTED: Final = "trusted comment: "


class Signer:
    """Signs with one Ed25519 key. `seed`: its 32 secret bytes (RFC 8032)."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()
        self._id = hashlib.blake2b(self._public, digest_size=8).digest()

    @classmethod
    def from_settings(cls, settings: Settings) -> "Signer":
        """The installation's: its signing key, or else one derived from its master key."""
        return cls(settings.signing_key or subkey(settings.master_key, "signing"))

    def sign(self, blake2b512: bytes, trusted_comment: str) -> str:
        """The text of a `.minisig` file. `blake2b512`: the 64 bytes of the file's hash; `trusted_comment`: one line
        that is signed too. PermanentError("signature.input") when they are not that."""
        if len(blake2b512) != hashlib.blake2b().digest_size or not trusted_comment.isprintable():
            raise PermanentError("signature.input", _PLACE)
        signature = self._key.sign(blake2b512)
        both = self._key.sign(signature + trusted_comment.encode())
        return _lines(
            f"untrusted comment: signature of a package of personal data, key {_name(self._id)}",
            _text(_PREHASHED + self._id + signature),
            f"{_TRUSTED}{trusted_comment}",
            _text(both),
        )

    def sign_line(self, text: str) -> str:
        """Ed25519 over a line of text, in base64. PermanentError("signature.input") when it is more than a line."""
        if not text.isprintable():
            raise PermanentError("signature.input", _PLACE)
        return _text(self._key.sign(text.encode()))

    @property
    def public_key(self) -> str:
        """The text of a minisign `.pub` file: a comment, and the key itself, which begins with RW."""
        return _key_file("minisign public key", _text(_PURE + self._id + self._public))


def trusted_comment(request_id: str, extension: str, sha256: str, made_at: datetime) -> str:
    """What the signature says about the file: whose request (opaque), its name and hash, when it was made (UTC)."""
    made = made_at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
    return f"request:{request_id} file:{request_id}.{extension} sha256:{sha256} made:{made}Z"


def made_at(signature: str) -> datetime | None:
    """When a package was made, UTC, by the comment of its signature, which is not checked here; None when that doesn't
    say."""
    found = re.search(r"(?m)^trusted comment: .*\bmade:([0-9T:-]{19})Z$", signature)
    return datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC) if found else None


def verify(public_key: str, signature: str, chunks: Iterable[bytes]) -> str:
    """The trusted comment, once the signature of the file with these bytes has been found right.

    `public_key`: the text of a `.pub` file or its second line alone; where there are several keys, the signature
    names which. PermanentError("signature.wrong") for everything else, also for a form that isn't prehashed.
    """
    lines = signature.splitlines()
    wrong = PermanentError("signature.wrong", _PLACE)
    if len(lines) != 4 or not lines[2].startswith(_TRUSTED):
        raise wrong
    stated, comment, both = _decoded(lines[1]), lines[2].removeprefix(_TRUSTED), _decoded(lines[3])
    if len(stated) != _SIGNATURE_BYTES or not stated.startswith(_PREHASHED):
        raise wrong
    key = next((k for k in map(_public, public_key.splitlines()) if k[_KEY_ID] == stated[_KEY_ID]), None)
    if key is None:
        raise wrong
    digest = hashlib.blake2b()
    for chunk in chunks:
        digest.update(chunk)
    signed, checked = stated[_KEY_ID.stop :], Ed25519PublicKey.from_public_bytes(key[_KEY_ID.stop :])
    try:
        checked.verify(signed, digest.digest())
        checked.verify(both, signed + comment.encode("utf-8", "replace"))
    except InvalidSignature:
        raise wrong from None
    return comment


def signed_by(public_keys: Collection[str], text: str, signature: str) -> bool:
    """Whether `signature` is what `Signer.sign_line` gives for that text with one of these keys. `public_keys`: texts
    of `.pub` files, or their second lines."""
    given = _decoded(signature)
    for key in filter(None, (_public(line) for lines in public_keys for line in lines.splitlines())):
        try:
            Ed25519PublicKey.from_public_bytes(key[_KEY_ID.stop :]).verify(given, text.encode())
        except InvalidSignature:
            continue
        return True
    return False


def published(settings: Settings) -> str:
    """The public keys that signatures of this installation may be checked with, the present one first: one after the
    other as in `.pub` files, so that minisign, which reads the first two lines only, takes the present one.

    SettingError("former_public_keys") when one of the former ones is none."""
    texts = [Signer.from_settings(settings).public_key]
    for key in settings.former_public_keys:
        if not _public(key):
            raise SettingError("former_public_keys", "not minisign public keys (RW…) with commas between them")
        texts.append(_key_file("former minisign public key", key))
    return "".join(texts)


def _key_file(what: str, key: str) -> str:
    return _lines(f"untrusted comment: {what} {_name(_public(key)[_KEY_ID])}", key)


def _name(key_id: bytes) -> str:
    """The id as minisign shows it: a little-endian number."""
    return key_id[::-1].hex().upper()


def _public(line: str) -> bytes:
    """Algorithm, id and key; b"" for a line that is none."""
    data = _decoded(line.strip())
    return data if len(data) == _KEY_BYTES and data.startswith(_PURE) else b""


def _text(data: bytes) -> str:
    return base64.standard_b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """b"" for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
