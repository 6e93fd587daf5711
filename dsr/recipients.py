"""Which recipients were told of what was changed (Art. 19 GDPR), from the ledger's events and the register: what there
is to say when the case file with its notices is gone, and what the person gets who asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dsr.errors import PermanentError
from dsr.ledger import Event
from dsr.notices.covered import kind_of
from dsr.notices.told import Told
from dsr.overview import Row
from dsr.register import Recipient, Register
from dsr.report.acting import ActingLetter
from dsr.settings import Settings
from dsr.source import Declaration
from dsr.standing import right_of

_CANCELLED: Final = "notice.cancelled"
UNTOLD: Final = "notice.absent"
"""Code of a recipient that got the data by the register as it is now, and that no event says was told."""
UNSETTLED: Final = "notice.unsettled"
"""Code of one about whom the register doesn't say how they are told."""

_STANDS: Final = {
    "sent": "sent; a mail isn't acknowledged here",
    "pending": "acknowledged by a signed receipt; not done there yet",
    "in_progress": "acknowledged by a signed receipt; not done there yet",
    "completed": "acknowledged, and done there",
    "cancelled": "acknowledged, but cancelled there",
    "failed": "not told",
    "none": "need not be told",
}


@dataclass(frozen=True)
class Informed:
    """A recipient, how it was told, and the address that the register has now: of a mailbox, or the Airflow connection
    of an endpoint; "" = none."""

    told: Told
    address: str


def register_of(settings: Settings) -> Register | None:
    """The register; None when it can't be read."""
    try:
        return Register.load(settings.register or None)
    except PermanentError:
        return None


def informed(events: Sequence[Event], register: Register | None, declarations: Sequence[Declaration]) -> list[Informed]:
    """All recipients of what a request has changed, by name: those of whom the events speak, and those that got the
    data by the register as it is now. Without a register the name is its key."""
    found = _noted(events, register)
    known = {(told.recipient, told.kind) for told in found}
    for kind, recipient in _reached(events, register, declarations):
        if (recipient.id, kind) not in known:
            known.add((recipient.id, kind))
            found.append(_unnoted(kind, recipient))
    listed = [Informed(told, _address(_by_key(register, told.recipient))) for told in found]
    return sorted(listed, key=lambda one: (one.told.name, one.told.kind, one.told.notice_id))


def letter(listed: Sequence[Informed], row: Row, language: str, settings: Settings) -> str:
    """The same for the person, who has asked; to be sent by an officer."""
    about = ActingLetter(row.request_id, language, settings, row.right, received=row.received_at)
    return about.recipients([one.told for one in listed])


def said(told: Told) -> str:
    """How it stands, in words, without its code."""
    return _STANDS.get(told.status, told.status.replace("_", " "))


def _noted(events: Sequence[Event], register: Register | None) -> list[Told]:
    """By the last word about each notice; it was told when that was first said."""
    found: dict[tuple[str, str, str], Told] = {}
    for event in events:
        if event.kind not in ("notified", "notice_failed"):
            continue
        detail = event.detail
        key = (detail["recipient"], detail["kind"], detail.get("notice", ""))
        one = found.get(key) or _told(*key, _by_key(register, detail["recipient"]))
        one = replace(one, by=detail.get("by", one.by))
        code = detail.get("code", "")
        if event.kind == "notified":
            found[key] = replace(one, at=one.at or event.at, status=detail.get("status", "sent"), code="")
        else:
            found[key] = replace(one, status="cancelled" if code == _CANCELLED else "failed", code=code)
    return list(found.values())


def _told(key: str, kind: str, notice: str, recipient: Recipient | None) -> Told:
    by = recipient.notify.by if recipient and recipient.notify else ""
    return Told(notice, key, recipient.name if recipient else key, by, kind, None, "failed")


def _unnoted(kind: str, recipient: Recipient) -> Told:
    one = _told(recipient.id, kind, "", recipient)
    if recipient.notify is None:
        return replace(one, by="none", code=UNSETTLED)
    if recipient.notify.by == "none":
        return replace(one, status="none", reason=dict(recipient.notify.reason))
    return replace(one, code=UNTOLD)


def _reached(
    events: Sequence[Event], register: Register | None, declarations: Sequence[Declaration]
) -> Iterator[tuple[str, Recipient]]:
    """(kind, recipient) of what Art. 19 covers. A restriction in place of an erasure is none of Art. 18, nor is a stop
    of marketing; an objection that had to be examined was a restriction, and its person was told of that meanwhile."""
    examined = any(e.kind == "answered" and e.detail.get("outcome") == "meanwhile" for e in events)
    restricting = right_of(events) == "restriction" or examined
    rows = {dataset.name: dataset.processing for found in declarations for dataset in found.datasets}
    for event in events:
        detail = event.detail
        kind = kind_of(detail, restricting=restricting) if event.kind == "enforced" else ""
        activity = register.activities.get(rows.get(detail.get("dataset", ""), "")) if register else None
        if activity is not None and kind:
            yield from ((kind, recipient) for recipient in activity.recipients)


def _by_key(register: Register | None, key: str) -> Recipient | None:
    known: Mapping[str, Recipient] = register.recipients if register else {}
    return known.get(key)


def _address(recipient: Recipient | None) -> str:
    notify = recipient.notify if recipient else None
    return (notify.to or notify.connection) if notify else ""
