"""Where several people decide about one request: one after the other."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Engine, func, select

from dsr.database import transaction

Alone = Callable[[str], AbstractContextManager[None]]
"""Request id → a block in which nobody else is, in no process. Keep it short."""


@contextmanager
def alone(engine: Engine, request_id: str, what: str = "review") -> Iterator[None]:
    """See `Alone`: a lock of the database that ends with the block, or with the process. `what`: that of which there is
    one at a time."""
    number = int.from_bytes(hashlib.sha256(f"{what}\0{request_id}".encode()).digest()[:8], "big", signed=True)
    with transaction(engine, what) as connection:
        connection.execute(select(func.pg_advisory_xact_lock(number)))
        yield
