"""A system in memory that records can be changed in, and cases with an approved plan for it.

It behaves as vendors do: deleting puts a record into a bin, from which it is purged; what is in the bin is still
found and read, with other content than before; if told so, it purges only after some more calls.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from made_up_sources import NOTE, PERSON, email, request

from dsr import plan, schema
from dsr.casefile import CaseFile, CaseStore
from dsr.collected import Collected
from dsr.model import Found, Identifier, Match, Outcome, Piece, Rows, Subject
from dsr.rereading import Reread
from dsr.search import PLANNED, SearchResult, found_as_json
from dsr.selection import Approval, Selection, seal
from dsr.source import Dataset, Declaration
from dsr.version import versions

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASA = "asa@kvarn.example"
BO = "bo@kvarn.example"

Effects = Callable[[str, str], str]
"""(dataset, record id) → effect."""


def declared(name: str = "crm", after: tuple[str, ...] = ()) -> Declaration:
    """A system with people and their notes."""
    person = Dataset(PERSON, "People", "contact-identification", "provided", ("pd:Name",), "crm", "delete",
                     rectifiable=("email", "name"), profile={"email": "email"})  # fmt: skip
    note = Dataset(NOTE, "Notes", "interactions", "observed", ("pd:Interest",), "crm", "delete",
                   instructions={"sv": "Radera anteckningen för hand.", "en": "Delete the note by hand."})  # fmt: skip
    kinds = ("email", "phone", PERSON)
    return Declaration(name, f"The {name}", "controller", "http", {}, (person, note), kinds, erase_after=after)


@dataclass
class World:
    """What the system holds: (dataset, id) → its fields; `owner`: note → person."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, notes: int = 3) -> "World":
        """Åsa with notes, Bo with as many."""
        world = cls()
        for person, address, name in (("p1", ASA, "Åsa Berg"), ("p2", BO, "Bo Ek")):
            world.rows[PERSON, person] = {"email": address, "name": name, "phone": None, "language": "sv"}
            for number in range(notes):
                world.note(f"{person}n{number}", person)
        return world

    def note(self, record_id: str, person: str, **more: Any) -> None:
        """Adds a note."""
        text = f"about {person}: {record_id}"
        self.rows[NOTE, record_id] = {"text": text, "at": "2026-01-02T03:04:05Z", "share": 1.0, **more}
        self.owner[record_id] = person

    def copy(self) -> dict[tuple[str, str], dict[str, Any]]:
        """How it is now."""
        return {key: dict(row) for key, row in self.rows.items()}


@dataclass
class MadeUp:
    """The source. `on_step` is called before and after everything it does and may raise; `lag`: calls of `erase`
    until a binned record is purged; `reason`: of every outcome;
    `answers`: outcomes to give instead of acting, by (dataset, effect)."""

    world: World
    declaration: Declaration = field(default_factory=declared)
    on_step: Callable[[str], None] = lambda step: None
    lag: int = 0
    reason: str = ""
    answers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    waited: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)

    def find(self, subjects: Sequence[Subject]) -> Found:
        """By address or own id."""
        self._step("find")
        matches = []
        for subject in subjects:
            for (dataset, record_id), row in self.world.rows.items():
                if dataset == PERSON:
                    holds = {Identifier(PERSON, record_id)} | ({email(row["email"])} if row["email"] else set())
                    if by := subject.identifiers & holds:
                        held = frozenset(holds)
                        matches.append(Match(subject.request_id, PERSON, record_id, by, held, row["name"] or ""))
        return Found(self.declaration.name, tuple(matches), {"fields": 1})

    def extract(self, found: Found) -> Iterator[Piece]:
        """People and their notes, one by one."""
        for match in found.matches:
            self._step("extract")
            row = self.world.rows[PERSON, match.record_id]
            yield Rows(match.request_id, PERSON, schema.batch(PERSON, [(match.record_id, row)]))
            for record_id, person in list(self.world.owner.items()):
                if person == match.record_id and (NOTE, record_id) in self.world.rows:
                    rows = [(record_id, self.world.rows[NOTE, record_id])]
                    yield Rows(match.request_id, NOTE, schema.batch(NOTE, rows))

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Notes first, since people can't go while they have some."""
        for selection in selections:
            for dataset in (NOTE, PERSON):
                yield from self._each(selection, dataset, "erase", self._erased)
                yield from self._each(selection, dataset, "anonymise", self._anonymised)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """A mark, with the purposes."""
        mark = None if lift else ",".join(purposes) or "all"

        def marked(dataset: str, record_id: str) -> str:
            row = self.world.rows[dataset, record_id]
            if mark is None:
                row.pop("restricted", None)
            else:
                row["restricted"] = mark
            return "done"

        for selection in selections:
            for dataset in (NOTE, PERSON):
                yield from self._each(selection, dataset, "restrict", marked)

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Writes the fields."""

        def rectified(dataset: str, record_id: str) -> str:
            self.world.rows[dataset, record_id] |= corrections[selection.request_id][dataset]
            return "done"

        for selection in selections:
            for dataset in (NOTE, PERSON):
                yield from self._each(selection, dataset, "rectify", rectified)

    def _each(
        self, selection: Selection, dataset: str, effect: str, act: Callable[[str, str], str]
    ) -> Iterator[Outcome]:
        name, told = self.declaration.name, Counter[str]()
        for record_id in selection.ids(dataset, effect):
            self._step(f"{effect} {record_id}")
            present = (dataset, record_id) in self.world.rows
            given = self.answers.get((dataset, effect))
            told[given or (act(dataset, record_id) if present else "absent")] += 1
            self._step(f"{effect}d {record_id}")
        for outcome, count in sorted(told.items()):
            until = date(2027, 1, 31) if outcome == "retained" else None
            yield Outcome(selection.request_id, name, dataset, effect, outcome, count, self.reason, until)

    def _erased(self, dataset: str, record_id: str) -> str:
        row = self.world.rows[dataset, record_id]
        row["binned"] = True
        self._step(f"binned {record_id}")
        self.waited[record_id] += 1
        if self.waited[record_id] <= self.lag:
            return "scheduled"
        del self.world.rows[dataset, record_id]
        return "done"

    def _anonymised(self, dataset: str, record_id: str) -> str:
        row = self.world.rows[dataset, record_id]
        row |= {"email": f"{record_id}@anonymous.invalid", "name": None} if dataset == PERSON else {"text": "-"}
        return "done"

    def _step(self, step: str) -> None:
        self.calls.append(step)
        self.on_step(step)


def case_of(
    folder: Path, source: MadeUp, effects: Effects, request_id: str, right: str = "erasure", **asked: Any
) -> CaseFile:
    """A case for Åsa in which the source was searched and read, and planned with these effects."""
    case = CaseStore(str(folder), bytes(32)).create(request_id)
    if not case.exists("request"):
        case.write_json("request", {**request(ASA, right), "request_id": request_id, **asked})
    search_and_plan(case, [source], effects)
    return case


def search_and_plan(case: CaseFile, sources: Sequence[MadeUp], effects: Effects) -> None:
    """What identify, collect and assess leave."""
    counts, records = [], {}
    for source in sources:
        name = source.declaration.name
        found = source.find([Subject(case.case_id, frozenset({email(ASA)}))])
        case.write_json(f"search/{name}", SearchResult(name, "found" if found.matches else "none", AT, 1).as_json())
        if not found.matches:
            continue
        case.write_json(f"found/{name}", found_as_json(found))
        case.write_json(f"collected/{name}", Collected(name, "found", AT).as_json())
        rows: dict[str, list[pa.RecordBatch]] = {}
        for piece in source.extract(found):
            assert isinstance(piece, Rows)
            rows.setdefault(piece.dataset, []).append(piece.batch)
        for dataset, batches in rows.items():
            with plan.writing(case, name, dataset) as writer:
                for batch in batches:
                    writer.add(batch, _verdicts(dataset, batch, effects))
            counts += [plan.Count(name, dataset, *key, count) for key, count in sorted(writer.counts.items())]
            records[f"{name}/{dataset}"] = plan.lines_digest(case, name, dataset)
    asked = case.read_json("request")
    order = tuple(source.declaration.name for source in sources)
    summary = plan.PlanSummary(asked["right"], AT, tuple(counts), (), order, plan.asked(asked), records)
    case.write_json("plan", {"digest": summary.digest, **summary._content()})
    case.write_json(PLANNED, True)


def _verdicts(dataset: str, batch: pa.RecordBatch, effects: Effects) -> pa.RecordBatch:
    chosen = [effects(dataset, record_id) for record_id in batch.column(schema.SOURCE_ID).to_pylist()]
    return pa.RecordBatch.from_pydict({
        "effect": pa.array(chosen, pa.string()),
        "ground": pa.array(["gdpr:A17" for _ in chosen], pa.string()),
        "until": pa.array(["2032-12-31" if e == "restrict" else None for e in chosen], pa.string()),
        "reason": pa.array(["" for _ in chosen], pa.string()),
    })  # fmt: skip


def approval_of(case: CaseFile) -> Approval:
    """Of the plan as it is."""
    return Approval(case.case_id, plan.read(case).digest, "officer", AT, seal())


def choose(
    case: CaseFile,
    approval: Approval,
    source_name: str,
    declaration: Declaration,
    fresh_batches: Reread,
    fresh_found: Found,
    *,
    holds: Any,
    at: datetime,
) -> tuple[Selection, tuple[Outcome, ...]]:
    """What is approved and as it was, as `dsr.approval.selections` chooses; `holds`: ids that stay."""
    kept: dict[tuple[str, str], list[pa.RecordBatch]] = {}
    left: Counter[tuple[str, str, str]] = Counter()
    for dataset in (d.name for d in declaration.datasets):
        lines = [line for b in plan.batches(case, source_name, dataset) for line in b.to_pylist()]
        planned = {line[schema.SOURCE_ID]: line for line in lines}
        for batch in fresh_batches(dataset):
            ids = batch.column(schema.SOURCE_ID).to_pylist()
            for place, (record_id, version) in enumerate(zip(ids, versions(batch, dataset).to_pylist(), strict=True)):
                line = planned.pop(record_id, None)
                if line is None or line["effect"] in ("keep", "expire", "manual"):
                    continue
                if isinstance(holds, set) and record_id in holds:
                    left[dataset, line["effect"], "retained"] += 1
                elif line["version"] != version:
                    left[dataset, line["effect"], "changed"] += 1
                else:
                    kept.setdefault((dataset, line["effect"]), []).append(batch.slice(place, 1))
        for line in planned.values():
            left[dataset, line["effect"], "absent"] += 1
    counts = {key: len(batches) for key, batches in kept.items()}
    outcomes = [Outcome(case.case_id, source_name, *key, count) for key, count in sorted(left.items())]
    return Selection(approval, fresh_found, counts, lambda d, e: iter(kept[d, e])), tuple(outcomes)
