"""What a run is taken to have ended as, from the states of its tasks."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_endings

ANSWERED = {"prepare": "success", "approve": "success", "suppress": "success", "answer": "success"}


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        ({**ANSWERED, "close": "success"}, ("delivered", "close")),
        ({**ANSWERED, "lift": "failed", "close": "upstream_failed"}, ("failed", "lift")),
        ({"suppress": "success", "answer": "success", "uphold": "failed", "close": "upstream_failed"},
         ("failed", "uphold")),
        ({**ANSWERED, "decide_lift": "failed", "lift": "upstream_failed", "close": "upstream_failed"},
         ("failed", "decide_lift")),
        ({"prepare": "success", "refuse": "success", "suppress": "skipped", "close": "success"},
         ("delivered", "close")),
        ({"prepare": "success", "approve": "skipped", "suppress": "skipped", "close": "skipped"},
         ("stopped", "prepare")),
        ({"deliver": "success", "transmit": "failed", "close": "upstream_failed"}, ("delivered", "deliver")),
        ({"deliver": "skipped", "release": "success"}, ("rejected", "release")),
        ({"deliver": "skipped", "decide_incomplete": "success", "review": "skipped", "compose": "skipped",
          "answer_nothing": "skipped", "answer_unfound": "skipped"}, ("stopped", "decide_incomplete")),
        ({"deliver": "skipped", "review": "success", "compose": "skipped", "answer_unfound": "skipped"},
         ("stopped", "review")),
        ({"deliver": "skipped", "review": "success", "compose": "skipped", "answer_unfound": "success"},
         ("delivered", "answer_unfound")),
        ({"deliver": "skipped", "review": "success", "compose": "skipped", "answer_unfound": "failed"},
         ("failed", "answer_unfound")),
        ({"deliver": "skipped", "release": "success", "refuse": "success", "close": "success"}, ("refused", "refuse")),
        ({"deliver": "skipped", "release": "success", "refuse": "failed"}, ("failed", "refuse")),
        ({"deliver": "success", "release": "success", "refuse": "skipped"}, ("delivered", "deliver")),
        ({"prepare": "success", "refuse": "failed", "approve": "skipped", "suppress": "skipped",
          "close": "upstream_failed"}, ("failed", "refuse")),
        ({"prepare": "success", "approve": "success", "reject": "failed", "refuse": "skipped", "suppress": "skipped",
          "close": "upstream_failed"}, ("failed", "reject")),
        ({"prepare": "success", "approve": "success", "reject": "success", "refuse": "skipped", "suppress": "skipped",
          "close": "success"}, ("delivered", "close")),
        ({"prepare": "success", "approve": "success", "plan_anew": "success", "suppress": "skipped",
          "close": "skipped"}, ("rejected", "approve")),
        ({"prepare": "success", "approve": "success", "plan_anew": "failed", "suppress": "skipped",
          "close": "skipped"}, ("failed", "plan_anew")),
        ({"prepare": "failed", "approve": "upstream_failed", "refuse": "upstream_failed", "reject": "upstream_failed",
          "suppress": "upstream_failed"}, ("failed", "prepare")),
        ({**ANSWERED, "decide_lift": "success", "keep_restricted": "failed", "close": "upstream_failed"},
         ("failed", "keep_restricted")),
    ],
)  # fmt: skip
def test_only_the_end_of_the_way_counts(states: dict[str, Any], ended: tuple[str, str]) -> None:
    """An answer is not the end where a restriction is still decided on and lifted."""
    assert dsr_endings.ended(states) == ended
