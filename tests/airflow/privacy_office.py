"""What people ask for and what officers decide, several at the same time, through a running Airflow."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from observed import PATIENCE, Observed

from embedded.client import FINAL
from embedded.process import StackError

VERIFIED: Final = "I reached them by a contact on file: it is them, and the plan is right"
CONFIRMED: Final = "They have confirmed who they are, and the plan is right"
APPROVED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"prepare": (VERIFIED, "officer"), "approve": ("Approve", "second")}
)
TRIAGED: Final = ("p000007", "p000008", "p000009")
"""Who asks in the tests of triage, as the population calls them."""
ENDED: Final[Mapping[str, Collection[str]]] = MappingProxyType({"shred": FINAL})
_THOUGHT: Final = 1.5
"""Seconds that an officer thinks at the least."""
_LOOK: Final = 1.0
"""Seconds between two looks at all tasks: what looking costs the API slows the tasks down."""


@dataclass(frozen=True)
class Way:
    """right and person: who asks for what, `person` as the population calls them; asked: what the ticket says beside;
    decisions: task → (answer, who gives it)."""

    right: str
    person: str
    asked: Mapping[str, Any] = field(default_factory=dict)
    decisions: Mapping[str, tuple[str, str]] = field(default_factory=lambda: APPROVED)

    @property
    def dag(self) -> str:
        """The DAG that answers it."""
        return "dsr_objection" if self.right == "withdrawal" else f"dsr_{self.right}"


class Office:
    """Takes requests in, and decides what it is asked about them."""

    def __init__(self, stack: Observed) -> None:
        self.ways: dict[str, Way] = {}
        self._stack = stack
        self._officers = {user: stack.running.client(user) for user in ("officer", "second", "engineer")}

    def ask(self, way: Way, ticket_id: str) -> str:
        """A ticket comes in; the request's id."""
        email = self._stack.population.person(way.person).email
        receipt = self._stack.requester.ask(email, ticket_id=ticket_id, right=way.right, **way.asked)
        self.ways[receipt.request_id] = way
        return receipt.request_id

    def clear(self, request_id: str, task_id: str, *, downstream: bool = False) -> None:
        """Let a task of its run, and what follows if asked, run again."""
        self._officers["engineer"].clear(self.ways[request_id].dag, request_id, [task_id], downstream=downstream)

    def work(
        self,
        request_ids: Iterable[str],
        *,
        leaving: Collection[str] = (),
        rests: Mapping[str, Collection[str]] = ENDED,
    ) -> None:
        """Decide what is asked, as the ways say, until every one of these requests rests: one of its tasks is in a
        state that `rests` names for it, or waits for a decision that officers are `leaving` for now. StackError when
        nothing has moved for long."""
        moving, seen = set(request_ids), dict[tuple[str, str, int], float]()
        resting = {state for named in rests.values() for state in named}
        moved = time.monotonic()
        while moving:
            for task in [*self._tasks(moving, {"awaiting_input"}), *self._tasks(moving, resting, rests)]:
                run, name, state, now = task["dag_run_id"], task["task_id"], task["state"], time.monotonic()
                if state in rests.get(name, ()) or (state == "awaiting_input" and name in leaving):
                    moving.discard(run)
                    moved = now
                elif (
                    state == "awaiting_input" and now - seen.setdefault((run, name, task["try_number"]), now) > _THOUGHT
                ):
                    answer, user = self.ways[run].decisions[name]
                    self._officers[user].answer(task["dag_id"], run, name, answer)
                    moved = now
            if time.monotonic() - moved > PATIENCE:
                raise StackError(f"not at rest: {[self.states(request_id) for request_id in moving]}")
            time.sleep(_LOOK)

    def _tasks(
        self, request_ids: Collection[str], states: Collection[str], task_ids: Iterable[str] | None = None
    ) -> list[dict[str, Any]]:
        return self._officers["engineer"].tasks_in(request_ids, states, task_ids)

    def states(self, request_id: str) -> dict[str, str]:
        """Task → state."""
        tasks = self._officers["engineer"].tasks(self.ways[request_id].dag, request_id)
        return {name: task["state"] for name, task in tasks.items()}
