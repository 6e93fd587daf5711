"""The approval that records were erased under, from the ledger alone: a restore may come years after the case file,
and the plan in it, are gone. It has no end, and is only good for what the erasure ledger has under its digest.
"""

from typing import Any, Final

from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.selection import Approval, seal

_PLACE: Final = "replay"


def erased_under(ledger: Ledger, request_id: str, digest: str) -> Approval:
    """The approval of that plan. PermanentError("replay.approval") when the ledger doesn't say that one person
    prepared it once it was known who asks, another approved it, and that something was done on it."""
    events = ledger.events(request_id)
    prepared, approved = _agreed(events, "prepare", digest), _agreed(events, "approve", digest)
    enforced = [event for event in events if event.kind == "enforced"]
    if not prepared or not approved or not enforced:
        raise PermanentError("replay.approval", _PLACE)
    said = approved[-1]
    verified = [e for e in events if e.kind == "identity_verified" and e.detail.get("ok", True) is True]
    if not any(event.seq < prepared[-1].seq for event in verified):
        raise PermanentError("replay.approval", _PLACE)
    if _who(said) in {"", *(_who(event) for event in prepared[-1:])} or said.seq < prepared[-1].seq:
        raise PermanentError("replay.approval", _PLACE)
    return Approval(request_id, digest, _who(said), said.at, seal())


def _agreed(events: list[Event], decision: str, digest: str) -> list[Event]:
    wanted: dict[str, Any] = {"decision": decision, "digest": digest, "choice": "approve"}
    return [e for e in events if e.kind == "decision" and wanted.items() <= dict(e.detail).items()]


def _who(event: Event) -> str:
    by = str(event.detail.get("by") or "").casefold()
    return "" if by == "nobody" else by
