"""A case that was composed and released, and recipients in the sandbox, for the tests of this folder."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from running_sandbox import Sandbox

from dsr import database
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger
from dsr.package import COPY
from dsr.settings import Controller, Settings, subkey
from dsr.source import Connection
from dsr.steps.transmit import Transmitted, transmit
from dsr.transmission import Recipient, TusRecipient
from dsr_recipients import connected

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MASTER = bytes(range(32))
PERSON = {"email": "asa.ohrnqvist@kvarnberget.example", "name": "Åsa Öhrnqvist", "phone": "+46701740605"}
SIGNATURE = "untrusted comment: signature from dsr\nRWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm3Y\n"
CHUNK = 1024 * 1024


def noise(size: int, seed: int = 1) -> bytes:
    """The same bytes for the same arguments."""
    return hashlib.shake_256(bytes([seed])).digest(size)


@dataclass
class Dispatch:
    """All that `transmit` needs, with what the ticket was told."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    sandbox: Sandbox
    answers: list[Answer] = field(default_factory=list)
    released: dict[str, str] = field(default_factory=dict)

    def case(
        self, content: bytes, *, to: str = "example", language: str = "sv", incomplete: tuple[str, ...] = ()
    ) -> CaseFile:
        """As deliver leaves it."""
        request_id = f"dsr-{secrets.token_hex(13)}"
        case = self.cases.create(request_id)
        request: dict[str, Any] = {
            "request_id": request_id,
            "right": "portability",
            "channel": "zendesk",
            "language": language,
        }
        request |= {"received_at": NOW.isoformat(), "ticket": {"id": "1001"}, "subject": PERSON, "transmit_to": to}
        case.write_json("request", request)
        self.pack(case, content)
        self.release(case)
        self.ledger.append(request_id, "answered", {"outcome": "link", "incomplete": list(incomplete)}, at=NOW)
        return case

    def pack(self, case: CaseFile, content: bytes, encryption: str = "none") -> str:
        """Write the copy; its SHA-256."""
        with case.writer(COPY) as file:
            file.write(content)
        facts = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "files": 1}
        case.write_json(f"{COPY}.json", {**facts, "encryption": encryption, "extension": "zip"})
        case.write_json(f"{COPY}.minisig", SIGNATURE)
        return str(facts["sha256"])

    def release(self, case: CaseFile) -> None:
        """Approve the copy that is there."""
        self.released[case.case_id] = case.read_json(f"{COPY}.json")["sha256"]

    def recipient(self, key: str = "example", chunk: int = CHUNK, **changes: Any) -> Recipient:
        """The recipient of that connection; tus in small chunks. `changes` replace fields of the connection."""
        fields = {**self.sandbox.endpoints["connections"][f"dsr_recipient_{key}"], **changes}
        recipient = connected(key, fields.pop("conn_type"), Connection(f"dsr_recipient_{key}", **fields))
        if isinstance(recipient, TusRecipient):
            recipient._chunk = chunk
        return recipient

    def transmit(self, case: CaseFile, recipient: Recipient | None = None, at: datetime = NOW) -> Transmitted:
        recipient = recipient or self.recipient(case.read_json("request")["transmit_to"])
        released = self.released[case.case_id]
        return transmit(
            case,
            recipient,
            released=released,
            ledger=self.ledger,
            answer=self.answers.append,
            at=at,
            settings=self.settings,
        )

    def behave(self, **behaviour: Any) -> None:
        """See sandbox.receiver.uploads.Behaviour."""
        self.sandbox.admin.post("/receiver/behaviour", json=behaviour).raise_for_status()

    def uploads(self) -> list[dict[str, Any]]:
        """What the receiver has, oldest first."""
        found: list[dict[str, Any]] = self.sandbox.admin.get("/receiver/uploads").json()
        return found

    def content(self, upload_id: str) -> bytes:
        return bytes(self.sandbox.admin.get(f"/receiver/uploads/{upload_id}/content").content)

    def events(self, case: CaseFile) -> list[tuple[str, dict[str, Any]]]:
        """What this step put down."""
        return [(e.kind, dict(e.detail)) for e in self.ledger.events(case.case_id) if e.kind.startswith("transm")]


@pytest.fixture(scope="session")
def dispatch_ledger_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture
def dispatch(dispatch_ledger_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Dispatch]:
    engine = database.connect(dispatch_ledger_url)
    settings = Settings(
        case_store=str(tmp_path / "cases"),
        ledger_url=dispatch_ledger_url,
        master_key=MASTER,
        mail_from="privacy@controller.example",
        controller=Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm"),
    )
    ledger = Ledger(engine, subkey(MASTER, "ledger"))
    made = Dispatch(settings, CaseStore(settings.case_store, MASTER), ledger, sandbox)
    made.behave()
    sandbox.admin.delete("/receiver/uploads")
    yield made
    made.behave()
    engine.dispose()
