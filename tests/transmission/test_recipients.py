"""Only what an administrator connected is a recipient, and no way leads into the own network."""

import ipaddress
import socket
from typing import Any

import httpx
import pytest
from dispatch import Dispatch, noise
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import PermanentError, TransientError
from dsr.source import Connection
from dsr_recipients import connected
from extractors.outbound import checked_addresses, outbound_client

PRIVATE = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.9", "100.64.1.1", "::1", "fd00::1", "::ffff:10.0.0.1",
           "fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "5f00::1", "3fff::1", "2001:db8::1", "2002:7f00:1::1",
           "2001:0:7f00:1::1", "2001:20::1", "4000::1"]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    str(ipaddress.IPv4Address(0)), "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "64:ff9b:1::7f00:1", "::169.254.169.254", "::ffff:0:169.254.169.254",
    "2001:0:a9fe:a9fe::1", "2001::5601:5601",
]  # fmt: skip
PUBLIC = [
    "93.184.215.14",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "64:ff9b::5db8:d70e",
    "2002:5db8:d70e::1",
    "::ffff:93.184.215.14",
]


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What the name server says."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [True, False])
def test_link_local_and_metadata_never(monkeypatch: pytest.MonkeyPatch, address: str, private: bool) -> None:
    names(monkeypatch, "93.184.215.14", address)
    with pytest.raises(PermanentError, match=r"recipient\.x: address\.refused"):
        checked_addresses("rebound.example", 443, "recipient.x", private)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_only_where_the_connection_says_so(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    names(monkeypatch, address)
    assert checked_addresses("inside.example", 443, "recipient.x", True) == [address]
    with pytest.raises(PermanentError, match=r"address\.refused"):
        checked_addresses("inside.example", 443, "recipient.x", False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    names(monkeypatch, address)
    assert checked_addresses("outside.example", 443, "recipient.x", False) == [address]


@given(st.ip_addresses())
def test_what_is_not_global_is_never_reached(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    try:
        checked_addresses(str(address), 443, "recipient.x", False)
    except PermanentError:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    assert (mapped or address).is_global or address in ipaddress.ip_network("2002::/16")


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "secret.example")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientError, match=r"recipient\.x: connection\.failed"):
        checked_addresses("secret.example", 443, "recipient.x", False)


def test_connects_to_the_address_that_was_checked(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers otherwise the second time is not asked a second time; the name stays the one that
    the certificate is checked against."""
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_example"]
    asked = []
    original = socket.getaddrinfo

    def rebinding(host: str, *rest: Any, **kw: Any) -> Any:
        if host != "localhost":
            return original(host, *rest, **kw)
        asked.append(host)
        return original("127.0.0.1" if len(asked) == 1 else "127.9.9.9", *rest, **kw)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = f"https://localhost:{fields['port']}/files/"
    with outbound_client(url, place="recipient.x", ca=fields["extra"]["ca"], private=True) as client:
        assert client.request("OPTIONS", url).headers["Tus-Version"] == "1.0.0"
    assert asked == ["localhost"]


def test_the_next_address_where_the_first_does_not_answer(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_example"]
    original = socket.getaddrinfo

    def two(host: str, *rest: Any, **kw: Any) -> Any:
        if host != "localhost":
            return original(host, *rest, **kw)
        return [entry for address in ("::1", "127.0.0.1") for entry in original(address, *rest, **kw)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    url = f"https://localhost:{fields['port']}/files/"
    with outbound_client(url, place="recipient.x", ca=fields["extra"]["ca"], private=True) as client:
        assert client.request("OPTIONS", url).status_code == 204


def test_the_certificate_must_be_that_of_the_name(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_example"]
    original = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **kw: original("127.0.0.1", *rest, **kw))
    url = f"https://recipient.example:{fields['port']}/files/"
    with (
        outbound_client(url, place="recipient.x", ca=fields["extra"]["ca"], private=True) as client,
        pytest.raises(TransientError, match=r"connection\.failed"),
    ):
        client.request("OPTIONS", url)


def test_the_sandbox_is_out_of_reach_without_private(dispatch: Dispatch) -> None:
    extra = dispatch.sandbox.endpoints["connections"]["dsr_recipient_example"]["extra"]
    case = dispatch.case(noise(10))
    with pytest.raises(PermanentError, match=r"address\.refused"):
        dispatch.transmit(case, dispatch.recipient(extra=extra | {"private": "yes"}))
    assert dispatch.sandbox.calls("receiver") == []


@pytest.mark.parametrize(
    ("conn_type", "changes", "code"),
    [
        ("http", {"host": "http://recipient.example"}, "connection.host"),
        ("http", {"host": "ftp://recipient.example"}, "connection.host"),
        ("http", {"host": ""}, "connection.host"),
        ("http", {"host": "https://user:pass@recipient.example"}, "connection.host"),
        ("http", {"host": "recipient.example", "schema": "http"}, "connection.host"),
        ("http", {"password": ""}, "connection.password"),
        ("http", {"extra": {}}, "connection.title"),
        ("http", {"extra": {"title": "a\nb"}}, "connection.title"),
        ("http", {"extra": {"title": "x", "ca": "/no/such"}}, "connection.ca"),
        ("aws", {}, "connection.bucket"),
        ("sftp", {}, "connection.conn_type"),
    ],
)
def test_a_connection_that_lacks_something(dispatch: Dispatch, conn_type: str, changes: dict, code: str) -> None:
    fields = {"host": "https://recipient.example", "password": "token", "extra": {"title": "X"}} | changes
    with pytest.raises(PermanentError) as raised:
        dispatch.transmit(dispatch.case(noise(10)), connected("example", conn_type, Connection("dsr_x", **fields)))
    assert raised.value.code == code


def test_environment_proxies_see_nothing(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for key in ("example", "bucket"):
        dispatch.transmit(dispatch.case(noise(10), to=key))


def test_basic_sign_in(dispatch: Dispatch) -> None:
    with pytest.raises(PermanentError, match=r"http\.401"):
        dispatch.transmit(dispatch.case(noise(10)), dispatch.recipient(login="us", password="secret"))
    heard = dispatch.sandbox.admin.get("/receiver/heard").json()
    assert {h["authorization"] for h in heard} == {httpx.BasicAuth("us", "secret")._auth_header}
