"""What is left of planned records after a right was enforced: each is compared with the plan."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import schema
from dsr.erasures import EFFECTS
from dsr.jsontext import parse
from dsr.model import Outcome
from dsr.traces import Traces
from dsr.version import versions

_STAYING: Final = ("keep", "restrict", "expire", "manual")
_EXPLAINED: Final = {"retained": True, "manual": True, "blocked": False, "changed": False, "scheduled": False}
"""Outcomes that explain why a record is not as planned, and whether that is as it should be."""
_WRONG: Final = {"erase": "present", "anonymise": "identifiable", "restrict": "unmarked", "rectify": "differs"}
"""Effect → what is said of a record that doesn't show it."""
_LOTS: Final = 16
"""In about so many lots rows are looked for in a plan, however many there are,"""
_BYTES: Final = 16 * 1024 * 1024
"""unless they are so long."""
_COLUMNS: Final = (schema.SOURCE_ID, "version", "effect", "ground", "until")

Batches = Callable[[], Iterator[pa.RecordBatch]]
"""Rows from their start at each call."""


@dataclass(frozen=True)
class Remaining:
    """Records that are still there, and why.

    reason   a DPV ground where the plan keeps them, else a code: "present" (should be gone), "identifiable" (should be
             anonymous), "unmarked" (should be restricted), "differs" (should read as corrected), "gone" (should be
             there), "altered" (kept, and no longer as planned), "not_planned" (came after the plan), or an outcome's
    ok       whether that is as planned, or named by the vendor; False = what was promised was not reached
    until    the last day they are there; None = not known
    outcome  what the source said became of them, one of `vocabulary.OUTCOMES`; "" where it said nothing of them
    ground   the DPV ground they are kept on, where the reason is an outcome's; "" = none, or the reason is the ground
    """

    source: str
    dataset: str
    effect: str
    reason: str
    count: int
    ok: bool
    until: date | None = None
    outcome: str = ""
    ground: str = ""

    def as_json(self) -> dict[str, Any]:
        """As JSON."""
        return vars(self) | {"until": self.until.isoformat() if self.until else None}


@dataclass(frozen=True)
class Sought:
    """What a dataset's records are compared with. strict: a restriction must show on these very records, since they
    are the person's own; corrections: field → value that a rectified record reads back as."""

    source: str
    dataset: str
    traces: Traces
    outcomes: tuple[Outcome, ...] = ()
    corrections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    strict: bool = False


@dataclass
class Compared:
    """What came of a dataset: what remains; `there`: ids of records that should be gone or anonymous and aren't;
    `right`: per effect, how many are as they should be; `unseen`: how many records that should be gone or anonymous are
    not, by the source's own word, and can't be told apart from those that are: what they hang on is gone."""

    source: str
    dataset: str
    remaining: list[Remaining] = field(default_factory=list)
    there: list[str] = field(default_factory=list, repr=False)
    right: dict[str, int] = field(default_factory=dict)
    unseen: int = 0


def compare(sought: Sought, planned: Batches, fresh: Batches) -> Compared:
    """Compares a dataset. In memory: the plan's ids and versions, and a small part as many rows."""
    batches = [batch.select(_COLUMNS) for batch in planned()]
    plan = pa.Table.from_batches(batches).combine_chunks() if any(b.num_rows for b in batches) else None
    result, new, seen = Compared(sought.source, sought.dataset), 0, [pa.array([], pa.int32())]
    wrong: dict[tuple[str, str], int] = {}
    for batch in _lots(fresh(), len(plan) // _LOTS if plan else 0):
        if plan is None:
            new += batch.num_rows
            continue
        places = pc.index_in(batch.column(schema.SOURCE_ID), value_set=plan.column(schema.SOURCE_ID).chunk(0))
        known = pc.is_valid(places)
        new += batch.num_rows - (pc.sum(known).as_py() or 0)
        rows, places = batch.filter(known), places.filter(known)
        seen.append(places)
        _check(sought, rows, plan.take(places), wrong, result.there)
    if plan is not None:
        _conclude(sought, plan, pa.concat_arrays(seen), wrong, result)
    if new:
        result.remaining.append(Remaining(sought.source, sought.dataset, "keep", "not_planned", new, True))
    return result


def _lots(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows, so many or `_BYTES` together: the plan's ids are hashed anew for each lot."""
    waiting: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        waiting.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        if count >= rows or size >= _BYTES:
            yield pa.concat_batches(waiting)
            waiting, count, size = [], 0, 0
    if waiting:
        yield pa.concat_batches(waiting)


def _check(
    sought: Sought, rows: pa.RecordBatch, plan: pa.Table, wrong: dict[tuple[str, str], int], there: list[str]
) -> None:
    """Counts, per effect, the rows of a batch that are not as the plan wants them."""
    same = pc.equal(versions(rows, sought.dataset), plan.column("version").combine_chunks())
    effects, ids = plan.column("effect").combine_chunks(), rows.column(schema.SOURCE_ID)
    everything = pa.array([True] * rows.num_rows, pa.bool_())
    tests: dict[tuple[str, str], Callable[[], pa.Array]] = {
        ("erase", "present"): lambda: everything,
        ("anonymise", "identifiable"): lambda: pc.or_(same, sought.traces.carried(rows)),
        ("restrict", "unmarked"): lambda: same,
        ("rectify", "differs"): lambda: _differs(rows, sought.corrections),
        ("keep", "altered"): lambda: pc.invert(same),
    }
    for (effect, reason), test in tests.items():
        of_effect = pc.equal(effects, effect)
        if not pc.any(of_effect).as_py():
            continue
        found = pc.and_(of_effect, test())
        wrong[effect, reason] = wrong.get((effect, reason), 0) + (pc.sum(found).as_py() or 0)
        if effect in EFFECTS:
            there.extend(ids.filter(found).to_pylist())


def _differs(rows: pa.RecordBatch, corrections: Mapping[str, Any]) -> pa.Array:
    """Whether a row doesn't read back as the request says."""
    differs = [False] * rows.num_rows
    for name, value in corrections.items():
        nested = schema.is_json(rows.schema.field(name))
        for place, cell in enumerate(rows.column(name).to_pylist()):
            differs[place] |= (parse(cell) if nested and cell is not None else cell) != value
    return pa.array(differs, pa.bool_())


def _conclude(
    sought: Sought, plan: pa.Table, seen: pa.Array, wrong: Mapping[tuple[str, str], int], result: Compared
) -> None:
    names = (sought.source, sought.dataset)
    planned, there = _counts(plan), _counts(plan.take(seen))
    for effect, reason in _WRONG.items():
        if effect not in planned:
            continue
        found = wrong.get((effect, reason), 0)
        gone = planned[effect] - there.get(effect, 0) if effect not in EFFECTS else 0
        unmet = list(_unmet(sought, effect, planned[effect], found, gone))
        result.remaining += unmet
        if effect in EFFECTS:
            result.unseen += max(sum(left.count for left in unmet) - found, 0)
    altered, gone = wrong.get(("keep", "altered"), 0), planned.get("keep", 0) - there.get("keep", 0)
    kept = (("altered", altered, True), ("gone", gone, False))
    result.remaining += [Remaining(*names, "keep", reason, count, ok) for reason, count, ok in kept if count]
    missed: dict[str, int] = {}
    for left in result.remaining:
        missed[left.effect] = missed.get(left.effect, 0) + (left.count if left.reason != "altered" else 0)
    result.right = {effect: count - missed.get(effect, 0) for effect, count in sorted(planned.items())}
    unmarked = [left for left in result.remaining if left.effect == "restrict"]
    result.remaining = [left for left in result.remaining if left.effect != "restrict"]
    result.remaining += _staying(names, plan, seen, unmarked)


def _staying(names: tuple[str, str], plan: pa.Table, seen: pa.Array, unmarked: list[Remaining]) -> Iterator[Remaining]:
    """What the plan lets stay and was seen, by ground. Records without their mark are named by that alone, on the
    ground that they are kept on."""
    groups, there = _groups(plan), _groups(plan.take(seen))
    for (effect, ground, day), count in sorted(groups.items()):
        until, left = date.fromisoformat(day) if day else None, count
        while effect == "restrict" and unmarked and left:
            first = unmarked.pop(0)
            part = min(first.count, left)
            left -= part
            yield replace(first, count=part, ground=ground, until=first.until or until)
            if first.count > part:
                unmarked.insert(0, replace(first, count=first.count - part))
        left = min(left, there.get((effect, ground, day), 0))
        if left and effect in _STAYING:
            yield Remaining(*names, effect, ground or effect, left, True, until)


def _groups(plan: pa.Table) -> dict[tuple[str, str, str], int]:
    """(effect, ground, until) → how many; "" for none."""
    counted = plan.group_by(["effect", "ground", "until"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["effect"], row["ground"] or "", row["until"] or ""): row["count_all"] for row in counted}


def _counts(plan: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(plan.column("effect").combine_chunks())
    return {c["values"]: c["counts"] for c in counted.to_pylist()}


def _unmet(sought: Sought, effect: str, planned: int, wrong: int, gone: int) -> Iterator[Remaining]:
    """What of an effect was not reached: at least what was seen, and at least what the source said of itself. Once the
    record that they hung on is gone, no search shows what it left alone. What no outcome covers has the bare reason.
    """
    names, mine = (sought.source, sought.dataset), [o for o in sought.outcomes if o.effect == effect]
    named = [o for o in mine if o.outcome in _EXPLAINED]
    told = sum(o.count for o in named if o.outcome != "scheduled")
    left = min(max(wrong + gone, told), planned)
    for outcome in sorted(named, key=lambda o: o.outcome == "scheduled"):
        part = min(left, outcome.count)
        left -= part
        if part:
            ok, reason = _EXPLAINED[outcome.outcome], outcome.reason or outcome.outcome
            yield Remaining(*names, effect, reason, part, ok, outcome.until, outcome.outcome)
    # Gone before; or the mark lies on what the record hangs on (the person's record, the stored file), as is said.
    unseen = [o for o in mine if o.outcome == "absent" or (o.outcome == "done" and o.reason)]
    if effect == "restrict":
        left -= min(left, sum(o.count for o in unseen))
    if missing := min(left, gone):
        yield Remaining(*names, effect, "gone", missing, False)
    if left > missing and (effect != "restrict" or sought.strict):
        yield Remaining(*names, effect, _WRONG[effect], left - missing, False)
