"""tell: one text of the answer into the ticket, once per plan, with the event `answered`."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from dsr import rounds
from dsr.casefile import CaseFile
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger

GiveAnswer = Callable[[Answer], None]
_BEFORE: Final = "before"
"""How often the ledger had that answer before this one: a plan that was lifted and made again is told again."""


def tell(
    case: CaseFile, kind: str, text: str, *, answer: GiveAnswer, ledger: Ledger, close: bool, at: datetime
) -> bool:
    """Writes `text` into the ticket of this case, and closes it if asked; whether this call did, False when an earlier
    one had. `kind`: what the text is, a code. The event is there afterwards in both cases: an earlier call may have
    been cut off before it. It names the plan that the text is about, if any. Errors of `answer` are passed on."""
    name, digest = f"told/{kind}", rounds.digest_of(case)
    told = case.exists(name)
    if not told:
        outcome = {"outcome": kind, "digest": digest} if digest else {"outcome": kind}
        _say(case, kind, text, answer, close, at)
        case.write_json(name, {**outcome, _BEFORE: _count(ledger, case, outcome)})
    outcome = case.read_json(name)
    before = outcome.pop(_BEFORE, 0)
    if _count(ledger, case, outcome) <= before:
        ledger.append(case.case_id, "answered", outcome, at=at)
    return not told


def _count(ledger: Ledger, case: CaseFile, outcome: Mapping[str, str]) -> int:
    return [e.detail for e in ledger.events(case.case_id) if e.kind == "answered"].count(outcome)


def ask(case: CaseFile, kind: str, text: str, *, mark: str, answer: GiveAnswer, at: datetime, secret: str = "") -> None:
    """Writes a text into the ticket that answers nothing, so that no event says that the request was answered; once, as
    long as `mark` lies in the case file. `secret`: what stands in it for nobody but the person; "" = nothing."""
    if not case.exists(mark):
        _say(case, kind, text, answer, close=False, at=at, secret=secret)
        case.write_json(mark, {"outcome": kind})


def _say(case: CaseFile, kind: str, text: str, answer: GiveAnswer, close: bool, at: datetime, secret: str = "") -> None:
    request = case.read_json("request")
    # Receivers drop the same answer given again. What a later round says under the same name is another one.
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    answer(
        Answer(
            request_id=request["request_id"],
            answer_id=f"{request['request_id']}-{kind}-{digest}",
            channel=request["channel"],
            ticket_id=request["ticket"]["id"],
            text=text,
            close=close,
            at=at,
            kind=kind,
            secrets=(secret,) if secret else (),
        )
    )
