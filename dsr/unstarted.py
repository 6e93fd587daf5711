"""Which accepted requests have no run yet, so that nobody has to read the ledger for it.

The database itself keeps the table, with the events: `request_received` puts a request in, `run_started` or `closed`
takes it out (migration 0011). It can't say something else than the ledger, and is empty when none waits.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Engine, select

from dsr.database import transaction
from dsr.tables import unstarted

_PLACE: Final = "unstarted"


class Unstarted:
    """The requests that wait for their run, in the database behind `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def next(self, after: int, before: datetime, limit: int) -> list[tuple[int, str]]:
        """(number of the event of its receipt, request id) of at most so many in the order of receipt: those after the
        event of that number, 0 = from the first, that were received before that moment. [] when none is left. Errors as
        `database.transaction`."""
        row = unstarted.c
        query = select(row.seq, row.request_id).where(row.seq > after, row.at < before).order_by(row.seq).limit(limit)
        with transaction(self._engine, _PLACE) as connection:
            return [(seq, request_id) for seq, request_id in connection.execute(query)]
