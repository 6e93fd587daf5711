"""extend: two months more for one request, once, told with the reason within the first month (Art. 12(3) GDPR).

Told first, noted then: what was begun lies in the case file before the person is told, so that whoever goes on after a
crash says the same and notes the same.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.report.acting import ActingLetter
from dsr.settings import Settings
from dsr.standing import EXTENDED, Standing

_PLACE: Final = "extension"
_NOTE: Final = "extension"
"""{"run", "reason", "by", "latest"} of the extension that was begun; `latest` as the person is told it."""
_TOLD: Final = "told/extended"

Tell = Callable[[CaseFile, str], object]
"""Writes that text into the ticket of the case, once, and leaves the mark `told/extended`."""


def extend(
    request_id: str,
    reason: str,
    *,
    by: str,
    run: str,
    cases: CaseStore,
    ledger: Ledger,
    tell: Tell,
    at: datetime,
    settings: Settings,
) -> date:
    """The new last day, in the controller's time zone. `reason`: one of `acting.EXTENSIONS`; `by`: who extends it, a
    code; `run`: a name of this extension, the same when it is tried again: done already = says so again.

    PermanentError: ("extension.unknown") for no request of that id, ("extension.answered") when the person has had
    their answer, ("extension.already") for a second one, ("extension.late") once the first month is over, ("reason.
    unknown"), ("case.closed"). Errors of `tell` are passed on; nothing is noted then.
    """
    standing = Standing.of(ledger.events(request_id))
    if standing is None:
        raise PermanentError("extension.unknown", _PLACE)
    case = _case(cases, standing)
    begun, told = case.read_json(_NOTE) if case.exists(_NOTE) else {}, case.exists(_TOLD)
    if not told or begun.get("run") != run:
        if standing.answered:
            raise PermanentError("extension.answered", _PLACE)
        if told or standing.extended:
            raise PermanentError("extension.already", _PLACE)
        text = _letter(case, standing, reason, at, settings)
        begun = {"run": run, "reason": reason, "by": by, "latest": case.read_json("deadlines")["extended_latest"]}
        case.write_json(_NOTE, begun)
    else:
        text = ""  # it was told, and is not again
    tell(case, text)
    request = case.read_json("request")
    case.write_json("request", request | {"due": request["due"] | {"extended_latest": begun["latest"]}})
    if not standing.extended:
        ledger.append(request_id, EXTENDED, {name: begun[name] for name in ("reason", "by", "latest")}, at=at)
    return date.fromisoformat(begun["latest"])


def _case(cases: CaseStore, standing: Standing) -> CaseFile:
    try:
        return cases.open(standing.request_id)
    except PermanentError:
        if standing.answered:
            raise PermanentError("extension.answered", _PLACE) from None
        raise


def _letter(case: CaseFile, standing: Standing, reason: str, at: datetime, settings: Settings) -> str:
    received, today = (moment.astimezone(settings.zone).date() for moment in (standing.received_at, at))
    letter = ActingLetter.of(case.read_json("request"), settings, standing.right)
    return letter.extended(case.read_json("deadlines"), [reason], received, today)
