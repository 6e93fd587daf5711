"""The recipient's word that it has the package: `schemas/receipt.schema.json`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Self

import jsonschema_rs
import rfc8785

from dsr import schema
from dsr.errors import PermanentError


@dataclass(frozen=True)
class Receipt:
    """What a recipient says that it received.

    receipt_id   the recipient's own number for it: letters, digits and `._:-`
    sha256       hex, of what was received; bytes: its length
    received_at  when it was complete there, RFC 3339 with offset, by the recipient's clock
    recipient    what the recipient calls itself
    """

    receipt_id: str
    sha256: str
    bytes: int
    received_at: str
    recipient: str

    @classmethod
    def from_json(cls, value: Any, place: str) -> Self:
        """The receipt in an answer; members that the schema doesn't name are dropped. PermanentError
        ("receipt.invalid") for anything else: what comes from another's server goes into a ticket and a ledger."""
        if not _validator().is_valid(value):
            raise PermanentError("receipt.invalid", place)
        return cls(**{name: value[name] for name in cls.__dataclass_fields__})

    def as_json(self) -> Mapping[str, Any]:
        """As in the schema."""
        return vars(self).copy()

    @property
    def digest(self) -> str:
        """SHA-256 over its RFC 8785 form, hex: what the ledger holds of it."""
        return hashlib.sha256(rfc8785.dumps(dict(self.as_json()))).hexdigest()

    @property
    def moment(self) -> datetime:
        """`received_at`, aware."""
        return datetime.fromisoformat(self.received_at)


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema.load("receipt"), validate_formats=True)
