"""Which customer portal's word on who asks is taken: an OpenID Connect issuer (OpenID Connect Core 1.0, RFC 8725)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""Signatures that only the issuer can make. Never "none", and none with a shared secret."""
SETTINGS: Final[Mapping[str, str]] = {
    "oidc_issuer": "",
    "oidc_audience": "",
    "oidc_jwks": "",
    "oidc_algorithms": ",".join(ALGORITHMS),
    "oidc_max_age": "3600",
    "oidc_second_factors": "mfa",
}
"""Setting → what it is when it isn't set."""
_MOST_SECONDS: Final = 30 * 24 * 3600
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Oidc:
    """issuer, audience  exactly as the tokens have them
    jwks            where the issuer's public keys are (RFC 7517): an https address, or the path of a file
    algorithms      those of `ALGORITHMS` that are accepted
    max_age         the longest since the person signed in (`auth_time`)
    second_factors  values of `acr`, or in `amr` (RFC 8176), that say that more than a password was asked for
    """

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[str, ...] = ALGORITHMS
    max_age: timedelta = timedelta(hours=1)
    second_factors: tuple[str, ...] = ("mfa",)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self | None:
        """From the settings of `SETTINGS`; None when there is no issuer, so that no portal's word counts.
        BadOidc for the first one that is absent or can't be used."""
        if not values["oidc_issuer"]:
            return None
        for name, expected in (("oidc_audience", "the portal's client id"), ("oidc_jwks", _JWKS)):
            if not values[name]:
                raise BadOidc(name, f"not set; expected {expected}")
        if not _is_place(values["oidc_jwks"]):
            raise BadOidc("oidc_jwks", f"not {_JWKS}")
        algorithms = _listed(values["oidc_algorithms"])
        if not algorithms or not set(algorithms) <= set(ALGORITHMS):
            raise BadOidc("oidc_algorithms", f"not some of {', '.join(ALGORITHMS)} with commas between them")
        age = values["oidc_max_age"]
        if not (re.fullmatch(r"[0-9]{1,7}", age) and 0 < int(age) <= _MOST_SECONDS):
            raise BadOidc("oidc_max_age", f"not a number of seconds from 1 to {_MOST_SECONDS}")
        factors = _listed(values["oidc_second_factors"])
        place = values["oidc_issuer"], values["oidc_audience"], values["oidc_jwks"]
        return cls(*place, algorithms, timedelta(seconds=int(age)), factors)


_JWKS: Final = "an https address, or the absolute path of a file"


class BadOidc(ValueError):
    """A setting that can't be used: its name, and what goes there, without what stood there."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name, self.why = name, why


def _is_place(text: str) -> bool:
    """Plain http only on this machine: whoever can change the keys on their way signs in as anybody."""
    parts = urlsplit(text)
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)
    return text.startswith("/")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))
