"""The tasks' workplace without a running Airflow: real stores, systems that have nothing, a ticket that is read."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import AT

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_acting
import dsr_approvals
import dsr_decisions
import dsr_identity
import dsr_lifting
import dsr_planning_anew
import dsr_tasks
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger
from dsr.settings import Controller, Settings
from dsr.suppression import Suppression

CHECKED = next(iter(dsr_identity.CHECKED))
"""An officer has made sure who asks, and agrees."""
SETTINGS = Settings("", "", b"", controller=Controller("Ådal AB", "dpo@adal.example", "Storgatan 1"))


@dataclass
class Clock:
    """Stands still until it is moved."""

    at: Any = AT

    def __call__(self) -> Any:
        return self.at


@dataclass
class Place:
    """As `Workplace`, with systems that have nothing."""

    cases: CaseStore
    ledger: Ledger
    suppression: Suppression
    said: list[Answer] = field(default_factory=list)
    settings: Settings = SETTINGS

    @classmethod
    def made(
        cls,
        folder: Path,
        ledger: Ledger,
        suppression: Suppression,
        request_id: str,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> "Place":
        """In place of the tasks' own, for that request."""
        place = cls(CaseStore(str(folder), bytes(32)), ledger, suppression)
        for module in (
            dsr_acting,
            dsr_approvals,
            dsr_decisions,
            dsr_identity,
            dsr_lifting,
            dsr_planning_anew,
            dsr_tasks,
        ):
            monkeypatch.setattr(module, "Workplace", lambda: place)
            if module is not dsr_tasks:
                monkeypatch.setattr(module, "this_request", lambda _: request_id)
            if hasattr(module, "now"):
                monkeypatch.setattr(module, "now", clock)
        monkeypatch.setattr(dsr_lifting, "DECLARATIONS", ())
        return place

    def case(self, request_id: str) -> CaseFile:
        return self.cases.open(request_id)

    def answer(self, answer: Answer) -> None:
        self.said.append(answer)

    def undelivered(self, case: CaseFile) -> bool:
        return False


def answered(option: str, by: str) -> dict[str, Any]:
    return {"chosen_options": [option], "responded_by_user": {"id": by}}


def kinds(ledger: Ledger, request_id: str) -> list[str]:
    return [e.kind for e in ledger.events(request_id)]
