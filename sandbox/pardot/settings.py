"""Limits and clock of the sandbox's business unit, changed on the admin port: `PUT /pardot/settings`."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.pardot.errors import ApiError
from sandbox.system import Clock


@dataclass
class Settings:
    """What a test may turn.

    concurrent        calls at once per business unit (the vendor's 5)
    per_minute        calls in any minute
    per_day           calls in a UTC day (100,000: the vendor's Advanced edition)
    sequence          records that one sequence of pages gives; then it ends without saying so
    token_life        seconds that a page token is good for (the vendor's 4 hours)
    access_life       seconds that an access token is good for
    bulk_delay        seconds until a bulk action is done (the vendor: up to 30 days)
    hold              seconds that every call is kept busy, so that calls overlap
    clock             seconds added to the sandbox's clock
    binned_readable   whether a record in the recycle bin can be read by id; the vendor doesn't say
    binned_code       the error with which writes to it are refused: 219 or 132
    lag               seconds by which reads are behind writes (the vendor: up to 60)
    crm_bin_holds     whether a lead or contact in Salesforce's recycle bin still forbids deleting for good
    orphans_anonymous whether what hung on a prospect loses its `prospectId` when that is deleted for good
    """

    concurrent: int = 5
    per_minute: int = 5_000
    per_day: int = 100_000
    sequence: int = 100_000
    token_life: float = 4 * 3600
    access_life: float = 2 * 3600
    bulk_delay: float = 2.0
    hold: float = 0.0
    clock: float = 0.0
    binned_readable: bool = True
    binned_code: int = 219
    lag: float = 0.0
    crm_bin_holds: bool = True
    orphans_anonymous: bool = False

    def __post_init__(self) -> None:
        self._sandbox = Clock()

    def follow(self, clock: Clock) -> None:
        """Take the time of the whole sandbox as the real one."""
        self._sandbox = clock

    def now(self) -> float:
        """Unix seconds, with the offset."""
        return self._sandbox.now() + self.clock

    def replace(self, values: dict[str, Any]) -> None:
        """Take these values, defaults for the rest. TypeError for a name that there isn't."""
        fresh = Settings(**values)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    def as_json(self) -> dict[str, Any]:
        """All values by name."""
        return asdict(self)


class Meter:
    """Counts calls of the business unit against the limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._times: list[float] = []
        self._day = -1
        self.in_flight = 0
        self.used = 0

    def enter(self) -> None:
        """Count one call that begins; ApiError 66, 122 or 202 when it is one too many."""
        now = self._settings.now()
        if self.in_flight >= self._settings.concurrent:
            raise ApiError(66)
        if int(now // 86400) != self._day:
            self._day, self.used = int(now // 86400), 0
        if self.used >= self._settings.per_day:
            raise ApiError(122)
        self._times = [t for t in self._times if now - 60 < t <= now]
        if len(self._times) >= self._settings.per_minute:
            raise ApiError(202)
        self._times.append(now)
        self.used += 1
        self.in_flight += 1

    def leave(self) -> None:
        """The call is answered."""
        self.in_flight -= 1
