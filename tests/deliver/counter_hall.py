"""Storage, a finished case and a portal, for the tests of this folder."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from served import served
from sqlalchemy import Engine

from dsr import database
from dsr.allowances import Allowances
from dsr.casefile import CaseFile, CaseStore
from dsr.challenges import Challenges
from dsr.channels.ticket import Answer
from dsr.ledger import Ledger
from dsr.links import Links
from dsr.model import Found, Identifier, Match
from dsr.portal_limits import PortalLimits
from dsr.possession import Possessions
from dsr.search import SearchResult, found_as_json
from dsr.sessions import Sessions
from dsr.settings import Controller, Settings, subkey
from dsr.signing import Signer, trusted_comment
from dsr.steps.deliver import Delivered, deliver
from dsr.web.portal import Counter, create_app

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MASTER = bytes(range(32))
ON_FILE = "asa.ohrnqvist@kvarnberget.example"
SOURCES = ("salesforce", "pardot", "invoicing")


@dataclass
class Post:
    """Takes mails, answers and texts; `fails` makes the next call of any raise."""

    mails: list[EmailMessage] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    def mail(self, message: EmailMessage) -> None:
        self._maybe_fail()
        self.mails.append(message)

    def answer(self, answer: Answer) -> None:
        self._maybe_fail()
        self.answers.append(answer)

    def text(self, number: str, text: str) -> None:
        self._maybe_fail()
        self.texts.append((number, text))

    def _maybe_fail(self) -> None:
        if self.fails:
            raise self.fails.pop()


@dataclass(frozen=True)
class Office:
    """All that `deliver` and the portal need."""

    settings: Settings
    cases: CaseStore
    ledger: Ledger
    links: Links
    post: Post
    challenges: Challenges
    engine: Engine

    @property
    def possessions(self) -> Possessions:
        return Possessions(self.engine, subkey(MASTER, "possessions"), self.settings.code_attempts)

    def counter(self, clock: "Clock", **changes: Any) -> Counter:
        """What the portal works with. `changes`: of the settings."""
        settings, limits = replace(self.settings, **changes), changes.get("portal", self.settings.portal)
        return Counter(
            settings,
            self.links,
            Sessions(self.engine, limits.session),
            Allowances(self.engine, subkey(MASTER, "allowances"), limits.attempts, limits.within),
            self.cases,
            self.ledger,
            self.challenges,
            self.post.mail,
            self.possessions,
            self.post.text,
            now=lambda: clock.now,
        )

    def case(
        self,
        request_id: str,
        *,
        stated: str = ON_FILE,
        held: Mapping[str, Sequence[str]] | None = None,
        statuses: Mapping[str, str] | None = None,
        doubtful: int = 0,
        language: str = "sv",
        channel: str = "zendesk",
        package: bytes = b"",
        right: str = "access",
        transmit_to: str = "",
        encryption: str = "none",
        password: str = "",
    ) -> CaseFile:
        """A case as compose leaves it. `held`: dataset of a match → the e-mails it carries."""
        case = self.cases.create(request_id)
        due = {"target": "2026-12-20", "legal_latest": "2026-12-21"}
        request = {"request_id": request_id, "right": right, "channel": channel, "received_at": NOW.isoformat()}
        request |= {"due": due, "language": language, "ticket": {"id": "1001"}, "subject": {"email": stated}}
        case.write_json("request", request | ({"transmit_to": transmit_to} if transmit_to else {}))
        held = {"salesforce_contact": [ON_FILE]} if held is None else held
        matches = tuple(
            Match(request_id, dataset, f"r{n}", frozenset({Identifier("email", e) for e in emails} or {_PHONE}),
                  frozenset(Identifier("email", e) for e in emails))
            for n, (dataset, emails) in enumerate(held.items())
        )  # fmt: skip
        if matches:
            case.write_json("found/salesforce", found_as_json(Found("salesforce", matches)))
        for source in SOURCES:
            found = source == "salesforce" and matches
            status = (statuses or {}).get(source, "found" if found else "none")
            result = SearchResult(source, status, NOW, len(matches) if found else 0, doubtful if found or (source ==
                                  "pardot" and not matches) else 0)  # fmt: skip
            case.write_json(f"search/{source}", result.as_json())
            if status == "found":
                case.write_json(f"collected/{source}", {"source": source, "status": "found"})
        content = package or a_zip()
        with case.writer("package") as file:
            file.write(content)
        if password:
            case.write_json("package.password", password)
        self.describe(case, content, encryption)
        return case

    def describe(self, case: CaseFile, content: bytes, encryption: str = "none") -> None:
        """Signature and facts of the package, as compose writes them."""
        sha256, extension = hashlib.sha256(content).hexdigest(), "zip.age" if encryption == "age" else "zip"
        comment = trusted_comment(case.case_id, extension, sha256, NOW)
        signature = Signer.from_settings(self.settings).sign(hashlib.blake2b(content).digest(), comment)
        case.write_json("package.minisig", signature)
        facts = {"sha256": sha256, "bytes": len(content), "files": 1}
        case.write_json("package.json", facts | {"encryption": encryption, "extension": extension})

    def deliver(self, case: CaseFile, at: datetime = NOW, **changes: Any) -> Delivered:
        """As after the release of what is there."""
        held = case.exists("package.json")
        return deliver(
            case,
            links=self.links,
            ledger=self.ledger,
            send_mail=self.post.mail,
            answer=self.post.answer,
            at=at,
            settings=changes.get("settings", self.settings),
            released=changes.get("released", case.read_json("package.json")["sha256"] if held else None),
            titles={"salesforce": "Salesforce CRM", "pardot": "Account Engagement"},
            transmit_title=changes.get("transmit_title"),
            erased_before=changes.get("erased_before", False),
        )


_PHONE = Identifier("phone", "+46701740605")


def a_zip(size: int = 0) -> bytes:
    """A ZIP with a README and, if asked, that many bytes of noise."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("README.txt", "Läs mig")
        if size:
            archive.writestr("noise", bytes(i * 7 % 251 for i in range(size)))
    return target.getvalue()


@pytest.fixture(scope="session")
def ledger_url(new_ledger: Callable[[], str]) -> str:
    return new_ledger()


@pytest.fixture
def office(ledger_url: str, tmp_path: Path) -> Iterator[Office]:
    engine = database.connect(ledger_url)
    settings = Settings(
        case_store=str(tmp_path / "cases"),
        ledger_url=ledger_url,
        master_key=MASTER,
        portal_url="http://127.0.0.1:1",
        mail_from="privacy@controller.example",
        controller=Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm"),
        code_attempts=4,
        portal=PortalLimits(attempts=100_000),  # all tests come from one address
    )
    yield Office(
        settings,
        CaseStore(settings.case_store, MASTER),
        Ledger(engine, subkey(MASTER, "ledger")),
        Links(engine, subkey(MASTER, "links"), settings.code_attempts),
        Post(),
        Challenges(engine, subkey(MASTER, "challenges"), settings.code_attempts),
        engine,
    )
    engine.dispose()


@dataclass
class Clock:
    """What the portal takes for now."""

    now: datetime = NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def portal(office: Office, clock: Clock) -> Iterator[str]:
    with served(create_app(office.counter(clock))) as url:
        yield url
