"""TCP ports on loopback."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

_FIRST: Final = 10_240
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LINUX: Final = 32_768


def loopback_socket() -> socket.socket:
    """Bound to a port of 127.0.0.1 that the system gives. Names its protocol: asyncio turns Nagle's algorithm off only
    where that is named, and without it an answer of head and body takes 40 ms, until the other side acknowledges."""
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound


def free_ports(count: int) -> list[int]:
    """That many different ports of 127.0.0.1 which nobody listens on at the moment. From below those that the system
    gives by itself to whoever names none: such a one is another's by the time it is listened on, now and then."""
    order = random.SystemRandom().sample(range(_FIRST, _last()), _last() - _FIRST)
    ports: list[int] = []
    with ExitStack() as held:
        for port in order:
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
            if len(ports) == count:
                return ports
    raise OSError("no port of this machine is free")


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _last() -> int:
    """Where the system's own begin; Linux's default where it doesn't say, or leaves nothing below."""
    try:
        first = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _LINUX
    return first if first > _FIRST + 1_000 else _LINUX
