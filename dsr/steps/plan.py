"""plan: says of every record what is to happen to it, on which ground and until when; changes nothing.

The law comes in from `assess`. Nothing is planned unless every declared source was searched and read: a find that
fails anywhere means that nothing is erased anywhere. Records that are doubtful are in no plan, only counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr import carried, rounds, rows, schema
from dsr import plan as plans
from dsr.assessing import Judged, Law
from dsr.bonds import PlanContext
from dsr.casefile import CaseFile
from dsr.collected import Collected
from dsr.errors import PermanentError
from dsr.heldrecords import hold_bond
from dsr.holds import HoldsInForce
from dsr.model import Found
from dsr.plan import UNPLACED, Caution, Count, PlanSummary
from dsr.register import Register
from dsr.search import PLANNED, SearchResult
from dsr.source import Dataset, Declaration

PLAN_CAP: Final = 10_000
"""More records of one dataset than this are unusual for one person: the approver is told."""
_CREATED: Final = ("CreatedDate", "createdAt", "created_at", "create_time")
_PLACE: Final = "plan"


def plan(
    case: CaseFile,
    declarations: Sequence[Declaration],
    register: Register,
    holds: HoldsInForce,
    *,
    law: Law,
    at: datetime,
    zone: tzinfo,
    cap: int = PLAN_CAP,
) -> PlanSummary:
    """Makes the plan of the request's right, in place of an older one; its summary. Made again of the same records,
    it is the same, with the same digest. With it a new round begins (`dsr.rounds`).

    PermanentError("plan.incomplete", <source>) unless each source was found or none and then read whole,
    ("plan.order") when `erase_after` goes in a circle or names a source that isn't declared, ("rows.lost", <source>)
    when other rows are there than were read, ("dataset.unregistered") when the register has no row for a dataset,
    ("correction.field") when a field is to be corrected that no dataset has.
    """
    case.remove(plans.PLAN)
    order = vendor_order(declarations)
    plans.searched_everywhere(case, order)
    request = case.read_json("request")
    _check_fields(request.get("corrections") or {}, declarations)
    known = carried.identifiers(case, order)
    hold = holds.on_person(known)
    context = PlanContext(
        at.astimezone(zone).date(),
        zone,
        request.get("ground") or "",
        request.get("corrections") or {},
        hold=None if hold is None else hold_bond(hold),
    )
    present = {declaration.name: _read_whole(case, declaration) for declaration in declarations}
    planning = _Planning(case, register, holds, law, request, context)
    for declaration in declarations:
        planning.source(declaration, present[declaration.name])
    carried.keep(case, known, planning.marks)
    counts = tuple(
        sorted(
            planning.counts,
            key=lambda c: (order.index(c.source), c.dataset, c.effect, c.ground, c.until or "", c.reason),
        )
    )
    summary = PlanSummary(
        request["right"], at, counts, (*_cautions(planning, counts, cap), *_unplaced(context.corrections, declarations,
        present)), order, plans.asked(request), planning.records,
    )  # fmt: skip
    # Before the plan is there: interrupted between the two, it is done again.
    rounds.start(case, summary.digest)
    case.write_json(plans.PLAN, summary.as_json())
    case.write_json(PLANNED, True)
    return summary


def vendor_order(declarations: Sequence[Declaration]) -> tuple[str, ...]:
    """The sources such that each comes after those in its `erase_after`, else as declared. PermanentError("plan.order")
    when that can't be."""
    waiting = {declaration.name: set(declaration.erase_after) for declaration in declarations}
    order: list[str] = []
    while waiting:
        ready = next((name for name, after in waiting.items() if after <= set(order)), None)
        if ready is None:
            raise PermanentError("plan.order", _PLACE)
        order.append(ready)
        del waiting[ready]
    return tuple(order)


class _Planning:
    """One plan in the making."""

    def __init__(
        self,
        case: CaseFile,
        register: Register,
        holds: HoldsInForce,
        law: Law,
        request: dict[str, Any],
        context: PlanContext,
    ) -> None:
        self.counts: list[Count] = []
        self.records: dict[str, str] = {}
        self.younger: Counter[tuple[str, str]] = Counter()
        self.doubtful: dict[str, int] = {}
        self.shared: dict[str, int] = {}
        self.marks: dict[str, dict[str, dict[str, str]]] = {}
        self._case, self._register, self._holds, self._law = case, register, holds, law
        self._right, self._context = request["right"], context
        self._received = datetime.fromisoformat(request["received_at"])

    def source(self, declaration: Declaration, present: Mapping[str, int]) -> None:
        """Plans all that was read of a source: `present` rows by dataset."""
        name = declaration.name
        self.doubtful[name] = SearchResult.from_json(self._case.read_json(f"search/{name}")).doubtful
        if self._case.exists(f"shared/{name}"):
            self.shared[name] = self._case.read_json(f"shared/{name}")["records"]
        found = carried.planned_found(self._case, name)

        def read(dataset: str) -> Iterator[pa.RecordBatch]:
            return rows.batches(self._case, name, dataset)

        assessed = self._law.assessed(
            declaration,
            list(present),
            read,
            right=self._right,
            register=self._register,
            holds=self._holds,
            context=self._context,
        )
        for dataset, judged in assessed:
            count = self._dataset(name, dataset, judged, found)
            if count != present[dataset.name]:
                raise PermanentError("rows.lost", name)

    def _dataset(self, source: str, dataset: Dataset, judged: Judged, found: Found) -> int:
        """Plans a dataset; how many records it has."""
        marks: dict[str, str] = {}
        with plans.writing(self._case, source, dataset.name) as writer:
            for batch, verdicts in judged:
                writer.add(batch, verdicts)
                marks |= carried.marks(dataset, batch, found)
                self.younger[source, dataset.name] += _younger(dataset.name, batch, self._received, self._context.zone)
        self.records[f"{source}/{dataset.name}"] = plans.lines_digest(self._case, source, dataset.name)
        counts = [Count(source, dataset.name, *what, count) for what, count in writer.counts.items()]
        self.counts += counts
        if marks:
            self.marks.setdefault(source, {})[dataset.name] = dict(sorted(marks.items()))
        return sum(count.count for count in counts)


def _check_fields(corrections: Mapping[str, Any], declarations: Sequence[Declaration]) -> None:
    """Of corrections by dataset and field. One that no dataset has must not be passed over as if nothing were wrong."""
    datasets = {dataset.name for declaration in declarations for dataset in declaration.datasets}
    for name, fields in corrections.items():
        if isinstance(fields, Mapping) and (name not in datasets or fields.keys() - schema.load(name)["properties"]):
            raise PermanentError("correction.field", _PLACE)


def _unplaced(
    corrections: Mapping[str, Any], declarations: Sequence[Declaration], present: Mapping[str, Mapping[str, int]]
) -> Iterator[Caution]:
    """What is to be corrected and no record of the person's has: a person must see whether it is to be added, since
    Art. 16 is about incomplete data too. `present`: source → dataset → records."""
    datasets = {d.name: (source, d) for source in declarations for d in source.datasets}
    there = {name for its in present.values() for name, count in its.items() if count}
    held = {attribute for name in there for attribute in datasets[name][1].profile.values()}
    for name, value in sorted(corrections.items()):
        if not isinstance(value, Mapping):
            if name not in held:
                yield Caution(UNPLACED, "", "", 1, name)
        elif name not in there:
            yield from (Caution(UNPLACED, datasets[name][0].name, name, 1, field) for field in sorted(value))


def _read_whole(case: CaseFile, declaration: Declaration) -> dict[str, int]:
    """Rows by dataset, as they were counted when the source was read."""
    name = declaration.name
    if not case.exists(f"collected/{name}"):
        raise PermanentError("plan.incomplete", name)
    searched = SearchResult.from_json(case.read_json(f"search/{name}"))
    collected = Collected.from_json(case.read_json(f"collected/{name}"))
    if collected.status != searched.status:
        raise PermanentError("plan.incomplete", name)
    lying = {path.split("/")[2] for path in case.names(rows.folder(name))}
    counted = {dataset for dataset, count in collected.datasets.items() if count}
    declared = {dataset.name for dataset in declaration.datasets}
    if not counted <= lying or not lying <= set(collected.datasets) & declared:
        raise PermanentError("rows.lost", name)
    return {dataset: collected.datasets[dataset] for dataset in sorted(counted)}


def _younger(dataset: str, batch: pa.RecordBatch, received: datetime, zone: tzinfo) -> int:
    """How many records were made after the request came in, by their field of creation or else their time."""
    field = next((n for n in _CREATED if n in batch.schema.names), schema.load(dataset).get("x-time"))
    if field is None or not pa.types.is_string(batch.schema.field(field).type):
        return 0
    # A day to either side takes in every offset; the few that are left are compared exactly.
    about = (received - timedelta(days=1)).date().isoformat()
    column = batch.column(field)
    late = column.filter(pc.fill_null(pc.greater_equal(pc.utf8_slice_codeunits(column, 0, len(about)), about), False))
    return sum(_after(text, received, zone) for text in late.to_pylist())


def _after(text: str, received: datetime, zone: tzinfo) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)) > received


def _cautions(planning: _Planning, counts: Sequence[Count], cap: int) -> Iterator[Caution]:
    if not counts:
        yield Caution("nothing_found", "", "", 0)
    totals: Counter[tuple[str, str]] = Counter()
    for count in counts:
        totals[count.source, count.dataset] += count.count
    for (source, dataset), total in totals.items():
        if total > cap:
            yield Caution("over_cap", source, dataset, total)
    for source, doubtful in planning.doubtful.items():
        if doubtful:
            yield Caution("doubtful", source, "", doubtful)
    for source, shared in planning.shared.items():
        if shared:
            yield Caution("shared", source, "", shared)
    for (source, dataset), younger in sorted(planning.younger.items()):
        if younger:
            yield Caution("younger", source, dataset, younger)
