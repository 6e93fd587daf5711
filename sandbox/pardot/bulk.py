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

from sandbox.pardot.data import Data
from sandbox.pardot.errors import ApiError
from sandbox.pardot.recycling import RecycleBin
from sandbox.pardot.settings import Settings

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
    """Jobs, done once their time has come; the clock is asked whenever a job or a record is. Waiting for the first half
    of `Settings.bulk_delay`, then Processing, then Complete."""

    def __init__(self, data: Data, settings: Settings, bin_: RecycleBin) -> None:
        self._data, self._settings, self._bin = data, settings, bin_

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
        ids = _ids(await file.read())
        if not ids:
            raise ApiError(71, "the file has no ids")
        job_id = self._data.new_id("bulk-actions")
        now, made = self._settings.now(), self._data.now()
        job = {
            "id": job_id, "object": OBJECT, "action": order["action"], "status": "Waiting", "count": len(ids),
            "processedCount": 0, "errorCount": 0, "percentComplete": 0, "ids": ids, "errors": [],
            "due": now + self._settings.bulk_delay, "begins": now + self._settings.bulk_delay / 2,
            "createdAt": made, "updatedAt": made,
            "errorsRef": f"/api/v5/bulk-actions/{job_id}/errors",
        }  # fmt: skip
        shown = _show(job, request.query_params.get("fields", "id,status"))
        self._data.put("bulk-actions", job)
        return JSONResponse(shown, 201, {"Location": f"/api/v5/bulk-actions/{job_id}"})

    def read(self, request: Request, job_id: str) -> Response:
        """`GET /bulk-actions/<id>?fields=…`."""
        return JSONResponse(_show(self._job(job_id), request.query_params.get("fields", "")))

    def query(self, request: Request) -> Response:
        """`GET /bulk-actions?fields=…`: all jobs."""
        fields = request.query_params.get("fields", "")
        values = [_show(job, fields) for job in self._data["bulk-actions"].values()]
        return JSONResponse({"nextPageToken": None, "nextPageUrl": None, "values": values})

    def errors(self, job_id: str) -> Response:
        """`GET /bulk-actions/<id>/errors`: CSV of the ids that were not done, and why."""
        lines = io.StringIO()
        csv.writer(lines).writerows([["id", "error"], *self._job(job_id)["errors"]])
        return PlainTextResponse(lines.getvalue(), media_type="text/csv")

    def _job(self, job_id: str) -> dict[str, Any]:
        job = self._data["bulk-actions"].get(job_id)
        if job is None:
            raise ApiError(109)
        return job

    def run(self) -> None:
        """Do the jobs whose time has come."""
        now = self._settings.now()
        for job in list(self._data["bulk-actions"].values()):
            if job["status"] == "Complete":
                continue
            if job["due"] <= now:
                for_good = ACTIONS[job["action"]]
                errors = [[i, why] for i in job["ids"] if (why := self._bin.one_of_a_job(i, for_good=for_good))]
                done = {"status": "Complete", "processedCount": job["count"], "percentComplete": 100}
                self._data.put("bulk-actions", {**job, **done, "errorCount": len(errors), "errors": errors})
            elif job["begins"] <= now and job["status"] == "Waiting":
                self._data.put("bulk-actions", {**job, "status": "Processing"})


def _ids(file: bytes) -> list[str]:
    rows = csv.DictReader(io.StringIO(file.decode("utf-8-sig", "replace")))
    name = next((n for n in rows.fieldnames or () if n.lower() == "id"), None)
    if name is None:
        raise ApiError(71, "the file has no column id")
    return list(dict.fromkeys(row[name].strip() for row in rows if row[name]))


def _show(job: dict[str, Any], fields: str) -> dict[str, Any]:
    names = [n.strip() for n in fields.split(",") if n.strip()]
    unknown = [n for n in names if n not in FIELDS]
    if unknown or not names:
        raise ApiError(71, unknown[0] if unknown else "fields")
    return {n: job.get(n) for n in names}
