"""Which of the approved records may be changed now: those that are exactly as they were when the plan was made.

A record is told by its version, which covers its id and all its values. What is left alone comes back as an outcome:

    changed  record.changed   other values than were planned
    changed  appeared         was not in the plan
    blocked  hold.added       a legal hold that the plan didn't know keeps it
    blocked  match.changed    the record that it hangs on says by now that it is somebody else's
    absent   record.absent    is gone
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa

from dsr import carried, schema
from dsr import plan as plans
from dsr.bonds import part_of
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.heldrecords import HeldRecords
from dsr.holds import HoldsInForce
from dsr.model import Found, Outcome
from dsr.selection import Approval, Selection
from dsr.source import Declaration
from dsr.version import versions

Reread = Callable[[str], Iterator[pa.RecordBatch]]
"""dataset → its rows as they are now, from their start at each call."""

ACTING: Final = ("erase", "anonymise", "restrict", "rectify")
"""Effects that a source brings about. Records with the others are selected too, since they tell a source whose what is:
a file on a quote of the person's own is nobody else's."""
_REWRITING: Final = ("erase", "anonymise", "rectify")
"""What a legal hold stands against."""
_AHEAD: Final = 65_536
"""Planned records that are read ahead: a source that gives its records in the same order needs no more memory."""


def selections(
    case: CaseFile,
    approval: Approval,
    source: str,
    declaration: Declaration,
    fresh: Reread,
    found: Found,
    *,
    holds: HoldsInForce,
    at: datetime,
) -> tuple[Selection, tuple[Outcome, ...]]:
    """The approved records of a source that are as they were, and what is left alone.

    fresh, found  what the source holds now: its rows read again, and the matches that surely are the person's
    holds         those in force now

    `fresh` is read once here and again by the Selection. Memory stays flat when the source gives its records in the
    same order as before; else it takes some 200 bytes for each that lies elsewhere. PermanentError("approval.digest")
    when the plan isn't the one that was approved, ("selection.foreign") when `found` is another source's.
    """
    if found.source != source or declaration.name != source or case.case_id != approval.request_id:
        raise PermanentError("selection.foreign", source)
    _check_plan(case, approval, source)
    known, marks = carried.kept(case, source)
    names = [dataset.name for dataset in declaration.datasets]
    compared = {name: _compare(case, source, name, fresh) for name in names}
    blocked = _blocked(case, source, declaration, fresh, holds, compared, bool(holds.on_person(known)))
    if _matches_changed(declaration, fresh, carried.planned_found(case, source), marks):
        blocked = {(name, effect): "match.changed" for name in names for effect in ACTING}
    outcomes = [o for name in names for o in _outcomes(compared[name], approval.request_id, source, name, blocked)]
    counts = {
        (name, effect): count
        for name in names
        for effect, count in sorted(compared[name].selected.items())
        if (name, effect) not in blocked
    }
    before = {(match.dataset, match.record_id) for match in carried.planned_found(case, source).matches}
    theirs = tuple(match for match in found.matches if (match.dataset, match.record_id) in before)

    def batches(dataset: str, effect: str) -> Iterator[pa.RecordBatch]:
        return _selected(case, source, dataset, effect, fresh)

    return Selection(approval, Found(source, theirs, found.cache), counts, batches), tuple(outcomes)


def _check_plan(case: CaseFile, approval: Approval, source: str) -> None:
    try:
        summary = plans.check(case, source)
    except PermanentError:
        raise PermanentError("approval.digest", "approval") from None
    if summary.digest != approval.digest:
        raise PermanentError("approval.digest", "approval")


@dataclass
class _Compared:
    """One dataset, the plan against what is there now. selected: effect → records as they were; gone, changed: by
    effect; appeared: not in the plan."""

    selected: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    appeared: int = 0


def _compare(case: CaseFile, source: str, dataset: str, fresh: Reread) -> _Compared:
    result = _Compared()
    waiting = _Waiting(plans.batches(case, source, dataset))
    unplanned: dict[str, str] = {}
    for batch in fresh(dataset):
        ids = batch.column(schema.SOURCE_ID).to_pylist()
        for record_id, version in zip(ids, versions(batch, dataset).to_pylist(), strict=True):
            effect = waiting.take(version)
            if effect is None:
                unplanned[version] = record_id
            else:
                result.selected[effect] += 1
    for version in waiting.late(unplanned):
        effect = waiting.take(version)
        if effect is not None:
            result.selected[effect] += 1
        del unplanned[version]
    now = set(unplanned.values())
    planned = set()
    for record_id, effect in _rest(case, source, dataset, waiting.left()):
        planned.add(record_id)
        if effect in ACTING:
            (result.changed if record_id in now else result.gone)[effect] += 1
    result.appeared = len(now - planned)
    return result


class _Waiting:
    """Planned records that no fresh one has answered to yet: version → effect; reads the plan a little ahead."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches, self._waiting = batches, dict[str, str]()
        self._more = True

    def take(self, version: str) -> str | None:
        """The effect of the record of that version, which waits no longer; None when there is none so far."""
        while self._more and len(self._waiting) < _AHEAD and version not in self._waiting:
            self._read()
        return self._waiting.pop(version, None)

    def late(self, unplanned: dict[str, str]) -> list[str]:
        """Reads the rest; the versions that answer after all, since the order was another."""
        while self._more:
            self._read()
        return [version for version in unplanned if version in self._waiting]

    def left(self) -> set[str]:
        """The versions that nothing answers to."""
        return set(self._waiting)

    def _read(self) -> None:
        batch = next(self._batches, None)
        if batch is None:
            self._more = False
            return
        columns = (batch.column(name).to_pylist() for name in ("version", "effect"))
        self._waiting.update(zip(*columns, strict=True))


def _rest(case: CaseFile, source: str, dataset: str, left: set[str]) -> Iterator[tuple[str, str]]:
    """(record id, effect) of the planned records of these versions."""
    for batch in plans.batches(case, source, dataset) if left else ():
        columns = (batch.column(name).to_pylist() for name in (schema.SOURCE_ID, "version", "effect"))
        for record_id, version, effect in zip(*columns, strict=True):
            if version in left:
                yield record_id, effect


def _selected(case: CaseFile, source: str, dataset: str, effect: str, fresh: Reread) -> Iterator[pa.RecordBatch]:
    """The fresh records that the plan gives this effect and that are as they were."""
    waiting = _Waiting(plans.batches(case, source, dataset))
    late = []
    for number, batch in enumerate(fresh(dataset)):
        found = [waiting.take(version) for version in versions(batch, dataset).to_pylist()]
        if None in found:
            late.append(number)
        part = batch.filter(pa.array([its == effect for its in found], pa.bool_()))
        if part.num_rows:
            yield part
    if late:
        yield from _selected_late(waiting, dataset, effect, fresh, set(late))


def _selected_late(
    waiting: _Waiting, dataset: str, effect: str, fresh: Reread, late: set[int]
) -> Iterator[pa.RecordBatch]:
    """Those that the plan has further on than the source gave them."""
    waiting.late({})
    for number, batch in enumerate(fresh(dataset)):
        if number in late:
            found = [waiting.take(version) for version in versions(batch, dataset).to_pylist()]
            part = batch.filter(pa.array([its == effect for its in found], pa.bool_()))
            if part.num_rows:
                yield part


def _blocked(
    case: CaseFile,
    source: str,
    declaration: Declaration,
    fresh: Reread,
    holds: HoldsInForce,
    compared: dict[str, _Compared],
    person: bool,
) -> dict[tuple[str, str], str]:
    """(dataset, effect) → why nothing of it is done. A hold on one record that was to be erased or rewritten stops the
    whole dataset, what it is part of and its parts: the plan is to be made again."""
    names = [dataset.name for dataset in declaration.datasets]
    rewriting = {(name, effect) for name in names for effect in _REWRITING if compared[name].selected[effect]}
    if person:
        return dict.fromkeys(sorted(rewriting), "hold.added")
    held = HeldRecords(holds, source, names, fresh)
    stopped = {name for name in names if _rewrites_held(case, source, name, fresh, held)}
    family = {name for name in names if _family(name) & {relative for other in stopped for relative in _family(other)}}
    return dict.fromkeys(sorted(key for key in rewriting if key[0] in family), "hold.added")


def _family(dataset: str) -> set[str]:
    """The dataset and what its records are part of."""
    part = part_of(dataset)
    return {dataset} if part is None else {dataset, part["dataset"]}


def _rewrites_held(case: CaseFile, source: str, dataset: str, fresh: Reread, held: HeldRecords) -> bool:
    ids = {i for batch in fresh(dataset) for i in held.of(dataset, batch)}
    if not ids:
        return False
    for batch in plans.batches(case, source, dataset):
        columns = (batch.column(name).to_pylist() for name in (schema.SOURCE_ID, "effect"))
        if any(record_id in ids and effect in _REWRITING for record_id, effect in zip(*columns, strict=True)):
            return True
    return False


def _matches_changed(declaration: Declaration, fresh: Reread, before: Found, marks: carried.Marks) -> bool:
    """Whether a record that others hang on bears another name, address or number than when the plan was made."""
    for dataset in declaration.datasets:
        known = marks.get(dataset.name)
        if known:
            for batch in fresh(dataset.name):
                now = carried.marks(dataset, batch, before)
                if any(known.get(record_id) != mark for record_id, mark in now.items()):
                    return True
    return False


def _outcomes(
    compared: _Compared, request_id: str, source: str, dataset: str, blocked: dict[tuple[str, str], str]
) -> Iterator[Outcome]:
    for effect in ACTING:
        reason = blocked.get((dataset, effect))
        if reason and compared.selected[effect]:
            yield Outcome(request_id, source, dataset, effect, "blocked", compared.selected[effect], reason)
        if compared.changed[effect]:
            yield Outcome(request_id, source, dataset, effect, "changed", compared.changed[effect], "record.changed")
        if compared.gone[effect]:
            yield Outcome(request_id, source, dataset, effect, "absent", compared.gone[effect], "record.absent")
    if compared.appeared:
        yield Outcome(request_id, source, dataset, "keep", "changed", compared.appeared, "appeared")
