"""How a finished package is encrypted: not at all, as AES-256 ZIP with a password, or with age to the person's key.

none   the default: the page behind link and code is the protection, and at rest the case file is encrypted
zip    WinZip AE-2; opens with 7-Zip, Keka, PeaZip or WinZip, not with Windows Explorer or unzip. File names, which
       are codes, stay readable. The password goes to the person with the code, never with the link
age    https://age-encryption.org/v1, X25519; nobody but the person opens it, not even we
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Self, cast

import pyrage
from pyrage.x25519 import Recipient

from dsr.casestream import EncryptingFile
from dsr.errors import PermanentError
from dsr.settings import Settings

PASSWORD: Final = "package.password"  # noqa: S105 - the name of the object, not what is in it
"""Where a case file keeps the password, a JSON string, until the person has it."""
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, no 1, I and L, no U: programs that open ZIPs take a password as it is typed, and forgive nothing."""
_GROUPS: Final = 7
_GROUP: Final = 4
_EXTENSIONS: Final = {"none": "zip", "zip": "zip", "age": "zip.age"}


@dataclass(frozen=True)
class Seal:
    """What is done to one package.

    encryption  "none", "zip" or "age"
    password    for "zip", else None; for the ticket's answer only
    """

    encryption: str
    password: str | None = field(default=None, repr=False)
    _recipient: Recipient | None = field(default=None, repr=False)

    @classmethod
    def for_request(cls, request: Mapping[str, Any], settings: Settings, password: str | None = None) -> Self:
        """The person's package: as the request's "package" says, else as the installation does it. `password` is the
        one that was made for this package before, so that composing again keeps it; None = a new one.

        PermanentError("seal.encryption") for a way that is not known, ("seal.recipient") for a key that is none.
        """
        wanted = request.get("package", {})
        encryption = wanted.get("encryption", settings.package_encryption)
        if encryption not in _EXTENSIONS:
            raise PermanentError("seal.encryption", "compose")
        if encryption == "zip":
            return cls(encryption, password or new_password())
        return cls(encryption, None, _recipient(wanted.get("age_recipient", "")) if encryption == "age" else None)

    @classmethod
    def for_recipient(cls, request: Mapping[str, Any]) -> Self:
        """The copy for another controller: to the key that the request gives if it gives one; else open, since the
        connection is encrypted and nobody but the person has the password of "zip". PermanentError as above."""
        wanted = request.get("package", {})
        if wanted.get("encryption") != "age":
            return cls("none")
        return cls("age", None, _recipient(wanted.get("age_recipient", "")))

    @property
    def extension(self) -> str:
        """Of the finished file, without a leading dot."""
        return _EXTENSIONS[self.encryption]

    @contextmanager
    def wrap(self, file: BinaryIO) -> Iterator[BinaryIO]:
        """Where to write the ZIP so that the finished package comes into `file`, which stays open and is complete
        after the block. In memory there are a few buffers, however long it is. (The password of "zip" isn't put on
        here: it is the ZIP's own.)"""
        if self._recipient is None:
            yield file
            return
        sealed = EncryptingFile(file, self._recipient)
        try:
            yield cast(BinaryIO, sealed)
            sealed.close()
        finally:
            sealed.abandon()


def new_password() -> str:
    """28 characters that can't be taken for each other, in groups of four: 137 random bits."""
    drawn = ["".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)]
    return "-".join(drawn)


def _recipient(key: str) -> Recipient:
    try:
        return Recipient.from_str(key)
    except pyrage.RecipientError:
        raise PermanentError("seal.recipient", "compose") from None
