"""The wire of Zoom's API v2: sign-in, paging, limits, error numbers. Imported when a connection is made."""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from dsr.errors import PermanentError, TransientError
from extractors.http import HttpClient

PLACE = "webinars"
Record = dict[str, Any]

NO_WEBINAR, NO_REGISTRANT, NO_RECORDING = "zoom.3001", "zoom.3079", "zoom.3301"
OUT_OF_REACH = ("zoom.300", "zoom.12702")
"""Reports reach back six months, past webinars a year: 400/300 and 400/12702 "Can not access a webinar a year ago."."""

_OTHERS = 16
"""So many calls may be under way: four places in the source's pool, four calls of each."""
_PATIENCE = timedelta(seconds=5)
_TRIES = 6
_DELETED = 204
_MOST_PAGES = 10_000
"""Three million items: a list that goes on after that leads in circles."""


class Pace:
    """Keeps below the vendor's limit per second, which holds for the account: whoever hears that little of a second is
    left lets it pass. Each answer says so of its own category. `clock` gives seconds; `sleep` takes them."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep, self._until = clock, sleep, 0.0

    def wait(self) -> None:
        """Before a call."""
        if (left := self._until - self._clock()) > 0:
            self._sleep(left)

    def told(self, headers: Mapping[str, str]) -> None:
        """What an answer says; nothing when it says nothing."""
        kind, limit, left = (headers.get(f"X-RateLimit-{name}", "") for name in ("Type", "Limit", "Remaining"))
        known = kind == "QPS" and limit.isdecimal() and left.isdecimal()
        if known and int(left) < min(_OTHERS, int(limit) // 2):
            self._until = self._clock() + 1.0


class ServerToServer(httpx.Auth):
    """Bears a token got by `grant_type=account_credentials`; asks for a new one once when the vendor refuses it, and
    keeps the vendor's pace.

    There is no refresh token. Safe for threads.
    """

    def __init__(self, sign_in: HttpClient, url: str, account_id: str, pace: Pace | None = None) -> None:
        self._sign_in, self._url, self._account_id = sign_in, url, account_id
        self._pace = pace or Pace()
        self._token = ""
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with a token, and again with a new one after 401."""
        token = self._get("")
        request.headers["Authorization"] = f"Bearer {token}"
        self._pace.wait()
        response = yield request
        self._pace.told(response.headers)
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._get(token)}"
            yield request

    def _get(self, refused: str) -> str:
        with self._lock:
            if self._token == refused:
                form = {"grant_type": "account_credentials", "account_id": self._account_id}
                answer = self._sign_in.post_json(self._url, data=form)
                token = answer.get("access_token") if isinstance(answer, dict) else None
                if not isinstance(token, str) or not token:
                    raise TransientError("body.invalid", PLACE) from None
                self._token = token
            return self._token


def error_code(status: int, body: bytes) -> str | None:
    """`zoom.<number>` for 400 and 404, where the number says what the status doesn't; `oauth.refused` from sign-in."""
    if status not in (400, 404):
        return None
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    if given.get("error") in ("invalid_client", "invalid_request", "unsupported_grant_type"):
        return "oauth.refused"
    code = given.get("code")
    return f"zoom.{code}" if isinstance(code, int) else None


def segment(value: str) -> str:
    """A path segment. Instances' UUIDs that begin with `/` or hold `//` are encoded twice, as the vendor demands."""
    once = quote(value, safe="")
    return quote(once, safe="") if value.startswith("/") or "//" in value else once


class Zoom:
    """GET with paging, and patience with the per-second limits: they pass at once, so waiting here costs less than
    trying the whole task again. `sleep` takes seconds."""

    def __init__(self, http: HttpClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http, self._sleep = http, sleep

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Record:
        """One object. PermanentError("zoom.<number>") also for an error that comes with status 200."""
        body = self._patiently(lambda: self._http.get_json(path, params))
        if not isinstance(body, dict):
            raise TransientError("body.invalid", PLACE) from None
        if isinstance(body.get("code"), int) and "message" in body:
            raise PermanentError(f"zoom.{body['code']}", PLACE) from None
        return body

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> None:
        """DELETE. PermanentError("zoom.<number>") also for an error that comes with status 200;
        TransientError("answer.unexpected") for any other answer than Zoom's 204: nothing says that it is done."""
        response = self._patiently(lambda: self._http.request("DELETE", path, params=params))
        if response.content:
            raise PermanentError(error_code(400, response.content) or "answer.unexpected", PLACE) from None
        if response.status_code != _DELETED:
            raise TransientError("answer.unexpected", PLACE) from None

    def content(self, url: str) -> bytes:
        """A recording's file; the vendor leads on to where it lies."""
        content: bytes = self._patiently(lambda: self._http.request("GET", url).content)
        return content

    def list(self, path: str, key: str, params: Mapping[str, Any] | None = None) -> Iterator[Record]:
        """All items of a paged list, 300 to a call."""
        for page in self.pages(path, key, params):
            yield from page[key]

    def pages(self, path: str, key: str, params: Mapping[str, Any] | None = None) -> Iterator[Record]:
        """The pages of a list, each with a list of objects under `key`. A page token lives 15 minutes: when it
        has ended meanwhile that is transient, since a fresh start helps."""
        query, seen = {**(params or {}), "page_size": 300}, set[str]()
        while True:
            try:
                page = self.get(path, query)
            except PermanentError as error:
                if "next_page_token" in query and error.code == "zoom.300":
                    raise TransientError("page_token.expired", PLACE) from None
                raise
            items = page.get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise TransientError("body.invalid", PLACE) from None
            yield page
            if not page.get("next_page_token"):
                return
            token = str(page["next_page_token"])
            if token in seen or len(seen) == _MOST_PAGES:
                raise TransientError("pages.endless", PLACE) from None
            seen.add(token)
            query["next_page_token"] = token

    def _patiently(self, call: Callable[[], Any]) -> Any:
        for attempt in range(_TRIES):
            try:
                return call()
            except TransientError as error:
                wait = error.retry_after or timedelta(seconds=min(0.25 * 2**attempt, 2.0))
                if error.code != "http.429" or wait > _PATIENCE:
                    raise
            self._sleep(wait.total_seconds())
        return call()


def moment(text: Any) -> datetime | None:
    """A vendor time, which ends in Z; None when it isn't one."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
