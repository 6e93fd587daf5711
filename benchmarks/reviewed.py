"""The review of a case in a measurement: a person who lets everything go in no time."""

from datetime import UTC, datetime

from dsr import review
from dsr.casefile import CaseFile
from dsr.review import RELEASED, Concluded, Verdict
from dsr.steps.hold import hold

_AT = datetime(2026, 11, 19, 9, tzinfo=UTC)


def hold_for_review(case: CaseFile) -> int:
    """What the machine does for a review; how many items there are."""
    return hold(case)


def let_go(case: CaseFile) -> None:
    """What the person does, at once."""
    Concluded({key: Verdict(key, RELEASED, "benchmark", _AT) for key in review.entries(case)}, "benchmark").save(case)
