"""An office that answers requests with the real DAGs' tasks, against the whole sandbox and a real ledger."""

import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpx

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowNotFoundException
from runs import DAGS, Run, Runner, Waiting

import dsr_keeping
import dsr_workplace
from dsr import database
from dsr import plan as plans
from dsr.casefile import CaseFile
from dsr.channels import CHANNELS
from dsr.ledger import Event
from dsr.model import Identifier
from dsr.schema import SOURCE_ID
from dsr.steps import accept, assess, triage
from dsr.vocabulary import RIGHTS
from dsr_approvals import UPHOLD
from dsr_identity import CHECKED
from embedded.processing import confirmed_register
from embedded.requester import is_question
from extractors import SOURCES
from sandbox.tickets.sender import ticket_body

SYSTEMS = tuple(source.declaration.name for source in SOURCES)
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
_NIGHTS = timedelta(days=3)
AGREED: Mapping[str, tuple[str, str]] = {
    "decide": ("They ask for erasure (Art. 17)", "officer"),
    "prepare": (next(iter(CHECKED)), "officer"),
    "approve": ("Approve", "second"),
    "decide_lift": ("Lift: the person asks for it", "officer"),
    "decide_objection": (UPHOLD, "officer"),
}
"""What officers decide when nothing speaks against it: task → option, user."""


class Office:
    """One controller with its systems. `folder` holds its case files, runs and register; everything else is at
    `endpoints` (see `sandbox.serve`) and in the database at `ledger_url`, so that a process can take over from another.

    decisions  task → option and user; a task that is not in it waits
    lines      (dataset, record id) → effect of each plan as it was made, by request
    """

    def __init__(self, folder: Path, endpoints: Mapping[str, Any], ledger_url: str) -> None:
        self.folder, self.endpoints, self.ledger_url = folder, endpoints, ledger_url
        self.admin = httpx.Client(base_url=endpoints["admin"], timeout=120, trust_env=False)
        self.engine = database.connect(ledger_url)
        self.decisions = dict(AGREED)
        self.runner = Runner(folder / "runs", self._decided, self.wait)
        self.offset = 0.0
        self._settings = self._environment()

    def reset(self) -> None:
        """Officers agree again."""
        self.decisions.clear()
        self.decisions.update(AGREED)

    def close(self) -> None:
        """Lets go of connections."""
        self.admin.close()
        self.engine.dispose()

    # The clock, one for the office and all systems.

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def wait(self, time: timedelta) -> None:
        """Lets it pass for everybody."""
        self.offset += time.total_seconds()
        self.admin.put("/clock", json={"offset": self.offset}).raise_for_status()

    # Requests.

    def ask(self, email: str, right: str, *, delivery: str = "", **asked: Any) -> str:
        """A ticket comes in; the request's id. `asked`: as `sandbox.tickets.sender.ticket_body`; `delivery`: the
        sender's id of it."""
        ticket_id = f"T-{hashlib.sha256(f'{email}{right}{delivery}{time.time_ns()}'.encode()).hexdigest()[:12]}"
        with self.at_work() as place:
            body = ticket_body("standard_webhooks", ticket_id, email=email, right=right, at=self.now(), **asked)
            ticket = CHANNELS["standard_webhooks"].parse(_raw(body))
            accepted = accept.accept(
                ticket,
                digest=hashlib.sha256(_raw(body)).hexdigest(),
                delivery_id=delivery or ticket_id,
                cases=place.cases,
                ledger=place.ledger,
                deliveries=place.deliveries,
                deadlines=assess.deadlines,
                keep=partial(triage.keep, settings=place.settings),
                triage=lambda case, _: triage.triage(
                    case, place.requesters, place.ledger, at=self.now(), settings=place.settings
                ),
                at=self.now(),
                settings=place.settings,
            )
            accept.start(accepted, lambda r, i, _: self.runner.start(r, i) and None, place.ledger, at=self.now())
        return accepted.request_id

    def next(self, request_id: str) -> str | None:
        """The task that comes next; None at the end."""
        return self.runner.next(request_id)

    def step(self, request_id: str) -> str | None:
        """Does it; which it was."""
        with self.at_work():
            return self.runner.step(request_id)

    def until(self, request_id: str, task_id: str) -> None:
        """Does all that comes before a task."""
        while (coming := self.next(request_id)) != task_id:
            assert coming is not None, (task_id, self.runner.run(request_id))
            self.step(request_id)

    def finish(self, request_id: str, *, twice: bool = False) -> Run:
        """Does all that is left; `twice`: every task that is no person's, two times."""
        while task := self.step(request_id):
            if twice and task not in AGREED:
                with self.at_work():
                    self.runner.again(request_id, task)
        return self.runner.run(request_id)

    def upkeep(self) -> None:
        """What is done every night for finding people in systems without look-up, if it is some nights ago."""
        with self.at_work() as place:
            known = [place.index.freshness(s.declaration.name) for s in SOURCES if s.declaration.indexed]
            if all(at is not None and self.now() - at < _NIGHTS for at in known):
                return
            for source in SOURCES:
                if source.declaration.indexed:
                    dsr_keeping.index.function(source.declaration.name)

    # What there is to see.

    def case(self, request_id: str) -> CaseFile:
        """Its case file."""
        with self.at_work() as place:
            return place.case(request_id)

    def planned(self, request_id: str) -> dict[tuple[str, str], str]:
        """(dataset, record id) → effect, of the plan that lies in the case file."""
        case, found = self.case(request_id), {}
        for source in SOURCES:
            for dataset in source.declaration.datasets:
                for batch in plans.batches(case, source.declaration.name, dataset.name):
                    columns = (batch.column(name).to_pylist() for name in (SOURCE_ID, "effect"))
                    found |= {(dataset.name, key): effect for key, effect in zip(*columns, strict=True)}
        return found

    def events(self, request_id: str) -> list[Event]:
        """Of the ledger, oldest first."""
        with self.at_work() as place:
            return place.ledger.events(request_id)

    def kinds(self, request_id: str) -> list[str]:
        """What happened, oldest first."""
        return [event.kind for event in self.events(request_id)]

    def state(self, *systems: str) -> list[str]:
        """All that these systems hold, or all five."""
        names = systems or SYSTEMS
        return self.admin.get("/state", params={"system": list(names)}).raise_for_status().text.splitlines()

    def answers(self, request_id: str) -> list[dict[str, Any]]:
        """What was written into the ticket, but for the question who asks."""
        messages = self.admin.get("/callback/messages").raise_for_status().json()
        found = [message["body"]["data"] for message in messages]
        return [data for data in found if data["request_id"] == request_id and not is_question(data["text"])]

    def notices(self) -> list[dict[str, Any]]:
        """What recipients got over OpenDSR, from everybody's requests."""
        found: list[dict[str, Any]] = self.admin.get("/processor/requests").raise_for_status().json()
        return found

    def suppressed(self, email: str) -> set[str]:
        """The scopes in which the address is on the suppression list."""
        with self.at_work() as place:
            return set(place.suppression.asks([Identifier("email", email)]))

    def mails(self) -> list[dict[str, Any]]:
        """All mails."""
        found: list[dict[str, Any]] = self.admin.get("/mail/messages").raise_for_status().json()
        return found

    def environment(self) -> dict[str, str]:
        """The variables that a command of ours needs, connections included."""
        connections = self.endpoints["connections"].items()

        return self._settings | {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections}

    @contextmanager
    def at_work(self) -> Iterator[dsr_workplace.Workplace]:
        """Tasks that run within are this office's."""
        self.offset = self.admin.get("/clock").raise_for_status().json()["offset"]
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self._settings))
            stack.enter_context(mock.patch.object(database, "connect", return_value=self.engine))
            stack.enter_context(mock.patch.object(dsr_workplace, "clock", self.now))
            stack.enter_context(mock.patch.object(dsr_workplace, "AirflowConnection", self._connections))
            stack.enter_context(mock.patch.object(ExecutorSafeguard, "test_mode", True))
            yield dsr_workplace.Workplace()

    @cached_property
    def _connections(self) -> Any:
        def get(conn_id: str) -> Any:
            if conn_id not in self.endpoints["connections"]:
                raise AirflowNotFoundException(conn_id)
            fields = dict.fromkeys(("host", "port", "login", "password", "schema"))
            fields |= self.endpoints["connections"][conn_id]
            return SimpleNamespace(**fields, extra_dejson=fields.get("extra") or {})

        return SimpleNamespace(get=get)

    def _environment(self) -> dict[str, str]:
        return {
            "DSR_CASE_STORE": str(self.folder / "cases"),
            "DSR_LEDGER_URL": self.ledger_url,
            "DSR_MASTER_KEY": MASTER_KEY,
            "DSR_PORTAL_URL": "https://portal.controller.example",
            "DSR_AIRFLOW_URL": "https://airflow.controller.example",
            "DSR_AIRFLOW_USER": "intake",
            "DSR_AIRFLOW_PASSWORD": "unused",
            "DSR_MAIL_FROM": "privacy@controller.example",
            "DSR_RIGHTS": ",".join(RIGHTS),
            "DSR_FREQUENT_FROM": "0",
            **_register(self.folder / "register"),
        }

    def _decided(self, request_id: str, task_id: str) -> tuple[str, str]:
        if task_id not in self.decisions:
            raise Waiting(task_id)
        return self.decisions[task_id]


def tasks_of(right: str) -> Sequence[str]:
    """The tasks of the DAG that answers a right."""
    return list(DAGS[f"dsr_{right}"].task_dict)


def _raw(body: Mapping[str, Any]) -> bytes:

    return json.dumps(body, ensure_ascii=False).encode()


def _register(folder: Path) -> dict[str, str]:
    """A confirmed register, made once."""

    kept = folder.with_suffix(".json")
    if not kept.exists():
        kept.write_text(json.dumps(confirmed_register(folder)))
    made: dict[str, str] = json.loads(kept.read_text())
    return made
