"""An age file (https://age-encryption.org/v1) to be read from any place in it, with flat memory.

`pyrage` only reads from the start. The format itself allows more: after its header come chunks of 64 KiB, each
encrypted and authenticated with its number, the last one marked as such. So a download that broke off goes on where it
stopped without all that came before being decrypted again. The tests compare what is read here with `pyrage` and what
it refuses with what `pyrage` refuses.
"""

import base64
import hmac
from collections.abc import Iterator
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyrage.x25519 import Identity

from dsr.bech32 import KEY_BYTES, key_bytes
from dsr.errors import PermanentError
from dsr.objectstore import store_errors

_PLACE: Final = "casefile"
_CHUNK: Final = 64 * 1024
_TAG: Final = 16
_SEALED: Final = _CHUNK + _TAG
_AT_ONCE: Final = 4
"""Chunks that are fetched together: an object store answers each fetch with a round trip."""
_LONGEST_HEADER: Final = 4096
"""Ours have one recipient and 200 bytes, at most a few hundred with what age adds to confuse."""
_VERSION: Final = b"age-encryption.org/v1\n"
_STANZA: Final = b"-> X25519 "
_END: Final = b"\n---"
_NONCE: Final = 16


class Seekable(Protocol):
    """What `pyarrow.NativeFile` gives: any bytes of a file of known size."""

    def size(self) -> int:
        """In bytes."""

    def read_at(self, nbytes: int, offset: int) -> Any:
        """Those bytes, fewer at the end."""


class AgeFile:
    """The plain bytes of the age file in `source`, for `identity`. `size`: how many there are.

    Header and last chunk are checked at once, so that a cut shows before the first byte is given; each other chunk is
    when it is read. PermanentError("casefile.tampered") when the bytes aren't those written, or for another key,
    ("case.absent") when they are gone meanwhile. TransientError when the store fails.
    """

    def __init__(self, source: Seekable, identity: Identity) -> None:
        self._source = source
        with store_errors():
            length = source.size()
        start = self._bytes(0, min(length, _LONGEST_HEADER))
        header, line = _header(start)
        self._first = header + line + _NONCE
        payload = length - self._first
        self._chunks = -(-payload // _SEALED)
        self.size = payload - self._chunks * _TAG
        if payload < _TAG or (self.size <= (self._chunks - 1) * _CHUNK and self._chunks > 1):
            raise _tampered()
        file_key = _file_key(start[:header], identity)
        stated = start[header : header + line]
        if not hmac.compare_digest(b" " + _base64(_mac(file_key, start[:header])) + b"\n", stated):
            raise _tampered()
        nonce = start[header + line : self._first]
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._opened(self._chunks - 1, 1)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The plain bytes from `start` up to `end`, neither beyond `size`, in pieces of 256 KiB at most."""
        place = start
        while place < end:
            first = place // _CHUNK
            piece = self._opened(first, min(_AT_ONCE, -(-end // _CHUNK) - first))
            yield piece[place - first * _CHUNK : end - first * _CHUNK]
            place = (first + _AT_ONCE) * _CHUNK

    def _opened(self, first: int, count: int) -> bytes:
        """Those chunks' plain bytes."""
        sealed = self._bytes(self._first + first * _SEALED, count * _SEALED)
        chunks = (sealed[place : place + _SEALED] for place in range(0, len(sealed), _SEALED))
        try:
            return b"".join(
                self._cipher.decrypt(_number(number, last=number == self._chunks - 1), chunk, None)
                for number, chunk in enumerate(chunks, first)
            )
        except InvalidTag:
            raise _tampered() from None

    def _bytes(self, place: int, count: int) -> bytes:
        try:
            with store_errors():
                return bytes(self._source.read_at(count, place))
        except FileNotFoundError:
            raise PermanentError("case.absent", _PLACE) from None  # closed meanwhile, in an object store


def _header(start: bytes) -> tuple[int, int]:
    """How long the authenticated part of the header is, and the line's rest with its MAC."""
    mark = start.find(_END)
    end = start.find(b"\n", mark + len(_END))
    if not start.startswith(_VERSION) or mark < 0 or end < 0:
        raise _tampered()
    header = mark + len(_END)
    return header, end + 1 - header


def _file_key(header: bytes, identity: Identity) -> bytes:
    """From the first stanza that opens."""
    private = X25519PrivateKey.from_private_bytes(key_bytes(str(identity)))
    own = private.public_key().public_bytes_raw()
    for stanza in header.split(_STANZA)[1:]:
        share, _, rest = stanza.partition(b"\n")
        try:
            theirs, body = _unbase64(share), _unbase64(rest.partition(b"\n")[0])
            shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
            wrapping = _derived(shared, theirs + own, b"age-encryption.org/v1/X25519")
            return ChaCha20Poly1305(wrapping).decrypt(bytes(12), body, None)
        except (ValueError, InvalidTag):
            continue  # for another key
    raise _tampered()


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, None, b"header"), header, "sha256")


def _derived(secret: bytes, salt: bytes | None, what: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=what).derive(secret)


def _number(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _base64(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _tampered() -> PermanentError:
    return PermanentError("casefile.tampered", _PLACE)
