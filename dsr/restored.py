"""What a restored case store holds that the ledger says is destroyed, and what it lacks.

A copy of the store is older than the ledger that is restored with it: case files whose link had ended are back, working
data that was shredded is back. Nothing notices that by itself, so this looks: the ledger decides.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.steps.close import STAGING

AGAIN: Final = "restored"
"""Outcome of the event `shredded` of what was destroyed once more."""
_WORKING: Final = ("source_searched", "identity_asked", "planned", "composed", "run_started")
"""Kinds of events after which there is working data, or may be."""


@dataclass(frozen=True)
class Restored:
    """Ids of requests, sorted.

    destroyed   their case file had been destroyed, and is back
    shredded    their working data had been removed, and is back
    unknown     the ledger knows nothing of them: it is older than the store
    unreadable  none of the keys given here opens them
    packageless  their person has a link that still lives, to a package that isn't there
    lost        without an answer, and without a case file: their tickets have to be sent again
    """

    destroyed: tuple[str, ...]
    shredded: tuple[str, ...]
    unknown: tuple[str, ...]
    unreadable: tuple[str, ...]
    packageless: tuple[str, ...]
    lost: tuple[str, ...]


def look(cases: CaseStore, ledger: Ledger, unanswered: Collection[str], at: datetime) -> Restored:
    """Compares all case files with the ledger. `unanswered`: the requests whose person has no answer."""
    found: dict[str, list[str]] = {name: [] for name in ("destroyed", "shredded", "unknown", "unreadable")}
    found["packageless"] = []
    present = cases.cases()
    for case_id in present:
        events = ledger.events(case_id)
        state = _state(cases, case_id, events)
        if state:
            found[state].append(case_id)
        if state in ("", "shredded") and _linked(events, at) and not cases.open(case_id).exists("package"):
            found["packageless"].append(case_id)
    lost = tuple(sorted(set(unanswered) - set(present)))
    return Restored(**{name: tuple(ids) for name, ids in found.items()}, lost=lost)


def destroy_again(cases: CaseStore, ledger: Ledger, restored: Restored, at: datetime) -> None:
    """Does once more what had been done, and says so in the ledger."""
    for case_id in (*restored.destroyed, *restored.shredded):
        case = cases.open(case_id)
        if case_id in restored.destroyed:
            case.close()
        else:
            for prefix in STAGING:
                case.remove(prefix)
        ledger.append(case_id, "shredded", {"outcome": AGAIN}, at=at)


def _linked(events: Sequence[Event], at: datetime) -> bool:
    """Whether the person has a link that still leads somewhere."""
    ends = [str(e.detail.get("expires_at", "")) for e in events if e.kind == "delivered"][-1:]
    return any(end and datetime.fromisoformat(end) > at for end in ends)


def _state(cases: CaseStore, case_id: str, events: Sequence[Event]) -> str:
    """Where it belongs; "" = it is as the ledger says."""
    if not events:
        return "unknown"
    try:
        case = cases.open(case_id)
    except PermanentError:
        return "unreadable"
    if any(e.kind == "link_expired" or (e.kind, e.detail.get("outcome")) == ("closed", "ended") for e in events):
        return "destroyed"
    working = max((e.seq for e in events if e.kind in _WORKING), default=0)
    removed = max((e.seq for e in events if e.kind == "shredded"), default=0)
    if removed > working and any(name.startswith(STAGING) for name in case.names()):
        return "shredded"
    return ""
