"""What is left of a vendor's day: when bulk work goes on, waits, or never could."""

from contextlib import nullcontext

import pytest

from dsr import budget
from dsr.errors import PermanentError, TransientError
from dsr.model import Budget
from dsr.settings import SettingError, Settings


@pytest.mark.parametrize(
    ("left", "a_day", "need", "percent", "code"),
    [
        (100, 100, 80, 20, ""),
        (99, 100, 80, 20, budget.RESERVE),
        (100, 100, 81, 20, budget.TOO_SMALL),
        (100, 100, 100, 0, ""),
        (99, 100, 100, 0, budget.RESERVE),
        (28, 101, 7, 20, ""),  # a fifth of 101, rounded up
        (27, 101, 7, 20, budget.RESERVE),
        (0, 0, 1, 20, budget.RESERVE),  # it only said that none is left
    ],
)
def test_bulk_work_leaves_a_part(left: int, a_day: int, need: int, percent: int, code: str) -> None:
    kind = PermanentError if code == budget.TOO_SMALL else TransientError
    with pytest.raises(kind, match=code) if code else nullcontext() as caught:
        budget.spare("pardot", Budget(left, a_day), need, percent)
    if caught is not None:
        assert getattr(caught.value, "retry_after", None) == (budget.AGAIN if code == budget.RESERVE else None)


def test_the_part_is_a_setting() -> None:
    assert Settings.from_environment({}, need=()).budget_reserve == 20
    assert Settings.from_environment({"DSR_BUDGET_RESERVE": "0"}, need=()).budget_reserve == 0
    for text in ("91", "-1", "20%"):
        with pytest.raises(SettingError, match="DSR_BUDGET_RESERVE"):
            Settings.from_environment({"DSR_BUDGET_RESERVE": text}, need=())
