"""What must hold before a record is changed. Each that doesn't is a PermanentError with its own code."""

from typing import Final

from dsr.casefile import CaseFile
from dsr.enforced import Progress
from dsr.erasures import EFFECTS
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.plan import PlanSummary, searched_everywhere
from dsr.planned import effects_of
from dsr.purposes import scopes_of
from dsr.rereading import Reading
from dsr.search import PLANNED
from dsr.selection import Approval
from dsr.source import Declaration
from dsr.standing import identified

_PLACE: Final = "enforce"


def check(case: CaseFile, planned: PlanSummary, declaration: Declaration, approval: Approval, ledger: Ledger) -> None:
    """All of them, for one source. Codes:

    enforce.approval     the approval is another request's, or of another plan
    enforce.search, plan.incomplete  nobody has searched, a search or a reading failed anywhere, or no plan was made
                         since the last search
    enforce.unread       a system was not read again since the plan was made: nothing is written before all were
    enforce.order        a source that must be erased from first isn't finished
    enforce.suppression  the person isn't on the suppression list yet, and would come back with the next import, or be
                         written to again
    enforce.identity     nobody has verified who asks, or it is in doubt; only restricting may go before (Art. 18, 21)
    """
    if (approval.request_id, approval.digest) != (case.case_id, planned.digest):
        raise PermanentError("enforce.approval", _PLACE)
    _check_searches(case)
    if _unread(case, planned):
        raise PermanentError("enforce.unread", _PLACE)
    if not all(_finished(case, planned, name) for name in declaration.erase_after):
        raise PermanentError("enforce.order", declaration.name)
    effects, events = effects_of(planned, declaration.name), ledger.events(case.case_id)
    erasing = bool(effects & set(EFFECTS))
    # Without a scope nothing needs to be on the list: a consent to something else than marketing was withdrawn.
    if (erasing or scopes_of(case.read_json("request"))) and not any(e.kind == "suppressed" for e in events):
        raise PermanentError("enforce.suppression", _PLACE)
    if (erasing or "rectify" in effects) and not identified(events):
        raise PermanentError("enforce.identity", _PLACE)


def _unread(case: CaseFile, planned: PlanSummary) -> bool:
    return any(effects_of(planned, name) and Reading.load(case, name) is None for name in planned.order)


def _check_searches(case: CaseFile) -> None:
    """Every search must have come to an end, and all that it found have been read."""
    searched = tuple(name.removeprefix("search/") for name in case.names("search/"))
    searched_everywhere(case, searched)
    found = [name.removeprefix("found/") for name in case.names("found/")]
    read = {c["source"]: c["status"] for c in map(case.read_json, case.names("collected/"))}
    if not (searched and case.exists(PLANNED)) or any(read.get(name) != "found" for name in found):
        raise PermanentError("enforce.search", _PLACE)


def _finished(case: CaseFile, planned: PlanSummary, source: str) -> bool:
    """Whether nothing is left to erase in a source."""
    return not effects_of(planned, source) & set(EFFECTS) or Progress.load(case, source).status == "done"
