"""HTTP for extractors: one client, and the one place where a status code becomes a dsr error.

What an error or a log line may show is a code and a place. Vendors' messages and URLs hold e-mail addresses, so
neither leaves this module: errors are raised `from None`, and the loggers of httpx and httpcore, which print URLs
and headers, are kept at WARNING.

There are no retries here, since a task is what is tried again; `TransientError.retry_after` tells it when.
"""

import json as jsonlib
import logging
import math
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self, cast

import httpx

from dsr import effort
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.trust import public_trust
from extractors import coding

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

LONGEST_WAIT = timedelta(days=1)
"""No vendor's limit lasts longer than a day; a Retry-After beyond it is cut to it."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body that is read whole; longer ones are for `stream`."""
LONGEST_READ_S = 600.0
"""Seconds until a body that is read whole must be there: each piece may be in time and the whole never come."""
MAX_REDIRECTS = 5

_PERMANENT = frozenset((400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 416, 417, 421, 422, 428, 431, 451))
_ERROR_BODY = 64 * 1024
_TRANSFER_HEADERS = frozenset(("content-encoding", "content-length", "transfer-encoding"))

ErrorCode = Callable[[int, bytes], str | None]
"""(status, body) → an error code that says more than `http.<status>`, made from the vendor's error number; None =
nothing better. It must never return a part of the vendor's text."""


def raise_for_status(place: str, status: int, headers: Mapping[str, str], body: bytes, code: str | None = None) -> None:
    """Raise what an answer that isn't 2xx means; nothing happens for 2xx.

    PermanentError for what the same call can't overcome (3xx that were not followed, 400, 401, 403, 404, 405, 410,
    422 and their kin), TransientError for all else (408, 425, 429, 5xx, and the unknown), with `retry_after` from
    Retry-After. `code` replaces `http.<status>`. `body` is never shown; it is taken for callers' convenience.
    """
    if 200 <= status < 300:
        return
    del body
    code = code or f"http.{status}"
    if status in _PERMANENT or 300 <= status < 400:
        raise PermanentError(code, place) from None
    raise TransientError(code, place, retry_after(headers, datetime.now(UTC))) from None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the other side asks to wait, between nothing and `LONGEST_WAIT`; None when it doesn't say.

    Retry-After holds seconds or an HTTP date (RFC 9110, 10.2.3); Zoom sends an ISO date-time instead. A date-time
    without a zone counts as UTC. `now` is aware.
    """
    text = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    wait = _wait(text, now) if text else None
    return None if wait is None else min(max(wait, timedelta()), LONGEST_WAIT)


def _wait(text: str, now: datetime) -> timedelta | None:
    try:
        seconds = float(text)
    except ValueError:
        until = _moment(text)
        return None if until is None else until - now
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT.total_seconds()))


def _moment(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


class HttpClient:
    """JSON over HTTP with one host, TLS always verified. Every verb raises TransientError or PermanentError only.

    base_url        scheme, host and common path; paths given to the verbs are appended to it
    place           name of the source, shown in errors
    ca              path of a file with the authority to trust instead of the public ones; "" = the public ones
    redirect_hosts  hosts beside the base URL's that absolute URLs and redirects may lead to; `.vendor.example`
                    stands for all below that domain. On a redirect to another origin the credentials stay behind.
    error_code      see `ErrorCode`

    Codes: `http.<status>` · `timeout` · `connection.failed` · `body.invalid` (cut off or no JSON; transient) ·
    `body.too_large` · `body.coding` (packed otherwise than by gzip or deflate, or twice) · `redirect.refused` ·
    `request.invalid`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        place: str,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        ca: str = "",
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        redirect_hosts: Collection[str] = (),
        error_code: ErrorCode | None = None,
    ) -> None:
        self.place = place
        self._redirect_hosts = tuple(host.lower() for host in redirect_hosts)
        self._error_code = error_code
        try:
            verify = ssl.create_default_context(cafile=ca) if ca else public_trust()
        except (OSError, ssl.SSLError):
            raise PermanentError("connection.ca", place) from None
        self._client = httpx.Client(
            base_url=base_url,
            headers={"accept-encoding": coding.ACCEPTED, **(headers or {})},
            auth=auth,
            verify=verify,
            timeout=timeout,
            transport=transport,
            event_hooks={"request": [self._count], "response": [self._unpack]},
        )
        self._base = self._client.base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Twice is fine."""
        self._client.close()

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET; the body's JSON. Parameters that are None are left out."""
        return self._json(self.request("GET", path, params=params))

    def post_json(
        self,
        path: str,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """POST; the answer's JSON, None when it has no body."""
        response = self.request("POST", path, json=json, data=data, files=files, headers=headers)
        return self._json(response) if response.content else None

    def request(self, method: str, path: str, **kw: Any) -> httpx.Response:
        """Any method, with the keywords of `httpx.Client.build_request`; a 2xx answer, read whole, or an error."""
        with self._answer(method, path, kw) as response:
            content = self._read(response, MAX_BODY)
        headers = [(k, v) for k, v in response.headers.multi_items() if k not in _TRANSFER_HEADERS]
        return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)

    @contextmanager
    def stream(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Iterator[bytes]]:
        """GET; the body's bytes in pieces as they come. A body that breaks off raises `body.invalid` in the loop."""
        with self._answer("GET", path, {"params": params}) as response:
            yield self._chunks(response)

    @contextmanager
    def _answer(self, method: str, path: str, kw: dict[str, Any]) -> Iterator[httpx.Response]:
        """A 2xx answer whose body is not read yet; redirects are followed by GET and HEAD only."""
        if kw.get("params") is not None:
            kw["params"] = {k: v for k, v in kw["params"].items() if v is not None}
        response = self._send(method, path, kw)
        try:
            if not response.is_success:
                body = self._read(response, _ERROR_BODY, strict=False)
                code = self._error_code(response.status_code, body) if self._error_code else None
                raise_for_status(self.place, response.status_code, response.headers, body, code)
            yield response
        finally:
            response.close()

    def _send(self, method: str, path: str, kw: dict[str, Any]) -> httpx.Response:
        try:
            request = self._client.build_request(method, path, **kw)
            self._check(request.url)
            response = self._client.send(request, stream=True)
            for _ in range(MAX_REDIRECTS):
                if response.next_request is None or method not in ("GET", "HEAD"):
                    return response
                response.close()
                # httpx has already taken the Authorization header off a request to another origin.
                request, same = response.next_request, _origin(response.next_request.url) == _origin(self._base)
                self._check(request.url)
                response = self._client.send(request, stream=True, auth=httpx.USE_CLIENT_DEFAULT if same else None)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise self._failure(error, "connection.failed") from None
        if response.next_request is None:
            return response
        response.close()
        raise PermanentError("redirect.refused", self.place) from None

    def _count(self, _: httpx.Request) -> None:
        """httpx sends a request; those by which it signs in are such, too."""
        effort.call(self.place)

    def _unpack(self, response: httpx.Response) -> None:
        """Before anything is read of an answer, be it one of signing in: httpx would unpack it without a limit, and
        read the body of an error whole before it signs in anew."""
        packed = response.headers.pop("content-encoding", "").strip().lower()
        if not coding.Unpacked.knows(packed):
            if response.is_success:
                raise PermanentError("body.coding", self.place) from None
            packed = ""
        most = None if response.is_success else _ERROR_BODY
        response.stream = coding.Unpacked(cast(httpx.SyncByteStream, response.stream), packed, most)

    def _check(self, url: httpx.URL) -> None:
        """PermanentError("redirect.refused") for a URL outside the base URL's host and the allowed ones."""
        if _origin(url) == _origin(self._base):
            return
        secure = url.scheme == "https" or self._base.scheme == "http"
        host = url.host.lower()
        allowed = any(host == name or (name[:1] == "." and host.endswith(name)) for name in self._redirect_hosts)
        if not (secure and allowed):
            raise PermanentError("redirect.refused", self.place) from None

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._failure(error, "body.invalid") from None

    def _read(self, response: httpx.Response, limit: int, strict: bool = True) -> bytes:
        """The body, at most `limit` bytes; not `strict`: what is beyond or broken off is dropped."""
        body, end = bytearray(), time.monotonic() + LONGEST_READ_S
        try:
            for chunk in self._chunks(response):
                body += chunk
                if len(body) > limit:
                    break
                if time.monotonic() > end:
                    raise TransientError("timeout", self.place) from None
        except TransientError:
            if strict:
                raise
        if strict and len(body) > limit:
            raise PermanentError("body.too_large", self.place) from None
        return bytes(body[:limit])

    def _json(self, response: httpx.Response) -> Any:
        try:
            return jsonlib.loads(response.content)
        except (ValueError, RecursionError):
            raise TransientError("body.invalid", self.place) from None

    def _failure(self, error: Exception, broken: str) -> DsrError:
        """The dsr error for one of httpx's, whose own text holds the URL."""
        if isinstance(error, httpx.TimeoutException):
            return TransientError("timeout", self.place)
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            return PermanentError("request.invalid", self.place)
        return TransientError(broken, self.place)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port, the default port filled in."""
    return url.scheme, url.host.lower(), url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
