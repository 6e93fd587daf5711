"""HTTP to a party outside the house, where a package is sent: no redirects, no way into the own network.

Names are resolved here, the addresses checked, and the connection made to the very address that was checked, so that
a second answer of the name server changes nothing. TLS still verifies the name. Environment proxies are not used.
"""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from dsr.errors import PermanentError, TransientError
from extractors.http import HttpClient

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TIMEOUT_S: Final = 120.0
"""The answer to the last chunk may wait for the other side to hash the whole."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where clouds tell a machine its credentials: AWS, GCP, Azure and others; AWS over IPv6; Alibaba; Azure's wire server;
Oracle."""


def outbound_client(
    url: str, *, place: str, headers: Mapping[str, str] | None = None, ca: str = "", private: bool = False
) -> HttpClient:
    """A client for the origin of `url`. https only, but for plain http to loopback when `private`.

    `private`: addresses of the own network and loopback may be reached too; link-local ones and clouds' metadata
    never. Errors beside those of `HttpClient`: PermanentError("address.refused"), ("redirect.refused"),
    ("connection.host") when `url` can't be used, ("connection.ca").
    """
    parts = _usable(url, place)
    if parts.scheme != "https" and not (private and _is_loopback(parts.hostname or "")):
        raise PermanentError("connection.host", place)
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError):
        raise PermanentError("connection.ca", place) from None
    transport = _Pinned(context, place, private)
    return HttpClient(url, place=place, headers=headers, timeout=_TIMEOUT_S, transport=transport)


def checked_addresses(host: str, port: int, place: str, private: bool) -> list[str]:
    """The addresses of a host, in the order to try them. PermanentError("address.refused") when any of them must not
    be reached, TransientError("connection.failed") when the name has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TransientError("connection.failed", place) from None
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(_admissible(ipaddress.ip_address(text.partition("%")[0]), private) for text in texts):
        raise PermanentError("address.refused", place)
    return texts


class _Pinned(httpx.BaseTransport):
    """Connects to a checked address under the host's own name."""

    def __init__(self, context: ssl.SSLContext, place: str, private: bool) -> None:
        self._inner = httpx.HTTPTransport(verify=context, trust_env=False)
        self._place, self._private = place, private

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        *others, last = checked_addresses(url.host, port, self._place, self._private)
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent yet: the next one
                return self._answer(request, address)
        return self._answer(request, last)

    def _answer(self, request: httpx.Request, address: str) -> httpx.Response:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # Host names the host, not the address
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        response = self._inner.handle_request(pinned)
        if 300 <= response.status_code < 400:
            response.close()
            raise PermanentError("redirect.refused", self._place)
        return response

    def close(self) -> None:
        self._inner.close()


def _usable(url: str, place: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.scheme in ("https", "http") and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        usable = None
    if not usable:
        raise PermanentError("connection.host", place)
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _admissible(address: Address, private: bool) -> bool:
    inner = _embedded(address)
    if inner is not None and not _admissible(inner, private):
        return False
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global or inner is not None


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
