"""Counts of what a search did with records whose owner is known."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str]
"""Source, dataset and id of a record."""


@dataclass(frozen=True)
class Answer:
    """What is released; what a person is asked about; what is only named in the answer as not surely theirs, since
    nobody could tell. `provable`: numbers that they could be asked to show the phone of."""

    released: set[Key]
    queued: set[Key] = field(default_factory=set)
    named: set[Key] = field(default_factory=set)
    scores: Mapping[Key, int] = field(default_factory=dict)
    provable: tuple[str, ...] = ()


@dataclass
class Tally:
    """What became of the records of some requests."""

    requests: int = 0
    records: int = 0
    reached: int = 0
    released: int = 0
    wrong: int = 0
    found: int = 0
    queued: int = 0
    named: int = 0
    doubtful: int = 0
    people: int = 0

    def count(self, theirs: set[Key], reached: int, answer: "Answer") -> None:
        """Adds a request."""
        self.requests += 1
        self.records += len(theirs)
        self.reached += reached
        self.released += len(answer.released)
        self.wrong += len(answer.released - theirs)
        self.found += len(answer.released & theirs)
        self.queued += len(answer.queued & theirs)
        self.named += len(answer.named & theirs)
        self.doubtful += bool(answer.queued or answer.named)
        self.people += bool(answer.queued)

    def figures(self) -> dict[str, float]:
        """The shares. Nothing released = nothing wrong."""
        reached, requests = max(1, self.reached), max(1, self.requests)
        return {
            "requests": self.requests,
            "records": self.records,
            "reach": self.reached / max(1, self.records),
            "wrong": self.wrong,
            "precision": 1 - self.wrong / max(1, self.released),
            "found": self.found / reached,
            "found_or_queued": (self.found + self.queued) / reached,
            "or_named": (self.found + self.queued + self.named) / reached,
            "doubtful": self.doubtful / requests,
            "people": self.people / requests,
        }


@dataclass
class Bands:
    """How many records of each score there are and how many of them are theirs, apart for released and doubtful."""

    counts: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def count(self, theirs: set[Key], answer: Answer) -> None:
        """Adds a request."""
        for key, score in answer.scores.items():
            counted = self.counts["released" if key in answer.released else "doubtful", min(score, 99) // 20 * 20]
            counted[0] += 1
            counted[1] += key in theirs

    def figures(self) -> list[dict[str, Any]]:
        """Verdict, lowest score, records and the share that is theirs; doubtful before released, by score."""
        lines = sorted(self.counts.items())
        return [{"verdict": v, "from": s, "records": n, "theirs": mine / n} for (v, s), (n, mine) in lines]
