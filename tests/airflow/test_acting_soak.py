"""kill -9 at random moments of runs of every right: each ends as it does when nobody is killed.

`make soak ARGS=tests/airflow`; DSR_SOAK_TIMES says how often (50), DSR_SOAK_SEED which ways, people and moments (1).
"""

import os
import random
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from killing import TASK, WORKER, Killer
from observed import Observed
from office_day import LIFT, REFUSE, UPHOLD
from outcome import Outcome
from privacy_office import ENDED, Office, Way

from embedded.clock import put_ahead

pytestmark = [pytest.mark.airflow, pytest.mark.soak, pytest.mark.timeout(0)]

_TIMES, _SEED = (
    int(os.environ.get(name, default)) for name, default in (("DSR_SOAK_TIMES", "50"), ("DSR_SOAK_SEED", "1"))
)
_RELEASE = {"review": ("Without what is not reviewed", "officer"), "release": ("Approve", "officer")}
_INTEREST = {"ground": "legitimate_interest"}
_CORRECTED = {"corrections": {"phone": "+46 70 999 41 27", "title": "Chief Buyer"}}
_PEOPLE = ("formula", "plus_address", "p000003", "p000010")
_WAYS = (
    Way("erasure", ""),
    Way("rectification", "", _CORRECTED),
    Way("restriction", "", {}, LIFT),
    Way("objection", "", _INTEREST, UPHOLD),
    Way("objection", "", _INTEREST, REFUSE),
    Way("objection", "", {"ground": "direct_marketing"}, {}),
    Way("withdrawal", "", {"purposes": ["dpv:DirectMarketing"]}, {}),
    Way("access", "", {}, _RELEASE),
    Way("portability", "", {}, _RELEASE),
)


@pytest.fixture
def sandbox(stack: Observed) -> Any:
    """Snapshots of the systems, put back between two runs."""
    with httpx.Client(base_url=stack.running.endpoints["admin"], trust_env=False, timeout=120) as admin:
        snapshot = admin.post("/snapshots").raise_for_status().json()["id"]
        yield lambda: admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
        admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()


def test_killed_at_random_moments(stack: Observed, sandbox: Any) -> None:
    """Each is compared with the same request without a kill, in the same systems."""
    chance, whole, wrong = random.Random(_SEED), dict[tuple[int, str], Outcome](), list[str]()
    for number in range(_TIMES):
        which, person = chance.randrange(len(_WAYS)), chance.choice(_PEOPLE)
        way = replace(_WAYS[which], person=person)
        if (which, person) not in whole:
            sandbox()
            whole[which, person] = go(stack, way, f"T-soak-{number}", None)
        sandbox()
        began, seed = time.monotonic(), chance.randrange(10**6)
        killed: list[str] = []
        outcome = go(stack, way, f"T-soak-{number}-killed", random.Random(seed), killed)
        faults = whole[which, person].differs(outcome)
        print(
            f"{number:3} {way.right:13} {person:12} {time.monotonic() - began:5.0f} s  killed {', '.join(killed)}",
            flush=True,
        )
        wrong += [f"{number} {way.right} {person}, killed {killed}: {fault}" for fault in faults]
    assert wrong == [], "\n".join(wrong)


def go(
    stack: Observed, way: Way, ticket: str, chance: random.Random | None, killed: list[str] | None = None
) -> Outcome:
    """One request to its end, a restriction's on the next day included; with some kills when there is a `chance`."""
    office, before = Office(stack), stack.state()
    request_id = office.ask(way, ticket)
    with ExitStack() as killers:
        met = [killers.enter_context(k) for k in _killers(stack, office, way, request_id, chance)]
        office.work([request_id], rests={**ENDED, "lift": {"up_for_retry"}})
        if office.states(request_id).get("lift") == "up_for_retry":
            put_ahead(stack.running.folder, timedelta(days=1))
            office.clear(request_id, "lift")
            again = {"lift": chance.uniform(0, 2)} if chance else {}
            with Killer(stack, way.dag, request_id, again) as last:
                office.work([request_id])
            met.append(last)
            put_ahead(stack.running.folder, timedelta(0))
    if killed is not None:
        killed += [name for killer in met for name in killer.killed]
    return Outcome.of(stack, office, request_id, before)


def _killers(stack: Observed, office: Office, way: Way, request_id: str, chance: random.Random | None) -> list[Killer]:
    """One to three tasks, each killed itself or with its worker, some moment after it began."""
    if chance is None:
        return []
    tasks = sorted(office.states(request_id))
    chosen = {name: chance.uniform(0, 1.5) for name in chance.sample(tasks, 3)}
    victims = {name: WORKER if chance.random() < 0.2 else TASK for name in chosen}
    of = {victim: {n: s for n, s in chosen.items() if victims[n] == victim} for victim in (TASK, WORKER)}
    return [Killer(stack, way.dag, request_id, moments, victim) for victim, moments in of.items() if moments]
