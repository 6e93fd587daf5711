"""Whom TLS trusts. Reading the authorities takes 20 ms of CPU, so a process does it once, before it forks
(`dsr_preload`), and all its clients of one protocol share that."""

import ssl
from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

import httpx

_HTTP: Final = ("http/1.1",)


def trusting(protocol: Literal["http", "smtp"], ca: str = "") -> ssl.SSLContext:
    """Verifies certificates and names. `ca`: file of the authority to trust instead of the system's.

    OSError, of which ssl.SSLError is one, when that can't be read or is no certificate."""
    if ca:
        return ssl.create_default_context(cafile=ca)
    return _system(protocol)


@cache
def public_trust() -> ssl.SSLContext:
    """Whom httpx trusts unless it is told otherwise."""
    return _settled(httpx.create_ssl_context())


@cache
def _system(protocol: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # A mail server may turn away who offers another protocol (ALPN), so it has a context of its own.
    return _settled(context) if protocol == "http" else context


def _settled(context: ssl.SSLContext) -> ssl.SSLContext:
    """httpcore says anew with each connection what is spoken, while another thread may be reading that."""
    context.set_alpn_protocols(_HTTP)
    vars(context)["set_alpn_protocols"] = _say_nothing
    return context


def _say_nothing(_: Sequence[str]) -> None:
    """It was said."""
