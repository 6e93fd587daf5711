"""Ports that are chosen before they are listened on: nobody else is given them meanwhile."""

import socket
from pathlib import Path

import pytest

from sandbox.ports import free_ports, is_free

_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not _GIVEN.exists(), reason="only Linux says which it gives")
def test_different_free_and_not_among_those_that_the_system_gives() -> None:
    ports = free_ports(200)
    given = int(_GIVEN.read_text().split()[0])
    assert len(set(ports)) == 200
    assert all(is_free(port) for port in ports)
    assert max(ports) < given


def test_one_that_is_listened_on_is_left_out(monkeypatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(1)[0]))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("sandbox.ports._FIRST", port - 5)
        monkeypatch.setattr("sandbox.ports._last", lambda: port + 5)
        assert port not in free_ports(3)
        assert not is_free(port)
