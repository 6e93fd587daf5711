"""What a release is of: one package, and whom it may be sent to beside the person. Written into the ledger when a
person approves it, and asked for before anything leaves."""

from typing import TYPE_CHECKING, Any

from dsr.errors import PermanentError
from dsr_workplace import Workplace

if TYPE_CHECKING:
    from dsr.transmission import Recipient


def release_of(place: Workplace, request_id: str) -> dict[str, Any]:
    """The detail of the decision: the package's digest, and the recipient if it is one that may be sent to."""
    case = place.case(request_id)
    wanted = case.read_json("request").get("transmit_to", "")
    allowed = {"transmit_to": wanted} if wanted and place.recipient(wanted) else {}
    return {"sha256": case.read_json("package.json")["sha256"], **allowed}


def approved_recipient(place: Workplace, request_id: str) -> "Recipient | None":
    """Whom the release of this very package lets it be sent to; None = nobody but the person.
    PermanentError("release.not_approved") when it was not released."""
    case = place.case(request_id)
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    released = [d for d in decisions if d["decision"] == "release"][-1:]
    if [(d["choice"], d["sha256"]) for d in released] != [("approve", case.read_json("package.json")["sha256"])]:
        raise PermanentError("release.not_approved", "deliver")
    wanted = case.read_json("request").get("transmit_to", "")
    return place.recipient(wanted) if wanted and released[0].get("transmit_to") == wanted else None
