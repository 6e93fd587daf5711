"""Bulk API 2.0 query: `/jobs/query`, the result as CSV in pages."""

import re
from typing import Any

from sandbox.salesforce.bulk_csv import write
from sandbox.salesforce.bulk_jobs import Jobs, invalid_state
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.rest import RestApi
from sandbox.salesforce.soql import parse
from sandbox.salesforce.wire import Answer, Call
from sandbox.state import Document, Store

MAX_RECORDS = 50_000


class BulkQuery:
    """Adds its resources to a RestApi. `run` does the jobs whose time has come."""

    def __init__(self, api: RestApi, store: Store) -> None:
        self._api = api
        self._jobs = jobs = Jobs(store, api.records, "query")
        one = r"jobs/query/(\w+)"
        api.outside += [
            ("POST", r"jobs/query", self._create),
            ("GET", r"jobs/query", jobs.list),
            ("GET", one, jobs.read),
            ("PATCH", one, self._abort),
            ("DELETE", one, jobs.remove),
            ("GET", rf"{one}/results", self._results),
        ]

    def run(self) -> None:
        """Do the jobs whose time has come."""
        for job in self._jobs.due():
            if failure := self._api.settings.bulk_failure:
                self._jobs.put(job, state="Failed", errorMessage=failure)
                continue
            query = parse(job["_query"])
            rows = [_flat(r) for r in self._api.evaluator.rows(query, job["operation"] == "queryAll")]
            header = [".".join(path) for path in query.fields or ()]
            self._jobs.put(
                job, state="JobComplete", numberRecordsProcessed=len(rows), retries=0, totalProcessingTime=0,
                _header=header, _rows=[[r.get(name.lower()) for name in header] for r in rows],
            )  # fmt: skip

    def _create(self, call: Call, _: re.Match[str]) -> Answer:
        body = call.object_body()
        if body.get("operation") not in ("query", "queryAll"):
            raise VendorError(400, "INVALIDJOB", f"Unsupported operation: {body.get('operation')}")
        query = parse(str(body.get("query", "")))
        if query.fields is None or query.offset:
            raise VendorError(400, "API_ERROR", "COUNT() and OFFSET are not supported in Bulk API queries")
        self._api.evaluator.rows(query, False)
        job = self._jobs.make(body, object=query.source, state="UploadComplete", jobType="V2Query")
        job = self._jobs.start(job, _query=body["query"])
        return Answer(200, self._jobs.shown(job))

    def _abort(self, call: Call, match: re.Match[str]) -> Answer:
        job, state = self._jobs.job(match), call.object_body().get("state")
        if state != "Aborted":
            raise invalid_state(f"Job state can't be changed from {job['state']} to {state}")
        return self._jobs.abort(job)

    def _results(self, call: Call, match: re.Match[str]) -> Answer:
        job = self._jobs.job(match)
        if job["state"] != "JobComplete":
            raise VendorError(400, "INVALIDJOBSTATE", "Results are there when the job is complete")
        try:
            start, size = int(call.params.get("locator", "0")), int(call.params.get("maxRecords", MAX_RECORDS))
        except ValueError:
            raise VendorError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from None
        rows = job["_rows"][start : start + min(max(size, 1), MAX_RECORDS)]
        more = start + len(rows) < len(job["_rows"])
        content = write(job["_header"], rows, job["columnDelimiter"], job["lineEnding"])
        headers = {
            "Sforce-Locator": str(start + len(rows)) if more else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return Answer(200, content, "text/csv", headers)


def _flat(row: Document, prefix: str = "") -> dict[str, Any]:
    """`{"Account": {"Name": …}}` → `{"account.name": …}`, names in lower case."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name.lower()}.")
        else:
            flat[prefix + name.lower()] = value
    return flat
