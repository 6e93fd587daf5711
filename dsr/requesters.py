"""Who has asked for what: keyed hashes of the addresses that requests state, so that a second ticket about an open
request is joined to it, and a person sees how often the same address has asked; and of their tickets, so that one finds
the request by its ticket.

Neither is kept itself, and without the key nobody can tell whose a row is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.hidden import Hidden
from dsr.tables import requesters

_PLACE: Final = "requesters"


class Requesters:
    """The requests kept in the database behind `engine`; `key` is `subkey(master_key, "requesters")`."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine, self._hidden = engine, Hidden(key, _PLACE)

    def enter(self, request_id: str, address: str, at: datetime, since: datetime, *, ticket: str) -> int:
        """Notes that a request states that address, in the normal form of `model.Identifier`, in that ticket; the
        how-manieth it is of that address since then, 1 for the first. The same call again gives the same."""
        who, r = self._hidden.keyed("email", address), requesters.c
        with transaction(self._engine, _PLACE) as connection:
            _lock(connection, who)
            row = {"request_id": request_id, "address": who, "at": at, "ticket": self._ticket(ticket)}
            connection.execute(insert(requesters).values(row).on_conflict_do_nothing())
            noted = connection.execute(select(r.at).where(r.request_id == request_id)).scalar_one()
            query = select(func.count()).where(r.address == who, r.at >= since, r.at <= noted)
            return int(connection.execute(query).scalar_one())

    def set_out(self, request_id: str, asked: str) -> list[str]:
        """A request that was entered goes its way, and asks for that: those of the same address that ask for the very
        same and have set out before it, the first first, and have not stood back. Of two at once one is first. The same
        call again gives the same."""
        r, right = requesters.c, self._hidden.keyed("asked", asked).hex()
        with transaction(self._engine, _PLACE) as connection:
            who = connection.execute(select(r.address).where(r.request_id == request_id)).scalar_one()
            _lock(connection, who)
            last = select(func.coalesce(func.max(r.place), 0)).where(r.address == who).scalar_subquery()
            mine = r.request_id == request_id
            connection.execute(update(requesters).where(mine, r.going != right).values(going=right, place=last + 1))
            place = select(r.place).where(mine).scalar_subquery()
            before = select(r.request_id).where(r.address == who, r.going == right, r.place < place)
            return list(connection.execute(before.order_by(r.place)).scalars())

    def stand_back(self, request_ids: Sequence[str]) -> None:
        """They go their way no more: joined to another, or at their end."""
        if request_ids:
            r = requesters.c
            with transaction(self._engine, _PLACE) as connection:
                connection.execute(update(requesters).where(r.request_id.in_(request_ids)).values(going=""))

    def of_ticket(self, ticket: str) -> list[str]:
        """The requests that came in tickets of that id, through whatever channel, the latest first."""
        r = requesters.c
        query = select(r.request_id).where(r.ticket == self._ticket(ticket)).order_by(r.at.desc(), r.request_id)
        with transaction(self._engine, _PLACE) as connection:
            return list(connection.execute(query).scalars())

    def of_address(self, address: str) -> list[str]:
        """The requests that state that address, in the normal form of `model.Identifier`."""
        r = requesters.c
        query = select(r.request_id).where(r.address == self._hidden.keyed("email", address)).order_by(r.at)
        with transaction(self._engine, _PLACE) as connection:
            return list(connection.execute(query).scalars())

    def _ticket(self, ticket: str) -> bytes:
        return self._hidden.keyed("ticket", ticket.strip().casefold())

    def forget(self, before: datetime) -> int:
        """Removes those that were entered before that moment; how many. Keep them for as long as they are counted."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(requesters).where(requesters.c.at < before)).rowcount


def _lock(connection: Connection, who: bytes) -> None:
    """One after the other, for one address, until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(who[:8], "big", signed=True))))
