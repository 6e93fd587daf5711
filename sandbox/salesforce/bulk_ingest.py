"""Bulk API 2.0 ingest: `/jobs/ingest`, rows of a CSV created, changed, deleted, or deleted for good."""

import base64
import re
from typing import Any

from sandbox.salesforce import removal
from sandbox.salesforce.bulk_csv import Row, UnreadableJobError, read, typed, write
from sandbox.salesforce.bulk_jobs import Jobs, invalid_state
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.records import Records
from sandbox.salesforce.rest import VERSION, RestApi
from sandbox.salesforce.table import full_id, object_type
from sandbox.salesforce.wire import Answer, Call
from sandbox.state import Document, Store

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MAX_BYTES = 150_000_000
_COUNTS = {"numberRecordsProcessed": 0, "numberRecordsFailed": 0, "retries": 0, "totalProcessingTime": 0,
           "apiActiveProcessingTime": 0, "apexProcessingTime": 0}  # fmt: skip


class BulkIngest:
    """Adds its resources to a RestApi. `run` does the jobs whose time has come."""

    def __init__(self, api: RestApi, store: Store) -> None:
        self._records: Records = api.records
        self._jobs = jobs = Jobs(store, api.records, "ingest")
        one = r"jobs/ingest/(\w+)"
        api.outside += [
            ("POST", r"jobs/ingest", self._create),
            ("GET", r"jobs/ingest", jobs.list),
            ("GET", one, jobs.read),
            ("PATCH", one, self._close),
            ("DELETE", one, jobs.remove),
            ("PUT", rf"{one}/batches", self._upload),
            ("GET", rf"{one}/(successfulResults|failedResults|unprocessed[rR]ecords)", self._results),
        ]

    def run(self) -> None:
        """Do the jobs whose time has come."""
        for job in self._jobs.due():
            self._do(job)

    def _create(self, call: Call, _: re.Match[str]) -> Answer:
        body = call.object_body()
        operation, name = body.get("operation"), str(body.get("object", ""))
        if operation not in OPERATIONS:
            raise VendorError(400, "INVALIDJOB", f"Unsupported operation: {operation}")
        if operation == "hardDelete" and not self._records.settings.bulk_hard_delete:
            message = "hardDelete operation requires special user profile permission, please contact your system"
            raise VendorError(400, "FEATURENOTENABLED", f"{message} administrator")
        if operation == "upsert" and body.get("externalIdFieldName") != "Id":
            raise VendorError(400, "INVALIDJOB", "externalIdFieldName must be Id")
        kind = self._kind(name, "delete" in operation.lower())
        job = self._jobs.make(body, object=kind.name, state="Open", jobType="V2Ingest")
        url = f"services/data/v{VERSION}/jobs/ingest/{job['id']}/batches"
        return Answer(200, self._jobs.shown(self._jobs.put(job, contentUrl=url)))

    def _kind(self, name: str, deleting: bool) -> ObjectType:
        try:
            kind = object_type(name)
        except VendorError:
            kind = None
        hidden = self._records.settings.hidden_objects
        if kind is None or kind.name in hidden or not (kind.deletable if deleting else kind.writable):
            raise VendorError(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
        return kind

    def _upload(self, call: Call, match: re.Match[str]) -> Answer:
        job = self._jobs.job(match)
        if job["state"] != "Open":
            raise invalid_state(f"Can't upload data to a job that is {job['state']}")
        if "_data" in job:
            message = f"Found multiple contents for job: <{job['id']}>, please 'Close' / 'Abort' / 'Delete' the current"
            raise VendorError(400, "INVALIDJOBSTATE", f"{message} Job then create a new Job")
        if len(call.raw) > MAX_BYTES:
            raise VendorError(413, "REQUEST_ENTITY_TOO_LARGE", "Request entity is too large")
        self._jobs.put(job, _data=base64.b64encode(call.raw).decode())
        return Answer(201)

    def _close(self, call: Call, match: re.Match[str]) -> Answer:
        job, state = self._jobs.job(match), call.object_body().get("state")
        if state == "Aborted":
            return self._jobs.abort(job)
        if state != "UploadComplete" or job["state"] != "Open":
            raise invalid_state(f"Job state can't be changed from {job['state']} to {state}")
        return Answer(200, self._jobs.shown(self._jobs.start(job, **_COUNTS)))

    def _results(self, _: Call, match: re.Match[str]) -> Answer:
        job = self._jobs.job(match)
        if job["state"] not in ("JobComplete", "Failed", "Aborted"):
            raise invalid_state("Results are there when the job is done")
        header = job.get("_header", [])
        names = {"s": ["sf__Id", "sf__Created"], "f": ["sf__Id", "sf__Error"], "u": []}[match[2][0]]
        rows = job.get({"s": "_successful", "f": "_failed", "u": "_unprocessed"}[match[2][0]], [])
        content = write([*names, *header], rows, job["columnDelimiter"], job["lineEnding"])
        return Answer(200, content, "text/csv")

    def _do(self, job: Document) -> None:
        header: list[str] = []
        rows: list[Row] = []
        try:
            data = base64.b64decode(job.get("_data", ""))
            header, rows = read(data, job["columnDelimiter"], job["lineEnding"])
            self._check_header(job, header)
        except UnreadableJobError as error:
            left = [list(r.values()) for r in rows]
            self._jobs.put(job, state="Failed", errorMessage=str(error), _header=header, _unprocessed=left, _data="")
            return
        failure, kept = self._records.settings.bulk_failure, len(rows)
        if failure:
            kept = min(kept, self._records.settings.bulk_failure_after)
        successful: list[list[Any]] = []
        failed: list[list[Any]] = []
        for row in rows[:kept]:
            try:
                successful.append([*self._row(job, row), *row.values()])
            except VendorError as error:
                text = f"{error.code}:{error.message}:{','.join(error.fields or ())} --"
                failed.append([_id(row), text, *row.values()])
        self._jobs.put(
            job, state="Failed" if failure else "JobComplete", _header=header, _successful=successful, _failed=failed,
            _unprocessed=[list(r.values()) for r in rows[kept:]], numberRecordsFailed=len(failed), _data="",
            numberRecordsProcessed=kept, **({"errorMessage": failure} if failure else {}),
        )  # fmt: skip

    def _check_header(self, job: Document, header: list[str]) -> None:
        names = [name.lower() for name in header]
        if "delete" in job["operation"].lower() and names != ["id"]:
            raise UnreadableJobError(f"InvalidBatch : The '{job['operation']}' batch must contain only ids")
        if job["operation"] == "update" and "id" not in names:
            raise UnreadableJobError("InvalidBatch : Required field Id is missing")
        kind = object_type(job["object"])
        hidden = {f.lower() for f in self._records.settings.hidden_fields}
        unknown = [n for n in header if n.lower() not in kind.by_name or f"{kind.name}.{n}".lower() in hidden]
        if unknown or len(set(names)) != len(names):
            raise UnreadableJobError(f"InvalidBatch : Field name not found : {', '.join(unknown) or 'duplicate'}")

    def _row(self, job: Document, row: Row) -> tuple[str, bool]:
        """Id of the record, and whether it is new."""
        kind, operation, record_id = object_type(job["object"]), job["operation"], _id(row)
        if operation == "insert" or (operation == "upsert" and not record_id):
            return self._records.create(kind, typed(kind, row)), True
        if not record_id:
            raise VendorError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
        record_id = full_id(record_id)
        if record_id[:3] != kind.prefix or record_id not in self._records.of(kind):
            raise VendorError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        if operation == "delete":
            self._records.delete(kind, record_id)
        elif operation == "hardDelete":
            removal.hard_delete(self._records, kind, record_id)
        else:
            self._records.change(kind, record_id, typed(kind, row))
        return record_id, False


def _id(row: Row) -> str:
    return next((text.strip() for name, text in row.items() if name.lower() == "id"), "")
