"""What became of a source's planned records: the outcomes of each attempt and what holds of them now.

enforced/<source>   {"digest", "earlier", "touched", "status", "begun_at", "attempts": [{"number", "at", "outcomes"}],
                    "started", "outcomes", "told"}

Attempts are only ever added. The last one's outcomes are the ones that hold, per dataset and effect. All of it is of
one plan: under another plan a source is new again, whatever was done before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Self

from dsr import rounds
from dsr.casefile import CaseFile
from dsr.model import Outcome
from dsr.search import stamp

STATUSES: Final = ("new", "begun", "scheduled", "done")
"""Not touched; the verbs were called and nobody knows how far they came; the vendor finishes later; finished."""
_LISTS: Final = ("attempts", "outcomes", "told", "started")


@dataclass(frozen=True)
class Enforced:
    """What became of one source's records. Codes and numbers only, so it may go anywhere."""

    source: str
    outcomes: tuple[Outcome, ...]

    def count(self, outcome: str) -> int:
        """How many records ended so."""
        return sum(o.count for o in self.outcomes if o.outcome == outcome)

    def as_json(self) -> dict[str, Any]:
        """As a JSON object: how many per outcome, and the outcomes."""
        counts: Counter[str] = Counter()
        for outcome in self.outcomes:
            counts[outcome.outcome] += outcome.count
        listed = [outcome_as_json(o) for o in self.outcomes]
        return {"source": self.source, "counts": dict(sorted(counts.items())), "outcomes": listed}


@dataclass
class Progress:
    """How far a source has come. `begun_at`: when its records were first written to; None = not yet.
    `told`: the outcomes that the ledger was last told of. `started`: [dataset, effect] that a verb has asked for.
    `digest`: of the plan that this is about; `earlier`: the highest number of an attempt under earlier plans;
    `touched`: whether the source was ever written to, under any plan."""

    source: str
    status: str = "new"
    begun_at: datetime | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    started: list[list[str]] = field(default_factory=list)
    digest: str = ""
    earlier: int = 0
    touched: bool = False

    @classmethod
    def load(cls, case: CaseFile, source: str, folder: str = "enforced") -> Self:
        """What the case file says; new when it says nothing, or only of another plan than the case's."""
        name, digest = f"{folder}/{source}", rounds.digest_of(case)
        if not case.exists(name):
            return cls(source, digest=digest)
        kept = case.read_json(name)
        if kept["digest"] != digest:
            # One more than there were, so that what is told next is told under a number of its own.
            earlier = kept["earlier"] + len(kept["attempts"]) + 1
            return cls(source, digest=digest, earlier=earlier, touched=kept["touched"])
        begun = datetime.fromisoformat(kept["begun_at"]) if kept["begun_at"] else None
        lists = {name: kept[name] for name in _LISTS}
        return cls(
            source, kept["status"], begun, **lists, digest=digest, earlier=kept["earlier"], touched=kept["touched"]
        )

    def save(self, case: CaseFile, folder: str = "enforced") -> None:
        """Puts it into the case file."""
        kept = {"source": self.source, "status": self.status, "begun_at": stamp(self.begun_at)}
        kept |= {name: getattr(self, name) for name in ("digest", "earlier", "touched", *_LISTS)}
        case.write_json(f"{folder}/{self.source}", kept)

    @property
    def number(self) -> int:
        """The number of the attempt, counted over all plans of the case; 0 = none was needed so far."""
        return self.earlier + len(self.attempts)

    def begin(self, at: datetime) -> None:
        """From here on the records may have been written to."""
        self.status, self.begun_at, self.touched = "begun", self.begun_at or at, True
        self.attempts.append({"number": len(self.attempts) + 1, "at": stamp(at), "outcomes": None})

    def finish(self, outcomes: Iterable[Outcome], at: datetime) -> None:
        """The outcomes of this attempt, which hold instead of earlier ones of the same dataset and effect."""
        listed = [outcome_as_json(o) for o in summed(outcomes)]
        if self.status == "begun":
            self.attempts[-1] |= {"outcomes": listed, "ended_at": stamp(at)}
        replaced = {(o["dataset"], o["effect"]) for o in listed}
        kept = [o for o in self.outcomes if (o["dataset"], o["effect"]) not in replaced]
        self.outcomes = [*kept, *listed]
        self.status = "scheduled" if any(o["outcome"] == "scheduled" for o in self.outcomes) else "done"

    def enforced(self, request_id: str) -> Enforced:
        """What holds now."""
        return Enforced(self.source, tuple(outcome_from_json(request_id, self.source, o) for o in self.outcomes))


def summed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes alike but for their count made one, in the order of their first; without those of nothing."""
    counts: dict[Outcome, int] = {}
    for o in outcomes:
        key = Outcome(o.request_id, o.source, o.dataset, o.effect, o.outcome, 0, o.reason, o.until)
        counts[key] = counts.get(key, 0) + o.count
    return [
        Outcome(o.request_id, o.source, o.dataset, o.effect, o.outcome, count, o.reason, o.until)
        for o, count in counts.items()
        if count
    ]


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON, without request and source; `reason` and `until` only when there are any. Such as it is,
    the ledger takes it."""
    value: dict[str, Any] = {"dataset": outcome.dataset, "effect": outcome.effect, "outcome": outcome.outcome}
    value["count"] = outcome.count
    if outcome.reason:
        value["reason"] = outcome.reason
    if outcome.until:
        value["until"] = outcome.until.isoformat()
    return value


def outcome_from_json(request_id: str, source: str, value: Mapping[str, Any]) -> Outcome:
    """Back from `outcome_as_json`."""
    until = date.fromisoformat(value["until"]) if "until" in value else None
    reason = value.get("reason", "")
    return Outcome(
        request_id, source, value["dataset"], value["effect"], value["outcome"], value["count"], reason, until
    )
