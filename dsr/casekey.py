"""A case's key pair: whoever has the public half can write, only who has the master key can read.

Kept as JSON {"format": 1, "recipient": "age1…", "nonce", "private"}, the last two base64: the private half under
AES-256-GCM, with case id and public half as associated data, so that neither can be exchanged unseen.
"""

import base64
import json
import secrets
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
    """The halves of a case's key; `identity` (the private one) is None without the master key."""

    recipient: Recipient
    identity: Identity | None = field(default=None, repr=False)


def new_key(case_id: str, master_key: bytes) -> bytes:
    """A fresh key pair in the form that is kept."""
    identity = Identity.generate()
    recipient = str(identity.to_public())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    wrapped = _cipher(master_key).encrypt(nonce, str(identity).encode(), _bound(case_id, recipient))
    kept = {"format": _FORMAT, "recipient": recipient, "nonce": _text(nonce), "private": _text(wrapped)}
    return json.dumps(kept).encode()


def open_key(case_id: str, kept: bytes, master_key: bytes | None) -> CaseKey:
    """The key pair from the form that is kept. With the master key the public half is checked too; without it, it
    is taken as it stands. PermanentError("key.refused") when the master key is another one or the form was changed,
    PermanentError("casefile.tampered") when it isn't such a form at all."""
    try:
        form = json.loads(kept)
        recipient = Recipient.from_str(form["recipient"])
        if form["format"] != _FORMAT:
            raise PermanentError("key.format", _PLACE)
        if not master_key:
            return CaseKey(recipient)
        bound = _bound(case_id, form["recipient"])
        nonce, wrapped = base64.b64decode(form["nonce"]), base64.b64decode(form["private"])
        private = _cipher(master_key).decrypt(nonce, wrapped, bound)
        return CaseKey(recipient, Identity.from_str(private.decode()))
    except InvalidTag:
        raise PermanentError("key.refused", _PLACE) from None
    except (ValueError, KeyError, TypeError, pyrage.RecipientError, pyrage.IdentityError):
        raise PermanentError("casefile.tampered", _PLACE) from None


def _cipher(master_key: bytes) -> AESGCM:
    return AESGCM(subkey(master_key, "casefile"))


def _bound(case_id: str, recipient: str) -> bytes:
    return f"{case_id}\0{recipient}".encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
