"""What is left of planned records after a right was enforced: each is compared with the plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
"""Outcomes that explain why a record is still there, and whether that is as it should be."""
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
    """

    source: str
    dataset: str
    effect: str
    reason: str
    count: int
    ok: bool
    until: date | None = None

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
    `right`: per effect, how many are as they should be."""

    source: str
    dataset: str
    remaining: list[Remaining] = field(default_factory=list)
    there: list[str] = field(default_factory=list, repr=False)
    right: dict[str, int] = field(default_factory=dict)


def compare(sought: Sought, planned: Batches, fresh: Batches) -> Compared:
    """Compares a dataset. In memory: the plan's ids and versions, and one batch of rows."""
    batches = [batch.select(_COLUMNS) for batch in planned()]
    plan = pa.Table.from_batches(batches).combine_chunks() if any(b.num_rows for b in batches) else None
    result, new, seen = Compared(sought.source, sought.dataset), 0, [pa.array([], pa.int32())]
    wrong: dict[tuple[str, str], int] = {}
    for batch in fresh():
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
    for (effect, reason), count in wrong.items():
        if effect == "keep":
            result.remaining += [Remaining(*names, effect, reason, count, True)] if count else []
        else:
            lenient = effect == "restrict" and not sought.strict
            result.remaining += _explained(sought, effect, reason, count, lenient=lenient)
    for effect in ("keep", "restrict", "rectify"):
        gone = planned.get(effect, 0) - there.get(effect, 0)
        if gone:
            result.remaining += _explained(sought, effect, "gone", gone, lenient=False)
    unmet: dict[str, int] = {}
    for left in result.remaining:
        unmet[left.effect] = unmet.get(left.effect, 0) + (left.count if left.reason != "altered" else 0)
    result.right = {effect: count - unmet.get(effect, 0) for effect, count in sorted(planned.items())}
    staying = plan.take(seen).group_by(["effect", "ground", "until"]).aggregate([([], "count_all")])
    for row in sorted(staying.to_pylist(), key=lambda r: (r["effect"], r["ground"] or "", r["until"] or "")):
        if row["effect"] in _STAYING:
            until = date.fromisoformat(row["until"]) if row["until"] else None
            kept = Remaining(*names, row["effect"], row["ground"] or row["effect"], row["count_all"], True, until)
            result.remaining.append(kept)


def _counts(plan: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(plan.column("effect").combine_chunks())
    return {c["values"]: c["counts"] for c in counted.to_pylist()}


def _explained(sought: Sought, effect: str, reason: str, count: int, *, lenient: bool) -> Iterable[Remaining]:
    """Names what is left by the outcomes that the source gave; what none of them covers keeps the bare reason."""
    names, left = (sought.source, sought.dataset), count
    for outcome in sought.outcomes:
        # The mark lies on what the record hangs on (the person's record, the stored file), and the source says so.
        elsewhere = outcome.outcome == "done" and bool(outcome.reason)
        unseen = effect == "restrict" and (outcome.outcome == "absent" or elsewhere)
        if outcome.effect != effect or not left or not (outcome.outcome in _EXPLAINED or unseen):
            continue
        part = min(left, outcome.count)
        left -= part
        if not unseen:
            ok = _EXPLAINED[outcome.outcome]
            yield Remaining(*names, effect, outcome.reason or outcome.outcome, part, ok, outcome.until)
    if left and not lenient:
        yield Remaining(*names, effect, reason, left, False)
