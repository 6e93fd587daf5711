"""The Zoom account of the sandbox: its state, its clock, and what single calls look like to the handlers."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from sandbox.state import Collection, Store
from sandbox.system import Clock

PAGE_TOKEN_LIFE = 15 * 60
"""Seconds after which a next_page_token is refused."""


class ZoomError(Exception):
    """An answer in the vendor's error form: `{"code":…,"message":…}` under an HTTP status."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


@dataclass(frozen=True)
class Call:
    """One call as a handler sees it. `args`: path arguments, decoded; `origin`: scheme and host it came to."""

    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    origin: str


Answer = tuple[int, Any]
Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Endpoint:
    """`pattern`: segments below /v2, `{name}` takes one. `category`: light, medium or heavy."""

    method: str
    pattern: str
    category: str
    handler: Handler

    def match(self, method: str, segments: Sequence[str]) -> dict[str, str] | None:
        """The path arguments when this endpoint answers that call, else None."""
        parts = self.pattern.split("/")
        if method != self.method or len(parts) != len(segments):
            return None
        pairs = list(zip(parts, segments, strict=True))
        if any(part[0] != "{" and part != segment for part, segment in pairs):
            return None
        return {part[1:-1]: segment for part, segment in pairs if part[0] == "{"}


@dataclass
class Account:
    """State and clock. `made_on` is the date the data is made around, `clock` the sandbox's: it moves dates and the
    bin, not tokens and limits. Those are measured in real seconds plus `offset`, which moves no dates.

    Collections: user · webinar (by id) · instance (by uuid) · registrant and panelist (`<webinar>:<id>`) ·
    report (by uuid: participants, qa, polls, survey) · recording (by uuid) · file (by id: uuid, content).
    """

    store: Store
    made_on: date
    clock: Clock = field(default_factory=Clock)
    offset: float = 0.0
    _pages: dict[str, tuple[str, int, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Collection:
        return self.store[name]

    def now(self) -> float:
        """Unix seconds; tests move them on through the admin port."""
        return time.time() + self.offset

    def moment(self) -> datetime:
        """Noon of the date the data is made around, plus what the sandbox's clock was moved by; UTC."""
        return datetime.combine(self.made_on, time_of_day(12), UTC) + timedelta(seconds=self.clock.offset)

    @property
    def today(self) -> date:
        """Report windows and the bin are counted from it."""
        return self.moment().date()

    def days_ago(self, moment: str) -> int:
        """How many days before `today` a vendor time (`…Z`) was; negative for what is to come."""
        return (self.today - datetime.fromisoformat(moment).astimezone(UTC).date()).days

    def webinar(self, webinar_id: str) -> dict[str, Any]:
        """A webinar that still exists. 404/3001 for one that doesn't, or that was deleted since."""
        webinar = self["webinar"].get(webinar_id)
        if webinar is None or webinar["gone"]:
            raise ZoomError(404, 3001, f"Webinar does not exist: {webinar_id}.")
        return webinar

    def instance(self, name: str) -> dict[str, Any]:
        """A past instance by uuid, or the newest of a webinar by id. 404/3001 when there is none."""
        wanted = [i for i in self["instance"].values() if name in (i["uuid"], str(i["webinar_id"]))]
        if not wanted:
            raise ZoomError(404, 3001, f"Webinar does not exist: {name}.")
        return max(wanted, key=lambda i: str(i["start_time"]))

    def page(self, call: Call, key: str, items: Sequence[Any]) -> dict[str, Any]:
        """One page of `items` under `key`, with the vendor's paging fields. 400/300 for a bad size or token."""
        try:
            size = int(call.query.get("page_size") or 30)
        except ValueError:
            size = 0
        if not 1 <= size <= 300:
            raise ZoomError(400, 300, "Validation Failed: page_size is between 1 and 300.")
        what = f"{key} {sorted(call.args.items())} {call.query.get('status')} {call.query.get('from')}"
        start = self._start(call.query.get("next_page_token") or "", what)
        token = ""
        if start + size < len(items):
            token = secrets.token_urlsafe(24)
            self._pages[token] = (what, start + size, self.now() + PAGE_TOKEN_LIFE)
        pages = -(-len(items) // size)
        body = {"page_count": pages, "page_size": size, "total_records": len(items), "next_page_token": token}
        return {**body, key: list(items[start : start + size])}

    def _start(self, token: str, what: str) -> int:
        if not token:
            return 0
        known, start, until = self._pages.get(token, ("", 0, 0.0))
        if known != what or self.now() >= until:
            raise ZoomError(400, 300, "The next page token is invalid or expired.")
        return start
