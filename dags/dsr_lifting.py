"""How a restriction ends: the person is told on which day (Art. 18(3)), and on that day it is lifted everywhere. Or it
stays, and the person is told that."""

import os
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from airflow.sdk import task

from dsr.errors import TransientError
from dsr_acting import note_refusal, tell_person
from dsr_asked import asked_of, left_until
from dsr_coded import coded
from dsr_permission import permission
from dsr_retries import ENFORCE_RETRIES
from dsr_tasks import this_request
from dsr_workplace import DECLARATIONS, Workplace, now

_NOTICE: Final = timedelta(days=float(os.environ.get("DSR_LIFT_NOTICE_DAYS", "7")))
"""How long before a restriction is lifted the person is told; at the least one day."""
_NOTE: Final = "lift/announced"
"""{"on", "reason"} as the person is told it, kept before they are: whoever goes on says the same day."""
_OVERRIDDEN: Final = "compelling_grounds"
"""Why an objection was refused, where the decision doesn't say."""


@task(show_return_value_in_logs=False)
@coded
def announce_lift() -> None:
    """Tells the person that the restriction ends, and why, days before it does (Art. 18(3)); where it ends because the
    objection is refused, that too, and where to complain (Art. 12(4))."""
    from dsr.ledger import since
    from dsr.steps.lift import ANNOUNCED

    place, at = Workplace(), now()
    request_id = this_request(place)
    case, asked = place.case(request_id), asked_of(place.case(request_id))
    note, today = _note(place, case), at.astimezone(place.settings.zone).date()
    on = date.fromisoformat(note["on"])
    if not case.exists("told/lifting") and on <= today:
        # Nobody has been told yet, and the day has come meanwhile.
        case.remove(_NOTE)
        note = _note(place, case)
        on = date.fromisoformat(note["on"])
    text = ""  # once told, it is not told again
    if not case.exists("told/lifting"):
        letter = asked.letter(place.settings)
        if asked.examined:
            text = letter.overridden(_refused_for(place, case), on, today)
        else:
            text = letter.lifting(on, note["reason"], today)
    tell_person(place, case, "lifting", text, close=True)
    if asked.examined:
        note_refusal(place, request_id, _refused_for(place, case))
    # What was announced of an earlier restriction says nothing of this one.
    events = since(place.ledger.events(request_id), "restricted")
    if [e.detail for e in events if e.kind == ANNOUNCED][-1:] != [note]:
        place.ledger.append(request_id, ANNOUNCED, note, at=at)


def _note(place: Workplace, case: Any) -> dict[str, str]:
    """The day and the reason that the person is told; the same however often it is asked for."""
    if not case.exists(_NOTE):
        on = now().astimezone(place.settings.zone).date() + max(_NOTICE, timedelta(days=1))
        case.write_json(_NOTE, {"on": on.isoformat(), "reason": _decided(place, case)["reason"]})
    note: dict[str, str] = case.read_json(_NOTE)
    return note


def _decided(place: Workplace, case: Any) -> Mapping[str, Any]:
    """The last decision."""
    return [e.detail for e in place.ledger.events(case.case_id) if e.kind == "decision"][-1]


def _refused_for(place: Workplace, case: Any) -> str:
    return str(_decided(place, case).get("refused_for", _OVERRIDDEN))


@task(show_return_value_in_logs=False)
@coded
def keep_restricted() -> None:
    """Tells the person that the restriction stays until further notice, and closes the ticket."""
    place = Workplace()
    case = place.case(this_request(place))
    tell_person(place, case, "kept", asked_of(case).letter(place.settings).kept(), close=True)


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def lift() -> None:
    """Takes the restriction away again in every source, only what was set for this request, on the day announced. The
    person is taken off the suppression list; what another request put there stays. Recipients that were told of the
    restriction hear of its end from *tell_lifted*.

    **Up for retry** with `lift.untold`: the person doesn't have the announcement yet (Art. 18(3)). It waits for the
    ticket, see `dsr_tickets`, or for the officer who is to send it.
    """
    from dsr.steps import lift as step
    from dsr.steps import notify, suppress
    from dsr.steps.plan import vendor_order

    place, at = Workplace(), now()
    request_id = this_request(place)
    case, today = place.case(request_id), at.astimezone(place.settings.zone).date()
    announced = [e for e in place.ledger.events(request_id) if e.kind == step.ANNOUNCED][-1:]
    if place.undelivered(case):
        raise TransientError("lift.untold", "lift", timedelta(hours=1))
    wait = left_until(date.fromisoformat(announced[0].detail["on"]), today) if announced else None
    if wait is not None:
        raise TransientError("lift.announced", "lift", wait)
    for name in vendor_order(DECLARATIONS):
        client, declaration = place.acting(name)
        holds = place.holds.in_force(today)
        step.lift(case, client, declaration, permission(place, case, at), holds=holds, ledger=place.ledger, at=at)
    # Before the run may end: what it takes to tell them goes with the working data.
    notify.lifted(case)
    suppress.readmit(case, place.suppression, place.ledger, at=at)
