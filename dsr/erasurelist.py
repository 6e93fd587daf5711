"""An erasure list: people whose data is to go although none of them has asked, since its time is over, or for another
reason of Art. 17(1) GDPR. One plan over all of them, one approval.

The list is a case of its own, which holds who is on it; each person on it is another, as if they had asked. They are
gone through in chunks, so that a system is asked for many at once and a run can go on where it stopped.

    list             {"list_id", "reason", "by", "received_at", "people", "chunks"}
    lines/<chunk>    [{"request_id", "email", "customer_number"}]; personal data
    planned/<chunk>  {request id: what came of planning it, see `Planned`}
    total            {"digest"}: of the plan over all
    waits            {"source", "until"}: whose calls of the day are too few for a chunk; absent = it goes on
    tries/<chunk>    how often planning it was begun
    calls/<stage>    {source: calls a person}, the most that a chunk has taken so far
    begun            there once anything was allowed to be changed
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

import rfc8785

from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.plan import Caution, Count, PlanSummary
from dsr.search import stamp

REASONS: Final = {
    "no_longer_needed": "Art. 17(1)(a), 5(1)(e) GDPR: the purposes have ended, and the storage period with them",
    "consent_withdrawn": "Art. 17(1)(b) GDPR: consent has ended, and there is no other basis",
    "unlawful": "Art. 17(1)(d) GDPR: the data was processed unlawfully",
    "legal_duty": "Art. 17(1)(e) GDPR: a law demands that it goes",
}
CHUNK: Final = 200
"""People in a chunk: as many as Salesforce and Account Engagement take ids in a few calls."""
NOTHING: Final = "nothing"
"""In place of a plan: the systems hold nothing that surely is theirs."""
_PLACE: Final = "list"


@dataclass(frozen=True)
class Line:
    """A person on the list. request_id: their own case."""

    request_id: str
    email: str = field(repr=False)
    customer_number: str = field(default="", repr=False)


@dataclass(frozen=True)
class Planned:
    """What came of planning one person. digest: of their plan, "" when there is none; `aside`: why there is none, a
    code or NOTHING; counts, cautions: of the plan. Codes and numbers only."""

    digest: str = ""
    aside: str = ""
    counts: tuple[Count, ...] = ()
    cautions: tuple[Caution, ...] = ()

    @classmethod
    def of(cls, plan: PlanSummary) -> Self:
        """A person's plan."""
        return cls(plan.digest, "", plan.counts, plan.warnings)

    def as_json(self) -> dict[str, Any]:
        """As kept."""
        named = {"counts": [vars(c) for c in self.counts], "cautions": [c.as_json() for c in self.cautions]}
        return {"digest": self.digest, "aside": self.aside, **named}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Back from `as_json`."""
        counts = tuple(Count(**count) for count in value["counts"])
        return cls(value["digest"], value["aside"], counts, tuple(Caution(**c) for c in value["cautions"]))


@dataclass(frozen=True)
class Total:
    """The plan over all people on a list, in counts and codes. people: who has a plan; `aside`: code → how many have
    none; `digest`: what an approval is bound to: whose plans these are, each by its own digest."""

    people: int
    aside: Mapping[str, int]
    counts: tuple[Count, ...]
    cautions: tuple[Caution, ...]
    digest: str

    def effects(self) -> dict[str, int]:
        """How many records, by effect."""
        found: Counter[str] = Counter()
        for count in self.counts:
            found[count.effect] += count.count
        return dict(sorted(found.items()))


class ErasureList:
    """The list in its case file."""

    def __init__(self, case: CaseFile) -> None:
        """PermanentError("list.absent") when the case is no list, or was never taken in to its end."""
        if not case.exists("list"):
            raise PermanentError("list.absent", _PLACE)
        self.case = case
        known = case.read_json("list")
        self.list_id: str = known["list_id"]
        self.reason: str = known["reason"]
        self.received_at = datetime.fromisoformat(known["received_at"])
        self.people: int = known["people"]
        self.chunks: int = known["chunks"]

    @classmethod
    def make(cls, case: CaseFile, lines: Sequence[Line], *, reason: str, by: str, at: datetime) -> Self:
        """Puts it down; what says that it is whole comes last."""
        chunks = [lines[start : start + CHUNK] for start in range(0, len(lines), CHUNK)]
        for number, chunk in enumerate(chunks, 1):
            case.write_json(_name("lines", number), [vars(line) for line in chunk])
        known = {"list_id": case.case_id, "reason": reason, "by": by, "received_at": stamp(at)}
        case.write_json("list", known | {"people": len(lines), "chunks": len(chunks)})
        return cls(case)

    def lines(self, chunk: int) -> list[Line]:
        """The people in a chunk; chunks count from 1."""
        return [Line(**line) for line in self.case.read_json(_name("lines", chunk))]

    def forget_plans(self) -> None:
        """It is planned anew. PermanentError("list.begun") once it is carried out: what is done is done, and what is
        left goes on."""
        if self.case.exists("begun"):
            raise PermanentError("list.begun", _PLACE)
        self.case.remove("total")
        self.case.remove("planned/")
        self.case.remove("tries/")

    def keep_planned(self, chunk: int, planned: Mapping[str, Planned]) -> None:
        """What came of a chunk, in place of what came of it before."""
        found = {request_id: its.as_json() for request_id, its in planned.items()}
        self.case.write_json(_name("planned", chunk), found)

    def planned(self, chunk: int) -> dict[str, Planned]:
        """By request id; {} while it isn't planned."""
        name = _name("planned", chunk)
        if not self.case.exists(name):
            return {}
        return {request_id: Planned.from_json(its) for request_id, its in self.case.read_json(name).items()}

    def begin_to_plan(self, chunk: int) -> int:
        """Planning a chunk is begun; for which time."""
        name = _name("tries", chunk)
        tries = 1 + (self.case.read_json(name) if self.case.exists(name) else 0)
        self.case.write_json(name, tries)
        return tries

    def forget_tries(self, chunk: int) -> None:
        """The next one counts as the first."""
        self.case.remove(_name("tries", chunk))

    def wait(self, source: str, until: datetime) -> None:
        """No chunk is begun before then, since that source has too few calls left."""
        self.case.write_json("waits", {"source": source, "until": stamp(until)})

    def waits(self) -> tuple[str, datetime] | None:
        """For which source, and until when it is not asked again; None = for none."""
        if not self.case.exists("waits"):
            return None
        known = self.case.read_json("waits")
        return known["source"], datetime.fromisoformat(known["until"])

    def go_on(self) -> None:
        """It waits no longer."""
        self.case.remove("waits")

    def calls_a_person(self, stage: str) -> Mapping[str, int]:
        """By source, the most of any chunk so far."""
        found: Mapping[str, int] = self.case.read_json(f"calls/{stage}") if self.case.exists(f"calls/{stage}") else {}
        return found

    def note_calls(self, stage: str, calls: Mapping[str, int]) -> None:
        """What a chunk has taken of each person."""
        known = self.calls_a_person(stage)
        self.case.write_json(f"calls/{stage}", {name: max(many, known.get(name, 0)) for name, many in calls.items()})

    def digests(self) -> dict[str, str]:
        """Request id → digest of the plan, for all who have one. PermanentError("list.unplanned") when a chunk was not
        planned, or not of the people that are in it."""
        return {request_id: its.digest for request_id, its in self._all_planned() if its.digest}

    def total(self) -> Total:
        """Over all chunks; errors as `digests`."""
        counts: Counter[Count] = Counter()
        cautions: Counter[tuple[str, str, str]] = Counter()
        aside: Counter[str] = Counter()
        digests: dict[str, str] = {}
        for request_id, its in self._all_planned():
            if its.digest:
                digests[request_id] = its.digest
            else:
                aside[its.aside] += 1
            for count in its.counts:
                counts[replace(count, count=0)] += count.count
            for caution in its.cautions:
                cautions[caution.code, caution.source, caution.dataset] += caution.count
        return Total(
            len(digests),
            dict(sorted(aside.items())),
            tuple(replace(what, count=number) for what, number in counts.items()),
            tuple(Caution(*what, number) for what, number in sorted(cautions.items())),
            digest_of(self.list_id, self.reason, digests),
        )

    def _all_planned(self) -> Iterator[tuple[str, Planned]]:
        for chunk in range(1, self.chunks + 1):
            planned = self.planned(chunk)
            if planned.keys() != {line.request_id for line in self.lines(chunk)}:
                raise PermanentError("list.unplanned", _PLACE)
            yield from planned.items()


def digest_of(list_id: str, reason: str, digests: Mapping[str, str]) -> str:
    """SHA-256 in hex over whose plans a list is, each by its own digest."""
    return hashlib.sha256(rfc8785.dumps({"list": list_id, "reason": reason, "plans": dict(digests)})).hexdigest()


def _name(folder: str, chunk: int) -> str:
    return f"{folder}/{chunk:05d}"
