"""What came of looking at the source systems: whether they let us in, and what they hold that nobody has declared.

No evidence and about no request, so beside the ledger. Names of tables and fields are kept, never a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.tables import source_checks

NOT_CONNECTED: Final = "connection.missing"
"""The code when there is no connection to the source, which is no fault."""
_KEPT: Final = timedelta(days=90)
_PLACE: Final = "checks"


@dataclass(frozen=True)
class Check:
    """One look at a source. `at`: aware; `code`: of the error, "" = all was well; `undeclared`: as `model.Checked`;
    `fresh`: those of them that the last good look didn't see; `calls_left`, `calls_a_day`: None = the system doesn't
    say."""

    source: str
    at: datetime
    code: str = ""
    undeclared: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    calls_left: int | None = None
    calls_a_day: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        lists = {"undeclared": list(self.undeclared), "fresh": list(self.fresh)}
        calls = {"calls_left": self.calls_left, "calls_a_day": self.calls_a_day}
        return {"source": self.source, "at": self.at.isoformat(), "code": self.code, **lists, **calls}


class Checks:
    """The looks kept in the database behind `engine`, those of 90 days."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, check: Check) -> None:
        """Keeps it; one at the same moment is replaced."""
        kept, c = {**check.as_json(), "at": check.at}, source_checks.c
        with transaction(self._engine, _PLACE) as connection:
            row = insert(source_checks).values(kept)
            changes = {name: value for name, value in kept.items() if name not in ("source", "at")}
            connection.execute(row.on_conflict_do_update(index_elements=["source", "at"], set_=changes))
            connection.execute(delete(source_checks).where(c.source == check.source, c.at < check.at - _KEPT))

    def last(self) -> Mapping[str, Check]:
        """The last look at each source that was ever looked at."""
        return self._newest(good=False)

    def good(self) -> Mapping[str, Check]:
        """The last at which all was well."""
        return self._newest(good=True)

    def _newest(self, *, good: bool) -> dict[str, Check]:
        c = source_checks.c
        which = c.code == "" if good else c.code.is_not(None)
        newest = select(c.source, func.max(c.at).label("at")).where(which).group_by(c.source).subquery()
        query = select(source_checks).join(newest, (c.source == newest.c.source) & (c.at == newest.c.at))
        with transaction(self._engine, _PLACE) as connection:
            return {row.source: _check(row) for row in connection.execute(query)}


def _check(row: Any) -> Check:
    calls = row.calls_left, row.calls_a_day
    return Check(row.source, row.at.astimezone(UTC), row.code, tuple(row.undeclared), tuple(row.fresh), *calls)
