"""The ticket systems over TLS, with faults; an outbox with real storage; a clock that is moved by hand."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from served import served
from sqlalchemy import Engine

from dsr import database
from dsr.alone import alone
from dsr.casefile import CaseFile, CaseStore
from dsr.channels import CHANNELS
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger
from dsr.outbox import Outbox
from dsr.source import Connection
from dsr.waiting import WaitingRequests
from extractors.http import HttpClient
from sandbox.people import populate
from sandbox.system import HttpSystem, Options
from sandbox.tickets.system import Callback, Freshdesk, Jira, Zendesk
from sandbox.tls import certificate
from sandbox.wire import Fault, Wire, Wiretap

COMMENTING = ("zendesk", "jira", "freshdesk")
"""Systems without a key against a repeated comment."""
EVERY = (*COMMENTING, "standard_webhooks")


@dataclass
class Comment:
    text: str
    public: bool


@dataclass
class Systems:
    """All ticket systems, running; `tap` has their faults and calls."""

    by_channel: dict[str, Any]
    connections: dict[str, Connection]
    tap: Wiretap
    clock: Any

    def open(self, channel: str) -> str:
        """A new ticket; its id."""
        system = self.by_channel[channel]
        if channel == "standard_webhooks":
            return f"T-{secrets.token_hex(4)}"
        if channel == "jira":
            key = f"DSR-{len(system.issues) + 1}"
            template = system.issues["DSR-1"]
            fields = {**template["fields"], "status": {"name": "Waiting for support", "statusCategory": {"key": "new"}}}
            system.issues[key] = {**template, "key": key, "fields": fields, "comments": []}
            return key
        number = str(max(int(key) for key in system.tickets) + 1)
        fresh: dict[str, Any] = (
            {"comments": [], "status": "new"} if channel == "zendesk" else {"notes": [], "status": 2}
        )
        system.tickets[number] = {**next(iter(system.tickets.values())), "id": int(number), **fresh}
        return number

    def comments(self, channel: str, ticket: str) -> list[Comment]:
        """What stands in that ticket, the oldest first, blanks as they come."""
        system = self.by_channel[channel]
        if channel == "standard_webhooks":
            bodies = [m["body"] for m in system.messages.values() if m["body"]["data"]["ticket"]["id"] == ticket]
            return [Comment(b["data"]["text"], b["type"] == "dsr.request.answered") for b in bodies]
        if channel == "jira":
            return [Comment(c["body"], c["public"]) for c in system.issues[ticket]["comments"]]
        if channel == "zendesk":
            return [Comment(c["body"], c["public"]) for c in system.tickets[ticket]["comments"]]
        return [Comment(n["body_text"], not n["private"]) for n in system.tickets[ticket]["notes"]]

    def closed(self, channel: str, ticket: str) -> bool:
        system = self.by_channel[channel]
        if channel == "jira":
            return bool(system.issues[ticket]["fields"]["status"]["statusCategory"]["key"] == "done")
        if channel == "standard_webhooks":
            bodies = [
                m["body"]["data"] for m in system.messages.values() if m["body"]["data"]["ticket"]["id"] == ticket
            ]
            return bool(bodies[-1]["closed"])
        return system.tickets[ticket]["status"] in ("solved", 5)

    def break_(self, channel: str, kind: str = "status", **how: Any) -> None:
        name = "callback" if channel == "standard_webhooks" else channel
        self.tap.faults.append(Fault(name, kind, **how))

    def mend(self) -> None:
        self.tap.faults.clear()


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    folder = tmp_path_factory.mktemp("tickets")
    population, options = populate(12), Options(folder)
    authority, chain, key = certificate(folder / "tls")
    tap, made = Wiretap(), dict[str, HttpSystem]()
    connections: dict[str, Connection] = {}
    with ExitStack() as stack:
        for kind in (Zendesk, Jira, Freshdesk, Callback):
            system: Any = kind(options, population)
            url = stack.enter_context(served(Wire(system.app, system.name, tap), chain, key))
            for conn_id, fields in system.connections(url, str(authority)).items():
                connections[conn_id] = Connection(conn_id, **{k: v for k, v in fields.items() if k != "conn_type"})
            made["standard_webhooks" if system.name == "callback" else system.name] = system
        yield Systems(made, connections, tap, options.clock)


@pytest.fixture(scope="module")
def engine(new_ledger: Callable[[], str]) -> Iterator[Engine]:
    made = database.connect(new_ledger())
    yield made
    made.dispose()


@dataclass
class Office:
    """An outbox that writes into the systems. `dies` ends the next attempts after what they did, as a kill would."""

    systems: Systems
    cases: CaseStore
    ledger: Ledger
    waiting: WaitingRequests
    engine: Engine
    at: datetime
    dies: int = 0
    changed: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.waiting, self.ledger, self.send, partial(alone, self.engine, what="outbox"))

    def send(self, answer: Answer, before: int | None) -> None:
        connection = replace(self.systems.connections[f"dsr_{answer.channel}"], **self.changed.get(answer.channel, {}))
        CHANNELS[answer.channel].answer(connection, answer, HttpClient, before)
        if self.dies:
            self.dies -= 1
            raise KeyboardInterrupt

    def now(self) -> datetime:
        return self.at

    def pass_(self, **minutes: float) -> list[str]:
        """Time goes on, and the DAG runs: codes of what still waits."""
        self.at += timedelta(**minutes or {"minutes": 0})
        self.systems.clock.move((self.at - datetime.now(UTC)).total_seconds())
        return [waiting.code for waiting in self.outbox.deliver_all(self.cases, self.now)]

    def case(self) -> CaseFile:
        made = self.cases.create(f"dsr-{secrets.token_hex(8)}")
        made.write_json("request", {"ticket": {"id": "?"}})
        return made

    def answer(self, case: CaseFile, channel: str, ticket: str, text: str, **given: Any) -> Answer:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        values = {"answer_id": f"{case.case_id}-{digest}", "close": False, "at": self.at, **given}
        return Answer(request_id=case.case_id, channel=channel, ticket_id=ticket, text=text, **values)

    def post(self, case: CaseFile, channel: str, ticket: str, text: str, **given: Any) -> str:
        """As a task does it; "" when it was written at once."""
        return self.outbox.post(case, self.answer(case, channel, ticket, text, **given), self.at)

    def written(self, case: CaseFile) -> list[str]:
        """Kinds of what the ledger says was written."""
        return [e.detail["kind"] for e in self.ledger.events(case.case_id) if e.kind == "written"]


@pytest.fixture
def office(systems: Systems, engine: Engine, tmp_path: Path) -> Iterator[Office]:
    systems.mend()
    systems.clock.move(0)
    waiting = WaitingRequests(engine)
    for one in waiting.all():
        waiting.leave(one.request_id)
    at = datetime.now(UTC)  # by this the receiver of signed answers judges whether they are in time
    yield Office(systems, CaseStore(str(tmp_path), bytes(32)), Ledger(engine), waiting, engine, at)
    systems.mend()
