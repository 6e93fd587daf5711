"""Bulk actions: an asynchronous job over a CSV of ids. Here: delete prospects, and delete them for good.

The exact words of `input` are not settled in the vendor's documentation; they stand in `ACTIONS` alone.
"""

import csv
import io
import json
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.pardot.errors import ApiError
from sandbox.pardot.settings import Settings
from sandbox.state import Store

OBJECT = "Prospect"
ACTIONS = {"Delete": False, "Permanent Delete": True}
"""`action` in `input` → whether it deletes for good."""
FIELDS = (
    "id",
    "object",
    "action",
    "status",
    "count",
    "processedCount",
    "errorCount",
    "percentComplete",
    "errorsRef",
    "createdAt",
    "updatedAt",
)


class BulkActions:
    """Jobs, done once their time has come; the clock is asked whenever a job or a record is."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings

    async def create(self, request: Request) -> Response:
        """`POST /bulk-actions`, multipart: `input` (JSON) and `file` (CSV with a column id); 201."""
        form = await request.form()
        file, text = form.get("file"), form.get("input")
        if not isinstance(file, UploadFile) or text is None:
            raise ApiError(71, "input and file")
        raw = await text.read() if isinstance(text, UploadFile) else text
        try:
            order = json.loads(raw)
        except json.JSONDecodeError:
            raise ApiError(61) from None
        if order.get("object") != OBJECT or order.get("action") not in ACTIONS:
            raise ApiError(71, "object, action")
        jobs = self._store["bulk-actions"]
        job_id = len(jobs) + 101
        due = self._settings.now() + self._settings.bulk_delay
        ids = _ids(await file.read())
        jobs[str(job_id)] = {
            "id": job_id, "object": OBJECT, "action": order["action"], "status": "Waiting", "count": len(ids),
            "processedCount": 0, "errorCount": 0, "percentComplete": 0, "due": due, "ids": ids, "errors": [],
            "errorsRef": f"/api/v5/bulk-actions/{job_id}/errors",
        }  # fmt: skip
        shown = _show(jobs[str(job_id)], request.query_params.get("fields", "id,status"))
        return JSONResponse(shown, 201, {"Location": f"/api/v5/bulk-actions/{job_id}"})

    def read(self, request: Request, job_id: str) -> Response:
        """`GET /bulk-actions/<id>?fields=…`."""
        return JSONResponse(_show(self._job(job_id), request.query_params.get("fields", "")))

    def errors(self, job_id: str) -> Response:
        """`GET /bulk-actions/<id>/errors`: CSV of the ids that were not done, and why."""
        lines = io.StringIO()
        csv.writer(lines).writerows([["id", "error"], *self._job(job_id)["errors"]])
        return PlainTextResponse(lines.getvalue(), media_type="text/csv")

    def _job(self, job_id: str) -> dict[str, Any]:
        job = self._store["bulk-actions"].get(job_id)
        if job is None:
            raise ApiError(109)
        return job

    def run(self) -> None:
        """Do the jobs whose time has come."""
        for key, job in list(self._store["bulk-actions"].items()):
            if job["status"] == "Waiting" and job["due"] <= self._settings.now():
                errors = [[i, why] for i in job["ids"] if (why := self._one(i, ACTIONS[job["action"]]))]
                self._store["bulk-actions"][key] = {
                    **job, "status": "Complete", "processedCount": job["count"], "percentComplete": 100,
                    "errorCount": len(errors), "errors": errors,
                }  # fmt: skip

    def _one(self, prospect_id: str, for_good: bool) -> str:
        """Delete one; why not, or "". For good goes only what is in the recycle bin."""
        prospects = self._store["prospects"]
        record = prospects.get(prospect_id)
        if record is None:
            return "not found"
        if for_good != bool(record["isDeleted"]):
            return "not in the recycle bin" if for_good else "already deleted"
        if for_good:
            del prospects[prospect_id]
        else:
            prospects[prospect_id] = {**record, "isDeleted": True}
        return ""


def _ids(file: bytes) -> list[str]:
    rows = csv.DictReader(io.StringIO(file.decode("utf-8-sig", "replace")))
    name = next((n for n in rows.fieldnames or () if n.lower() == "id"), None)
    if name is None:
        raise ApiError(71, "the file has no column id")
    return [row[name] for row in rows if row[name]]


def _show(job: dict[str, Any], fields: str) -> dict[str, Any]:
    names = [n.strip() for n in fields.split(",") if n.strip()]
    unknown = [n for n in names if n not in FIELDS]
    if unknown or not names:
        raise ApiError(71, unknown[0] if unknown else "fields")
    return {n: job.get(n) for n in names}
