"""sign_in: the customer portal's word on who asks, looked at when the request comes in (Art. 12(6) GDPR: what is known
of the person's identity already is used before anything is asked).

It settles nothing alone: what is found afterwards may take it back, see `dsr.steps.ask_identity`.
"""

from datetime import datetime
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.idtoken import VERIFIED, IdTokens
from dsr.ledger import Ledger
from dsr.standing import PORTAL, SECOND
from dsr.triage import linked_to
from dsr.vocabulary import UNCLEAR

ONE_FACTOR: Final = "token.one_factor"
SWITCHED_OFF: Final = "token.switched_off"
JOINED: Final = "token.joined"


def sign_in(case: CaseFile, token: str, tokens: IdTokens | None, ledger: Ledger, *, at: datetime) -> str:
    """Leaves the event `identity_verified` when the token counts, else `identity_refused` with the code, once; which
    code it is. Where data may be erased one factor isn't enough. Without an issuer no token counts. A request whose
    token doesn't count goes on as if it had none: whoever asks is asked.

    The token of a request that was joined to an open one counts for neither, JOINED, and leaves no event: who wrote the
    open one may be somebody else, who would be verified by it. It is used up, so that no reader of the ticket can put
    it into another."""
    events = ledger.events(case.case_id)
    if linked_to(events):
        if tokens is not None:
            tokens.word(token, case.read_json("request")["subject"]["email"], case.case_id, at)
        return JOINED
    for event in events:
        if event.detail.get("method") == PORTAL and event.kind in ("identity_verified", "identity_refused"):
            return str(event.detail.get("code", VERIFIED))
    request = case.read_json("request")
    detail: dict[str, Any] = {"method": PORTAL}
    code, second = SWITCHED_OFF, False
    if tokens is not None:
        word = tokens.word(token, request["subject"]["email"], case.case_id, at)
        code, second = word.code, word.second
    if code == VERIFIED and not second and request["right"] in (*SECOND, UNCLEAR):
        code = ONE_FACTOR
    if code == VERIFIED:
        detail |= {"by": "person", "ok": True, "factors": 2 if second else 1}
        ledger.append(case.case_id, "identity_verified", detail, at=at)
    else:
        ledger.append(case.case_id, "identity_refused", detail | {"code": code}, at=at)
    return code
