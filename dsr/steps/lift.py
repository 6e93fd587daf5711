"""lift: takes a restriction away again, only what was set for this request, and only after the person was told
(Art. 18(3)): that is its own step, which puts `lift_announced` into the ledger.

It works with the reading that the restriction was set on, so a restricted case keeps its working data until then.
"""

from datetime import datetime
from typing import Final

from dsr import plan
from dsr.approval import selections
from dsr.casefile import CaseFile
from dsr.enforced import Enforced, Progress
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger, since
from dsr.purposes import purposes_of
from dsr.reported import by_hand, checked
from dsr.rereading import Reading, reread
from dsr.selecting import Selecting
from dsr.selection import Approval
from dsr.source import Declaration, Source

ANNOUNCED: Final = "lift_announced"
_FOLDER: Final = "lifted"


def lift(
    case: CaseFile,
    source: Source,
    declaration: Declaration,
    approval: Approval,
    *,
    holds: HoldsInForce,
    ledger: Ledger,
    at: datetime,
    select: Selecting = selections,
) -> Enforced:
    """Lifts it in one source, with the event `lifted`. Done already = says so again; nothing restricted = nothing.

    PermanentError("lift.announced") when the person was not told since the restriction, ("lift.approval") when the
    approval is another request's or plan's, ("lift.absent") when the case no longer has what was restricted;
    TransientError("lift.scheduled") when the system needs time.
    """
    name = declaration.name
    progress = Progress.load(case, name, _FOLDER)
    if progress.status != "done":
        _check(case, approval, ledger)
        reading = Reading.load(case, name)
        if reading is None:
            raise PermanentError("lift.absent", name)
        fresh = reread(case, f"{name}.fresh")
        selection, _ = select(case, approval, name, declaration, fresh, reading.found, holds=holds, at=at)
        progress.begin(at)
        progress.save(case, _FOLDER)
        verb = getattr(source, "restrict", None)
        told = verb([selection], purposes_of(case), lift=True) if verb else by_hand(selection, name, ("restrict",))
        again = len(progress.attempts) > 1
        progress.finish(checked(told, selection, declaration, ("restrict",), again=again), at)
        progress.save(case, _FOLDER)
    if progress.status == "scheduled":
        raise TransientError("lift.scheduled", name)
    _tell(case, ledger, progress, at)
    return progress.enforced(case.case_id)


def _check(case: CaseFile, approval: Approval, ledger: Ledger) -> None:
    if (approval.request_id, approval.digest) != (case.case_id, plan.read(case).digest):
        raise PermanentError("lift.approval", "lift")
    kinds = [e.kind for e in ledger.events(case.case_id) if e.kind in ("restricted", ANNOUNCED)]
    if not kinds or kinds[-1] != ANNOUNCED:
        raise PermanentError("lift.announced", "lift")


def _tell(case: CaseFile, ledger: Ledger, progress: Progress, at: datetime) -> None:
    events = [e.detail for e in since(ledger.events(case.case_id), ANNOUNCED) if e.kind == "lifted"]
    for outcome in progress.outcomes:
        detail = {"source": progress.source, **outcome}
        if detail not in events:
            ledger.append(case.case_id, "lifted", detail, at=at)
