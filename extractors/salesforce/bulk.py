"""Bulk API 2.0: many records deleted at once, or deleted for good, by jobs that the vendor does in its own time.

No id of a job is kept. Who comes again asks for the jobs that are under way, waits for them, and then looks at what
is still there. A job that was never closed does nothing and is thrown away by the vendor after seven days.
"""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from dsr.errors import PermanentError, TransientError
from extractors.salesforce.client import VERSION, Client
from extractors.salesforce.failures import PLACE

Operation = Literal["delete", "hardDelete"]
State = Literal["ended", "running", "failed", "not_permitted", "unsupported"]

_JOBS: Final = "jobs/ingest"
_UNDER_WAY: Final = ("UploadComplete", "InProgress")
_MOST_PAGES: Final = 1_000
_REFUSED: Final[Mapping[str, State]] = {
    "feature_not_enabled": "not_permitted",
    "insufficient_access": "not_permitted",
    "entity_not_supported": "unsupported",
}
_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 8.0


@dataclass
class Job:
    """What became of one object's job. `codes`: id → the vendor's code, for rows that it refused; `made_at`: the
    org's time when the job was made, None when it was not."""

    state: State
    codes: dict[str, str] = field(default_factory=dict)
    made_at: datetime | None = None


class Bulk:
    """Runs jobs. `patience`: how many seconds all of them together may take before they are left running."""

    def __init__(self, client: Client, patience: float, wait: Callable[[float], None] = time.sleep) -> None:
        self._client, self._left, self._wait = client, patience, wait

    def settle(self, operation: Operation, objects: Sequence[str]) -> dict[str, State]:
        """Waits for jobs that are under way, from an earlier attempt or of somebody else: object → "ended" or
        "running"; objects without one are absent."""
        states: dict[str, State] = {}
        for job in self._under_way():
            if job["operation"] == operation and job["object"] in objects:
                ended = self._ended(job["id"]) is not None
                states[job["object"]] = "ended" if ended and states.get(job["object"]) != "running" else "running"
        return states

    def run(self, operation: Operation, ids: Mapping[str, Sequence[str]]) -> dict[str, Job]:
        """One job per object, all of them at the same time; object → what became of it."""
        jobs: dict[str, Job] = {}
        started: dict[str, str] = {}
        for name, its in ids.items():
            order = {"operation": operation, "object": name, "contentType": "CSV", "lineEnding": "LF"}
            try:
                made = _with(self._client.call("POST", _JOBS, order), "id")
            except PermanentError as error:
                if error.code not in _REFUSED:
                    raise
                jobs[name] = Job(_REFUSED[error.code])
                continue
            self._client.upload(f"{_JOBS}/{made['id']}/batches", ("Id\n" + "\n".join(its) + "\n").encode("ascii"))
            self._client.call("PATCH", f"{_JOBS}/{made['id']}", {"state": "UploadComplete"})
            started[name] = made["id"]
            jobs[name] = Job("running", made_at=_moment(made.get("createdDate")))
        for name, job_id in started.items():
            self._finish(jobs[name], job_id)
        return jobs

    def _finish(self, job: Job, job_id: str) -> None:
        ended = self._ended(job_id)
        if ended is None:
            return
        job.state = "ended" if ended["state"] == "JobComplete" else "failed"
        if ended.get("numberRecordsFailed"):
            text = b"".join(self._client.stream(f"{_JOBS}/{job_id}/failedResults")).decode("utf-8")
            rows = csv.DictReader(io.StringIO(text, newline=""))
            job.codes = {row["Id"]: row["sf__Error"].partition(":")[0] for row in rows}
            if len(job.codes) < int(ended["numberRecordsFailed"]):
                raise TransientError("body.invalid", PLACE)

    def _ended(self, job_id: str) -> dict[str, Any] | None:
        """The job once it has ended; None when patience ran out."""
        wait = _FIRST_WAIT
        while True:
            job = _with(self._client.call("GET", f"{_JOBS}/{job_id}"), "state")
            if job["state"] not in _UNDER_WAY:
                return job
            if self._left <= 0:
                return None
            self._wait(min(wait, self._left))
            self._left -= min(wait, self._left)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _under_way(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = []
        path, seen = f"{_JOBS}?jobType=V2Ingest", set[str]()
        while path:
            if path in seen or len(seen) == _MOST_PAGES:
                raise TransientError("pages.endless", PLACE)
            seen.add(path)
            page = _with(self._client.call("GET", path), "records")
            listed = [_with(job, "id", "state", "operation", "object") for job in page["records"]]
            jobs += [job for job in listed if job["state"] in _UNDER_WAY]
            path = _next_path(page)
        return jobs


def _with(answer: Any, *names: str) -> dict[str, Any]:
    """An answer that is an object with these members. TransientError("body.invalid") for anything else."""
    if not isinstance(answer, dict) or not answer.keys() >= set(names):
        raise TransientError("body.invalid", PLACE)
    return answer


def _next_path(page: Mapping[str, Any]) -> str:
    url = str(page.get("nextRecordsUrl") or "")
    if not url or page.get("done"):
        return ""
    head = f"/services/data/v{VERSION}/"
    if not url.startswith(head):
        raise TransientError("body.invalid", PLACE)
    return url.removeprefix(head)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
