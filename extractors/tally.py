"""Outcomes while they are counted: a verb says of each record what became of it, the core hears numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from dsr.model import Outcome
from dsr.selection import Selection


class Tally:
    """What became of the records of one effect in one source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: Counter[tuple[str, str, str, str, str, date | None]] = Counter()

    def add(
        self, request_id: str, dataset: str, effect: str, outcome: str, reason: str = "", until: date | None = None,
        count: int = 1,
    ) -> None:  # fmt: skip
        """That many more records of a request ended so; arguments as of `dsr.model.Outcome`."""
        self._counts[request_id, dataset, effect, outcome, reason, until] += count

    def rest(self, selection: Selection, dataset: str, effect: str, outcome: str, reason: str) -> None:
        """All selected records of a dataset ended alike."""
        self.add(selection.request_id, dataset, effect, outcome, reason, count=selection.count(dataset, effect))

    def outcomes(self) -> Iterator[Outcome]:
        """In the order in which they were first told; none of nothing."""
        for (request_id, dataset, effect, outcome, reason, until), count in self._counts.items():
            if count:
                yield Outcome(request_id, self._source, dataset, effect, outcome, count, reason, until)


def by_hand(source: str, selections: Sequence[Selection], effect: str) -> Iterator[Outcome]:
    """What becomes of records for which the system has no way at all: a person does it."""
    tally = Tally(source)
    for selection in selections:
        for dataset in selection.datasets(effect):
            tally.rest(selection, dataset, effect, "manual", "api.none")
    yield from tally.outcomes()
