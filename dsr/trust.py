"""Whom TLS trusts. Reading the system's authorities takes 20 ms of CPU, so a process does it once, before it forks
(`dsr_preload`)."""

import ssl
from functools import cache


def trusting(ca: str = "") -> ssl.SSLContext:
    """Verifies certificates and names. `ca`: file of the authority to trust instead of the system's.

    OSError, of which ssl.SSLError is one, when that can't be read or is no certificate."""
    return ssl.create_default_context(cafile=ca) if ca else _public()


@cache
def _public() -> ssl.SSLContext:
    return ssl.create_default_context()
