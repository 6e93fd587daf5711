"""Webhook deliveries already seen, so that the same one gives the same answer and starts one run."""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.postgresql import insert

from dsr.database import transaction
from dsr.errors import PermanentError
from dsr.tables import deliveries

_PLACE: Final = "deliveries"


class Deliveries:
    """The deliveries kept in the database behind `engine`; of a vendor's id only a hash is stored."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(self, channel: str, delivery_id: str, digest: str, request_id: str, at: datetime) -> str:
        """The request that this delivery belongs to: the one stored for it, or the given one, which is stored now.
        Of several at once exactly one wins. PermanentError("delivery.conflict") when the same id came before with
        another `digest` (that of its body)."""
        key = hashlib.sha256(f"{channel}\0{delivery_id}".encode("utf-8", "surrogatepass")).digest()
        row = {"key": key, "digest": digest, "request_id": request_id, "at": at}
        with transaction(self._engine, _PLACE) as connection:
            # A concurrent insert of the same key is waited for, so that the row is there to be read after a conflict.
            added = connection.execute(insert(deliveries).values(row).on_conflict_do_nothing())
            if added.rowcount == 1:
                return request_id
            query = select(deliveries.c.digest, deliveries.c.request_id).where(deliveries.c.key == key)
            stored = connection.execute(query).one()
        if not hmac.compare_digest(stored.digest.encode(), digest.encode()):
            raise PermanentError("delivery.conflict", _PLACE)
        return str(stored.request_id)

    def forget(self, before: datetime) -> int:
        """Drops what is older than that; how many. Keep them longer than a channel sends anything again."""
        with transaction(self._engine, _PLACE) as connection:
            return connection.execute(delete(deliveries).where(deliveries.c.at < before)).rowcount
