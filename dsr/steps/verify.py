"""verify: finds the person again in every system and compares each record with the plan. What remains is named.

Every system is asked for all that identifies the person in any of them, recycle bins and versions included, since
that is what finding and reading report. Only what was seen to be gone counts as erased from then on.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pyarrow.compute as pc

from dsr import plan, rows, schema
from dsr.casefile import CaseFile
from dsr.enforced import Progress
from dsr.erasures import EFFECTS, Erasures
from dsr.errors import PermanentError, TransientError
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Match, Outcome
from dsr.plan import PlanSummary
from dsr.planned import counts_of, effects_of
from dsr.remaining import Compared, Remaining, Sought, compare
from dsr.rereading import find_again, known_identifiers, narrowed, own_ids, read_again, reread
from dsr.search import found_from_json, stamp
from dsr.selecting import CorrectionsOf
from dsr.source import Declaration, Source
from dsr.subjects import SubjectIndex
from dsr.traces import Traces

_PLACE: Final = "verify"
TRIES: Final = 4
"""So often a vendor is given time to show what it has done; Account Engagement's reads lag by up to 60 seconds."""
LAG: Final = timedelta(seconds=60)
_PERSONAL: Final = ("email", "phone")
_MOST_NAMED: Final = 64
"""As many values as a list in the ledger may have."""


@dataclass(frozen=True)
class Verified:
    """What was seen. `right`: (source, dataset, effect) → how many records are as the plan wants them. Codes and
    numbers only."""

    ok: bool
    remaining: tuple[Remaining, ...]
    right: Mapping[tuple[str, str, str], int]

    def as_json(self) -> dict[str, Any]:
        """As JSON."""
        names = ("source", "dataset", "effect", "count")
        right = [dict(zip(names, (*key, count), strict=True)) for key, count in self.right.items()]
        return {"ok": self.ok, "right": right, "remaining": [r.as_json() for r in self.remaining]}

    def by_effect(self) -> dict[str, int]:
        """`right` over all systems."""
        counts: dict[str, int] = {}
        for (_, _, effect), count in self.right.items():
            counts[effect] = counts.get(effect, 0) + count
        return dict(sorted(counts.items()))


def verify(
    case: CaseFile,
    sources: Mapping[str, Source | None],
    declarations: Sequence[Declaration],
    index: SubjectIndex,
    *,
    ledger: Ledger,
    erasures: Erasures,
    at: datetime,
    corrections_of: CorrectionsOf,
) -> Verified:
    """Compares, notes the result in the case file (verified) and in the ledger (event `verified`).

    TransientError("verify.remains") while a vendor may still lag, PermanentError("verify.remains") once TRIES have
    shown the same kind of gap: a person must look, and nothing may be told as done. PermanentError
    ("verify.unfinished") when a planned source was not enforced to its end, ("verify.not_connected") when one that
    was searched can't be asked any more, ("verify.search") when the case file doesn't say any more how one was searched
    and what was found: without that, a search that shows nothing proves nothing. Errors of the sources are passed on.
    """
    planned = plan.read(case)
    for name in sorted({count.source for count in planned.counts if count.count}):
        if not (case.exists(f"search/{name}") and case.exists(f"found/{name}")):
            raise PermanentError("verify.search", name)
    person = _Person(case)
    results: list[Compared] = []
    for declaration in declarations:
        source = sources.get(declaration.name)
        if effects_of(planned, declaration.name) and Progress.load(case, declaration.name).status != "done":
            raise PermanentError("verify.unfinished", declaration.name)
        if source is None:
            if effects_of(planned, declaration.name):
                raise PermanentError("verify.not_connected", declaration.name)
            continue
        look = _Look(case, source, declaration, person, index, planned)
        results += look.compared(erasures, corrections_of, at)
    remaining = tuple(left for result in results for left in result.remaining)
    right = {(r.source, r.dataset, effect): count for r in results for effect, count in r.right.items()}
    verified = Verified(all(r.ok for r in remaining), remaining, right)
    tries = (case.read_json("verified")["tries"] if case.exists("verified") else 0) + 1
    case.write_json("verified", {**verified.as_json(), "at": stamp(at), "tries": tries})
    if not verified.ok and tries < TRIES:
        raise TransientError("verify.remains", _PLACE, retry_after=LAG)
    _tell(case, ledger, verified, _old_values(case, planned, declarations, erasures, corrections_of), at)
    if not verified.ok:
        raise PermanentError("verify.remains", _PLACE)
    return verified


class _Person:
    """All that identifies the person of a case, in any system."""

    def __init__(self, case: CaseFile) -> None:
        request = case.read_json("request")
        anchor = Identifier("email", unicodedata.normalize("NFC", request["subject"]["email"].strip().lower()))
        found = [found_from_json(case.read_json(name)) for name in case.names("found/")]
        self.found = {f.source: f for f in found}
        self.matches = [match for f in found for match in f.matches]
        carried = {i for match in self.matches for i in match.by | match.holds}
        # An account is a company: it leads to colleagues.
        self.identifiers = frozenset({i for i in carried if i.kind != "salesforce_account"} | {anchor})
        self.own = frozenset(i for i in self.identifiers if i.kind in _PERSONAL)


class _Look:
    """One system, looked at again."""

    def __init__(
        self,
        case: CaseFile,
        source: Source,
        declaration: Declaration,
        person: _Person,
        index: SubjectIndex,
        planned: PlanSummary,
    ) -> None:
        self._case, self._source, self._declaration, self._person = case, source, declaration, person
        self._name, self._area = declaration.name, f"{declaration.name}.after"
        self._index, self._planned = index, planned
        self._before = person.found.get(self._name, Found(self._name))
        self._came: Mapping[str, int] = {}
        self._rows: Mapping[str, int] = {}

    def compared(self, erasures: Erasures, corrections_of: CorrectionsOf, at: datetime) -> Iterator[Compared]:
        """Its datasets, one by one; what was seen to be gone is confirmed in the erasure ledger."""
        self._read()
        outcomes = Progress.load(self._case, self._name).enforced(self._case.case_id).outcomes
        traces = Traces(self._person.own, self._person.matches)
        given = self._case.read_json("request").get("corrections") or {}
        mine = {match.dataset for match in self._before.matches}
        unseen = erasures.unseen(self._case.case_id, self._name)
        for dataset in self._declaration.datasets:
            sought = Sought(
                self._name,
                dataset.name,
                traces,
                tuple(o for o in outcomes if o.dataset == dataset.name),
                corrections_of(dataset, given) if counts_of(self._planned, self._name, "rectify") else {},
                strict=dataset.name in mine,
            )
            planned = partial(plan.batches, self._case, self._name, dataset.name)
            result = compare(sought, planned, partial(reread(self._case, self._area), dataset.name))
            if dataset.name in unseen:
                self._confirm(erasures, result, sought.outcomes, at)
            if came := self._new(result):
                result.remaining.append(self._came_back(dataset.name, came))
            yield result
        self._case.remove(rows.folder(self._area))

    def _confirm(self, erasures: Erasures, result: Compared, outcomes: Iterable[Outcome], at: datetime) -> None:
        """States what was seen to be gone. Where the source left some alone that no search shows, never more than are
        gone by its own word: which of them those are is not known, so that none may be named if there are too many."""
        most = None
        if result.unseen:
            absent = sum(o.count for o in outcomes if o.outcome == "absent" and o.effect in EFFECTS)
            most = sum(result.right.get(effect, 0) for effect in EFFECTS) - absent
        erasures.confirm(self._case.case_id, self._name, result.dataset, result.there, at, at_most=most)

    def _read(self) -> None:
        """Reads it again, with matches of theirs that were not there before the plan."""
        asked = known_identifiers(self._declaration, self._before.matches)
        asked |= {i for i in self._person.identifiers if i.kind in self._declaration.finds_by}
        if self._declaration.indexed:
            entries = self._index.lookup(self._name, self._person.own)
            asked |= {i for e in entries for i in own_ids(self._declaration, e.dataset, e.record_id)}
        now = find_again(self._source, self._case.case_id, frozenset(asked))
        known = {(m.dataset, m.record_id) for m in self._before.matches}
        came = tuple(self._mine(m for m in now.matches if (m.dataset, m.record_id) not in known))
        before = narrowed(now, self._before)
        found = replace(before, matches=(*before.matches, *came))
        self._rows = read_again(self._case, self._source, found, self._area)
        self._came = Counter(match.dataset for match in came)

    def _mine(self, matches: Iterable[Match]) -> Iterator[Match]:
        """Those that carry an address or number of theirs alone: such a record would have been in the plan."""
        for match in matches:
            if (match.by | match.holds) & self._person.own:
                yield replace(match, holds=match.holds & self._person.identifiers)

    def _new(self, result: Compared) -> int:
        """How many matches came that the plan didn't know. A mail that stays since many share it is found anew once
        what it hung on is gone, but the plan knows the row that it leads to."""
        came = self._came.get(result.dataset, 0)
        if not self._rows.get(result.dataset):
            return came
        return min(came, sum(left.count for left in result.remaining if left.reason == "not_planned"))

    def _came_back(self, dataset: str, count: int) -> Remaining:
        """After an erasure nothing of the person may have come in again, by an import for example."""
        erasing = any(effects_of(self._planned, d) & set(EFFECTS) for d in self._planned.order)
        return Remaining(self._name, dataset, "erase" if erasing else "keep", "came_back", count, not erasing)


def _old_values(
    case: CaseFile,
    planned: PlanSummary,
    declarations: Sequence[Declaration],
    erasures: Erasures,
    corrections_of: CorrectionsOf,
) -> list[str]:
    """Keyed hashes of what rectified fields said before: `dataset.field:hash`, so that a dispute about the old value
    can be settled by who knows it, and by nobody else."""
    given = case.read_json("request").get("corrections") or {}
    kept: set[str] = set()
    for declaration in declarations:
        for name in {c.dataset for c in counts_of(planned, declaration.name, "rectify")}:
            fields = sorted(corrections_of(declaration.dataset(name), given))
            ids = [
                b.filter(pc.equal(b["effect"], "rectify"))[schema.SOURCE_ID]
                for b in plan.batches(case, declaration.name, name)
            ]
            chosen = {i for part in ids for i in part.to_pylist()}
            for batch in rows.batches(case, f"{declaration.name}.fresh", name, fields):
                for row in batch.to_pylist():
                    if row[schema.SOURCE_ID] in chosen:
                        kept |= {f"{name}.{f}:{erasures.keyed('value', str(row[f])).hex()}" for f in fields}
    return sorted(kept)[:_MOST_NAMED]


def _tell(case: CaseFile, ledger: Ledger, verified: Verified, old: list[str], at: datetime) -> None:
    """The event, unless the last one says the same."""
    unmet = [f"{r.source}.{r.dataset}.{r.effect}.{r.reason}:{r.count}" for r in verified.remaining if not r.ok]
    left: dict[str, int] = {}
    for remaining in verified.remaining:
        left[remaining.effect] = left.get(remaining.effect, 0) + remaining.count
    detail: dict[str, Any] = {"ok": verified.ok, "right": verified.by_effect(), "remaining": dict(sorted(left.items()))}
    detail |= {"unmet": unmet[:_MOST_NAMED]} if unmet else {}
    detail |= {"old": old} if old else {}
    last = [e.detail for e in ledger.events(case.case_id) if e.kind == "verified"][-1:]
    if last != [detail]:
        ledger.append(case.case_id, "verified", detail, at=at)
