"""The contact on file: the address that the controller wrote to before anybody asked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from dsr import rows
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.search import found_from_json
from dsr.source import Dataset, Declaration

SETTLED: Final = timedelta(days=30)
"""An address that was changed within this time may be the work of whoever asks."""
_MASTER: Final = "salesforce_contact"
"""The records that are kept up to date; a lead or a registration keeps the address of its day."""
_PLACE: Final = "contact"


def on_file(case: CaseFile, stated: str) -> str:
    """The address to write to: one that a record surely the person's carries, never one that is only in the ticket.

    The stated one, if records carry it. But where the master record carries others only, one of those: the stated one
    is a former address then, and its mailbox may be another's by now. PermanentError("address.absent") when no record
    carries any.
    """
    matches = [m for name in case.names("found/") for m in found_from_json(case.read_json(name)).matches]
    masters = [m for m in matches if m.dataset == _MASTER]
    # One in the recycle bin (merged into another, for example) is not kept up to date any more.
    kept = [m for m in masters if not m.reference.get("deleted")] or masters
    master = Counter(i.value for m in kept for i in m.holds if i.kind == "email")
    addresses = master or Counter(i.value for m in matches for i in m.holds if i.kind == "email")
    if stated in addresses:
        return stated
    if not addresses:
        raise PermanentError("address.absent", _PLACE)
    return min(addresses, key=lambda address: (-addresses[address], address))


def changed_lately(case: CaseFile, declarations: Sequence[Declaration], at: datetime) -> bool:
    """Whether a history that was collected says that an address of theirs was changed within `SETTLED`. False too when
    no system keeps such a history."""
    histories = [(d.name, h) for d in declarations for h in d.datasets if h.contact_changes is not None]
    return any(moment > at - SETTLED for source, history in histories for moment in _changes(case, source, history))


def _changes(case: CaseFile, source: str, history: Dataset) -> Iterator[datetime]:
    field, moment, names = history.contact_changes or ("", "", ())
    for batch in rows.batches(case, source, history.name, (field, moment)):
        for name, at in zip(batch.column(field).to_pylist(), batch.column(moment).to_pylist(), strict=True):
            if name in names and at:
                yield datetime.fromisoformat(at)
