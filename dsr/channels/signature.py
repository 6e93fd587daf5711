"""Checks that all channels share: several valid secrets at a time, constant-time comparison, the time window."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from dsr.channels.ticket import Refused

TOLERANCE: Final = timedelta(minutes=5)
"""How far a sender's clock may be off, and how old a call may be (Standard Webhooks)."""


def secrets_of(setting: str) -> tuple[str, ...]:
    """The secrets in a setting: several are separated by blanks or commas, so that the old one stays valid while a
    new one is brought in. The whole text counts as one too, for secrets that contain such a character."""
    parts = setting.replace(",", " ").split()
    return tuple(dict.fromkeys(s for s in (setting.strip(), *parts) if s))


def header(headers: Mapping[str, str], name: str, place: str) -> str:
    """A header that must be there. Refused("signature.missing")."""
    value = headers.get(name, "").strip()
    if not value:
        raise Refused("signature.missing", place)
    return value


def basic(headers: Mapping[str, str], place: str) -> tuple[str, str]:
    """Name and password of a Basic sign-in (RFC 7617). Refused("signature.missing") without one, ("signature.wrong")
    for what is none."""
    scheme, _, value = header(headers, "authorization", place).partition(" ")
    try:
        name, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refused("signature.wrong", place) from None
    if scheme.lower() != "basic" or not password:
        raise Refused("signature.wrong", place)
    return name, password


def check(given: Sequence[str], expected: Callable[[str], str], secrets: Sequence[str], place: str) -> None:
    """Refused("signature.wrong") unless one of the given signatures is that of one of the secrets. All pairs are
    compared, each in constant time, so that the time taken says nothing."""
    fits = False
    for secret in secrets:
        wanted = expected(secret).encode()
        for candidate in given:
            fits |= hmac.compare_digest(candidate.encode("utf-8", "replace"), wanted)
    if not fits:
        raise Refused("signature.wrong", place)


def in_time(stamp: datetime, at: datetime, place: str, past: timedelta = TOLERANCE) -> None:
    """Refused("signature.stale") when the stamp is older than `past` or more than the tolerance ahead."""
    if not at - past <= stamp <= at + TOLERANCE:
        raise Refused("signature.stale", place)


def from_unix(text: str, place: str) -> datetime:
    """Unix seconds as an aware time. Refused("signature.stale") for anything that is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Refused("signature.stale", place)
    return datetime.fromtimestamp(int(text), UTC)


def from_iso(text: str, place: str) -> datetime:
    """RFC 3339 as an aware time. Refused("signature.stale") for anything that is none."""
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("signature.stale", place) from None
    if stamp.tzinfo is None:
        raise Refused("signature.stale", place)
    return stamp
