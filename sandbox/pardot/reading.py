"""GET: one record by id, many by query, and the account's usage."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import ApiObject
from sandbox.pardot.pages import Pages
from sandbox.pardot.projection import Collections, Projection
from sandbox.pardot.selection import parse
from sandbox.pardot.settings import Meter, Settings

_ACCOUNT = {"id": 900101, "company": "Sandbox AB", "level": "Advanced", "createdAt": "2015-03-02T09:00:00+01:00"}


class Reading:
    """The reading half of the API over the cache."""

    def __init__(self, store: Collections, settings: Settings, meter: Meter, pages: Pages) -> None:
        self._store, self._settings, self._meter, self._pages = store, settings, meter, pages

    def query(self, request: Request, kind: ApiObject) -> Response:
        """`GET /objects/<object>?fields=…`: `{"nextPageToken","nextPageUrl","values"}`."""
        params = _single(request)
        projection = Projection(self._store, kind, params.get("fields"), by_id=False)
        records = self._store[kind.collection]
        if "nextPageToken" in params:
            if set(params) - {"fields", "nextPageToken"}:
                raise ApiError(71, "with nextPageToken only fields may be given")
            ids, token = self._pages.next(kind.path, params["nextPageToken"])
        else:
            selection = parse(kind, params)
            ids, token = self._pages.first(kind.path, selection.apply(records.values()), selection.limit)
        values = [projection.show(records[str(i)]) for i in ids if str(i) in records]
        return JSONResponse({"nextPageToken": token, "nextPageUrl": _url(request, params, token), "values": values})

    def read(self, request: Request, kind: ApiObject, record_id: str) -> Response:
        """`GET /objects/<object>/<id>?fields=…`: the record."""
        params = _single(request)
        if set(params) - {"fields"}:
            raise ApiError(71, ", ".join(sorted(set(params) - {"fields"})))
        projection = Projection(self._store, kind, params.get("fields"), by_id=True)
        record = self._find(kind, record_id)
        if record.get("isDeleted") and not self._settings.binned_readable:
            raise ApiError(self._settings.binned_code)
        return JSONResponse(projection.show(record))

    def _find(self, kind: ApiObject, record_id: str) -> dict[str, Any]:
        record = self._store[kind.collection].get(record_id)
        if record is None:
            raise ApiError(109)
        return record

    def account(self, request: Request) -> Response:
        """`GET /objects/account?fields=maximumDailyApiCalls,apiCallsUsed`: the usage object."""
        usage = {"maximumDailyApiCalls": self._settings.per_day, "apiCallsUsed": self._meter.used}
        values = {**_ACCOUNT, **usage}
        names = [n.strip() for n in _single(request).get("fields", "").split(",") if n.strip()]
        unknown = [n for n in names if n not in values]
        if unknown or not names:
            raise ApiError(71, unknown[0] if unknown else "fields")
        return JSONResponse({n: values[n] for n in names})


def _single(request: Request) -> dict[str, str]:
    """The query string; a parameter given twice is refused, since the vendor doesn't say which one counts."""
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) != len(pairs):
        raise ApiError(71, "repeated parameter")
    return dict(pairs)


def _url(request: Request, params: dict[str, str], token: str | None) -> str | None:
    if token is None:
        return None
    query = urlencode({"fields": params["fields"], "nextPageToken": token})
    return str(request.url.replace(query=query))
