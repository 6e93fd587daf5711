"""enforce: the only step that writes to a system. Does to the approved records of one source what the plan says.

It goes by the reading that `reread` took of every system before the first was written to: what isn't exactly as it was
when the plan was approved is left alone. From the first verb on the reading stands, since from then on the records
differ by our own doing; a verb that was interrupted is called again with the same records and goes on, all but those
that somebody else has surely changed meanwhile (`dsr.interim`). So it can be killed at any moment and run again. What a
vendor only does later is asked for again until it is done.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pyarrow as pa

from dsr import carried, interim, plan, prerequisites, rounds
from dsr.approval import selections
from dsr.casefile import CaseFile
from dsr.enforced import Enforced, Progress
from dsr.erasures import EFFECTS, Erasing, Erasures
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.model import Found, Outcome
from dsr.plan import PlanSummary
from dsr.planned import effects_of
from dsr.purposes import purposes_of
from dsr.reaching import bear_others_addresses
from dsr.reported import by_hand, checked
from dsr.rereading import Reading, Reread, find_again, known_identifiers, narrowed
from dsr.schema import SOURCE_ID
from dsr.selecting import CorrectionsOf, Selecting
from dsr.selection import Approval, Selection
from dsr.source import Declaration, Source
from dsr.version import versions
from dsr.vocabulary import EFFECTS as EVERY

AGAIN: Final = timedelta(hours=6)
"""How long to wait before a vendor is asked again whether it has done what it put off."""
LONGEST: Final = timedelta(days=40)
"""After so long what was put off counts as not done: vendors promise 30 days at most."""
RECENT: Final = timedelta(minutes=15)
"""A reading that is no older is of right before; an older one is held against what is there now."""
_Verb = tuple[tuple[str, ...], Callable[[], Iterable[Outcome]]]
"""Effects, and the call that brings them about."""


def enforce(
    case: CaseFile,
    source: Source,
    declaration: Declaration,
    approval: Approval,
    *,
    holds: HoldsInForce,
    ledger: Ledger,
    erasures: Erasures,
    at: datetime,
    corrections_of: CorrectionsOf,
    select: Selecting = selections,
    again: timedelta = AGAIN,
) -> Enforced:
    """Does it, and puts what became of it into the case file (enforced/<source>) and the ledger. Done already = says
    so again and touches nothing.

    What must hold is in `dsr.prerequisites`, with the codes. TransientError("enforce.scheduled") while the vendor
    hasn't done all of it: call again after `retry_after`; PermanentError("enforce.overdue") after LONGEST;
    ("enforce.foreign") when a record that was begun with carries somebody else's address by now. Errors of the source
    are passed on.
    """
    progress = Progress.load(case, declaration.name)
    _tell(case, ledger, progress, at)
    if progress.status == "done":
        return progress.enforced(case.case_id)
    planned = plan.read(case)
    prerequisites.check(case, planned, declaration, approval, ledger)
    if progress.begun_at and at - progress.begun_at > LONGEST:
        raise PermanentError("enforce.overdue", declaration.name)
    found, fresh = _reading(case, source, declaration, progress, planned, at)
    selection, left = select(case, approval, declaration.name, declaration, fresh, found, holds=holds, at=at)
    verbs = _verbs(case, source, declaration, selection, corrections_of)
    outcomes = list(left)
    if verbs:
        erasures.note(case.case_id, planned.digest, declaration.name, _going(selection), at)
        progress.begin(at)
        progress.save(case)
        selection = _noting(case, progress, approval, selection)
        verbs = _verbs(case, source, declaration, selection, corrections_of)
        for effects, verb in verbs:
            resumed = len(progress.attempts) > 1
            outcomes += checked(verb(), selection, declaration, effects, again=resumed)
    progress.finish(outcomes, at)
    progress.save(case)
    _tell(case, ledger, progress, at)
    if progress.status == "scheduled":
        raise TransientError("enforce.scheduled", declaration.name, retry_after=again)
    return progress.enforced(case.case_id)


def _reading(
    case: CaseFile, source: Source, declaration: Declaration, progress: Progress, planned: PlanSummary, at: datetime
) -> tuple[Found, Reread]:
    """What the source held of the certain records before any system was written to. When that is no longer just now,
    what others have changed since takes its place."""
    name = declaration.name
    reading = Reading.load(case, name)
    if reading is None:
        raise PermanentError("enforce.unread", name)
    recent = not progress.begun_at and at - reading.at <= RECENT
    if recent or not reading.found.matches:
        return reading.found, interim.overlaid(case, name)
    before = carried.planned_found(case, name)
    now = find_again(source, case.case_id, known_identifiers(declaration, before.matches))
    if effects_of(planned, name) & set(EFFECTS) and bear_others_addresses(reading.answers, now):
        raise PermanentError("enforce.foreign", name)
    if not progress.outcomes:
        started = [(dataset, effect) for dataset, effect in progress.started]
        follows = bool(rounds.written(case, declaration.erase_after))
        interim.look(case, source, declaration, narrowed(now, reading.found), started, follows=follows)
    return reading.found, interim.overlaid(case, name)


def _noting(case: CaseFile, progress: Progress, approval: Approval, selection: Selection) -> Selection:
    """The same records; what is asked for of them is put down before it is given."""

    def batches(dataset: str, effect: str) -> Iterator[pa.RecordBatch]:
        if [dataset, effect] not in progress.started:
            progress.started.append([dataset, effect])
            progress.save(case)
        yield from selection.batches(dataset, effect)

    counts = {(d, effect): selection.count(d, effect) for effect in EVERY for d in selection.datasets(effect)}
    return Selection(approval, selection.found, counts, batches)


def _verbs(
    case: CaseFile, source: Source, declaration: Declaration, selection: Selection, corrections_of: CorrectionsOf
) -> list[_Verb]:
    """The calls to make, in order; none when nothing is selected for any."""
    given = case.read_json("request").get("corrections") or {}
    corrections = {d: corrections_of(declaration.dataset(d), given) for d in selection.datasets("rectify")}
    verbs = (
        (("rectify",), "rectify", ({case.case_id: corrections},)),
        (("restrict",), "restrict", (purposes_of(case),)),
        (EFFECTS, "erase", ()),
    )
    calls: list[_Verb] = []
    for effects, name, arguments in verbs:
        if any(selection.datasets(effect) for effect in effects):
            verb = getattr(source, name, None)
            by_verb = partial(verb, [selection], *arguments) if verb else None
            calls.append((effects, by_verb or partial(by_hand, selection, declaration.name, effects)))
    return calls


def _going(selection: Selection) -> Iterator[Erasing]:
    """The records that are about to go, with the versions that were approved: nothing of another is selected."""
    for effect in EFFECTS:
        for dataset in selection.datasets(effect):
            for batch in selection.batches(dataset, effect):
                ids = batch.column(SOURCE_ID).to_pylist()
                for record_id, version in zip(ids, versions(batch, dataset).to_pylist(), strict=True):
                    yield Erasing(dataset, effect, record_id, version)


def _tell(case: CaseFile, ledger: Ledger, progress: Progress, at: datetime) -> None:
    """Puts into the ledger what isn't there yet: once, although it may be interrupted between two events. Of several
    attempts on a source the highest holds."""
    if progress.told == progress.outcomes:
        return
    events = [(e.kind, e.detail) for e in ledger.events(case.case_id)]
    placed = {"source": progress.source, "attempt": progress.number}
    details: list[tuple[str, dict[str, Any]]] = [("enforced", placed | outcome) for outcome in progress.outcomes]
    restricted = sum(o["count"] for o in progress.outcomes if (o["effect"], o["outcome"]) == ("restrict", "done"))
    if restricted:
        details.append(("restricted", {**placed, "count": restricted, "purposes": list(purposes_of(case))}))
    for kind, detail in details:
        if (kind, detail) not in events:
            ledger.append(case.case_id, kind, detail, at=at)
    progress.told = list(progress.outcomes)
    progress.save(case)
