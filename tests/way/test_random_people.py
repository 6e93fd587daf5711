"""Random people, random rights, one after the other in the same systems: after each request the whole of all systems is
compared with what was before. `make soak ARGS=tests/way`; DSR_SOAK_PEOPLE says how many (200), DSR_SOAK_SEED which (1).
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import judging
import pytest
from office import Office
from running_sandbox import Sandbox, start_sandbox, stop_sandbox
from state import State

from dsr_approvals import OVERRIDE
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.soak, pytest.mark.timeout(0)]

_MANY, _SEED = (
    int(os.environ.get(name, default)) for name, default in (("DSR_SOAK_PEOPLE", "200"), ("DSR_SOAK_SEED", "1"))
)
_BINS_EMPTIED = timedelta(days=31)
_CORRECTED = {"corrections": {"phone": "+46709999412"}}
_WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("erasure", {}),
    ("erasure", {}),
    ("restriction", {"ground": "accuracy_contested"}),
    ("rectification", _CORRECTED),
    ("objection", {"ground": "direct_marketing"}),
    ("objection", {"ground": "legitimate_interest"}),
    ("withdrawal", {"purposes": ["dpv:DirectMarketing"]}),
)


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """All systems, with more people than are asked for."""
    folder = tmp_path_factory.mktemp("town") / "state"
    process, running = start_sandbox(folder, "--people", str(_MANY + 20))
    yield running
    stop_sandbox(process)


@dataclass
class Town:
    """What has happened so far. `gone`: whoever was erased."""

    office: Office
    sandbox: Sandbox
    gone: set[str] = field(default_factory=set)

    def ask(self, person: Person, right: str, asked: dict[str, Any]) -> list[str]:
        """One request to its end; findings."""
        before, day = State.of(self.office.state()), self.office.now().date()
        request_id = self.office.ask(person.email, right, **asked)
        found: list[str] = []
        if right == "restriction":
            self.office.until(request_id, "decide_lift")
            meanwhile = State.of(self.office.state())
            found += [f"neighbour {line}" for line in self.neighbours(person, before, meanwhile)]
            found += judging.restricted(person, self.sandbox.truth, before, meanwhile)
        run = self.office.finish(request_id)
        after = State.of(self.office.state())
        before = judging.without_what_expired(before, after, person.key)
        found += [f"failed {task}: {code}" for task, code in run.failed.items()]
        found += [f"neighbour {line}" for line in self.neighbours(person, before, after)]
        if right == "erasure":
            self.gone.add(person.key)
            others = [one for one in self.sandbox.population.people if one.key not in self.gone]
            found += judging.erased([person], others, self.sandbox.truth, before, after, day)
        elif right == "objection" and self.office.decisions.get("decide_objection", [""])[0] not in OVERRIDE:
            found += judging.restricted(person, self.sandbox.truth, before, after)
        return found

    def neighbours(self, person: Person, before: State, after: State) -> Iterator[str]:
        """Changes of what is not theirs alone or in part; what a vendor throws out of its bin is none, nor that nobody
        reports any more to who is gone."""
        for change in judging.without_what_expired(before, after, person.key).until(after):
            of = set(change.person.split(",")) - {""}
            followed = judging.link_emptied(change, before, after, person.key)
            if of and person.key not in of and not followed:
                yield str(change)


def test_nobody_else_is_touched(
    town: Sandbox, new_ledger: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance, began = random.Random(_SEED), time.monotonic()
    office = Office(tmp_path_factory.mktemp("office"), town.endpoints, new_ledger())
    # What lies in vendors' bins from before goes with time, and would look like somebody's doing.
    office.wait(_BINS_EMPTIED)
    office.upkeep()
    here, wrong, rights = Town(office, town), dict[str, list[str]](), Counter[str]()
    for number, person in enumerate(chance.sample(town.population.people, _MANY)):
        right, asked = chance.choice(_WAYS)
        office.reset()
        if chance.random() < 0.5:
            office.decisions["decide_objection"] = (next(iter(OVERRIDE)), "officer")
        rights[right] += 1
        office.upkeep()
        if found := here.ask(person, right, asked):
            wrong[f"{number} {person.key} {right} {asked}"] = found
        print(f"{number:4} {time.monotonic() - began:6.0f} s {right:14} {person.key:22} {found[:5]}", flush=True)
    print(dict(rights))
    office.close()
    assert wrong == {}
