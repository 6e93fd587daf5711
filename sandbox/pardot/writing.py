"""POST, PATCH, DELETE of single records. A delete moves to the recycle bin and never cascades."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import OBJECTS, ApiObject
from sandbox.pardot.projection import custom_fields
from sandbox.pardot.reading import Reading
from sandbox.pardot.settings import Settings
from sandbox.state import Store

ZONE = ZoneInfo("Europe/Stockholm")
"""The API user's time zone, in which the vendor reports times."""

UNDELETE_BY = "matchEmail"
"""Name of the address in the body of undelete; from upsertLatestByEmail, the vendor's page doesn't show it."""

_PROSPECTS = OBJECTS["objects/prospects"]


class Writing:
    """The writing half of the API over the store."""

    def __init__(self, store: Store, settings: Settings, reading: Reading) -> None:
        self._store, self._settings, self._reading = store, settings, reading

    async def create(self, request: Request, kind: ApiObject) -> Response:
        """201 with the new id. ApiError 9: this prospect is on that list already."""
        values = await self._values(request, kind)
        if not kind.required or any(values.get(name) is None for name in kind.required):
            raise ApiError(71, ", ".join(kind.required))
        records = self._store[kind.collection]
        if kind.collection == "list-memberships" and any(
            (r["listId"], r["prospectId"]) == (values["listId"], values["prospectId"]) for r in records.values()
        ):
            raise ApiError(9)
        new_id = max((int(key) for key in records), default=0) + 1
        now = self._now()
        blank = dict.fromkeys(kind.fields)
        records[str(new_id)] = {**blank, "isDeleted": False, **values, "id": new_id, "createdAt": now, "updatedAt": now}
        return JSONResponse({"id": new_id}, 201)

    async def update(self, request: Request, kind: ApiObject, record_id: str) -> Response:
        """200 with the changed values. ApiError 219 for a record in the recycle bin."""
        record = self._reading.find(kind, record_id)
        values = await self._values(request, kind)
        if record.get("isDeleted"):
            raise ApiError(219)
        self._put(kind, {**record, **values})
        return JSONResponse({"id": record["id"], **values})

    def delete(self, kind: ApiObject, record_id: str) -> Response:
        """204; the record is in the recycle bin, all that hangs on it stays. ApiError 219 when it is there already."""
        record = self._reading.find(kind, record_id)
        if kind.collection not in ("prospects", "list-memberships"):
            raise ApiError(192)
        if record["isDeleted"]:
            raise ApiError(219)
        self._put(kind, {**record, "isDeleted": True})
        return Response(status_code=204)

    async def undelete(self, request: Request) -> Response:
        """Take the binned prospect of that address with the latest activity out of the bin."""
        body = await _object(request)
        address = str(body.get(UNDELETE_BY, "")).lower()
        binned = [r for r in self._store["prospects"].values() if r["isDeleted"] and r["email"].lower() == address]
        if not binned:
            raise ApiError(109)
        record = max(binned, key=lambda r: datetime.fromisoformat(r["lastActivityAt"] or r["createdAt"]))
        self._put(_PROSPECTS, {**record, "isDeleted": False})
        return JSONResponse({"id": record["id"], "isDeleted": False})

    async def _values(self, request: Request, kind: ApiObject) -> dict[str, Any]:
        values = await _object(request)
        writable = (*kind.writable, *custom_fields(self._store, kind))
        unknown = [name for name in values if name not in writable]
        if unknown:
            raise ApiError(71, unknown[0])
        return values

    def _put(self, kind: ApiObject, record: dict[str, Any]) -> None:
        self._store[kind.collection][str(record["id"])] = {**record, "updatedAt": self._now()}

    def _now(self) -> str:
        return datetime.fromtimestamp(int(self._settings.now()), ZONE).isoformat()


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        raise ApiError(61) from None
    if not isinstance(body, dict):
        raise ApiError(61)
    return body
