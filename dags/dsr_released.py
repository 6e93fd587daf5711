"""What a release is of: one package, and whom its copy may be sent to beside the person.

Made with the package, shown to whoever decides, written into the ledger with the decision, and compared again with
what is there before anything leaves. So what was approved is what was shown, whatever was changed meanwhile.
"""

from typing import TYPE_CHECKING, Any

from dsr.errors import PermanentError
from dsr_workplace import Workplace

if TYPE_CHECKING:
    from dsr.casefile import CaseFile
    from dsr_recipients import Allowed

_SHOWN = "release/shown"


def wanted_recipient(place: Workplace, case: "CaseFile") -> "Allowed | None":
    """The recipient that the request names, as its connection is now; None when it names none that is allowed."""
    wanted = case.read_json("request").get("transmit_to", "")
    return place.recipient(wanted) if wanted else None


def show(place: Workplace, request_id: str, asked: dict[str, Any]) -> None:
    """Keep what is shown to whoever decides: {"sha256"} of the package and, where a copy of it would be sent,
    {"transmit_to", "transmit_sha256", "fingerprint"} of recipient, copy and connection."""
    place.case(request_id).write_json(_SHOWN, asked)


def shown(place: Workplace, request_id: str) -> dict[str, Any]:
    """What `show` kept: the detail of the decision."""
    asked: dict[str, Any] = place.case(request_id).read_json(_SHOWN)
    return asked


def released(place: Workplace, request_id: str) -> dict[str, Any]:
    """What was released, in the form of `show`. PermanentError("release.not_approved") when it is not the package that
    is there."""
    case = place.case(request_id)
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    last = [d for d in decisions if d["decision"] == "release"][-1:]
    if [(d["choice"], d["sha256"]) for d in last] != [("approve", case.read_json("package.json")["sha256"])]:
        raise PermanentError("release.not_approved", "deliver")
    return dict(last[0])


def approved_recipient(place: Workplace, request_id: str, release: dict[str, Any]) -> "Allowed | None":
    """Whom that release lets the copy be sent to; None = nobody but the person, or the connection is another one than
    when the release was asked for."""
    if "transmit_to" not in release:
        return None
    found = wanted_recipient(place, place.case(request_id))
    if found is None or (found.key, found.fingerprint) != (release["transmit_to"], release["fingerprint"]):
        return None
    return found


def promised(place: Workplace, request_id: str) -> bool:
    """Whether the person was told that their data follows to the recipient."""
    answers = [e.detail for e in place.ledger.events(request_id) if e.kind == "answered"]
    return bool(answers) and answers[-1].get("transmits", False)
