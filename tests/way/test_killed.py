"""kill -9 at random moments: another process goes on, and all ends as it does when nobody is killed.

`make soak ARGS=tests/way`; DSR_SOAK_TIMES says how often a process is killed on the way of each right (50).
"""

import json
import multiprocessing
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from office import Office
from running_sandbox import Sandbox

from dsr_approvals import OVERRIDE, UPHOLD
from sandbox.comparison import difference
from sandbox.people import Person

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

WAYS: Mapping[str, Mapping[str, Any]] = {
    "erasure": {"right": "erasure"},
    "restriction": {"right": "restriction", "ground": "accuracy_contested"},
    "rectification": {"right": "rectification", "corrections": {"phone": "+46709999998", "address": "Nygatan 1"}},
    "marketing": {"right": "objection", "ground": "direct_marketing"},
    "upheld": {"right": "objection", "ground": "legitimate_interest"},
    "refused": {"right": "objection", "ground": "legitimate_interest"},
    "withdrawal": {"right": "withdrawal", "purposes": ["dpv:DirectMarketing"]},
}
KILLS = 3
KILLS_IN_SOAK = 10
"""So often the process of one request is killed."""
SOAK = -(-int(os.environ.get("DSR_SOAK_TIMES", "50")) // KILLS_IN_SOAK)
"""So often each way is gone in a soak."""
TOLD = ("mail", "processor", "callback")
"""Systems that only receive; what they received is counted apart."""
TRIED = frozenset({"enforced", "source_searched", "decision", "planned", "notified", "shredded"})
"""Events that say what was tried, not what came of it. What was enforced is compared by what it says, not how often."""
_REASONS = {"earlier_attempt": "None"}
"""That a killed attempt did it, and the next one saw so, is no other end."""
_BY_CONTENT = re.compile(r"[0-9a-f-]{16,}")
_PROCESSES = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Outcome:
    """What came of a request. changes: of systems, without ids; events: how many of each kind; enforced: what each
    dataset's changes came to; notified: who; answers: whether each closed the ticket; notices: how often each was
    posted; suppressed: scopes; erased: entries of the erasure ledger by dataset; failed: task → code; kept: objects of
    the case store by name without the case's; chain: whether the ledger is whole."""

    changes: Counter[tuple[str, ...]]
    events: Counter[str]
    enforced: frozenset[tuple[str, ...]]
    notified: frozenset[str]
    answers: list[bool]
    notices: list[int]
    suppressed: frozenset[str]
    erased: frozenset[tuple[str, int]]
    failed: dict[str, str]
    kept: Counter[str]
    chain: bool

    def differs(self, other: "Outcome") -> list[str]:
        """What is otherwise."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in vars(self)}
        return [
            f"{name}: {_less(was, now)} became {_less(now, was)}" for name, (was, now) in pairs.items() if was != now
        ]


def _less(one: Any, other: Any) -> Any:
    """What only one of them has."""
    return one - other if isinstance(one, Counter | frozenset) else one


def go_on(folder: Path, endpoints: Mapping[str, Any], ledger_url: str, decisions: Any, request_id: str) -> None:
    """What a process does that takes a request up: everything that is left."""
    office = Office(folder, endpoints, ledger_url)
    office.decisions.update(decisions)
    office.finish(request_id)
    office.close()


def killed_on_the_way(
    processes: Any, office: Office, request_id: str, seconds: float, chance: random.Random, kills: int
) -> list[str]:
    """Lets processes take it up and kills each after a while; the last of them ends it. The tasks that were met."""
    met: list[str] = []
    arguments = (office.folder, office.endpoints, office.ledger_url, dict(office.decisions), request_id)
    while True:
        process = processes(target=go_on, args=arguments)
        process.start()
        moment = chance.uniform(0.1, 1.5 * seconds / kills) if len(met) < kills else None
        process.join(moment)
        if process.exitcode is not None:
            assert process.exitcode == 0
            return met
        # First: while it lives, it writes the run's file too.
        process.kill()
        process.join()
        met.append(office.next(request_id) or "")


def outcome(office: Office, request_id: str, person: Person, before: list[str], notices: int) -> Outcome:
    """After its end."""
    # Bins are emptied as time passes, whatever is asked.
    binned = {(e["system"], e["kind"], e["id"]) for e in map(json.loads, before) if e["deleted"]}
    found = [c for c in difference(before, office.state()) if (c.system, c.kind, c.id) not in binned]
    changes = Counter((c.system, c.kind, c.person, c.what, *(c.fields if c.what == "changed" else ())) for c in found)
    events = office.events(request_id)
    said = [e.detail for e in events if e.kind == "enforced"]
    with office.at_work() as place:
        erased = Counter(
            (name, record.dataset)
            for name in place.erasures.sources()
            for record in place.erasures.erased(name, request_id)
        )
        chain = place.ledger.verify() > 0
    return Outcome(
        changes,
        Counter(e.kind for e in events if e.kind not in TRIED),
        frozenset(
            (d["source"], d["dataset"], d["outcome"], _REASONS.get(d.get("reason"), str(d.get("reason"))))
            for d in said
            if d["outcome"] != "scheduled"
        ),
        frozenset(e.detail["recipient"] for e in events if e.kind == "notified"),
        [a["closed"] for a in office.answers(request_id)],
        [n["posted"] for n in office.notices()[notices:]],
        frozenset(office.suppressed(person.email)),
        frozenset((f"{name}.{dataset}", count) for (name, dataset), count in erased.items()),
        office.runner.run(request_id).failed,
        kept(office, request_id),
        chain,
    )


def kept(office: Office, request_id: str) -> Counter[str]:
    """What lies in the case store, by name: plaintext and keys that were left behind would be among it. What is named
    by its content has other content each time."""
    store = office.folder / "cases"
    names = [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()]
    return Counter(_BY_CONTENT.sub("*", name.replace(request_id, "request")) for name in names)


def cases() -> list[Any]:
    """(way, seed, kills); one belongs to the tests, all others to a soak."""
    every = [(way, seed, KILLS_IN_SOAK) for seed in range(1, SOAK + 1) for way in WAYS]
    return [("erasure", 0, KILLS), *(pytest.param(*case, marks=pytest.mark.soak) for case in every)]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts processes that have loaded everything already, so that they are killed at their work."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    _PROCESSES.set_forkserver_preload(["office"])
    return _PROCESSES.Process


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
