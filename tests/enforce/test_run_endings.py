"""What a run is taken to have ended as, from the states of its tasks."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_tasks

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
    ],
)  # fmt: skip
def test_only_the_end_of_the_way_counts(states: dict[str, Any], ended: tuple[str, str]) -> None:
    """An answer is not the end where a restriction is still decided on and lifted."""
    assert dsr_tasks._ended(states) == ended
