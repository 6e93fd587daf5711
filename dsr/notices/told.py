"""What the case file keeps of the notices of one request: `notices/<notice id>`, one object per recipient and kind.

Written before the person is told anything, read again by whoever tries again: a notice that has a receipt isn't sent
twice. With the case file it goes; the ledger then still says who was told, by keys of the register.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.notices.notice import Notice

_FOLDER: Final = "notices/"


@dataclass(frozen=True)
class Told:
    """How one recipient was told.

    recipient, name   key in the register, legal name
    by                "opendsr", "mail", or "none": not told, and `reason` says why
    kind              one of `notice.KINDS`
    at                when it was told, aware; None when it wasn't
    status            "sent" (by mail), one of `receipt.STATUSES`, "failed" (not told yet) or "none"
    code              why it failed; "" when it did not
    receipt           as `Receipt.as_json`; {} without one
    reason            words, by language; {} when it was told
    activities        rows of the register that it names
    late              told after it had been given up at first: whoever told it follows it too
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
    activities: tuple[str, ...] = ()
    late: bool = False

    @property
    def open(self) -> bool:
        """Whether the recipient has it but hasn't acted yet."""
        return self.status in ("pending", "in_progress")

    @property
    def reached(self) -> bool:
        """Whether the recipient surely has it and hasn't turned it down."""
        return self.status not in ("failed", "none", "cancelled")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Told":
        """Back from `as_json`."""
        at, rows = value["at"], tuple(value.get("activities", ()))
        return cls(**{**value, "at": datetime.fromisoformat(at) if at else None, "activities": rows})

    def as_json(self) -> dict[str, Any]:
        """The form in the case file."""
        return {**asdict(self), "at": self.at.isoformat() if self.at else None}


def new(notice: Notice, status: str, *, by: str = "", **more: Any) -> Told:
    """How its recipient is, or isn't, told. by: the way, "" = as the register has it; `more`: further fields."""
    to = notice.recipient
    by, at = by or (to.notify.by if to.notify else "none"), more.pop("at", None)
    return Told(notice.notice_id, to.id, to.name, by, notice.kind, at, status, activities=notice.activities, **more)


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
