"""Who calls the download page, as far as it matters: where from, whether from our own pages, with which cookie."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

_COOKIE: Final = "dsr-session"
_OWN: Final = ("same-origin", "none")
_LONGEST: Final = 100

Networks = Sequence[IPv4Network | IPv6Network]


def address_of(request: Request, proxies: Networks) -> str:
    """The visitor's IP address; "" when nobody knows. Behind proxies of ours the last address in `X-Forwarded-For` that
    is none of theirs: what stands before it was written by the visitor."""
    address = request.client.host if request.client else ""
    before = [part for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    while before and _is_among(address, proxies):
        stated = _ip(_bare(before.pop()))
        if stated is None:
            break
        address = str(stated)
    return address


def _is_among(address: str, networks: Networks) -> bool:
    ip = _ip(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip is not None and any(ip in network for network in networks)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _bare(text: str) -> str:
    """Without brackets and port, which some proxies add."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def is_own(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says (OWASP ASVS 5.0, 3.5.1).

    By `Sec-Fetch-Site`; browsers that don't have it, or not over http, by `Origin`, which is "null" for a page that
    sends no referrer, as ours. Programs say neither. A session's cookie is SameSite=Strict besides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("origin", "null")
    return origin == "null" or comes_from_here(request, origin)


def comes_from_here(request: Request, origin: str) -> bool:
    """Whether an origin is that of the page that is asked; False for what is no address at all."""
    try:
        return urlsplit(origin).netloc == request.headers.get("host", "")
    except ValueError:
        return False


def cookie_of(request: Request, *, secure: bool) -> str:
    """The session's cookie; "" when there is none."""
    value = request.cookies.get(_name(secure), "")
    return value if len(value) <= _LONGEST else ""


def set_cookie(response: Response, value: str, *, secure: bool) -> None:
    """Until the browser is closed, for this host alone, out of reach of scripts and of other sites (OWASP ASVS 5.0,
    3.3.1 to 3.3.4). `secure`: the page is reached over https. "" takes it away."""
    life = None if value else 0
    response.set_cookie(_name(secure), value, life, path="/", secure=secure, httponly=True, samesite="strict")


def _name(secure: bool) -> str:
    return f"__Host-{_COOKIE}" if secure else _COOKIE
