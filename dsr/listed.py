"""Which erasure lists there are, and how far one has come, from the ledger alone: in which state how many are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from dsr.database import transaction
from dsr.ledger import Ledger

RECEIVED: Final = "list_received"
"""The event with which a list begins."""
NOT_BEGUN: Final = "not begun"
"""The state of whom the run hasn't come to."""

_LAST: Final = text(
    "SELECT state, count(*) FROM (SELECT DISTINCT ON (e.request_id) CASE e.kind WHEN 'closed' THEN "
    "e.detail->>'outcome' WHEN 'failed' THEN 'failed' WHEN 'planned' THEN 'planned' WHEN 'set_aside' THEN 'set_aside' "
    "ELSE 'under way' END AS state FROM events e JOIN events l ON l.request_id = e.request_id AND l.kind = 'listed' "
    "AND l.detail->>'list' = :list ORDER BY e.request_id, e.seq DESC) AS last GROUP BY 1 ORDER BY 1"
)
_RECEIVED: Final = text(
    "SELECT request_id, at, detail FROM events WHERE kind = 'list_received' ORDER BY seq DESC LIMIT :most"
)


class Received(NamedTuple):
    """A list that was taken in. `at`: UTC; `by`: who took it in, as a code; `reason`: of `erasurelist.REASONS`."""

    list_id: str
    at: datetime
    people: int
    reason: str
    by: str

    @classmethod
    def of(cls, list_id: str, at: datetime, detail: Mapping[str, Any]) -> "Received":
        """Of its first event."""
        return cls(list_id, at.astimezone(UTC), int(detail["people"]), detail["reason"], detail["by"])


def received(ledger: Ledger, most: int = 100) -> list[Received]:
    """The lists that were taken in last, the newest first."""
    with transaction(ledger.engine, "list") as connection:
        return [Received.of(*row) for row in connection.execute(_RECEIVED, {"most": most})]


def standing(ledger: Ledger, list_id: str, people: int) -> dict[str, int]:
    """State → how many people: done, set_aside, planned, failed (a person has to look), under way, not begun; stopped.
    `people`: how many there are on it."""
    with transaction(ledger.engine, "list") as connection:
        found = {str(state): int(count) for state, count in connection.execute(_LAST, {"list": list_id})}
    missing = people - sum(found.values())
    return found | ({NOT_BEGUN: missing} if missing else {})
