"""How often one address may try something within a time, counted in the database: over several processes, and beyond
their restarts.

No address is kept, only a keyed hash; of IPv6 the first half, since whoever has one has all of those (RFC 6177). The
time begins with an address's first attempt; when it is over, counting begins anew.
"""

from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import Engine, case, delete, update
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.hidden import Hidden
from dsr.tables import allowances

_PLACE: Final = "allowances"
_IPV6_PREFIX: Final = 64


class Allowances:
    """Those kept in the database behind `engine`; `key` is `subkey(master_key, "allowances")`. `most` attempts for one
    purpose within `within` from one address."""

    def __init__(self, engine: Engine, key: bytes, most: int, within: timedelta) -> None:
        self._engine, self._hidden, self._most, self._within = engine, Hidden(key, _PLACE), most, within

    def take(self, purpose: str, address: str, at: datetime) -> bool:
        """Counts an attempt, whether it is allowed or not; whether it is."""
        a = allowances.c
        over = a.since <= at - self._within
        row = {"address": self._of(purpose, address), "since": at, "used": 1}
        again = {"since": case((over, at), else_=a.since), "used": case((over, 1), else_=a.used + 1)}
        # One statement: the row's lock makes attempts that come at once count one after the other.
        statement = insert(allowances).values(row).on_conflict_do_update(index_elements=[a.address], set_=again)
        with transaction(self._engine, _PLACE) as connection:
            used: int = connection.execute(statement.returning(a.used)).scalar_one()
        return used <= self._most

    def give_back(self, purpose: str, address: str) -> None:
        """An attempt that was taken was right, and doesn't count."""
        a = allowances.c
        row = update(allowances).where(a.address == self._of(purpose, address), a.used > 0)
        with transaction(self._engine, _PLACE) as connection:
            connection.execute(row.values(used=a.used - 1))

    def forget(self, at: datetime) -> int:
        """Removes what has no more effect at that moment; how many."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(allowances).where(allowances.c.since <= at - self._within)).rowcount

    def _of(self, purpose: str, address: str) -> bytes:
        return self._hidden.keyed(purpose, _half(address))


def _half(address: str) -> str:
    """What counts as one; as it stands when it is no IP address."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((int(ip), _IPV6_PREFIX), strict=False))
