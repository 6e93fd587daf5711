"""Rate limits of a Business account: per second for each category, and per day for heavy calls; account-wide."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sandbox.webinars.account import ZoomError

PER_SECOND = {"light": 80, "medium": 60, "heavy": 40}
HEAVY_PER_DAY = 60_000


class Limits:
    """Counts calls. `daily` may be changed by tests; `now` gives Unix seconds. `taken` and `refused`: calls per
    category that there was room for, and violations."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.daily = HEAVY_PER_DAY
        self.per_second = dict(PER_SECOND)
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._now = now
        self._second: Counter[tuple[str, int]] = Counter()
        self._day: Counter[int] = Counter()

    def take(self, category: str) -> dict[str, str]:
        """Count one call; the headers that its answer bears. 429 when there is no room for it."""
        now = self._now()
        day = int(now // 86400)
        if category == "heavy" and self._day[day] >= self.daily:
            self.refused[category] += 1
            raise self._daily_limit(now)
        second, limit = (category, int(now)), self.per_second[category]
        if self._second[second] >= limit:
            self.refused[category] += 1
            message = "You have reached the maximum per-second rate limit for this API. Try again later."
            raise ZoomError(429, 429, message, _headers(category, "QPS", limit, 0))
        if len(self._second) > 100:
            self._second.clear()
        self.taken[category] += 1
        self._second[second] += 1
        self._day[day] += category == "heavy"
        return _headers(category, "QPS", limit, limit - self._second[second])

    def _daily_limit(self, now: float) -> ZoomError:
        midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        headers = _headers("heavy", "Daily-limit", self.daily, 0)
        headers["Retry-After"] = (midnight + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = (
            "You have reached the maximum daily rate limit for this API. Refer to the response header for details "
            "on when you can make another request."
        )
        return ZoomError(429, 429, message, headers)


def _headers(category: str, kind: str, limit: int, remaining: int) -> dict[str, str]:
    return {
        "X-RateLimit-Category": category.capitalize(),
        "X-RateLimit-Type": kind,
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
    }
