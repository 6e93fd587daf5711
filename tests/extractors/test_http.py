"""extractors.http against a real server on loopback."""

import ipaddress
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import DsrError, PermanentError, TransientError
from extractors import http
from extractors.http import HttpClient, raise_for_status, retry_after

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET = "asa.ohrnqvist@kvarnberget.example"

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A loopback server whose answers the test gives per path; keeps what it was asked."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                server.answers[self.path.split("?")[0]](self)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.httpd.server_port}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def answer(
        self, path: str, status: int = 200, body: bytes = b"{}", headers: dict[str, str] | None = None, length: int = -1
    ) -> None:
        """Let `path` answer so. `length`: a Content-Length that lies."""

        def play(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body) if length < 0 else length))
            handler.end_headers()
            handler.wfile.write(body)
            handler.close_connection = length >= 0

        self.answers[path] = play

    def close(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    with HttpClient(server.url + "/v2", place="there", headers={"Authorization": "Bearer t0k"}) as made:
        yield made


PERMANENT = (300, 304, 400, 401, 403, 404, 405, 410, 415, 422)
TRANSIENT = (408, 409, 418, 425, 429, 500, 501, 502, 503, 504, 599)


@pytest.mark.parametrize("status", [*PERMANENT, *TRANSIENT])
def test_every_status_maps_to_one_error_that_shows_no_value(server: Server, client: HttpClient, status: int) -> None:
    body = b"" if status == 304 else SECRET.encode()
    server.answer("/v2/people", status, body, {"Retry-After": "7"})
    with pytest.raises(PermanentError if status in PERMANENT else TransientError) as caught:
        client.get_json("/people", {"email": SECRET})
    assert str(caught.value) == f"there: http.{status}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    if isinstance(caught.value, TransientError):
        assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        ("120", timedelta(seconds=120)),
        ("1.5", timedelta(seconds=1.5)),
        ("-5", timedelta()),
        ("1e400", timedelta(days=1)),
        ("99999999999999999999", timedelta(days=1)),
        ("nan", None),
        ("Fri, 20 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Fri, 20 Nov 2026 11:00:00 GMT", timedelta()),
        ("2026-11-20T13:00:00Z", timedelta(hours=1)),
        ("2026-11-20T15:00:00+02:00", timedelta(hours=1)),
        ("2026-11-20T12:00:10", timedelta(seconds=10)),
        ("2027-11-20T12:00:00Z", timedelta(days=1)),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_all_its_forms(text: str, expected: timedelta | None) -> None:
    assert retry_after({"Retry-After": text}, NOW) == expected
    assert retry_after({"retry-after": text}, NOW) == expected


def test_no_retry_after_is_none() -> None:
    assert retry_after({}, NOW) is None
    with pytest.raises(TransientError) as caught:
        raise_for_status("there", 429, {}, b"")
    assert caught.value.retry_after is None


@given(st.text())
def test_any_retry_after_is_a_bounded_wait_or_none(text: str) -> None:
    wait = retry_after({"Retry-After": text}, NOW)
    assert wait is None or timedelta() <= wait <= http.LONGEST_WAIT


def test_vendors_error_number_makes_the_code(server: Server) -> None:
    server.answer("/x", 404, b'{"code":3001,"message":"' + SECRET.encode() + b'"}')
    with (
        HttpClient(server.url, place="there", error_code=lambda status, body: f"v.{len(body)}") as client,
        pytest.raises(PermanentError) as caught,
    ):
        client.get_json("/x")
    assert caught.value.code.startswith("v.")
    raise_for_status("there", 204, {}, b"", "unused")


@pytest.mark.parametrize("body", [b'{"records":[{"Id', b"", b"<html>", b"[" * 100_000, b'"\xff"'])
def test_a_body_that_is_no_json_is_transient(server: Server, client: HttpClient, body: bytes) -> None:
    server.answer("/v2/x", 200, body)
    with pytest.raises(TransientError, match=r"there: body\.invalid"):
        client.get_json("x")


def test_a_body_cut_off_is_transient_read_whole_or_streamed(server: Server, client: HttpClient) -> None:
    server.answer("/v2/x", 200, b'{"a":1}', length=100_000)
    with pytest.raises(TransientError, match=r"body\.invalid"):
        client.get_json("/x")
    with client.stream("/x") as chunks, pytest.raises(TransientError, match=r"body\.invalid"):
        list(chunks)


def test_reset_refused_and_slow_are_transient(server: Server, client: HttpClient) -> None:
    def reset(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        os.close(handler.connection.detach())
        handler.close_connection = True

    server.answers["/v2/x"] = reset
    with pytest.raises(TransientError, match=r"there: connection\.failed"):
        client.get_json("/x")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = HttpClient(f"http://127.0.0.1:{free.getsockname()[1]}", place="there")
        with refused, pytest.raises(TransientError, match=r"connection\.failed"):
            refused.get_json("/")
    done = threading.Event()
    server.answers["/v2/slow"] = lambda _: done.wait(5) and None
    with HttpClient(server.url + "/v2", place="there", timeout=0.1) as hasty:
        with pytest.raises(TransientError, match="there: timeout"):
            hasty.get_json("/slow")
        done.set()


def test_bad_requests_of_our_own_are_permanent(client: HttpClient) -> None:
    for path in ("ftp://127.0.0.1/x", "http://[", "http://127.0.0.1:99999999/"):
        with pytest.raises(PermanentError) as caught:
            client.get_json(path)
        assert caught.value.code in ("request.invalid", "redirect.refused")


def test_redirects_stay_with_the_host(server: Server, client: HttpClient) -> None:
    server.answer("/v2/x", 302, b"", {"Location": "/v2/y"})
    server.answer("/v2/y", 200, b'{"ok":true}')
    assert client.get_json("/x") == {"ok": True}
    server.answer("/v2/loop", 302, b"", {"Location": "/v2/loop"})
    with pytest.raises(PermanentError, match=r"redirect\.refused"):
        client.get_json("/loop")
    server.answer("/v2/post", 307, b"", {"Location": "/v2/y"})
    with pytest.raises(PermanentError, match=r"http\.307"):
        client.post_json("/post", json={})


def test_another_host_needs_leave_and_never_gets_the_credentials(server: Server, client: HttpClient) -> None:
    port = server.httpd.server_port
    server.answer("/v2/x", 302, b"", {"Location": f"http://localhost:{port}/elsewhere"})
    server.answer("/elsewhere", 200, b"1")
    with pytest.raises(PermanentError, match=r"redirect\.refused"):
        client.get_json("/x")
    with pytest.raises(PermanentError, match=r"redirect\.refused"):
        client.get_json(f"http://localhost:{port}/elsewhere")
    assert "/elsewhere" not in [path for _, path, _ in server.seen]

    class Bearer(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
            request.headers["Authorization"] = "Bearer t0k"
            yield request

    for options in ({"headers": {"Authorization": "Bearer t0k"}}, {"auth": Bearer()}):
        with HttpClient(server.url + "/v2", place="there", redirect_hosts=["LOCALHOST"], **options) as allowed:
            assert allowed.get_json("/x") == 1
        first, second = server.seen[-2:]
        assert first[2]["authorization"] == "Bearer t0k"
        assert second[1] == "/elsewhere"
        assert "authorization" not in second[2]


def test_allowed_domain_is_no_prefix_or_suffix_match(server: Server) -> None:
    with HttpClient(server.url, place="there", redirect_hosts=[".vendor.example"]) as client:
        for host in ("evilvendor.example", "vendor.example.org", "vendor.example"):
            with pytest.raises(PermanentError, match=r"redirect\.refused"):
                client.get_json(f"https://{host}/x")


def test_no_downgrade_from_tls(tmp_path: Path) -> None:
    with (
        HttpClient("https://127.0.0.1:1", place="there", redirect_hosts=["cdn.example"]) as client,
        pytest.raises(PermanentError, match=r"redirect\.refused"),
    ):
        client.get_json("http://cdn.example/x")


def test_streams_in_pieces_and_maps_errors(server: Server, client: HttpClient) -> None:
    server.answer("/v2/file", 200, b"x" * 1_000_000)
    with client.stream("/file", {"a": 1, "b": None}) as chunks:
        sizes = [len(chunk) for chunk in chunks]
    assert sum(sizes) == 1_000_000
    assert len(sizes) > 1
    assert server.seen[-1][1] == "/v2/file?a=1"
    server.answer("/v2/file", 429, b"")
    with pytest.raises(TransientError, match=r"http\.429"), client.stream("/file"):
        pytest.fail("an error is raised on entry")


def test_posts_and_empty_answers(server: Server, client: HttpClient) -> None:
    server.answer("/v2/x", 200, b'{"ok":1}')
    assert client.post_json("/x", json={"a": 1}, headers={"X-A": "b"}) == {"ok": 1}
    assert server.seen[-1][2]["x-a"] == "b"
    server.answer("/v2/x", 204, b"")
    assert client.post_json("/x", data={"a": "b"}) is None
    assert client.request("DELETE", "/x").status_code == 204


def test_double_encoded_paths_go_out_as_given(server: Server, client: HttpClient) -> None:
    server.answer("/v2/past/%252Fa%252F%252Fb%253D%253D", 200, b"1")
    assert client.get_json("/past/%252Fa%252F%252Fb%253D%253D") == 1


def test_a_body_too_large_to_read_whole_is_refused(
    server: Server, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_BODY", 1000)
    server.answer("/v2/x", 200, b'"' + b"x" * 2000 + b'"')
    with pytest.raises(PermanentError, match=r"body\.too_large"):
        client.get_json("/x")


def test_nothing_of_the_person_in_logs(server: Server, client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        server.answer("/v2/x", 200, b"{}")
        client.get_json("/x", {"email": SECRET})
        server.answer("/v2/x", 500, SECRET.encode())
        with pytest.raises(DsrError):
            client.get_json("/x", {"email": SECRET})
    assert "example" not in caplog.text
    assert "t0k" not in caplog.text


def test_certificates_are_verified(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = Server((cert_path, key_path))
    try:
        server.answer("/x", 200, b"1")
        with HttpClient(server.url, place="there") as strange, pytest.raises(TransientError, match=r"connection"):
            strange.get_json("/x")
        with HttpClient(server.url, place="there", ca=str(cert_path)) as trusting:
            assert trusting.get_json("/x") == 1
    finally:
        server.close()
    with pytest.raises(PermanentError, match=r"connection\.ca"):
        HttpClient(server.url, place="there", ca=str(tmp_path / "none.pem"))
