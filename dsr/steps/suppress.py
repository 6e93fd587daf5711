"""suppress: puts a person on the suppression list, before anything of theirs is erased or restricted."""

import unicodedata
from datetime import datetime

from dsr.casefile import CaseFile
from dsr.evidence import is_common
from dsr.ledger import Ledger
from dsr.model import Identifier
from dsr.search import found_from_json
from dsr.suppression import KINDS, Suppression


def suppress(case: CaseFile, suppression: Suppression, ledger: Ledger, *, at: datetime) -> int:
    """Lists the address that the request came from and every address and number that surely is the person's alone,
    with the event `suppressed`; how many. Twice is fine. A shared mailbox or switchboard is never listed: it would
    keep others out. Erasure bars everything, an objection or a withdrawn consent marketing."""
    request = case.read_json("request")
    scope = "all" if request["right"] == "erasure" else "marketing"
    count = suppression.add(identifiers(case), scope, case.case_id, at)
    detail = {"scope": scope, "count": count}
    if not any(e.kind == "suppressed" and e.detail == detail for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, "suppressed", detail, at=at)
    return count


def identifiers(case: CaseFile) -> frozenset[Identifier]:
    """What identifies the person of a case wherever they come from: addresses and mobile numbers."""
    request = case.read_json("request")
    anchor = Identifier("email", unicodedata.normalize("NFC", request["subject"]["email"].strip().lower()))
    matches = (m for name in case.names("found/") for m in found_from_json(case.read_json(name)).matches)
    carried = {i for match in matches for i in match.by | match.holds if i.kind in KINDS}
    return frozenset(i for i in carried | {anchor} if not is_common(i))
