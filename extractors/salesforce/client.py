"""The wire to Salesforce: simple-salesforce over a session of our own, and only Composite for queries.

simple-salesforce signs in by itself only to *.salesforce.com, drops its time limits and, told a user, repeats a
refused call without bound; so sign-in happens here and it is given a session id.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlsplit

import jwt
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce as Api
from simple_salesforce.exceptions import SalesforceExpiredSession

from dsr import effort
from dsr.errors import PermanentError, TransientError
from dsr.source import Connection
from extractors.http import LONGEST_READ_S, MAX_BODY
from extractors.salesforce.failures import PLACE, check, translated

logging.getLogger("urllib3").setLevel(logging.WARNING)

VERSION: Final = "67.0"
QUERIES_PER_CALL: Final = 5
REQUESTS_PER_CALL: Final = 25
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 170
_TIMEOUT: Final = (10.0, 120.0)
"""Seconds to connect and to wait for bytes; a query may run for two minutes at the vendor."""
_CHUNK: Final = 64 * 1024
_VENDORS: Final = (".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn")
"""Domains of the vendor's; an org signs in at one host and works at another of the same (My Domain, Hyperforce)."""

T = TypeVar("T")


class _Limits(HTTPAdapter):
    """requests waits for ever unless told otherwise in each call, and simple-salesforce doesn't tell; both read a body
    however long it is, and simple-salesforce drops the headers of an error, Retry-After with them."""

    def send(self, request: Any, *args: Any, **kw: Any) -> requests.Response:
        kw["timeout"] = kw.get("timeout") or _TIMEOUT
        effort.call(PLACE)
        response = super().send(request, *args, **kw)
        if not kw.get("stream"):
            with closing(response):
                response._content = _whole(response)  # as `Response.content` would have it
                response._content_consumed = True  # type: ignore[attr-defined]
            if response.status_code == requests.codes.too_many_requests or response.status_code >= 500:
                check(response.status_code, _json(response), response.headers)
        return response


def _whole(response: requests.Response) -> bytes:
    body, end = bytearray(), time.monotonic() + LONGEST_READ_S
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            raise PermanentError("body.too_large", PLACE)
        if time.monotonic() > end:
            raise TransientError("timeout", PLACE)
    return bytes(body)


class Client:
    """One signed-in user. Raises TransientError and PermanentError only. No call before the first one needed."""

    def __init__(self, connection: Connection) -> None:
        self._base_url, self._extra = _base_url(connection), connection.extra
        self._login, self._password = connection.login, connection.password
        self._key = _private_key(connection)
        if not self._extra.get("consumer_key"):
            raise PermanentError("connection.consumer_key", PLACE)
        if not self._key and not self._secret:
            raise PermanentError("connection.private_key", PLACE)
        if self._key and not self._login:
            raise PermanentError("connection.login", PLACE)
        self._session = requests.Session()
        # REQUESTS_CA_BUNDLE and proxies of the environment would beat what the connection says.
        self._session.trust_env = False
        self._session.verify = str(self._extra["ca"]) if self._extra.get("ca") else True
        self._session.max_redirects = 0
        self._session.mount("https://", _Limits())
        self._api: Api | None = None

    @property
    def _secret(self) -> str:
        return str(self._extra.get("consumer_secret") or self._password or "")

    def composite(self, urls: Sequence[str]) -> list[tuple[int, Any]]:
        """GET up to 25 URLs (at most five of them queries) in one call: status and body of each, in order."""
        return self.send([("GET", url, None) for url in urls])

    def send(self, parts: Sequence[tuple[str, str, Any]]) -> list[tuple[int, Any]]:
        """Up to 25 requests (method, URL, body; at most five of them queries or lists of records) in one call, done
        one after the other: status and body of each, in order."""
        requests_ = [
            {"method": method, "url": url, "referenceId": f"r{n}", **({"body": body} if body is not None else {})}
            for n, (method, url, body) in enumerate(parts)
        ]
        order = {"allOrNone": False, "compositeRequest": requests_}
        answer = self._call(lambda api: _restful(api, "composite", "POST", order))
        listed = answer.get("compositeResponse") if isinstance(answer, dict) else None
        if not isinstance(listed, list) or not all(isinstance(part, dict) for part in listed):
            raise TransientError("body.invalid", PLACE)
        found = {part.get("referenceId"): part for part in listed}
        if set(found) != {r["referenceId"] for r in requests_} or not all(map(_is_answer, listed)):
            raise TransientError("body.invalid", PLACE)
        return [(part["httpStatusCode"], part["body"]) for part in (found[str(r["referenceId"])] for r in requests_)]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call below /services/data/vXX/ that answers with JSON; None for no content."""
        return self._call(lambda api: _restful(api, path, method, body))

    def upload(self, path: str, data: bytes) -> None:
        """PUT a CSV. TransientError("answer.unexpected") when the answer isn't that it was taken, 201."""

        def put(api: Api) -> requests.Response:
            headers = {"Authorization": f"Bearer {api.session_id}", "Content-Type": "text/csv; charset=UTF-8"}
            return _authorised(self._session.put(api.base_url + path, data=data, headers=headers))

        response = self._call(put)
        check(response.status_code, _json(response), response.headers)
        if response.status_code != requests.codes.created:
            raise TransientError("answer.unexpected", PLACE)

    def describe(self, names: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Describe results by object; None for an object that doesn't exist or may not be seen."""
        described: dict[str, dict[str, Any] | None] = {}
        for start in range(0, len(names), REQUESTS_PER_CALL):
            some = names[start : start + REQUESTS_PER_CALL]
            answers = self.composite([f"/services/data/v{VERSION}/sobjects/{quote(n)}/describe" for n in some])
            for name, (status, body) in zip(some, answers, strict=True):
                missing = status == requests.codes.not_found
                if not missing:
                    check(status, body)
                described[name] = None if missing else body
        return described

    def rows(self, statements: Sequence[tuple[T, str]]) -> Iterator[tuple[T, list[dict[str, Any]]]]:
        """Pages of all rows, deleted ones too, of SOQL statements, five a call; each with its statement's label."""
        path = f"/services/data/v{VERSION}/queryAll?q="
        waiting = [(label, path + quote(soql, safe=""), 0) for label, soql in statements]
        while waiting:
            now, waiting = waiting[:QUERIES_PER_CALL], waiting[QUERIES_PER_CALL:]
            answers = self.composite([url for _, url, _ in now])
            for (label, _, seen), (status, body) in zip(now, answers, strict=True):
                check(status, body)
                if not _is_page(body):
                    raise TransientError("body.invalid", PLACE)
                seen += len(body["records"])
                if not body["done"]:
                    if not body["records"] or seen > body["totalSize"]:
                        raise TransientError("pages.endless", PLACE)
                    waiting.append((label, _next_url(body), seen))
                elif seen != body["totalSize"]:
                    raise TransientError("rows.missing", PLACE)
                yield label, body["records"]

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of a binary field, `sobjects/<object>/<id>/<field>`; nothing is asked before the first piece."""
        with translated(), closing(self._open(path)) as response:
            yield from response.iter_content(_CHUNK)

    def _open(self, path: str) -> requests.Response:
        def get(api: Api) -> requests.Response:
            headers = {"Authorization": f"Bearer {api.session_id}", "Accept-Encoding": "identity"}
            return _authorised(self._session.get(api.base_url + path, headers=headers, stream=True))

        response = self._call(get)
        if not response.ok:
            with closing(response):
                check(response.status_code, _json(response), response.headers)
        return response

    def _call(self, act: Callable[[Api], T]) -> T:
        """Once more with a new session when the old one has expired, no more than that."""
        with translated():
            if self._api is None:
                self._api = self._sign_in()
                return act(self._api)
            try:
                return act(self._api)
            except SalesforceExpiredSession:
                self._api = self._sign_in()
            return act(self._api)

    def _sign_in(self) -> Api:
        form, headers = self._grant()
        url = f"{self._base_url}/services/oauth2/token"
        response = self._session.post(url, data=form, headers=headers, allow_redirects=False)
        body = _json(response)
        check(response.status_code, body, response.headers)
        if not isinstance(body, dict) or not body.get("access_token"):
            raise TransientError("signin.invalid_answer", PLACE)
        token, instance = str(body["access_token"]), str(body.get("instance_url") or "")
        if not _is_theirs(instance, self._base_url):
            raise PermanentError("signin.instance_refused", PLACE)
        return Api(session_id=token, instance_url=instance, version=VERSION, session=self._session)

    def _grant(self) -> tuple[dict[str, str], dict[str, str]]:
        consumer_key = str(self._extra["consumer_key"])
        if not self._key:
            basic = requests.auth._basic_auth_str(consumer_key, self._secret)
            return {"grant_type": "client_credentials"}, {"Authorization": basic}
        claims = {
            "iss": consumer_key, "sub": self._login, "exp": int(time.time()) + _ASSERTION_SECONDS,
            "aud": str(self._extra.get("audience") or "https://login.salesforce.com"),
        }  # fmt: skip
        try:
            # Proving the primes of one's own key costs more than all else in a sign-in; a wrong key is refused anyway.
            key = load_pem_private_key(self._key.encode(), None, unsafe_skip_rsa_key_validation=True)
            assertion = jwt.encode(claims, cast("RSAPrivateKey", key), algorithm="RS256")
        except (ValueError, TypeError, UnsupportedAlgorithm, jwt.PyJWTError):
            raise PermanentError("connection.private_key", PLACE) from None
        return {"grant_type": _JWT_GRANT, "assertion": assertion}, {}


def _restful(api: Api, path: str, method: str, body: Any) -> Any:
    try:
        return api.restful(path, method=method, json=body)
    except TypeError:  # simple-salesforce asks for the length of whatever JSON there was
        raise TransientError("body.invalid", PLACE) from None


def _authorised(response: requests.Response) -> requests.Response:
    if response.status_code == requests.codes.unauthorized:
        raise SalesforceExpiredSession("", response.status_code, "", b"")
    return response


def _base_url(connection: Connection) -> str:
    """`https://host[:port]` of the org's own domain. PermanentError("connection.host") for anything but https."""
    text = connection.host if "://" in connection.host else f"https://{connection.host}"
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname:
        raise PermanentError("connection.host", PLACE)
    port = parts.port or connection.port
    return f"https://{parts.hostname}:{port}" if port else f"https://{parts.hostname}"


def _private_key(connection: Connection) -> str:
    path = connection.extra.get("private_key_file_path")
    if not path:
        return str(connection.extra.get("private_key") or "")
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise PermanentError("connection.private_key_file_path", PLACE) from None


def _next_url(body: dict[str, Any]) -> str:
    url = str(body.get("nextRecordsUrl") or "")
    if not url.startswith("/services/data/"):
        raise TransientError("body.invalid", PLACE)
    return url


def _is_theirs(instance: str, base_url: str) -> bool:
    """Whether the host that sign-in names may be given the token: the connection's own, or one of the vendor's where
    that one is the vendor's too."""
    try:
        given, own = urlsplit(instance), urlsplit(base_url)
        here = (given.hostname, given.port) == (own.hostname, own.port)
    except ValueError:
        return False
    vendors = any(all((u.hostname or "").endswith(domain) for u in (given, own)) for domain in _VENDORS)
    return given.scheme == "https" and given.username is None and (here or (vendors and given.port is None))


def _is_answer(part: dict[str, Any]) -> bool:
    """Whether that is one answer of a composite."""
    return isinstance(part.get("httpStatusCode"), int) and "body" in part


def _is_page(body: Any) -> bool:
    """Whether that is a page of a query's rows."""
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        return False
    return isinstance(body.get("done"), bool) and isinstance(body.get("totalSize"), int)


def _json(response: requests.Response) -> Any:
    """The JSON of an answer; None when it is none, as vendors' HTML error pages are."""
    try:
        return response.json()
    except (requests.exceptions.JSONDecodeError, RecursionError):
        return None
