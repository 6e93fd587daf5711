"""retain: notes what an erasure left because something keeps it, so that it goes when that ends.

Noted is each record that a law or a legal hold keeps, and each that the system itself keeps for a time although its
erasure was asked for. Systems are read once more for it, by the ids that will still lead to the records years later
and by nothing else: what is noted of a record is how it will read then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import pyarrow as pa

from dsr import carried, plan
from dsr.casefile import CaseFile
from dsr.enforced import Progress
from dsr.errors import PermanentError
from dsr.holds import Holds
from dsr.kept import Kept, Signs, Ways, last_day
from dsr.reaching import asks_of, reach, read
from dsr.retained import Retained
from dsr.schema import SOURCE_ID
from dsr.source import Declaration, Source

_PLACE: Final = "retain"
_SignsOf = Callable[[str, pa.RecordBatch, datetime], dict[str, Signs]]


@dataclass(frozen=True)
class _Keeping:
    """What keeps a record, as `Kept` has it. `asked`: its erasure was asked for, and the system keeps it."""

    ground: str
    reason: str
    until: date | None
    asked: bool = False


_Wanted = Mapping[tuple[str, str], _Keeping]
"""(dataset, record id) → what keeps it."""


def retain(
    case: CaseFile,
    sources: Mapping[str, Source | None],
    declarations: Sequence[Declaration],
    *,
    retained: Retained,
    holds: Holds,
    at: datetime,
) -> int:
    """Notes it; how many records are kept. Nothing to do but for an erasure. Done again it notes the same; what an
    earlier plan of the case left and this one doesn't is taken off.

    PermanentError("retain.unverified") unless `verify` saw all to be as planned, ("retain.not_connected", <source>)
    when a source that keeps something can't be asked any more. Errors of the sources are passed on.
    """
    planned = plan.read(case)
    if planned.right != "erasure":
        return 0
    if not case.exists("verified") or case.read_json("verified")["ok"] is not True:
        raise PermanentError("retain.unverified", _PLACE)
    subjects, count = holds.subjects(carried.identifiers(case, planned.order)), 0
    for declaration in declarations:
        name = declaration.name
        known, wanted = _keepings(case, declaration)
        ways, seen = Ways(), dict[tuple[str, str], Signs]()
        if wanted:
            ways, seen = _look(case, sources.get(name), declaration, wanted, retained.signs, at)
        kept = list(_kept(wanted, seen, planned.digest, at))
        noted = {record.key for record in kept}
        stale = [k.key for k in retained.kept(name, case.case_id) if k.key in known and k.key not in noted]
        count += retained.note(case.case_id, name, kept, ways, subjects)
        retained.let_go(case.case_id, name, stale)
    return count


def _keepings(case: CaseFile, declaration: Declaration) -> tuple[set[tuple[str, str]], _Wanted]:
    """All records that the plan speaks of in a source, and what keeps those that are kept."""
    told = Progress.load(case, declaration.name).enforced(case.case_id).outcomes
    known: set[tuple[str, str]] = set()
    wanted: dict[tuple[str, str], _Keeping] = {}
    for dataset in (d.name for d in declaration.datasets):
        own = [o for o in told if (o.dataset, o.effect, o.outcome) == (dataset, "erase", "retained")]
        for batch in plan.batches(case, declaration.name, dataset):
            for line in batch.to_pylist():
                key = dataset, line[SOURCE_ID]
                known.add(key)
                if line["effect"] == "restrict":
                    until = date.fromisoformat(line["until"]) if line["until"] else None
                    wanted[key] = _Keeping(line["ground"], line["reason"], until)
                elif line["effect"] == "erase" and own:
                    wanted[key] = _Keeping("", own[0].reason, last_day(own), asked=True)
    return known, wanted


def _look(
    case: CaseFile, source: Source | None, declaration: Declaration, wanted: _Wanted, signs_of: _SignsOf, at: datetime
) -> tuple[Ways, dict[tuple[str, str], Signs]]:
    """Reads them by their ids alone."""
    if source is None:
        raise PermanentError("retain.not_connected", declaration.name)
    before = carried.planned_found(case, declaration.name)
    asks, matches = asks_of(declaration, before.matches), frozenset((m.dataset, m.record_id) for m in before.matches)
    found = reach(source, case.case_id, asks, matches)
    marks: dict[str, dict[str, str]] = {}
    seen: dict[tuple[str, str], Signs] = {}
    for rows in read(source, found):
        if telling := carried.marks(declaration.dataset(rows.dataset), rows.batch, found):
            marks.setdefault(rows.dataset, {}).update(telling)
        ids = rows.batch.column(SOURCE_ID).to_pylist()
        batch = rows.batch.filter(pa.array([(rows.dataset, i) in wanted for i in ids], pa.bool_()))
        seen |= {(rows.dataset, i): signs for i, signs in signs_of(rows.dataset, batch, at).items()}
    # No address is kept that only leads to what is gone.
    there = {(m.dataset, m.record_id) for m in found.matches}
    asks = asks_of(declaration, (m for m in before.matches if (m.dataset, m.record_id) in there))
    return Ways(asks, matches & there, marks), seen


def _kept(wanted: _Wanted, seen: Mapping[tuple[str, str], Signs], digest: str, at: datetime) -> Iterator[Kept]:
    """What is noted. One that a law keeps is, too, when nothing leads to it any more: a person must see to it then. Of
    those whose erasure was asked for, only what is still there."""
    for (dataset, record_id), keeping in wanted.items():
        signs = seen.get((dataset, record_id))
        if signs or not keeping.asked:
            asked_at = at if keeping.asked else None
            because = (keeping.ground, keeping.reason, keeping.until)
            yield Kept(dataset, *because, digest, at, record_id, signs or Signs(), asked_at)
