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
from dsr.trust import trusting
from extractors.http import HttpClient

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TIMEOUT_S: Final = 120.0
"""The answer to the last chunk may wait for the other side to hash the whole."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_EMBEDDING: Final = tuple(ipaddress.IPv6Network(text) for text in (str(_NAT64), "::/96", "::ffff:0:0:0/96"))
"""Whose last 32 bits are an IPv4 address that routers may take it for: NAT64 (RFC 6052), IPv4-compatible (RFC 4291),
IPv4-translated (RFC 7915)."""
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215: leads to some IPv4 address, in a form that only that network knows. So never."""
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL: Final = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
"""Within it, but nobody's on the internet: IETF protocols with Teredo and ORCHID, and documentation twice (IANA IPv6
Special-Purpose Address Registry)."""
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
        context = trusting("http", ca)
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
    if isinstance(address, ipaddress.IPv4Address):
        return not _never(address) and (private or address.is_global)
    inner = _embedded(address)
    if _never(address) or address in _LOCAL_NAT64 or not all(_admissible(each, private) for each in inner):
        return False
    if private or address.ipv4_mapped is not None or address in _NAT64:
        return True
    return address in _UNICAST and not any(address in network for network in _SPECIAL)


def _never(address: Address) -> bool:
    return address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 one leads to, or passes."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _EMBEDDING) and not address.is_loopback:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
