"""suppress: puts a person on the suppression list, before anything of theirs is erased or restricted; and takes them
off it when what they were put on it for has ended: an objection that was refused, a restriction that is lifted."""

import unicodedata
from datetime import datetime
from typing import Final

from dsr.casefile import CaseFile
from dsr.evidence import is_common
from dsr.ledger import Ledger, since
from dsr.model import Identifier
from dsr.purposes import scopes_of
from dsr.search import found_from_json
from dsr.suppression import KINDS, Suppression

_ENDED: Final = {"objection": "objection.refused", "restriction": "restriction.lifted"}


def suppress(case: CaseFile, suppression: Suppression, ledger: Ledger, *, at: datetime) -> int:
    """Lists the address that the request came from and every address and number that surely is the person's alone,
    with an event `suppressed` for each of `scopes`; how many. Twice is fine. A shared mailbox or switchboard is never
    listed: it would keep others out."""
    count, known = 0, identifiers(case)
    for scope in scopes(case):
        count = suppression.add(known, scope, case.case_id, at)
        detail = {"scope": scope, "count": count}
        events = since(ledger.events(case.case_id), "readmitted")
        if not any(e.kind == "suppressed" and e.detail == detail for e in events):
            ledger.append(case.case_id, "suppressed", detail, at=at)
    return count


def readmit(case: CaseFile, suppression: Suppression, ledger: Ledger, *, at: datetime) -> int:
    """Takes off what this request has put on the list, with the event `readmitted`; how many entries. What any other
    request has put there stays. Twice is fine."""
    reason = _ENDED[case.read_json("request")["right"]]
    removed = 0
    for scope in scopes(case):
        count = suppression.remove(identifiers(case), scope, reason, at, request_id=case.case_id)
        detail = {"scope": scope, "count": count, "reason": reason}
        events = since(ledger.events(case.case_id), "suppressed")
        if not any(e.kind == "readmitted" and e.detail["scope"] == scope for e in events):
            ledger.append(case.case_id, "readmitted", detail, at=at)
        removed += count
    return removed


def scopes(case: CaseFile) -> tuple[str, ...]:
    """What the request of a case bars: `dsr.purposes.scopes_of`."""
    return scopes_of(case.read_json("request"))


def identifiers(case: CaseFile) -> frozenset[Identifier]:
    """What identifies the person of a case wherever they come from: addresses and mobile numbers."""
    matches = (m for name in case.names("found/") for m in found_from_json(case.read_json(name)).matches)
    carried = {i for match in matches for i in match.by | match.holds if i.kind in KINDS}
    return frozenset(i for i in carried | {stated(case)} if not is_common(i))


def stated(case: CaseFile) -> Identifier:
    """The address that the request came from, whoever else reads it."""
    address = case.read_json("request")["subject"]["email"]
    return Identifier("email", unicodedata.normalize("NFC", address.strip().lower()))
