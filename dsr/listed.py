"""How far an erasure list has come, from the ledger alone: in which state how many of its people are."""

from typing import Final

from sqlalchemy import text

from dsr.database import transaction
from dsr.ledger import Ledger

_LAST: Final = text(
    "SELECT state, count(*) FROM (SELECT DISTINCT ON (e.request_id) CASE e.kind WHEN 'closed' THEN "
    "e.detail->>'outcome' WHEN 'failed' THEN 'failed' WHEN 'planned' THEN 'planned' WHEN 'set_aside' THEN 'set_aside' "
    "ELSE 'under way' END AS state FROM events e JOIN events l ON l.request_id = e.request_id AND l.kind = 'listed' "
    "AND l.detail->>'list' = :list ORDER BY e.request_id, e.seq DESC) AS last GROUP BY 1 ORDER BY 1"
)


def standing(ledger: Ledger, list_id: str, people: int) -> dict[str, int]:
    """State → how many people: done, set_aside, planned, failed (a person has to look), under way, not begun; stopped.
    `people`: how many there are on it."""
    with transaction(ledger.engine, "list") as connection:
        found = {str(state): int(count) for state, count in connection.execute(_LAST, {"list": list_id})}
    missing = people - sum(found.values())
    return found | ({"not begun": missing} if missing else {})
