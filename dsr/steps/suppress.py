"""suppress: puts a person on the suppression list, before anything of theirs is erased or restricted; and takes them
off it when the objection that they were put on it for is refused."""

import unicodedata
from datetime import datetime
from typing import Final

from dsr.casefile import CaseFile
from dsr.evidence import is_common
from dsr.ledger import Ledger
from dsr.model import Identifier
from dsr.search import found_from_json
from dsr.suppression import KINDS, Suppression

EXAMINED: Final = "legitimate_interest"
"""The ground of an objection that a person decides about, Art. 21(1); all others are absolute."""
REFUSED: Final = "objection.refused"


def suppress(case: CaseFile, suppression: Suppression, ledger: Ledger, *, at: datetime) -> int:
    """Lists the address that the request came from and every address and number that surely is the person's alone,
    with the event `suppressed`; how many. Twice is fine. A shared mailbox or switchboard is never listed: it would
    keep others out. Erasure bars everything, an objection or a withdrawn consent marketing."""
    # An objection under Art. 21(1) may be refused; what another request has put on the list must outlast that.
    request = case.read_json("request")
    scope = "all" if request["right"] == "erasure" else "marketing"
    own = request.get("ground") != EXAMINED
    count = suppression.add(identifiers(case), scope, case.case_id, at, own=own)
    detail = {"scope": scope, "count": count}
    if not any(e.kind == "suppressed" and e.detail == detail for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "suppressed", detail, at=at)
    return count


def readmit(case: CaseFile, suppression: Suppression, ledger: Ledger, *, at: datetime) -> int:
    """Takes off what this request, an objection under Art. 21(1) that was refused, has put on the list, with the event
    `readmitted`; how many. What any other request has put there stays. Twice is fine."""
    count = suppression.remove(identifiers(case), "marketing", REFUSED, at, request_id=case.case_id)
    if not any(e.kind == "readmitted" for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "readmitted", {"scope": "marketing", "count": count, "reason": REFUSED}, at=at)
    return count


def identifiers(case: CaseFile) -> frozenset[Identifier]:
    """What identifies the person of a case wherever they come from: addresses and mobile numbers."""
    matches = (m for name in case.names("found/") for m in found_from_json(case.read_json(name)).matches)
    carried = {i for match in matches for i in match.by | match.holds if i.kind in KINDS}
    return frozenset(i for i in carried | {stated(case)} if not is_common(i))


def stated(case: CaseFile) -> Identifier:
    """The address that the request came from, whoever else reads it."""
    address = case.read_json("request")["subject"]["email"]
    return Identifier("email", unicodedata.normalize("NFC", address.strip().lower()))
