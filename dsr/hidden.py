"""What a table keeps without showing it: keyed hashes, and texts encrypted and bound to their row.

Two keys are derived from a table's own, one for hashes and one for texts. Without them a row shows neither whom nor
which record it is about; a text that was changed, or put into another row, doesn't open.
"""

import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr.errors import PermanentError
from dsr.settings import subkey

_NONCE_BYTES: Final = 12


class Hidden:
    """For one table, or several that belong together; `key` is their own, `place` names them in errors."""

    def __init__(self, key: bytes, place: str) -> None:
        self._hashing, self._cipher = subkey(key, f"{place}/hash"), AESGCM(subkey(key, f"{place}/seal"))
        self._place = place

    def keyed(self, purpose: str, value: str) -> bytes:
        """HMAC-SHA256 of a value, 32 bytes; another for each purpose."""
        return hmac.digest(self._hashing, f"{purpose}\0{value}".encode("utf-8", "surrogatepass"), "sha256")

    def record(self, source: str, dataset: str, record_id: str) -> bytes:
        """By which a record is known in a table."""
        return self.keyed("record", f"{source}\0{dataset}\0{record_id}")

    def seal(self, text: str, bound: bytes) -> bytes:
        """AES-256-GCM with a nonce of its own in front; it only opens with the same `bound`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode("utf-8", "surrogatepass"), bound)

    def open(self, sealed: bytes, bound: bytes) -> str:
        """The text. PermanentError("<place>.tampered") when it was sealed with another key, bound to something else,
        or changed."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, bound).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError):
            raise PermanentError(f"{self._place}.tampered", self._place) from None
