"""triage: before anything is read, what a request is about, whether it is ours, and whether it is an open one again.

`triage` at the intake asks the questions; `take` and `end` do what a person has answered. Whoever is cut off in between
goes on where it stopped: each says what it has done in the ledger, once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.channels.ticket import Ticket
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.requesters import Requesters
from dsr.settings import Settings
from dsr.triage import DECISION, FREQUENT, LINKED, TRIAGED, WITHIN, fitting, is_open, linked_to, questions
from dsr.vocabulary import UNCLEAR

RELATION: Final = "relation"
"""{"about", "customer", "unclear", "among"}: what the ticket says about what it is about, and about its right."""
WAY: Final = "triage"
"""In place of a right, for `accept.StartRun`: the run in which a person settles it, or it is joined."""
ASKED: Final = "triage/asked"
"""The person was asked which right they mean."""
_PLACE: Final = "triage"
_CONTENT: Final = ("right", "corrections", "ground", "purposes", "package", "transmit_to")


def keep(case: CaseFile, ticket: Ticket, settings: Settings) -> None:
    """Writes into the case what triage will ask about. A customer that isn't one of ours is not kept: what was typed
    may be anything."""
    said = ticket.relation
    customer = said.customer if said.customer in settings.customers else ""
    told = {"about": said.about, "customer": customer, "unclear": ticket.unclear, "among": list(ticket.among)}
    case.write_json(RELATION, told)


def triage(case: CaseFile, requesters: Requesters, ledger: Ledger, *, at: datetime, settings: Settings) -> str:
    """Says how the request goes on: its right when nothing is open, else `WAY`. Leaves the event `triaged`, and
    `linked` in both ledgers when it is joined to an open request. Called again it says the same."""
    events = ledger.events(case.case_id)
    triaged = next((e for e in events if e.kind == TRIAGED), None)
    request, said = case.read_json("request"), _relation(case)
    if triaged is None:
        address, received, ticket = request["subject"]["email"], _received(request), request["ticket"]["id"]
        nth = requesters.enter(case.case_id, address, received, received - WITHIN, ticket=ticket)
        open_ = questions(request["right"], said["about"], nth, settings.frequent_from)
        detail: dict[str, Any] = {"questions": list(open_), "within_year": nth}
        if request["right"] == UNCLEAR:
            detail |= {"unclear": said["unclear"], "among": said["among"]}
        triaged = ledger.append(case.case_id, TRIAGED, detail, at=at)
    asked = triaged.detail["questions"]
    if set(asked) - {FREQUENT} or join(case, requesters, ledger, at=at) or asked:
        return WAY
    return str(request["right"])


def join(case: CaseFile, requesters: Requesters, ledger: Ledger, *, at: datetime) -> str:
    """The open request of the same address that asks for the very same and that this one is joined to, with the events;
    "" when there is none. It gets nothing by it: no code, no link, no verification, and no other day. One that asks for
    something else, be it another correction or purpose, is a request of its own."""
    request_id, request = case.case_id, case.read_json("request")
    to = linked_to(ledger.events(request_id))
    if not to:
        before = requesters.set_out(request_id, _asked(request))
        ended = [other for other in before if not is_open(ledger.events(other))]
        requesters.stand_back(ended)
        to = next((other for other in before if other not in ended), "")
        if not to:
            return ""
        ledger.append(request_id, LINKED, {"to": to}, at=at)
    requesters.stand_back([request_id])
    if not any(e.kind == LINKED and e.detail.get("from") == request_id for e in ledger.events(to)):
        ledger.append(to, LINKED, {"from": request_id}, at=at)
    return to


def choose(
    case: CaseFile, ledger: Ledger, right: str, by: str, *, ground: str = "", purposes: Sequence[str] = (), at: datetime
) -> None:
    """A person says that the request is ours, and which right it is; written into the case, then as the decision with
    the reason: why it was asked, and "answered" when the person was asked what they mean.
    PermanentError("triage.unfit") when that right needs something that the ticket doesn't state; nothing is changed."""
    chosen = fitting(case.read_json("request"), right, ground, purposes)
    if chosen is None:
        raise PermanentError("triage.unfit", _PLACE)
    said = _relation(case)
    reason = "answered" if case.exists(ASKED) else said["unclear"] or "ours"
    case.write_json("request", chosen)
    detail = {"decision": DECISION, "choice": "take", "right": right, "reason": reason, "by": by}
    ledger.append(case.case_id, "decision", detail, at=at)


def end(case: CaseFile, ledger: Ledger, outcome: str, *, at: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """The request ends here: the event `closed` with how, and before it `referred` with `detail` if given; once."""
    events = ledger.events(case.case_id)
    if detail is not None and not _has(events, "referred"):
        ledger.append(case.case_id, "referred", detail, at=at)
    if not _has(events, "closed"):
        ledger.append(case.case_id, "closed", {"outcome": outcome}, at=at)


def _has(events: Sequence[Event], kind: str) -> bool:
    return any(event.kind == kind for event in events)


def _asked(request: Mapping[str, Any]) -> str:
    """All that a request asks for, whatever the order in which it was said."""
    asked = {name: request[name] for name in _CONTENT if name in request}
    return json.dumps(asked, sort_keys=True, ensure_ascii=False)


def _received(request: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(request["received_at"])


def _relation(case: CaseFile) -> dict[str, Any]:
    """As `RELATION`; of a case that an earlier version opened, all empty."""
    empty: dict[str, Any] = {"about": "", "customer": "", "unclear": "", "among": []}
    return empty | (case.read_json(RELATION) if case.exists(RELATION) else {})
