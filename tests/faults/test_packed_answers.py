"""What a few bytes unpack to is contained: an answer that is a bomb ends with a code, and in little memory."""

import gzip
import json
import secrets
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from served import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.issuerkeys import IssuerKeys, KeysUnavailable
from dsr.texting import Texting, text_sender
from extractors import http
from extractors.http import HttpClient
from extractors.pardot.client import ClientCredentials

_CAP = 4 * 1024 * 1024
_GZIP = zlib.MAX_WBITS | 16


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limit with another number."""
    monkeypatch.setattr(http, "MAX_BODY", _CAP)


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """200 MiB of zeros by their content coding; nothing as large is ever in memory, here neither."""

    def packed(pieces: Iterable[bytes], bits: int) -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, bits)
        yield from map(packer.compress, pieces)
        yield packer.flush()

    zeros = [bytes(1024 * 1024)] * 200
    once = b"".join(packed(zeros, _GZIP))
    return {
        "gzip": once,
        "deflate": b"".join(packed(zeros, zlib.MAX_WBITS)),
        "gzip, gzip": b"".join(packed([once], _GZIP)),
        "deflate, gzip": b"".join(packed(packed(zeros, zlib.MAX_WBITS), _GZIP)),
    }


@contextmanager
def answering(body: bytes, coding: str, status: int = 200) -> Iterator[HttpClient]:
    """A client of a system that gives that answer to everything."""

    async def answer(_: Request) -> Response:
        return Response(body, status, {"content-encoding": coding} if coding else {}, "application/json")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with served(app) as url, HttpClient(url, place="hostile") as client:
        yield client


@contextmanager
def little_memory() -> Iterator[None]:
    """As much as the limit allows, twice while it is copied."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 8 * _CAP
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_small_answer_that_unpacks_to_a_large_one(coding: str, bombs: dict[str, bytes]) -> None:
    with answering(bombs[coding], coding) as client:
        assert len(bombs[coding]) < 300_000
        with little_memory(), pytest.raises(PermanentError, match=r"hostile: body\.too_large"):
            client.get_json("/records")
        with little_memory(), client.stream("/file") as pieces:
            assert max(map(len, pieces)) <= 64 * 1024


@pytest.mark.parametrize("coding", ["gzip, gzip", "deflate, gzip", "br", "zstd", "GZIP,br", "compress", "aes128gcm"])
def test_no_other_coding_is_taken(coding: str, bombs: dict[str, bytes]) -> None:
    """Twice is a millionth: 800 bytes would be all of memory, in one piece. Nor is any other asked for."""
    with answering(bombs.get(coding, b"{}"), coding) as client:
        for ask in (client.get_json, client.post_json):
            with little_memory(), pytest.raises(PermanentError, match=r"hostile: body\.coding"):
                ask("/records")
        assert client._client.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br", ""])
def test_an_error_that_unpacks_to_a_large_one_is_that_error(coding: str, bombs: dict[str, bytes]) -> None:
    body, again = bombs.get(coding, bytes(1024 * 1024)), pytest.raises(TransientError, match=r"hostile: http\.503")
    with answering(body, coding, 503) as client, little_memory(), again:
        client.get_json("/records")


@pytest.mark.parametrize("status", [200, 401])
def test_signing_in_unpacks_no_more(status: int, bombs: dict[str, bytes]) -> None:
    """httpx by itself reads such answers whole."""
    with answering(bombs["gzip"], "gzip", status) as client:
        auth = ClientCredentials(f"{client._base}/token", "id", "secret")
        with HttpClient(str(client._base), place="pardot", auth=auth) as signing:
            with little_memory(), pytest.raises(DsrError, match=r"pardot: (body\.too_large|token\.refused)"):
                signing.get_json("/records")
            auth._token = "expired"
            with little_memory(), pytest.raises(DsrError, match=r"pardot: (body\.too_large|token\.refused)"):
                signing.get_json("/records")


def test_what_unpacks_to_nothing_without_end() -> None:
    """Empty blocks: no piece ever comes after which somebody would look at the clock."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    body = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH) + b"\0\0\0\xff\xff" * 400_000
    again = pytest.raises(TransientError, match=r"hostile: body\.invalid")
    with answering(body, "gzip") as client, little_memory(), again:
        client.get_json("/records")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b'{"a": 1}')),
        ("x-gzip", gzip.compress(b'{"a": ') + gzip.compress(b"1}")),
        ("Gzip", gzip.compress(b'{"a": 1}') + b"\0" * 512),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("deflate", zlib.compress(b'{"a": 1}', wbits=-zlib.MAX_WBITS)),
        ("identity", b'{"a": 1}'),
        ("", b'{"a": 1}'),
    ],
    # By name: what gzip packs holds the second in which it did, which each process of the tests would name otherwise.
    ids=("gzip", "two members", "zeros after it", "deflate", "deflate without a head", "identity", "nothing said"),
)
def test_what_is_packed_as_agreed_is_read(coding: str, body: bytes) -> None:
    with answering(body, coding) as client:
        assert client.get_json("/records") == {"a": 1}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("broken", ["cut off", "other", "in the middle"])
def test_what_is_packed_and_broken_is_tried_again(coding: str, broken: str) -> None:
    text = json.dumps([secrets.token_hex() for _ in range(2000)]).encode()
    body = gzip.compress(text) if coding == "gzip" else zlib.compress(text)
    middle = body[: len(body) // 2]
    bad = {"cut off": middle, "other": b"<html>no coding at all", "in the middle": middle + bytes(100) + middle}
    with answering(bad[broken], coding) as client, pytest.raises(TransientError, match=r"hostile: body\.invalid"):
        client.get_json("/records")


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br"])
def test_the_issuers_keys_and_the_text_gateway_take_nothing_packed(coding: str, bombs: dict[str, bytes]) -> None:
    """Small answers, for which nothing is unpacked at all."""
    with answering(bombs.get(coding, b"{}"), coding) as client, little_memory():
        url = str(client._base)
        with pytest.raises(KeysUnavailable):
            IssuerKeys(f"{url}/jwks").key("1", "RS256", datetime.now(UTC))
        texting = Texting("Controller", url=url.replace("://", "://user:password@"))
        with pytest.raises(TransientError, match=r"sms: answer\.invalid"):
            text_sender(texting)("+46701740605", "1")
