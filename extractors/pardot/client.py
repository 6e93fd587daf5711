"""The wire of API v5: sign-in, pages, and the vendor's error numbers.

A number says more than the status it comes with: a page token that expired is a bad request and yet worth another
try, since the next one starts over; the limits come as 429 without a word on how long to wait.
"""

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar

import httpx

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.model import Budget
from extractors.http import HttpClient, raise_for_status
from extractors.pardot.fields import Listing

PLACE: Final = "pardot"
PAGE: Final = 1000
"""Most records a page can have."""
SEQUENCE: Final = 100_000
"""Records that one sequence of pages gives; then it ends, and nothing says that there is more."""

_LINKS: Final = ("prospectId", "visitorId", "objectId", "objectType")
"""Filters that say whose a record is."""
_BUSY: Final = "pardot.66"
_USED_UP: Final = "pardot.122"
_PATIENCE: Final = (0.1, 0.3, 1.0)
"""Seconds to wait for one of the business unit's five places: it is free again once somebody's call is answered, so
that giving up the whole task for it would cost more."""
_AGAIN: Final = ("pardot.210", "pardot.211")
"""Page token unknown or expired: bad requests, but the next try begins with the first page."""
_WAIT: Final = {
    _BUSY: timedelta(seconds=5),
    "pardot.202": timedelta(minutes=1),
    _USED_UP: timedelta(hours=1),
}
"""How long to leave the vendor alone: too many calls at once, in this minute, on this day."""
_UNREADABLE: Final = ("pardot.132", "pardot.219")
"""Archived or deleted: a record in the recycle bin that can't be read by id, and never be written to."""
_UNKNOWN: Final = "pardot.109"
_NO_CONTENT: Final = 204
_ENDLESS: Final = "pages.endless"
_LONGEST_TOKEN: Final = 64 * 1024
"""Bytes of an answer to a sign-in, of which the token is some hundred."""
_MOST_PAGES: Final = 10_000
"""A hundred times as many as a sequence needs: more than that leads in circles."""
T = TypeVar("T")


class ClientCredentials(httpx.Auth):
    """A bearer token from the org's token endpoint, fetched when first needed and once more when it is refused."""

    def __init__(self, token_url: str, client_id: str, client_secret: str) -> None:
        self._token_url, self._client_id, self._client_secret = token_url, client_id, client_secret
        self._token = ""

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx's hook. PermanentError or TransientError("token.refused"), TransientError("token.invalid")."""
        fresh = not self._token
        if fresh:
            self._take((yield self._token_request()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._take((yield self._token_request()))
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _token_request(self) -> httpx.Request:
        request = httpx.Request("POST", self._token_url, data={"grant_type": "client_credentials"})
        basic = httpx.BasicAuth(self._client_id, self._client_secret)
        return next(basic.sync_auth_flow(request))

    def _take(self, response: httpx.Response) -> None:
        body = b""
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _LONGEST_TOKEN:
                raise PermanentError("body.too_large", PLACE)
        response._content = body  # as `Response.read` would have it, which httpx calls next
        raise_for_status(PLACE, response.status_code, response.headers, body, "token.refused")
        try:
            token = json.loads(body)["access_token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise TransientError("token.invalid", PLACE) from None
        self._token = str(token)


class Client:
    """Reads and changes objects of one business unit. Raises TransientError and PermanentError only; codes
    `pardot.<number>` for the vendor's own, else those of extractors.http."""

    def __init__(self, http: HttpClient, sequence: int = SEQUENCE, wait: Callable[[float], None] = time.sleep) -> None:
        self._http, self.sequence, self._wait = http, sequence, wait

    def query(self, listing: Listing, fields: Iterable[str] = (), **filters: str) -> Iterator[list[dict[str, Any]]]:
        """Pages of the records that pass the filters, in order of id; none is empty. `fields` come on top.

        PermanentError("filter.ignored") when one doesn't pass: it would be somebody else's."""
        chosen = {"fields": ",".join((*listing.fields, *fields))}
        bin_too = {"deleted": "all"} if listing.binned else {}
        last: dict[str, str] = {}
        while True:
            first = chosen | bin_too | filters | last | {"orderBy": "id ASC", "limit": str(PAGE)}
            count, before = 0, last
            for values in self._pages(listing.path, first, chosen):
                if not all(_answers(value, filters) for value in values):
                    raise PermanentError("filter.ignored", PLACE)
                count += len(values)
                last = {"idGreaterThan": str(values[-1]["id"])}
                yield values
            if count < self.sequence:
                return
            if last == before:
                raise TransientError(_ENDLESS, PLACE)

    def _pages(self, path: str, first: dict[str, str], following: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        """One sequence. With a token only `fields` may be given."""
        params, seen = first, set[str]()
        while True:
            answer = self._get(path, params)
            values, token = answer.get("values"), answer.get("nextPageToken")
            if not isinstance(values, list) or not all(isinstance(v, dict) and "id" in v for v in values):
                raise TransientError("body.invalid", PLACE)
            if values:
                yield values
            if not token:
                return
            if token in seen or len(seen) == _MOST_PAGES:
                raise TransientError(_ENDLESS, PLACE)
            seen.add(token)
            params = following | {"nextPageToken": str(token)}

    def read(self, listing: Listing, record_id: int | str, fields: Iterable[str] = ()) -> dict[str, Any]:
        """One record by id, with what queries leave out. PermanentError("filter.ignored") when it is another one."""
        record = self._get(f"{listing.path}/{record_id}", {"fields": ",".join((*listing.fields, *fields))})
        if str(record.get("id")) != str(record_id):
            raise PermanentError("filter.ignored", PLACE)
        return record

    def read_if_readable(self, listing: Listing, record_id: int | str, fields: Iterable[str]) -> dict[str, Any] | None:
        """As `read`; None when the record is in the recycle bin and can't be read there."""
        try:
            return self.read(listing, record_id, fields)
        except PermanentError as error:
            if error.code not in _UNREADABLE:
                raise
        return None

    def write(self, method: str, path: str, **content: Any) -> Literal["done", "binned", "gone", "unsaid"]:
        """One change; `content` as `httpx.Client.build_request` takes it. "binned": the record lies in the recycle bin,
        where nothing can be changed; "gone": there is none of that id. Both are told by the primary data, while reads
        may be a minute behind. TransientError("answer.unexpected") when nothing says that it was done: the answer to a
        deletion is 204, to an update that or the record. What an action (POST) is answered with isn't documented:
        "unsaid" for 200 and no record, which has to be looked at."""
        try:
            answer = self.request(method, path, **content)
        except PermanentError as error:
            if error.code in _UNREADABLE:
                return "binned"
            if error.code == _UNKNOWN:
                return "gone"
            raise
        if answer.status_code == _NO_CONTENT or (method != "DELETE" and _is_record(answer)):
            return "done"
        if method == "POST":
            return "unsaid"
        raise TransientError("answer.unexpected", PLACE)

    def budget(self) -> Budget:
        """What the business unit has left of its day, by one call; see `Budgeted.budget`."""
        try:
            account = self._get("/objects/account", {"fields": "maximumDailyApiCalls,apiCallsUsed"})
        except TransientError as error:
            if error.code != _USED_UP:
                raise
            return Budget(0, 0)
        a_day, used = account.get("maximumDailyApiCalls"), account.get("apiCallsUsed")
        if not isinstance(a_day, int) or not isinstance(used, int):
            raise TransientError("body.invalid", PLACE)
        return Budget(max(0, a_day - used), a_day)

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Any call, with patience while all five places of the business unit are taken."""
        return self._patiently(lambda: self._http.request(method, path, **content))

    def _get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        answer = self._patiently(lambda: self._http.get_json(path, params))
        if not isinstance(answer, dict):
            raise TransientError("body.invalid", PLACE)
        return answer

    def _patiently(self, call: Callable[[], T]) -> T:
        for seconds in _PATIENCE:
            try:
                return call()
            except DsrError as error:
                if error.code != _BUSY:
                    raise _told(error) from None
            self._wait(seconds)
        try:
            return call()
        except DsrError as error:
            raise _told(error) from None


def _answers(record: Mapping[str, Any], filters: Mapping[str, str]) -> bool:
    """Whether a record passes filters by id; how addresses and CRM ids compare is left to who asks for them."""
    for name, wanted in filters.items():
        if name == "idList" and str(record["id"]) not in wanted.split(","):
            return False
        if name in _LINKS and str(record.get(name)) != wanted:
            return False
    return True


def error_code(_: int, body: bytes) -> str | None:
    """`pardot.<number>` from `{"code":49,"message":…}`; None when the body isn't that."""
    try:
        code = json.loads(body)["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return f"pardot.{code}" if isinstance(code, int) else None


def _told(error: DsrError) -> DsrError:
    """The error, with what the vendor's number says about trying again."""
    if error.code in _AGAIN:
        return TransientError(error.code, PLACE)
    if isinstance(error, TransientError):
        return TransientError(error.code, PLACE, error.retry_after or _WAIT.get(error.code))
    return PermanentError(error.code, PLACE)


def _is_record(answer: httpx.Response) -> bool:
    """Whether it holds a record, which a page or something else in the vendor's place doesn't."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("id") is not None
