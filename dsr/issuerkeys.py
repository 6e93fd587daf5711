"""The public keys of an OpenID Connect issuer (JWKS, RFC 7517): from a file, or fetched and kept for some minutes."""

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

_KEPT: Final = timedelta(minutes=10)
_AGAIN: Final = timedelta(minutes=1)
"""Keys are fetched no more often, whatever tokens say by which key they are signed, and whether it could be."""
_TIMEOUT_S: Final = 3.0
_MOST_BYTES: Final = 256 * 1024
_TYPES: Final = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class KeysUnavailable(Exception):
    """They can't be had at the moment."""


class IssuerKeys:
    """The keys at `place`: an https address, or the path of a file. May be shared by threads. `transport`: for tests of
    what no server does on purpose."""

    def __init__(self, place: str, transport: httpx.BaseTransport | None = None) -> None:
        self._place, self._transport = place, transport
        self._lock = threading.Lock()
        self._keys: Sequence[dict[str, Any]] = ()
        self._fetched: datetime | None = None
        self._tried: datetime | None = None

    def key(self, kid: str, algorithm: str, at: datetime) -> jwt.PyJWK | None:
        """The key of that id for that algorithm; without an id the only one that there is for it. None when there is
        none, or several. KeysUnavailable when nothing is known and nothing could be fetched."""
        with self._lock:
            if self._fetched is None or at - self._fetched > _KEPT:
                self._fetch(at)
            found = self._fitting(kid, algorithm)
            if not found and self._may_fetch(at):
                self._fetch(at)
                found = self._fitting(kid, algorithm)
            if self._fetched is None:
                raise KeysUnavailable
        try:
            return jwt.PyJWK(found[0], algorithm) if len(found) == 1 else None
        except (jwt.PyJWTError, ValueError, KeyError, TypeError):
            return None

    def _fitting(self, kid: str, algorithm: str) -> list[dict[str, Any]]:
        return [
            key
            for key in self._keys
            if (not kid or key.get("kid") == kid)
            and key.get("kty") == _TYPES[algorithm]
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
        ]

    def _may_fetch(self, at: datetime) -> bool:
        return self._tried is None or at - self._tried > _AGAIN

    def _fetch(self, at: datetime) -> None:
        """What was known stays known when it can't be had again, for as long as it is kept."""
        if not self._may_fetch(at):
            self._outdate(at)
            return
        self._tried = at
        try:
            keys = json.loads(self._read())["keys"]
            self._keys = [key for key in keys if isinstance(key, dict)]
            self._fetched = at
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError, RecursionError):
            self._outdate(at)

    def _outdate(self, at: datetime) -> None:
        if self._fetched is not None and at - self._fetched > 6 * _KEPT:
            self._keys, self._fetched = (), None

    def _read(self) -> bytes:
        if self._place.startswith("/"):
            return Path(self._place).read_bytes()
        read = bytearray()
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        with (
            httpx.Client(timeout=_TIMEOUT_S, transport=self._transport) as client,
            client.stream("GET", self._place, headers=headers) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_raw():  # packed, it is no JSON: nothing is unpacked without end
                read += chunk
                if len(read) > _MOST_BYTES:
                    raise ValueError("too large")
        return bytes(read)
