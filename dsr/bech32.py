"""The 32 bytes of an age key in its written form, `age1…` or `AGE-SECRET-KEY-1…` (Bech32, BIP 173)."""

from typing import Final

_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM: Final = 6
_PADDING_BITS: Final = 4
KEY_BYTES: Final = 32


def key_bytes(text: str) -> bytes:
    """Of a key whose checksum was found right before, as `pyrage` does when it takes one; letters of either size."""
    number = 0
    for letter in text.lower().rpartition("1")[2][:-_CHECKSUM]:
        number = number << 5 | _LETTERS.index(letter)
    return (number >> _PADDING_BITS).to_bytes(KEY_BYTES, "big")
