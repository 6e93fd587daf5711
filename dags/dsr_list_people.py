"""What is done for one person on an erasure list, by the steps of any erasure; see `dsr_list_chunks`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import dsr_changing as changing
from dsr.errors import PermanentError
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.approval import ListApproval
    from dsr.casefile import CaseFile
    from dsr.erasurelist import ErasureList, Line, Planned
    from dsr.together import Sources

OPEN_REQUEST: Final = "request.open"
"""Why somebody is set aside: they have asked for something themselves, and it is not answered yet."""
OTHER_NUMBER: Final = "customer_number.other"
"""Why somebody is set aside: none of the records that are theirs carries the customer number that the list states."""
RESTRICTED: Final = "request.restricted"
"""Why somebody is set aside: processing is restricted (Art. 18), and who asked for that may need the data."""
_RESTRICTED_SCOPE: Final = "restricted"
_FOLLOWED: Final = "followed"
"""In a person's case: there once only the recipients are left to act."""
_PLACE: Final = "list"
Work = Callable[[str, "Sources"], Any]
"""(request id, sources) → what comes of it; see `dsr.together.Work`."""


def open_case(place: Workplace, listed: "ErasureList", line: "Line") -> "CaseFile":
    """The person's own case, as if they had asked for erasure."""
    case = place.cases.create(line.request_id)
    request = {
        "request_id": line.request_id,
        "right": "erasure",
        "channel": "list",
        "list": listed.list_id,
        "received_at": listed.received_at.isoformat(),
        "language": "en",
        "subject": {"email": line.email},
    }
    case.write_json("request", request)
    if not place.ledger.events(line.request_id):
        place.ledger.append(line.request_id, "listed", {"list": listed.list_id}, at=now())
    return case


def barred(place: Workplace, case: "CaseFile") -> str:
    """Why nothing may be done with a person although they are on the list, by all that is known of them so far; "" =
    nothing bars it."""
    from dsr.carried import identifiers
    from dsr.standing import Standing

    known = identifiers(case, tuple(declaration.name for declaration in DECLARATIONS))
    for address in sorted(i.value for i in known if i.kind == "email"):
        for request_id in place.requesters.of_address(address):
            standing = Standing.of(place.ledger.events(request_id))
            if standing is not None and not standing.answered:
                return OPEN_REQUEST
    return RESTRICTED if _RESTRICTED_SCOPE in place.suppression.asks(known) else ""


def identify(place: Workplace, request_id: str, sources: "Sources") -> "Planned | None":
    from dsr.erasurelist import NOTHING, Planned
    from dsr.steps import identify

    case = place.case(request_id)
    statuses = identify.identify(case, sources, DECLARATIONS, place.index, at=now(), final=False, side_by_side=False)
    if set(statuses.values()) <= {"none"}:
        return Planned(aside=NOTHING)
    return None


def collect(place: Workplace, request_id: str, sources: "Sources") -> None:
    from dsr.steps import collect

    case = place.case(request_id)
    for name, source in sources.items():
        if source is None:
            raise PermanentError("plan.incomplete", name)
        collect.collect(case, source, at=now())


def plan(place: Workplace, lines: "Mapping[str, Line]", request_id: str) -> "Planned":
    from dsr.assessing import Law
    from dsr.carried import identifiers
    from dsr.erasurelist import Planned
    from dsr.steps import assess
    from dsr.steps import plan as step

    case, settings, stated = place.case(request_id), place.settings, lines[request_id].customer_number
    if code := barred(place, case):
        return Planned(aside=code)
    if stated:
        names = tuple(declaration.name for declaration in DECLARATIONS)
        numbers = {i.value for i in identifiers(case, names) if i.kind == "customer_number"}
        if stated not in numbers:
            return Planned(aside=OTHER_NUMBER)
    at = now()
    day = at.astimezone(settings.zone).date()
    law, holds = Law(assess.plan_rows, assess.bonds_of), place.holds.in_force(day)
    return Planned.of(step.plan(case, DECLARATIONS, place.register, holds, law=law, at=at, zone=settings.zone))


def note_planned(place: Workplace, request_id: str, planned: "Planned") -> None:
    from dsr import approval

    if planned.aside:
        kind, detail = "set_aside", {"code": planned.aside}
    else:
        kind, detail = "planned", approval.planned_detail(place.case(request_id))
    last = [e.detail for e in place.ledger.events(request_id) if e.kind == kind][-1:]
    if last != [detail]:
        place.ledger.append(request_id, kind, detail, at=now())


def note_approval(place: Workplace, approved: "ListApproval", request_id: str) -> None:
    from dsr import approval, rounds
    from dsr.steps import suppress

    case = place.case(request_id)
    if not rounds.begun(case) and (code := barred(place, case)):
        raise PermanentError(code, _PLACE)
    approval.note_of_list(case, place.ledger, approved, at=now())
    suppress.suppress(case, place.suppression, place.ledger, at=now())


def reread(place: Workplace, request_id: str, sources: "Sources") -> None:
    from dsr.steps import reread

    case = place.case(request_id)
    for declaration in DECLARATIONS:
        source = sources[declaration.name]
        if source is None:
            raise PermanentError("connection.missing", declaration.connection_id)
        reread.reread(case, source, declaration, at=now())


def enforcing(place: Workplace) -> list[Work]:
    """One for each source, in the order that the vendors force."""
    from dsr.steps.plan import vendor_order

    return [partial(_enforce, place, name) for name in vendor_order(DECLARATIONS)]


def _enforce(place: Workplace, name: str, request_id: str, sources: "Sources") -> None:
    declaration, source = next(d for d in DECLARATIONS if d.name == name), sources[name]
    if source is None:
        raise PermanentError("connection.missing", declaration.connection_id)
    changing.enforce(place, request_id, source, declaration)


def verify(place: Workplace, request_id: str, sources: "Sources") -> None:
    changing.verify(place, request_id, sources)


def notify(place: Workplace, request_id: str) -> bool:
    """Whether a recipient has yet to act: then their case waits for that, without what was read for it. One that can't
    be told keeps the case open as it is: nobody else would see to it."""
    told = changing.notify(place, request_id, final=False)
    if told.failed:
        raise PermanentError("notice.failed", _PLACE)
    if told.pending:
        place.case(request_id).write_json(_FOLLOWED, True)
        _shred(place, request_id)
    return bool(told.pending)


def followed(place: Workplace, request_id: str) -> bool:
    """Whether all is done of them but what recipients are still to do."""
    from dsr.casefile import GONE

    try:
        return place.case(request_id).exists(_FOLLOWED)
    except PermanentError as error:
        if error.code in GONE:
            return False
        raise


def follow(place: Workplace, request_id: str) -> None:
    """Asks the recipients what became of it; raises as `dsr.steps.notify.follow` while they haven't acted."""
    from dsr.steps import notify

    _shred(place, request_id)
    notify.follow(changing.telling(place, request_id), place.register)


def _shred(place: Workplace, request_id: str) -> None:
    from dsr.steps import close

    close.shred(place.case(request_id))
