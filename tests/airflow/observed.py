"""A running stack as the tests see it: what a requester and an officer can do, and what an auditor can look into."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from otlp_collector import Collector

from dsr import database
from dsr.casefile import CaseFile, CaseStore
from dsr.ledger import Event, Ledger
from dsr.settings import Settings, subkey
from embedded.client import FINAL, AirflowClient
from embedded.journey import DAG, warm_up
from embedded.requester import Requester
from embedded.reviewer import review_as_proposed
from embedded.stack import Stack
from sandbox.people import Population, Truth, populate

PATIENCE = 240.0
_EVERY = 0.5
"""Seconds between two looks: each look costs Airflow's API more than a task's own heartbeat."""


@dataclass(frozen=True)
class Observed:
    """The stack, who is in its systems, and what those hold. `lines`: what was said while it was started; `monitoring`:
    what all its processes send traces to, None = nobody asked; `signed_in`: who has signed in to Airflow already."""

    running: Stack
    population: Population
    truth: list[Truth]
    lines: list[str]
    monitoring: Collector | None = None
    dag: str = DAG
    signed_in: dict[str, AirflowClient] = field(default_factory=dict)

    def of(self, right: str) -> "Observed":
        """The same stack, looking at the runs of that right."""
        return replace(self, dag=f"dsr_{right}")

    def user(self, name: str) -> AirflowClient:
        """Airflow as that user sees it. Signed in once: each sign-in costs as much as many looks."""
        if name not in self.signed_in:
            self.signed_in[name] = self.running.client(name)
        return self.signed_in[name]

    @property
    def requester(self) -> Requester:
        """The world outside."""
        return Requester(self.running)

    def mend(self) -> None:
        """All systems sound again."""
        self.requester.mend()

    def ask(self, email: str, ticket_id: str, **options: Any) -> str:
        """Send a request for the right that is looked at; its id."""
        asked = {"right": self.dag.removeprefix("dsr_"), **options}
        return self.requester.ask(email, ticket_id=ticket_id, **asked).request_id

    def decision(self, request_id: str, *, review: bool = True) -> dict[str, Any]:
        """Wait until a person is asked: {"task_id", "body", "options", …}. A review is done as proposed and answered,
        unless the test is about it."""
        asked = self._decision(request_id)
        if not review or asked["task_id"] != "review":
            return asked
        officer = self.user("officer")
        review_as_proposed(officer, request_id)
        self.decide(request_id, "review", "All is reviewed")
        officer.wait(lambda: not self._is_asked(request_id, "review"), f"{request_id} to go on", PATIENCE, _EVERY)
        return self._decision(request_id)

    def _is_asked(self, request_id: str, task_id: str) -> bool:
        return any(asked["task_id"] == task_id for asked in self.user("officer").awaits_input(self.dag, request_id))

    def _decision(self, request_id: str) -> dict[str, Any]:
        officer = self.user("officer")
        waiting = officer.wait(
            lambda: officer.awaits_input(self.dag, request_id) or self._ended(request_id),
            f"{request_id} to ask a person",
            PATIENCE,
            _EVERY,
        )
        assert isinstance(waiting, list), f"the run ended as {waiting} instead of asking: {self.states(request_id)}"
        decision: dict[str, Any] = waiting[0]
        return decision

    def decide(self, request_id: str, task_id: str, option: str, user: str = "officer") -> None:
        """Answer as a privacy officer, who thinks for a moment first."""
        time.sleep(1.5)
        self.user(user).answer(self.dag, request_id, task_id, option)

    def end(self, request_id: str) -> str:
        """Wait for the end of the run; its state."""
        return self.user("officer").wait_for_end(self.dag, request_id, PATIENCE)

    def states(self, request_id: str) -> dict[str, str]:
        """Task → state."""
        tasks = self.user("officer").tasks(self.dag, request_id)
        return {name: task["state"] for name, task in tasks.items()}

    def download(self, request_id: str, target: Path) -> Path:
        """As the person does."""
        self.requester.download(*self.requester.link_and_code(request_id), target)
        return target

    def state(self) -> list[str]:
        """Every row and object of every system, as `sandbox.comparison` compares them."""
        answer = httpx.get(f"{self.running.endpoints['admin']}/state", timeout=60, trust_env=False)
        return answer.raise_for_status().text.splitlines()

    def events(self, request_id: str | None = None) -> list[Event]:
        """From the ledger, whose chain is checked."""
        settings = Settings.from_environment(self.running.environment)
        engine = database.connect(settings.ledger_url)
        try:
            ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
            ledger.verify()
            return ledger.events(request_id)
        finally:
            engine.dispose()

    def kinds(self, request_id: str) -> list[str]:
        """What happened to a request, oldest first; but for copies of what was written, of which there is one more when
        a ticket was told meanwhile how far it has come."""
        return [event.kind for event in self.events(request_id) if event.kind != "written"]

    def case(self, request_id: str) -> CaseFile:
        """Its case file."""
        settings = Settings.from_environment(self.running.environment)
        return CaseStore(settings.case_store, *settings.case_keys).open(request_id)

    def _ended(self, request_id: str) -> str | None:
        state = self.user("officer").run(self.dag, request_id).get("state")
        return state if state in FINAL else None


@contextmanager
def observing(running: Stack, people: int, lines: list[str], monitoring: Collector | None = None) -> Iterator[Observed]:
    """It, brought up with so many people in its systems, warm, and brought down at the end."""
    running.up()
    try:
        warm_up(running)
        records = Path(running.endpoints["truth"]).read_text(encoding="utf-8").splitlines()
        truth = [Truth(**json.loads(line)) for line in records]
        yield Observed(running, populate(people), truth, lines, monitoring)
    finally:
        running.down()
