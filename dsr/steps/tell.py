"""tell: one text of the answer into the ticket, once, with the event `answered`."""

from collections.abc import Callable
from datetime import datetime

from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger

GiveAnswer = Callable[[Answer], None]


def tell(
    case: CaseFile, kind: str, text: str, *, answer: GiveAnswer, ledger: Ledger, close: bool, at: datetime
) -> bool:
    """Writes `text` into the ticket of this case, and closes it if asked; whether this call did, False when an earlier
    one had. `kind`: what the text is, a code. Errors of `answer` are passed on."""
    mark = f"told/{kind}"
    if case.exists(mark):
        return False
    request = case.read_json("request")
    answer(
        Answer(
            request_id=request["request_id"],
            answer_id=f"{request['request_id']}-{kind}",
            channel=request["channel"],
            ticket_id=request["ticket"]["id"],
            text=text,
            close=close,
            at=at,
        )
    )
    case.write_json(mark, True)
    ledger.append(case.case_id, "answered", {"outcome": kind}, at=at)
    return True
