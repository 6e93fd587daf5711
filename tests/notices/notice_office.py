"""A case whose right was enforced, and recipients in the sandbox, for the tests of this folder."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from running_sandbox import Sandbox

from dsr import database
from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Match, Outcome
from dsr.notices import OpenDsr
from dsr.notices.telling import Telling
from dsr.post import smtp_sender
from dsr.register import Register
from dsr.register.confirming import copy
from dsr.search import found_as_json
from dsr.settings import Controller, Settings, subkey
from dsr.source import Connection
from dsr.steps import notify as step
from extractors import SOURCES
from extractors.http import HttpClient

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
MASTER = bytes(range(32))
EMAIL = "asa.ohrnqvist@kvarnberget.example"
OTHER = "asa.privat@hemma.example"
HASH = hashlib.sha256(EMAIL.encode()).hexdigest()
PERSON = {"email": EMAIL, "name": "Åsa Öhrnqvist", "phone": "+46701740605"}
DECLARATIONS = tuple(source.declaration for source in SOURCES)


@dataclass
class Office:
    """All that `notify` needs."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    sandbox: Sandbox
    register: Register
    folder: Path
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def case(self, right: str = "erasure", by: tuple[str, ...] = (EMAIL,), **more: Any) -> CaseFile:
        """As verification leaves it; `by`: addresses by which its records are the person's."""
        request_id = f"dsr-{uuid.uuid4().hex[:26]}"
        case = self.cases.create(request_id)
        request = {"request_id": request_id, "right": right, "channel": "zendesk", "language": "sv"}
        request |= {"received_at": "2026-11-20T08:00:00+00:00", "ticket": {"id": "1001"}, "subject": PERSON, **more}
        case.write_json("request", request)
        found = frozenset(Identifier("email", email) for email in by) | {Identifier("phone", "+46701740605")}
        match = Match(request_id, "salesforce_contact", "003A", found)
        case.write_json("found/salesforce", found_as_json(Found("salesforce", (match,))))
        return case

    def outcomes(self, case: CaseFile, *changed: tuple[str, str, str]) -> list[Outcome]:
        """(dataset, effect, outcome) of the records that were changed."""
        return [Outcome(case.case_id, d.partition("_")[0], d, effect, outcome, 2) for d, effect, outcome in changed]

    def notify(
        self, case: CaseFile, *changed: tuple[str, str, str], at: datetime = NOW, final: bool = False
    ) -> step.Notified:
        outcomes = self.outcomes(case, *changed)
        to = self.telling(case, at)
        return step.notify(to, self.register, declarations=DECLARATIONS, outcomes=outcomes, final=final)

    def follow(self, case: CaseFile, at: datetime = NOW) -> step.Notified:
        return step.follow(self.telling(case, at), self.register)

    def tell_again(self, case: CaseFile, at: datetime = NOW, **more: bool) -> step.Notified:
        return step.tell_again(self.telling(case, at), self.register, **more)

    def telling(self, case: CaseFile, at: datetime = NOW) -> Telling:
        """By the sandbox's mail server and endpoints."""
        mail = smtp_sender(Connection("dsr_mail", **self._fields("dsr_mail")))
        return Telling(case, mail, self.endpoint, self.ledger, at, self.settings)

    def endpoint(self, conn_id: str) -> OpenDsr:
        """As an installation makes it; `changes` replace fields of connections, {} = there is none."""
        changed = self.changes.get(conn_id, {"": None})
        if not changed:
            raise PermanentError("connection.missing", conn_id)
        fields = self._fields(conn_id)
        extra = {**fields["extra"], **changed.get("extra", {})}
        fields |= {name: value for name, value in changed.items() if name and name != "extra"}
        return OpenDsr.connect(Connection(conn_id, **{**fields, "extra": extra}), HttpClient)

    def _fields(self, conn_id: str) -> dict[str, Any]:
        return {k: v for k, v in self.sandbox.endpoints["connections"][conn_id].items() if k != "conn_type"}

    def told_by(self, key: str, text: str) -> None:
        """Let the register say how a recipient is told: YAML of `notify`."""
        path = self.folder / "recipients.yaml"
        before, mark, rest = path.read_text(encoding="utf-8").partition(f"\n{key}:\n")
        own, _, after = rest.partition("  notify:\n")
        lines = after.split("\n")
        end = next((n for n, line in enumerate(lines) if line and not line.startswith("    ")), len(lines))
        told = "\n".join([*text.splitlines(), *lines[end:]])
        path.write_text(f"{before}{mark}{own}  notify:\n{told}", encoding="utf-8")
        self.register = Register.load(self.folder)

    def behave(self, **behaviour: Any) -> None:
        """See sandbox.processor.system.Behaviour."""
        self.sandbox.admin.post("/processor/behaviour", json=behaviour).raise_for_status()

    def requests(self) -> list[dict[str, Any]]:
        """What the processor has, oldest first."""
        found: list[dict[str, Any]] = self.sandbox.admin.get("/processor/requests").json()
        return found

    def mails(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.admin.get("/mail/messages").json()
        return found

    def events(self, case: CaseFile) -> list[tuple[str, dict[str, Any]]]:
        return [(event.kind, dict(event.detail)) for event in self.ledger.events(case.case_id)]


@pytest.fixture(scope="session")
def notice_ledger_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture
def office(notice_ledger_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Office]:
    engine = database.connect(notice_ledger_url)
    settings = Settings(
        case_store=str(tmp_path / "cases"),
        ledger_url=notice_ledger_url,
        master_key=MASTER,
        mail_from="privacy@controller.example",
        controller=Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm"),
    )
    ledger = Ledger(engine, subkey(MASTER, "ledger"))
    copy(tmp_path / "register")
    register = Register.load(tmp_path / "register")
    made = Office(settings, CaseStore(settings.case_store, MASTER), ledger, sandbox, register, tmp_path / "register")
    made.behave()
    sandbox.admin.delete("/processor/requests")
    sandbox.admin.delete("/mail/messages")
    yield replace(made)
    made.behave()
    sandbox.admin.delete("/clock")
    engine.dispose()
