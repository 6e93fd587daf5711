"""What a test may turn on the running org, through the admin port."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.system import Clock


def _tracked() -> dict[str, list[str]]:
    people = ["FirstName", "LastName", "Email", "Phone", "MobilePhone", "HasOptedOutOfEmail", "DoNotCall"]
    return {"Contact": [*people, "Title"], "Lead": [*people, "Status"]}


@dataclass
class Settings:
    """What a test may turn.

    daily_limit, used     API calls per day before REQUEST_LIMIT_EXCEEDED, and calls so far; a new UTC day begins at 0
                          (the vendor counts the last 24 hours)
    page_size             most rows of a query page
    hidden_objects        objects that the integration user may not see (no licence or no permission)
    hidden_fields         likewise, `Object.Field` (field-level security)
    clock                 seconds added to the sandbox's clock: stamps, the recycle bin, jobs
    recycle_days          days until what is in the recycle bin is gone for good
    purge_delay           seconds for which queryAll still shows what was deleted for good (the vendor: about a day)
    bulk_hard_delete      whether the user has the permission "Bulk API Hard Delete"
    hard_delete_binned    whether hardDelete takes records that are in the recycle bin already
    bulk_delay            seconds from UploadComplete to JobComplete
    bulk_failure          errorMessage with which jobs fail; "" = they don't
    bulk_failure_after    rows that a failing job has done before
    history_cascades      whether field history goes with its record; if not, it stays when the record is gone
    tracked               object → fields whose changes are written to its field history
    restricted            more relations that block a deletion, `Order.BillToContactId`
    record_faults         refusals of single writes: {"code","message","object"?,"id"?,"verb"?: create|update|delete,
                          "fields"?,"status"?,"times"?}; `times` counts down, absent = for good
    """

    daily_limit: int = 100_000
    used: int = 0
    page_size: int = 2000
    hidden_objects: list[str] = field(default_factory=list)
    hidden_fields: list[str] = field(default_factory=list)
    clock: float = 0.0
    recycle_days: float = 15.0
    purge_delay: float = 0.0
    bulk_hard_delete: bool = True
    hard_delete_binned: bool = True
    bulk_delay: float = 0.3
    bulk_failure: str = ""
    bulk_failure_after: int = 0
    history_cascades: bool = False
    tracked: dict[str, list[str]] = field(default_factory=_tracked)
    restricted: list[str] = field(default_factory=list)
    record_faults: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sandbox = Clock()
        self._day = self.now().date()

    def follow(self, clock: Clock) -> None:
        """Take the time of the whole sandbox as the real one."""
        self._sandbox = clock

    def begin_day(self) -> None:
        """Forget the calls of a day that is over."""
        if (day := self.now().date()) != self._day:
            self._day, self.used = day, 0

    @property
    def moved(self) -> float:
        """Seconds by which the org's time is ahead of the real one."""
        return self._sandbox.offset + self.clock

    def now(self) -> datetime:
        """The org's time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.moved)
