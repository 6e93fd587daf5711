"""Bulk actions: what the vendor does with many prospects at once, when it finds the time.

A job is sent as a form of two parts, `input` (JSON) and `file` (CSV of ids), and says afterwards how many rows it did
and, with its errors, which not. Nobody can ask which ids a job holds: whether one may hold a prospect follows from when
it was made. (developer.salesforce.com, Account Engagement API, "Bulk Actions API"; the exact words of `input` are not
settled there, so they stand in `OBJECT`, `TO_BIN` and `FOR_GOOD` alone.)
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dsr.errors import TransientError
from extractors.pardot.client import PLACE, Client
from extractors.pardot.fields import Listing

OBJECT: Final = "Prospect"
TO_BIN: Final = "Delete"
FOR_GOOD: Final = "Permanent Delete"
MOST: Final = 100_000
"""Ids in one job."""
_PATH: Final = "bulk-actions"
_JOB: Final = Listing(_PATH, ("id", "object", "action", "status", "errorCount", "createdAt"))
_ENDED: Final = ("complete", "completed", "cancelled", "canceled", "failed")


@dataclass(frozen=True)
class Job:
    """A bulk action over prospects. `made_at`: aware; None when the vendor doesn't tell. `ended`: nothing more comes
    of it. `errors`: how many of its ids it could not do."""

    job_id: str
    action: str
    made_at: datetime | None
    ended: bool
    errors: int

    def may_hold(self, since: datetime | None) -> bool:
        """Whether it was made at that time or later; unknown times count as so."""
        return self.made_at is None or since is None or self.made_at >= since


class Jobs:
    """The business unit's bulk actions over prospects, those of other programs too; listed once, when first needed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listed: list[Job] | None = None
        self._errors: dict[str, frozenset[str]] = {}

    def of(self, action: str) -> list[Job]:
        """The jobs of that action, in order of id."""
        if self._listed is None:
            pages = self._client.query(_JOB)
            self._listed = [_job(record) for page in pages for record in page if record.get("object") == OBJECT]
        return [job for job in self._listed if job.action == action]

    def refused(self, job: Job) -> frozenset[str]:
        """Ids that an ended job could not do; why, the vendor says in words that are not read."""
        if not job.errors:
            return frozenset()
        if job.job_id not in self._errors:
            text = self._client.request("GET", f"{_PATH}/{job.job_id}/errors").content.decode("utf-8-sig", "replace")
            rows = csv.reader(io.StringIO(text))
            names = [name.strip().lower() for name in next(rows, [])]
            place = names.index("id") if "id" in names else 0
            refused = frozenset(row[place].strip() for row in rows if len(row) > place)
            if not refused:
                raise TransientError("body.invalid", PLACE)  # it has errors, and doesn't say of which
            self._errors[job.job_id] = refused
        return self._errors[job.job_id]

    def file(self, action: str, ids: Sequence[str]) -> None:
        """Asks for it; nothing to ask for = no call."""
        for start in range(0, len(ids), MOST):
            rows = "".join(f"{key}\r\n" for key in ("id", *ids[start : start + MOST]))
            order = json.dumps({"object": OBJECT, "action": action})
            files = {"input": (None, order, "application/json"), "file": ("ids.csv", rows, "text/csv")}
            self._client.request("POST", _PATH, params={"fields": "id,status"}, files=files)


def moment(text: object) -> datetime | None:
    """A time of the vendor's; None when it isn't one with an offset."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo else None


def _job(record: dict[str, object]) -> Job:
    errors = record.get("errorCount")
    ended = str(record.get("status")).lower() in _ENDED
    made_at = moment(record.get("createdAt"))
    return Job(str(record["id"]), str(record.get("action")), made_at, ended, errors if isinstance(errors, int) else 1)
