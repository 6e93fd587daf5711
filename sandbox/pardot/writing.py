"""POST, PATCH, DELETE of single records. A delete moves to the recycle bin and never cascades."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.pardot.data import Data, Record
from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import ApiObject
from sandbox.pardot.projection import custom_fields
from sandbox.pardot.recycling import RecycleBin
from sandbox.pardot.settings import Settings
from sandbox.pardot.tagging import Tagging

UNDELETE_BY = "matchEmail"
"""Name of the address in the body of undelete; from upsertLatestByEmail, the vendor's page doesn't show it."""

_NUMBERS = ("score", "employees")
_TARGETS = {"campaignId": "campaigns", "profileId": "profiles", "listId": "lists", "prospectId": "prospects"}


class Writing:
    """The writing half of the API over the primary data."""

    def __init__(self, data: Data, settings: Settings, bin_: RecycleBin) -> None:
        self._data, self._settings, self._bin = data, settings, bin_
        self._tagging = Tagging(data)

    async def create(self, request: Request, kind: ApiObject) -> Response:
        """201 with the new id. ApiError 9: this prospect is on that list already."""
        values = await self._values(request, kind)
        if not kind.required or any(values.get(name) is None for name in kind.required):
            raise ApiError(71, ", ".join(kind.required))
        if kind.collection == "list-memberships" and any(
            (r["listId"], r["prospectId"]) == (values["listId"], values["prospectId"])
            for r in self._data[kind.collection].values()
        ):
            raise ApiError(9)
        new_id, now = self._data.new_id(kind.collection), self._data.now()
        blank = {name: False if _is_flag(name) else None for name in kind.fields}
        self._data.put(kind.collection, {**blank, **values, "id": new_id, "createdAt": now, "updatedAt": now})
        return JSONResponse({"id": new_id}, 201)

    async def update(self, request: Request, kind: ApiObject, record_id: str) -> Response:
        """200 with the changed values. ApiError 219 (or 132) for a record in the recycle bin."""
        record = self._find(kind, record_id)
        values = await self._values(request, kind)
        self._check_live(record)
        if fixed := [name for name in values if name in kind.fixed]:
            raise ApiError(71, fixed[0])
        if any(values.get(name, "") is None for name in kind.required):
            raise ApiError(71, ", ".join(kind.required))
        self._data.put(kind.collection, {**record, **values})
        return JSONResponse({"id": record["id"], **values})

    def delete(self, kind: ApiObject, record_id: str) -> Response:
        """204; the record is in the recycle bin, all that hangs on it stays. ApiError 219 when it is there already.
        A tag has no bin: it is gone, unless something carries it (108)."""
        record = self._find(kind, record_id)
        if not kind.deletable:
            raise ApiError(192)
        if kind.collection == "tags":
            self._tagging.remove(record)
            return Response(status_code=204)
        self._check_live(record)
        self._data.put(kind.collection, {**record, "isDeleted": True})
        return Response(status_code=204)

    async def undelete(self, request: Request) -> Response:
        """Take the binned prospect of that address with the latest activity out of the bin."""
        body = await _object(request)
        record = self._bin.undelete(str(body.get(UNDELETE_BY, "")))
        return JSONResponse({"id": record["id"], "isDeleted": False})

    async def tag(self, request: Request, kind: ApiObject, record_id: str, action: str) -> Response:
        """`POST /objects/prospects/<id>/do/addTag` or `removeTag`, `{"tagId"}` or `{"tagName"}`."""
        record = self._find(kind, record_id)
        self._check_live(record)
        return self._tagging.change(record, await _object(request), action)

    def _find(self, kind: ApiObject, record_id: str) -> Record:
        record = self._data[kind.collection].get(record_id)
        if record is None:
            raise ApiError(109)
        return record

    def _check_live(self, record: Record) -> None:
        if record.get("isDeleted"):
            raise ApiError(self._settings.binned_code)

    async def _values(self, request: Request, kind: ApiObject) -> dict[str, Any]:
        values = await _object(request)
        customs = custom_fields(self._data, kind)
        unknown = [name for name in values if name not in (*kind.writable, *customs)]
        if unknown or not values:
            raise ApiError(71, unknown[0] if unknown else "no fields")
        for name, value in values.items():
            if not self._fits(name, value, several=customs.get(name, False)):
                raise ApiError(71, name)
        return values

    def _fits(self, name: str, value: Any, *, several: bool) -> bool:
        if _is_flag(name):
            return isinstance(value, bool)
        if value is None:
            return name not in _TARGETS
        if name in _TARGETS:
            return str(value) in self._data[_TARGETS[name]] and not isinstance(value, bool | str)
        if name in _NUMBERS:
            return isinstance(value, int) and not isinstance(value, bool)
        if several:
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
        return isinstance(value, str) and (name != "email" or "@" in value)


def _is_flag(name: str) -> bool:
    return name in ("optedOut", "doNotSell") or (name.startswith("is") and name[2:3].isupper())


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        raise ApiError(61) from None
    if not isinstance(body, dict):
        raise ApiError(61)
    return body
