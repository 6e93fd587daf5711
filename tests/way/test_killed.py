"""kill -9 at random moments: another process goes on, and all ends as it does when nobody is killed.

`make soak ARGS=tests/way`; DSR_SOAK_TIMES says how often a process is killed on the way of each right (50).
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kills import killed_on_the_way, processes
from office import Office
from outcomes import Outcome, outcome
from running_sandbox import Sandbox

from dsr_approvals import OVERRIDE, UPHOLD

__all__ = ["processes"]

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

WAYS: Mapping[str, Mapping[str, Any]] = {
    "erasure": {"right": "erasure"},
    "restriction": {"right": "restriction", "ground": "accuracy_contested"},
    "rectification": {"right": "rectification", "corrections": {"phone": "+46709999998", "address": "Nygatan 1"}},
    "marketing": {"right": "objection", "ground": "direct_marketing"},
    "upheld": {"right": "objection", "ground": "legitimate_interest"},
    "refused": {"right": "objection", "ground": "legitimate_interest"},
    "withdrawal": {"right": "withdrawal", "purposes": ["dpv:DirectMarketing"]},
    "triaged": {"right": "access, erasure"},
}
KILLS = 3
KILLS_IN_SOAK = 10
"""So often the process of one request is killed."""
SOAK = -(-int(os.environ.get("DSR_SOAK_TIMES", "50")) // KILLS_IN_SOAK)
"""So often each way is gone in a soak."""


def cases() -> list[Any]:
    """(way, seed, kills); one belongs to the tests, all others to a soak."""
    every = [(way, seed, KILLS_IN_SOAK) for seed in range(1, SOAK + 1) for way in WAYS]
    return [("erasure", 0, KILLS), *(pytest.param(*case, marks=pytest.mark.soak) for case in every)]


@pytest.mark.parametrize(("way", "seed", "kills"), cases())
def test_all_ends_as_if_nobody_was_killed(
    way_sandbox: Sandbox,
    new_ledger: Callable[[], str],
    tmp_path: Path,
    processes: Any,
    way: str,
    seed: int,
    kills: int,
) -> None:
    """In the same systems, for the same person, with a ledger of its own each time."""
    chance = random.Random(f"{way} {seed}")
    person = chance.choice(way_sandbox.population.people)
    ends: list[Outcome] = []
    for number in range(2):
        snapshot = way_sandbox.admin.post("/snapshots").raise_for_status().json()["id"]
        office = Office(tmp_path / str(number), way_sandbox.endpoints, new_ledger())
        office.decisions["decide_objection"] = (next(iter(OVERRIDE)) if way == "refused" else UPHOLD, "officer")
        office.upkeep()
        before, notices, began = office.state(), len(office.notices()), time.monotonic()
        request_id = office.ask(person.email, **WAYS[way])
        if number == 0:
            office.finish(request_id)
            seconds = time.monotonic() - began
        else:
            met = killed_on_the_way(processes, office, request_id, seconds, chance, kills)
        ends.append(outcome(office, request_id, person, before, notices))
        office.close()
        way_sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
        way_sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()
    print(f"{way} {seed}: killed in {', '.join(met)}")
    assert met
    assert ends[0].failed == {}
    assert ends[0].differs(ends[1]) == []
