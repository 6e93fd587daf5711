"""However tickets, tickets again, tokens, codes, moves, decisions and the clock follow each other: no system is
searched for a request that isn't settled, and nothing is changed for somebody who hasn't been verified for it.

The steps are the real ones, from the ticket to the codes; the search finds one person by the address on file. The
machine keeps an account of its own.
"""

import hashlib
import json
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from front_desk import MASTER, NOW
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import Engine

from dsr import database
from dsr.casefile import CaseFile, CaseStore
from dsr.challenges import Challenges
from dsr.channels import CHANNELS
from dsr.channels.ticket import Ticket
from dsr.deliveries import Deliveries
from dsr.errors import PermanentError
from dsr.idtoken import IdTokens
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Match
from dsr.oidc import Oidc
from dsr.requesters import Requesters
from dsr.search import found_as_json
from dsr.settings import Controller, Settings, subkey
from dsr.standing import identified
from dsr.steps import accept, ask_identity, assess, sign_in, triage
from dsr.steps.tell import ask as say
from dsr.triage import linked_to, settled
from sandbox.issuer import Issuer
from sandbox.tickets.sender import ticket_body

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dsr_rights import dag_of, of_right

PEOPLE = ("asa@kvarn.example", "eva@kvarn.example")
RIGHTS = ("access", "erasure", "restriction")
TOKENS = ("", "good", "good twice over", "expired", "another's", "used", "forged")
_LONG = re.compile(r"(?m)^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}$")
ISSUER = Issuer("https://portal.example", "dsr")
WHO, WHICH = st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5])


@dataclass
class Request:
    """One of them, and what the machine knows of it."""

    id: str
    person: str
    right: str
    about: str
    raw: bytes
    ends: bool = False
    joined: bool = False
    verified: bool = False
    by_token: bool = False
    asked: bool = False
    second: list[str] = field(default_factory=list)
    codes: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def ours(self) -> bool:
        """Whether it is settled."""
        return self.right in RIGHTS and not self.about and not self.joined


class Intake(RuleBasedStateMachine):
    """See the module. `engine`: of the ledger's database."""

    engine: ClassVar[Engine]
    seen: ClassVar[dict[str, int]]

    @initialize(
        right=st.sampled_from(["erasure", "restriction", ""]),
        token=st.sampled_from(TOKENS),
        begun=st.lists(st.sampled_from(["again", "moved", "decided", "gone on", "ended"]), max_size=4),
    )
    def begin(self, right: str, token: str, begun: list[str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="triage-model-")
        jwks = Path(self.folder.name) / "jwks.json"
        jwks.write_text(json.dumps(ISSUER.jwks()))
        self.settings = Settings(
            f"{self.folder.name}/cases", "", MASTER, frequent_from=0, portal_url="http://127.0.0.1:1",
            mail_from="privacy@controller.example", controller=Controller("C", "dpo@controller.example", "S"),
        )  # fmt: skip
        self.cases, key = CaseStore(self.settings.case_store, MASTER), secrets.token_bytes(32)
        self.ledger, self.deliveries = Ledger(self.engine, subkey(MASTER, "ledger")), Deliveries(self.engine)
        self.requesters, self.challenges = Requesters(self.engine, key), Challenges(self.engine, key)
        oidc = Oidc(ISSUER.issuer, ISSUER.audience, str(jwks))
        self.tokens = IdTokens(oidc, self.engine, key)
        self.now, self.requests, self.used = NOW, list[Request](), list[str]()
        self.on_file = {person: person for person in PEOPLE}
        self.mails: list[EmailMessage] = []
        self.send(0, right, "", token)
        steps = {
            "again": lambda: self.send_another(0, token),
            "moved": lambda: self.move(0),
            "decided": lambda: self.decide(0, "erasure", "take"),
            "gone on": lambda: self.go_on(0),
            "ended": lambda: self.end(0),
        }
        for step in begun:
            steps[step]()

    @rule(
        who=WHO,
        right=st.sampled_from(["erasure", "erasure", "restriction", "access", "", "access, erasure", "unsubscribe"]),
        about=st.sampled_from(["", "", "", "application"]),
        token=st.sampled_from(TOKENS),
    )
    def send(self, who: int, right: str, about: str, token: str) -> None:
        if len(self.requests) >= 6:
            return
        person, given = PEOPLE[who], self._token(PEOPLE[who], token)
        ticket_id = f"T-{secrets.token_hex(4)}"
        asked = {"email": person.upper() if who else person, "right": right, "about": about, "id_token": given}
        body = ticket_body("standard_webhooks", ticket_id, **asked, at=self.now)
        made = Request("", person, right if right in RIGHTS else "", about, json.dumps(body).encode())
        made.joined = made.ours and self._open(made) is not None
        made.id = self._accept(made)
        enough = token == "good twice over" or (token == "good" and right in ("restriction", "access"))
        made.verified = made.by_token = enough and not made.joined
        if token in ("good", "good twice over"):
            self.used.append(given)
        self.requests.append(made)
        self._agrees(made)
        assert not (made.joined and any(e.kind.startswith("identity") for e in self.ledger.events(made.id)))

    @rule(which=WHICH, token=st.sampled_from(TOKENS))
    def send_another(self, which: int, token: str) -> None:
        """A new ticket about the same."""
        for request in self._chosen(which):
            self.send(PEOPLE.index(request.person), request.right, request.about, token)

    @rule(which=WHICH)
    def send_again(self, which: int) -> None:
        """The same delivery: the same request, and nothing else comes of it."""
        for request in self._chosen(which):
            before = len(self.ledger.events(request.id))
            assert self._accept(request) == request.id
            assert len(self.ledger.events(request.id)) == before

    @rule(which=WHICH, right=st.sampled_from([*RIGHTS, "rectification"]), choice=st.sampled_from(["take", "refer"]))
    def decide(self, which: int, right: str, choice: str) -> None:
        for request in self._chosen(which):
            if request.joined or request.ours or request.ends:
                continue
            if choice == "refer":
                detail = {"decision": "triage", "choice": "refer", "to": "recruiting", "by": "officer"}
                self.ledger.append(request.id, "decision", detail, at=self.now)
                self.end(which)
                continue
            meant = request.right or right
            try:
                triage.choose(self._case(request), self.ledger, meant, "officer", at=self.now)
            except PermanentError:
                assert meant == "rectification"
                continue
            request.right, request.about = meant, ""
            request.joined = self._open(request) is not None
            self.requests.append(self.requests.pop(self.requests.index(request)))  # it sets out last
            assert bool(triage.join(self._case(request), self.requesters, self.ledger, at=self.now)) == request.joined
            self._agrees(request)

    @rule(which=WHICH, right=st.sampled_from(RIGHTS))
    def search(self, which: int, right: str) -> None:
        """Whoever starts a run of whichever DAG by hand gets as far as the gate lets them."""
        for request in self._chosen(which):
            try:
                of_right(dag_of(right), self._case(request).read_json("request")["right"])
                through = settled(self.ledger.events(request.id))
            except PermanentError:
                through = False
            assert through == (request.ours and request.right == right)
            if through:
                self._count("searched")
                address = self.on_file[request.person]
                holds = frozenset({Identifier("email", address)})
                match = Match("salesforce", "salesforce_contact", "r1", holds, holds)
                self._case(request).write_json("found/salesforce", found_as_json(Found("salesforce", (match,))))

    @rule(which=WHICH)
    def ask(self, which: int) -> None:
        for request in self._chosen(which):
            case = self._case(request)
            if not case.exists("found/salesforce") or request.ends or request.right == "access":
                continue
            told: list[str] = []

            def tell(text: str, code: str, case: CaseFile = case, told: list[str] = told) -> None:
                say(case, "identity", text, mark=ask_identity.TOLD, answer=lambda a: told.append(a.text), at=self.now)

            before = len(self.mails)
            outcome = ask_identity.ask_identity(
                case, [], challenges=self.challenges, ledger=self.ledger, send_mail=self.mails.append, tell=tell,
                at=self.now, settings=self.settings,
            )  # fmt: skip
            if request.by_token and request.verified and self._found(request) != request.person:
                request.verified = request.by_token = False
            assert outcome == ("verified" if request.verified else "sent")
            assert {str(m["To"]) for m in self.mails[before:]} <= {self._found(request)}
            request.asked = True
            request.second += [code for text in told for code in _LONG.findall(text)]

    @rule(which=WHICH, whose=WHICH, age=st.sampled_from([0, 5, 11]), second=st.booleans())
    def confirm(self, which: int, whose: int, age: int, second: bool) -> None:
        """With the code of this request or another's, in time or not, with the ticket's code or without."""
        for request in self._chosen(which):
            question = ask_identity.Question.of(self._case(request))
            other = next(self._chosen(whose), request)
            source = ask_identity.Question.of(self._case(other))
            if question is None or source is None:
                continue
            drawn = self.challenges.send_code(source.link, self.now)
            if drawn is None:
                continue
            self.now += timedelta(minutes=age)
            given = request.second[-1] if second and request.second else ""
            done = self.challenges.confirm(question.link, drawn[1], given, self.now)
            fits = other is request and age < 10 and (request.right != "erasure" or bool(given))
            assert done is None or fits
            if done:
                ask_identity.note(self.ledger, request.id, both=done[1], at=self.now)
                request.verified = True
                self._count("confirmed")
            self._agrees(request)

    @rule(which=WHICH)
    def change(self, which: int) -> None:
        """As far as `dsr.prerequisites` looks at who asks."""
        for request in self._chosen(which):
            events = self.ledger.events(request.id)
            if self._case(request).exists("found/salesforce") and request.asked and identified(events):
                assert settled(events)
                assert request.ours
                assert request.verified
                self._count("changed")

    @rule(which=WHICH)
    def end(self, which: int) -> None:
        for request in self._chosen(which):
            triage.end(self._case(request), self.ledger, "answered", at=self.now)
            request.ends = True

    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        """The way that it should go, which chance alone finds too seldom."""
        for request in self._chosen(which):
            if request.ours:
                self.search(which, request.right)
                self.ask(which)
                self.confirm(which, which, 0, True)
                self.change(which)

    @rule(who=WHO)
    def move(self, who: int) -> None:
        """The address on file becomes another."""
        self.on_file[PEOPLE[who]] = f"{secrets.token_hex(4)}@other.example"

    @rule(hours=st.sampled_from([1, 24, 24 * 8]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def _accept(self, request: Request) -> str:
        def settle(case: CaseFile, ticket: Ticket | None) -> str:
            way = triage.triage(case, self.requesters, self.ledger, at=self.now, settings=self.settings)
            if ticket is not None and ticket.id_token:
                sign_in.sign_in(case, ticket.id_token, self.tokens, self.ledger, at=self.now)
            return way

        accepted = accept.accept(
            CHANNELS["standard_webhooks"].parse(request.raw), digest=hashlib.sha256(request.raw).hexdigest(),
            delivery_id=hashlib.sha256(request.raw).hexdigest(), cases=self.cases, ledger=self.ledger,
            deliveries=self.deliveries, deadlines=assess.deadlines,
            keep=partial(triage.keep, settings=self.settings), triage=settle, at=self.now, settings=self.settings,
        )  # fmt: skip
        started: list[str] = []
        accept.start(accepted, lambda way, _, __: started.append(way), self.ledger, at=self.now)
        assert started in ([], ["triage"], [request.right])
        return accepted.request_id

    def _agrees(self, request: Request) -> None:
        events = self.ledger.events(request.id)
        assert bool(linked_to(events)) == request.joined
        assert settled(events) == request.ours
        assert identified(events) == request.verified
        if request.joined:
            self._count("joined")

    def _open(self, request: Request) -> Request | None:
        """The one that it is joined to."""
        for other in self.requests:
            same = (other.person, other.right) == (request.person, request.right)
            if other is not request and same and other.ours and not other.ends:
                return other
        return None

    def _found(self, request: Request) -> str:
        (match,) = self._case(request).read_json("found/salesforce")["matches"]
        return str(next(value for kind, value in match["holds"] if kind == "email"))

    def _token(self, person: str, kind: str) -> str:
        if kind == "used":
            return self.used[-1] if self.used else ""
        if kind == "forged":
            return Issuer(ISSUER.issuer, ISSUER.audience, keys=_OTHER.keys).token(person, at=self.now)
        claims: dict[str, Any] = {"good twice over": {"amr": ["mfa"]}}.get(kind, {})
        at = self.now - timedelta(days=2) if kind == "expired" else self.now
        return ISSUER.token("mallory@x.example" if kind == "another's" else person, at=at, **claims) if kind else ""

    def _case(self, request: Request) -> CaseFile:
        return self.cases.open(request.id)

    def _chosen(self, which: int) -> Iterator[Request]:
        if which < len(self.requests):
            yield self.requests[which]

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


_OTHER = Issuer(ISSUER.issuer, ISSUER.audience)


def test_no_order_leads_to_data_or_a_change_without_verification(ledger_url: str) -> None:
    engine = database.connect(ledger_url)
    Intake.engine, Intake.seen = engine, {}
    given = settings(
        max_examples=40,
        stateful_step_count=10,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Intake, settings=given)
    engine.dispose()
    assert set(Intake.seen) == {"joined", "searched", "confirmed", "changed"}
