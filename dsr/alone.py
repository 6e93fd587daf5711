"""Where several people decide about one request: one after the other."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from sqlalchemy import Engine, func, select

from dsr.database import transaction

_PLACE: Final = "review"

Alone = Callable[[str], AbstractContextManager[None]]
"""Request id → a block in which nobody else is, in no process. Keep it short."""


@contextmanager
def alone(engine: Engine, request_id: str) -> Iterator[None]:
    """See `Alone`: a lock of the database that ends with the block, or with the process."""
    number = int.from_bytes(hashlib.sha256(f"review\0{request_id}".encode()).digest()[:8], "big", signed=True)
    with transaction(engine, _PLACE) as connection:
        connection.execute(select(func.pg_advisory_xact_lock(number)))
        yield
