"""Who decided, as evidence has it."""

import hashlib
import re
from typing import Final

_PLAIN_ID: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,64}|[0-9]{1,5}")


def as_code(user: str) -> str:
    """A user's id or name as the ledger has it; where those are addresses or numbers of people, a hash that tells them
    apart."""
    if _PLAIN_ID.fullmatch(user):
        return user
    return f"sha256.{hashlib.sha256(user.encode()).hexdigest()[:16]}"
