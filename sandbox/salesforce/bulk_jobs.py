"""What ingest and query jobs share: the job's record, its states, its time."""

import re
import secrets
from typing import Any

from sandbox.ids import salesforce_id
from sandbox.salesforce.bulk_csv import DELIMITERS, ENDINGS
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.records import Records
from sandbox.salesforce.table import STAFF, moment
from sandbox.salesforce.wire import Answer, Call
from sandbox.state import Collection, Document, Store

DONE = ("JobComplete", "Failed", "Aborted")


class Jobs:
    """Jobs of one sort ("ingest" or "query"). Open → UploadComplete → InProgress → JobComplete or Failed; Aborted.

    A third of `Settings.bulk_delay` after UploadComplete a job is InProgress, after all of it it is done. Names that
    begin with `_` are the sandbox's own.
    """

    def __init__(self, store: Store, records: Records, sort: str) -> None:
        self._jobs: Collection = store[f"bulk_{sort}"]
        self._records, self._sort = records, sort

    def make(self, body: Document, **own: Any) -> Document:
        """A new job with the members that every job has. INVALIDJOB for delimiters that there aren't."""
        delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
        if delimiter not in DELIMITERS or ending not in ENDINGS or body.get("contentType", "CSV") != "CSV":
            raise VendorError(400, "INVALIDJOB", "Unsupported contentType, columnDelimiter or lineEnding")
        at = moment(self._records.settings.now())
        job = {
            "id": salesforce_id("750", secrets.token_hex(8)), "operation": body["operation"], "createdById": STAFF,
            "createdDate": at, "systemModstamp": at, "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": 67.0, "lineEnding": ending, "columnDelimiter": delimiter, **own,
        }  # fmt: skip
        self._jobs[job["id"]] = job
        return job

    def job(self, match: re.Match[str]) -> Document:
        """The job of a path. NOT_FOUND when there is none."""
        job = self._jobs.get(match[1])
        if job is None:
            raise VendorError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def put(self, job: Document, **changes: Any) -> Document:
        """Write a job, changed."""
        changed = {**job, **changes, "systemModstamp": moment(self._records.settings.now())}
        self._jobs[job["id"]] = changed
        return changed

    def start(self, job: Document, **changes: Any) -> Document:
        """All data is there: from now on the job takes its time."""
        return self.put(job, state="UploadComplete", _since=self._records.settings.now().timestamp(), **changes)

    def due(self) -> list[Document]:
        """Jobs whose time has come; those that are about to be begun are InProgress from here on."""
        now, delay = self._records.settings.now().timestamp(), self._records.settings.bulk_delay
        ready = []
        for job in [j for j in self._jobs.values() if j["state"] in ("UploadComplete", "InProgress")]:
            if now - job["_since"] >= delay:
                ready.append(job)
            elif now - job["_since"] >= delay / 3 and job["state"] == "UploadComplete":
                self.put(job, state="InProgress")
        return ready

    def list(self, call: Call, _: re.Match[str]) -> Answer:
        """`GET /jobs/<sort>`."""
        return Answer(200, {"done": True, "records": [self.shown(j) for j in self._jobs.values()],
                            "nextRecordsUrl": None})  # fmt: skip

    def read(self, _: Call, match: re.Match[str]) -> Answer:
        """`GET /jobs/<sort>/<id>`."""
        return Answer(200, self.shown(self.job(match)))

    def abort(self, job: Document) -> Answer:
        """`PATCH {"state":"Aborted"}`. INVALIDJOBSTATE when it is done already."""
        if job["state"] in DONE:
            raise invalid_state(f"Aborting already {job['state']} Job not allowed")
        return Answer(200, self.shown(self.put(job, state="Aborted")))

    def remove(self, _: Call, match: re.Match[str]) -> Answer:
        """`DELETE /jobs/<sort>/<id>`: 204, only when it is done."""
        job = self.job(match)
        if job["state"] not in DONE:
            raise invalid_state("The job must be closed or aborted before it is deleted")
        del self._jobs[job["id"]]
        return Answer(204)

    @staticmethod
    def shown(job: Document) -> Document:
        """A job as answers show it."""
        return {k: v for k, v in job.items() if not k.startswith("_")}


def invalid_state(message: str) -> VendorError:
    """400 INVALIDJOBSTATE."""
    return VendorError(400, "INVALIDJOBSTATE", message)
