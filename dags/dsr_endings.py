"""How a request's run has ended, as its tasks show."""

from collections.abc import Mapping
from typing import Any


def ended(states: Mapping[str, Any]) -> tuple[str, str]:
    """(delivered | refused | rejected | stopped | failed, task that it ended in), from the states of a run's tasks."""
    # Where systems are changed, the answer is not the end: a restriction is decided on and lifted after it.
    for name in ("deliver", "answer_nothing", "answer_unfound") if "deliver" in states else ("close",):
        if states.get(name) == "success":
            return "delivered", name
    for name in ("refuse", "reject", "plan_anew", "replan", "answer_nothing", "answer_unfound"):
        # What a decision leads to; where that failed, the decision alone is no end.
        if states.get(name) == "failed":
            return "failed", name
    if states.get("release") == "success":
        if states.get("deliver") != "skipped":
            return "failed", "deliver"
        return ("refused", "refuse") if states.get("refuse") == "success" else ("rejected", "release")
    for name, following in (("decide_incomplete", "review"), ("review", "compose")):
        if states.get(name) == "success" and states.get(following) == "skipped":
            return "stopped", name
    if states.get("prepare") == "success" and states.get("suppress") == "skipped":
        return ("rejected", "approve") if states.get("approve") == "success" else ("stopped", "prepare")
    return "failed", next((name for name, state in states.items() if state == "failed"), "run")
