"""Rows and reviews for tests that are about something else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from dsr import review, reviewing
from dsr.casefile import CaseFile
from dsr.cleared import CLEARING, Cleared
from dsr.review import RELEASED, WITHHELD
from dsr.steps import hold

_AT = datetime(2026, 11, 19, 9, tzinfo=UTC)


def cleared(rows: Callable[[str, str], Iterator[Any]]) -> Callable[[str, str], Iterator[Cleared]]:
    """Made-up rows as `dsr.clearing` would give them."""
    return lambda source, dataset: (Cleared(batch, CLEARING) for batch in rows(source, dataset))


def released(case: CaseFile) -> None:
    """Holds all that is to be reviewed, and lets somebody release every item as it is, but for files in which others
    are heard."""
    hold.hold(case)
    for page in range(1, max((entry.page for entry in review.entries(case).values()), default=0) + 1):
        for item in review.page(case, page):
            verdict, ground = (WITHHELD, "third_party") if item.file.get("mixed") else (RELEASED, "")
            reviewing.decide(case, item.number, verdict=verdict, by="reviewer", at=_AT, ground=ground)
    reviewing.conclude(case, by="reviewer", four_eyes=False, without_rest=False)
