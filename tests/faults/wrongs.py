"""What may go wrong on the way to another system, and how it looks on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

WAIT: Final = timedelta(seconds=90)
"""What the other side asks for when it says so as a date; as seconds it asks for `SECONDS`."""
SECONDS: Final = 17
HTML: Final = "<html><body><h1>503 Service Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Wrong:
    """One thing that goes wrong. `fault`: as `sandbox.wire.Fault` plays it; {} = it takes another way."""

    key: str
    title: str
    fault: Mapping[str, Any] = field(default_factory=dict)

    def played(self) -> dict[str, Any]:
        """The fault as it is to be played now."""
        if self.key not in ("busy_date", "skew"):
            return dict(self.fault)
        until = datetime.now(UTC) + WAIT - (timedelta(days=1) if self.key == "skew" else timedelta())
        return {**self.fault, "headers": {"retry-after": format_datetime(until, usegmt=True)}}


WRONGS: Final = (
    Wrong("refused", "connection refused"),
    Wrong("reset", "connection reset in the body of an answer", {"kind": "reset"}),
    Wrong("timeout", "no answer in time", {"kind": "slow", "seconds": 3}),
    Wrong("busy", "429 that names no time", {"status": 429, "body": "{}"}),
    Wrong("busy_seconds", "429 with Retry-After in seconds",
          {"status": 429, "body": "{}", "headers": {"retry-after": str(SECONDS)}}),
    Wrong("busy_date", "429 with Retry-After as a date", {"status": 429, "body": "{}"}),
    Wrong("error", "500", {"status": 500, "body": '{"message":"Internal Server Error"}'}),
    Wrong("down", "503 with a page of HTML", {"status": 503, "body": HTML}),
    Wrong("half", "an answer that ends in the middle of its JSON or XML", {"kind": "cut"}),
    Wrong("shape", "an answer of another form than agreed", {"status": 200, "body": '{"unexpected":[{"a":1}]}'}),
    Wrong("empty", "an answer of success with nothing in it", {"status": 200, "body": ""}),
    Wrong("drip", "an answer that comes drop by drop", {"kind": "drip", "seconds": 0.15}),
    Wrong("token", "credentials that have expired", {"status": 401, "body": "{}"}),
    Wrong("skew", "clocks that differ", {"status": 429, "body": "{}"}),
    Wrong("lost", "it was done, and the answer was lost", {"kind": "lost"}),
)  # fmt: skip
"""In the order of the table."""
BY_KEY: Final = {wrong.key: wrong for wrong in WRONGS}
