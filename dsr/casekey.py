"""A case's key pair: whoever has the public half can write, only who has the wrapping key can read.

Kept as JSON {"format": 1, "recipient": "age1…", "nonce", "private"}, the last two base64: the private half under
AES-256-GCM, with case id and public half as associated data, so that neither can be exchanged unseen.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyrage.x25519 import Identity, Recipient

from dsr.errors import PermanentError
from dsr.settings import subkey

_PLACE: Final = "casefile"
_FORMAT: Final = 1
_NONCE_BYTES: Final = 12


@dataclass(frozen=True)
class CaseKey:
    """The halves of a case's key; `identity` (the private one) is None without the wrapping key. `wrapped_by`: the
    place of the key that opened it among those that were tried, 0 for the present one."""

    recipient: Recipient
    identity: Identity | None = field(default=None, repr=False)
    wrapped_by: int = 0


def new_key(case_id: str, wrapping_key: bytes) -> bytes:
    """A fresh key pair in the form that is kept."""
    return kept_form(case_id, Identity.generate(), wrapping_key)


def kept_form(case_id: str, identity: Identity, wrapping_key: bytes) -> bytes:
    """A key pair in the form that is kept."""
    recipient = str(identity.to_public())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    wrapped = _cipher(wrapping_key).encrypt(nonce, str(identity).encode(), _bound(case_id, recipient))
    kept = {"format": _FORMAT, "recipient": recipient, "nonce": _text(nonce), "private": _text(wrapped)}
    return json.dumps(kept).encode()


def open_key(case_id: str, kept: bytes, wrapping_keys: Sequence[bytes]) -> CaseKey:
    """The key pair from the form that is kept, by the first of the keys that fits. With one the public half is checked
    too; with none given, it is taken as it stands. PermanentError("key.refused") when none of them is the one or the
    form was changed, PermanentError("casefile.tampered") when it isn't such a form at all."""
    try:
        form = json.loads(kept)
        recipient = Recipient.from_str(form["recipient"])
        if form["format"] != _FORMAT:
            raise PermanentError("key.format", _PLACE)
        if not wrapping_keys:
            return CaseKey(recipient)
        bound = _bound(case_id, form["recipient"])
        nonce, wrapped = base64.b64decode(form["nonce"]), base64.b64decode(form["private"])
        private, place = _unwrapped(wrapping_keys, nonce, wrapped, bound)
        return CaseKey(recipient, Identity.from_str(private.decode()), place)
    except (ValueError, KeyError, TypeError, pyrage.RecipientError, pyrage.IdentityError):
        raise PermanentError("casefile.tampered", _PLACE) from None


def _unwrapped(keys: Sequence[bytes], nonce: bytes, wrapped: bytes, bound: bytes) -> tuple[bytes, int]:
    for place, key in enumerate(keys):
        try:
            return _cipher(key).decrypt(nonce, wrapped, bound), place
        except InvalidTag:
            continue
    raise PermanentError("key.refused", _PLACE)


def _cipher(wrapping_key: bytes) -> AESGCM:
    return AESGCM(subkey(wrapping_key, "casefile"))


def _bound(case_id: str, recipient: str) -> bytes:
    return f"{case_id}\0{recipient}".encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
