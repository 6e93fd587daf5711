"""What a request may ask for besides its right: how the package is closed, and whom it is sent to. The rules are the
same for every channel; a channel only knows where in its body each stands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from dsr.bech32 import key_bytes
from dsr.channels.body import stated
from dsr.vocabulary import PACKAGE_ENCRYPTIONS, RECIPIENT_KEY, UNCLEAR

POINTERS: Final[Mapping[str, str]] = {
    "encryption": "#/package/encryption",
    "age_recipient": "#/package/age_recipient",
    "transmit_to": "#/transmit_to",
}
"""Where the options stand in a body of our own making."""

_AGE_KEY: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_DISCLOSING: Final = ("access", "portability")


@dataclass(frozen=True)
class Options:
    """As `Ticket.package` and `Ticket.transmit_to`."""

    package: Mapping[str, str] = field(repr=False)
    transmit_to: str = field(repr=False)


def options(
    right: str, given: Mapping[str, str | None], pointers: Mapping[str, str] = POINTERS
) -> tuple[Options, list[tuple[str, str]]]:
    """The options among `given`: "encryption", "age_recipient" and "transmit_to"; empty texts and None count as not
    stated. An age key in capitals (Bech32 allows both) is kept in small letters. And all that is wrong with them, at
    `pointers`, in the form of `Refused.problems`."""
    texts = stated(**given)
    age = texts.get("age_recipient", "")
    if age.isascii() and age.isupper():
        texts["age_recipient"] = age.lower()
    problems = [(pointers[name], what) for name, what in _problems(right, texts)]
    package = {name: text for name, text in texts.items() if name in ("encryption", "age_recipient")}
    return Options(package, texts.get("transmit_to", "")), problems


def is_age_recipient(text: str) -> bool:
    """Whether something can be encrypted to it: an age X25519 recipient (age-encryption.org/v1) in small letters, with
    a right checksum, whose point is not of small order. At such a point the age library panics instead of raising,
    since anybody could read what is encrypted to it (RFC 7748, section 6.1)."""
    if not _AGE_KEY.fullmatch(text):
        return False
    try:
        pyrage.x25519.Recipient.from_str(text)
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key_bytes(text)))
    except (pyrage.RecipientError, ValueError):
        return False
    return True


def _problems(right: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if right not in (*_DISCLOSING, UNCLEAR):
        yield from (
            (name, "is for access and portability only") for name in ("encryption", "age_recipient") if name in texts
        )
    encryption, age, to = (texts.get(name) for name in ("encryption", "age_recipient", "transmit_to"))
    if encryption is not None and encryption not in PACKAGE_ENCRYPTIONS:
        yield "encryption", "is not one of the accepted values"
    if age is None and encryption == "age":
        yield "age_recipient", "is required with the encryption age"
    if age is not None and encryption is None:
        yield "encryption", "is required with a key"
    if age is not None and encryption in ("none", "zip"):
        yield "age_recipient", "is only for the encryption age"
    if age is not None and not is_age_recipient(age):
        yield "age_recipient", "is no age X25519 recipient"
    if to is not None and not re.fullmatch(RECIPIENT_KEY, to):
        yield "transmit_to", "is no key of a recipient: small letters, digits and hyphens, a letter among them"
    if to is not None and encryption == "zip":
        yield "encryption", "is not zip for a package that is sent to another: its password only goes to the person"
    if to is not None and right not in ("portability", UNCLEAR):
        yield "transmit_to", "is for portability only"
