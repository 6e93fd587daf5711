"""What the case file keeps of the notices of one request: `notices/<notice id>`, one object per recipient and kind.

Written before the person is told anything, read again by whoever tries again: a notice that has a receipt isn't sent
twice. With the case file it goes; the ledger then still says who was told, by keys of the register.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.register.nouns import Recipient

_FOLDER: Final = "notices/"


@dataclass(frozen=True)
class Told:
    """How one recipient was told.

    recipient, name   key in the register, legal name
    by                "opendsr", "mail", or "none": not told, and `reason` says why
    kind              "erasure", "restriction" or "rectification"
    at                when it was told, aware; None when it wasn't
    status            "sent" (by mail), one of `receipt.STATUSES`, "failed" (not told yet) or "none"
    code              why it failed; "" when it did not
    receipt           as `Receipt.as_json`; {} without one
    reason            words, by language; {} when it was told
    """

    notice_id: str
    recipient: str
    name: str
    by: str
    kind: str
    at: datetime | None
    status: str
    code: str = ""
    receipt: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether the recipient has it but hasn't acted yet."""
        return self.status in ("pending", "in_progress")

    @property
    def reached(self) -> bool:
        """Whether the recipient surely has it."""
        return self.status not in ("failed", "none")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Told":
        """Back from `as_json`."""
        return cls(**{**value, "at": datetime.fromisoformat(value["at"]) if value["at"] else None})

    def as_json(self) -> dict[str, Any]:
        """The form in the case file."""
        return {**asdict(self), "at": self.at.isoformat() if self.at else None}


def new(notice_id: str, recipient: Recipient, kind: str, status: str, **more: Any) -> Told:
    """How that recipient is, or isn't, told; `more`: further fields."""
    by = recipient.notify.by if recipient.notify else "none"
    return Told(notice_id, recipient.id, recipient.name, by, kind, more.pop("at", None), status, **more)


def write(case: CaseFile, told: Told) -> None:
    """Keep it, in place of what was there."""
    case.write_json(f"{_FOLDER}{told.notice_id}", told.as_json())


def read(case: CaseFile, notice_id: str) -> Told | None:
    """What is kept of that notice; None when it was never tried."""
    name = f"{_FOLDER}{notice_id}"
    return Told.from_json(case.read_json(name)) if case.exists(name) else None


def all_told(case: CaseFile) -> tuple[Told, ...]:
    """Every notice of the case, by name of the recipient and kind; () when nobody had to be told."""
    found = [Told.from_json(case.read_json(name)) for name in case.names(_FOLDER)]
    return tuple(sorted(found, key=lambda told: (told.name, told.kind, told.notice_id)))
