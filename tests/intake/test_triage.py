"""Before anything is read: what isn't clear or isn't ours waits for a person, what is open already is joined to it, and
everything else goes its way. Through the wire, and what a person's decision makes of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from front_desk import NOW, SECRETS, FakeAirflow
from served import served
from sqlalchemy import select

from dsr import database
from dsr.errors import PermanentError
from dsr.ledger import Event
from dsr.referring import Customer
from dsr.standing import Standing
from dsr.steps import triage as step
from dsr.tables import id_tokens, requesters
from dsr.triage import fitting, is_open, linked_to, questions, settled
from dsr.vocabulary import RIGHTS
from dsr.web.intake import Desk, create_app
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

EMAIL = "asa.ohrnqvist@kvarnberget.example"


class Sender:
    """Sends tickets to a desk whose clock can be moved."""

    def __init__(self, desk: Desk) -> None:
        self.at, self.sent = NOW, 0
        self.desk = replace(desk, now=lambda: self.at)
        self.url = ""

    def ask(self, channel: str = "standard_webhooks", *, delivery: str = "", **asked: Any) -> str:
        """The id of the request."""
        self.sent += 1
        ticket = f"DSR-{self.sent}" if channel == "jira" else f"{self.sent}"
        body = ticket_body(channel, ticket, **{"email": EMAIL, "at": self.at, **asked})
        headers, raw = signed(channel, body, SECRETS[channel], self.at, delivery or f"triage-{self.sent}-{self.at}")
        answer = httpx.post(f"{self.url}/requests/{channel}", headers=headers, content=raw, timeout=60)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["request_id"])

    def events(self, request_id: str, kind: str = "") -> list[Event]:
        return [e for e in self.desk.ledger.events(request_id) if kind in ("", e.kind)]

    def note(self, request_id: str, kind: str, **detail: Any) -> None:
        self.desk.ledger.append(request_id, kind, detail, at=self.at)

    def choose(self, request_id: str, right: str, **more: Any) -> None:
        step.choose(self.desk.cases.open(request_id), self.desk.ledger, right, "officer", at=self.at, **more)


@pytest.fixture
def sender(desk: Desk) -> Any:
    made = Sender(
        replace(desk, settings=replace(desk.settings, customers={"city": Customer("City", "p@city.example")}))
    )
    with served(create_app(made.desk)) as made.url:
        yield made


UNCLEAR: list[tuple[str, str, list[str]]] = [
    ("", "unnamed", []),
    ("  ", "unnamed", []),
    ("access, erasure", "several", ["access", "erasure"]),
    ("erasure access erasure", "several", ["access", "erasure"]),
    ("unsubscribe", "unknown", []),
    ("Please give me access to all that you hold", "unknown", ["access"]),
    ("unclear", "unknown", []),
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("right", "why", "among"), UNCLEAR)
def test_a_right_that_is_not_clear_waits_for_a_person(
    channel: str, right: str, why: str, among: list[str], sender: Sender, airflow: FakeAirflow
) -> None:
    request_id = sender.ask(channel, right=right)
    (triaged,) = sender.events(request_id, "triaged")
    assert triaged.detail == {"questions": ["right"], "within_year": 1, "unclear": why, "among": among}
    assert airflow.runs[request_id]["dag"] == "dsr_triage"
    assert airflow.runs[request_id]["conf"].keys() == {"request_id", "received_at"}
    assert not settled(sender.events(request_id))


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("right", [" Access ", "ERASURE"])
def test_a_right_in_capitals_and_blanks_is_that_right(
    channel: str, right: str, sender: Sender, airflow: FakeAirflow
) -> None:
    request_id = sender.ask(channel, right=right)
    assert airflow.runs[request_id]["dag"] == f"dsr_{right.strip().lower()}"
    assert settled(sender.events(request_id))


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_not_ours_waits_for_a_person_and_a_customer_we_do_not_have_is_not_kept(
    channel: str, sender: Sender, airflow: FakeAirflow
) -> None:
    cases = [({"about": "application"}, "application", ""), ({"about": "on_behalf"}, "on_behalf", "")]
    cases += [({"about": "on_behalf", "customer": "city"}, "on_behalf", "city")]
    cases += [({"about": "on_behalf", "customer": "asa-ohrnqvist"}, "on_behalf", "")]
    for asked, question, customer in cases:
        request_id = sender.ask(channel, right="access", **asked)
        assert sender.events(request_id, "triaged")[0].detail["questions"] == [question]
        assert airflow.runs[request_id]["dag"] == "dsr_triage"
        assert sender.desk.cases.open(request_id).read_json(step.RELATION)["customer"] == customer


def test_who_asks_often_is_looked_at_and_counted_by_the_year(sender: Sender, airflow: FakeAirflow) -> None:
    for n in range(1, 8):
        request_id = sender.ask(right="access", email=EMAIL.upper() if n % 2 else EMAIL)
        triaged = sender.events(request_id, "triaged")[0].detail
        assert triaged == {"questions": ["frequent"] if n >= 6 else [], "within_year": n}
        sender.note(request_id, "closed", outcome="answered")
    other = sender.ask(right="access", email="eva@kvarnberget.example")
    assert sender.events(other, "triaged")[0].detail["within_year"] == 1
    sender.at += timedelta(days=366)
    assert sender.events(sender.ask(right="access"), "triaged")[0].detail == {"questions": [], "within_year": 1}


def test_the_same_request_again_is_joined_to_the_open_one(sender: Sender, airflow: FakeAirflow) -> None:
    first = sender.ask(right="erasure")
    sender.at += timedelta(days=3)
    again = sender.ask(right="erasure", email=EMAIL.upper(), channel="zendesk")
    third = sender.ask(right="erasure")
    assert [linked_to(sender.events(r)) for r in (first, again, third)] == ["", first, first]
    assert [e.detail for e in sender.events(first, "linked")] == [{"from": again}, {"from": third}]
    assert [airflow.runs[r]["dag"] for r in (first, again, third)] == ["dsr_erasure", "dsr_triage", "dsr_triage"]
    assert [settled(sender.events(r)) for r in (first, again, third)] == [True, False, False]
    often = [sender.ask(right="erasure") for _ in range(4)]
    assert {linked_to(sender.events(request_id)) for request_id in often} == {first}, "nobody has to look at these"
    before, after = Standing.of(sender.events(first)[:2]), Standing.of(sender.events(first))
    assert before == after, "it changes nothing about the open one"


def test_another_right_or_another_person_is_a_request_of_its_own(sender: Sender, airflow: FakeAirflow) -> None:
    asked = [sender.ask(right="erasure"), sender.ask(right="access"), sender.ask(right="erasure", email="e@x.example")]
    asked.append(sender.ask(right="erasure", about="application"))
    assert [linked_to(sender.events(request_id)) for request_id in asked] == [""] * 4


def test_what_asks_for_something_else_is_a_request_of_its_own(sender: Sender) -> None:
    """Another correction, ground or purpose would be lost if it were joined; the very same is joined."""
    for right, one, other in (
        ("rectification", {"corrections": {"title": "Inköpare"}}, {"corrections": {"title": "Inköpschef"}}),
        ("objection", {"ground": "legitimate_interest"}, {"ground": "direct_marketing"}),
        ("withdrawal", {"purposes": ["dpv:DirectMarketing"]}, {"purposes": ["dpv:Personalisation"]}),
    ):
        asked = [sender.ask(right=right, **fields) for fields in (one, other, one)]
        assert [linked_to(sender.events(request_id)) for request_id in asked] == ["", "", asked[0]], right


ENDED: list[tuple[str, dict[str, Any]]] = [
    ("closed", {"outcome": "answered"}),
    ("answered", {"outcome": "done"}),
    ("failed", {"task": "verify"}),
    ("shredded", {"outcome": "stopped"}),
]


@pytest.mark.parametrize(("kind", "detail"), ENDED)
def test_sent_again_after_the_end_it_is_a_new_request(kind: str, detail: dict[str, Any], sender: Sender) -> None:
    first = sender.ask(right="erasure")
    sender.note(first, "answered", outcome="extended")
    assert is_open(sender.events(first)), "more time is no answer"
    sender.note(first, kind, **detail)
    second = sender.ask(right="erasure")
    assert linked_to(sender.events(second)) == ""
    assert linked_to(sender.events(sender.ask(right="erasure"))) == second


def test_of_many_at_once_one_goes_its_way(sender: Sender, airflow: FakeAirflow) -> None:
    with ThreadPoolExecutor(6) as threads:
        ids = list(threads.map(lambda n: sender.ask(right="erasure", delivery=f"at-once-{n}"), range(6)))
    own = [request_id for request_id in ids if not linked_to(sender.events(request_id))]
    assert len(set(ids)) == 6
    assert len(own) == 1
    assert {linked_to(sender.events(r)) for r in ids if r not in own} == set(own)


def test_a_person_says_which_right_and_that_run_can_start(sender: Sender) -> None:
    request_id = sender.ask(right="", encryption="zip", ground="unlawful")
    sender.choose(request_id, "erasure")
    request = sender.desk.cases.open(request_id).read_json("request")
    assert (request["right"], request.get("ground"), request.get("package")) == ("erasure", "unlawful", None)
    assert settled(sender.events(request_id))
    decision = sender.events(request_id, "decision")[-1].detail
    assert decision == {
        "decision": "triage", "choice": "take", "right": "erasure", "reason": "unnamed", "by": "officer",
    }  # fmt: skip
    standing = Standing.of(sender.events(request_id))
    assert standing is not None
    assert standing.right == "erasure"


def test_what_the_person_understood_is_joined_too_if_it_is_open(sender: Sender) -> None:
    unclear, first = sender.ask(right=""), sender.ask(right="erasure")
    sender.choose(unclear, "erasure")
    desk = sender.desk
    assert step.join(desk.cases.open(unclear), desk.requesters, desk.ledger, at=NOW) == first
    assert not settled(sender.events(unclear)), "a decision does not start what was joined"
    assert step.join(desk.cases.open(unclear), desk.requesters, desk.ledger, at=NOW) == first
    assert len(sender.events(first, "linked")) == 1


def test_a_right_whose_needs_nobody_stated_can_not_be_chosen(sender: Sender) -> None:
    request_id = sender.ask(right="")
    for right in ("rectification", "objection", "withdrawal", "unclear", "everything"):
        with pytest.raises(PermanentError, match=r"triage\.unfit"):
            sender.choose(request_id, right)
    assert not settled(sender.events(request_id))
    sender.choose(request_id, "withdrawal", purposes=["dpv:DirectMarketing"])
    request = sender.desk.cases.open(request_id).read_json("request")
    assert request["purposes"] == ["dpv:DirectMarketing"]


def test_every_other_decision_keeps_it_shut_and_a_later_one_shuts_it_again(sender: Sender) -> None:
    request_id = sender.ask(right="access", about="application")
    for choice, opens in (("refer", False), ("refuse", False), ("take", True), ("elsewhere", False)):
        sender.note(request_id, "decision", decision="triage", choice=choice, by="officer")
        assert settled(sender.events(request_id)) == opens
    sender.note(request_id, "decision", decision="prepare", choice="take", by="officer")
    assert not settled(sender.events(request_id))


def test_cut_off_anywhere_it_is_triaged_before_it_starts(desk: Desk, airflow: FakeAirflow) -> None:
    """The ledger fails with the event `triaged`, the sender comes again."""
    sender = Sender(desk)
    ledger, fails = desk.ledger, [True]

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(ledger, name)

        def append(self, request_id: str, kind: str, *args: Any, **kwargs: Any) -> Event:
            if kind == "triaged" and fails and fails.pop():
                raise PermanentError("ledger.tampered", "ledger")
            return ledger.append(request_id, kind, *args, **kwargs)

    at_desk = replace(sender.desk, ledger=Failing())
    with served(create_app(at_desk)) as url:
        body = ticket_body("standard_webhooks", "1", email=EMAIL, right="", at=NOW)
        headers, raw = signed("standard_webhooks", body, SECRETS["standard_webhooks"], NOW, "cut-off")
        first = httpx.post(f"{url}/requests/standard_webhooks", headers=headers, content=raw)
        assert (first.status_code, airflow.runs) == (503, {})
        again = httpx.post(f"{url}/requests/standard_webhooks", headers=headers, content=raw)
    request_id = again.json()["request_id"]
    assert [e.kind for e in ledger.events(request_id)] == ["request_received", "triaged", "run_started"]
    assert airflow.runs[request_id]["dag"] == "dsr_triage"


def test_the_tables_show_nobody(sender: Sender) -> None:
    sender.ask(right="access")
    engine = database.connect(sender.desk.settings.ledger_url)
    with engine.connect() as connection:
        rows = [str(row) for table in (requesters, id_tokens) for row in connection.execute(select(table))]
    engine.dispose()
    assert rows
    assert not any("kvarnberget" in row for row in rows)


def test_every_combination_of_questions() -> None:
    assert questions("access", "", 5, 6) == ()
    assert questions("access", "", 6, 6) == ("frequent",)
    assert questions("access", "", 99, 0) == ()
    assert questions("unclear", "on_behalf", 7, 6) == ("right", "on_behalf", "frequent")
    assert questions("erasure", "application", 1, 6) == ("application",)


@pytest.mark.parametrize("right", RIGHTS)
def test_a_request_keeps_only_what_its_right_knows(right: str) -> None:
    request = {
        "right": "unclear", "request_id": "dsr-x", "corrections": {"email": "a@b.example"}, "ground": "unlawful",
        "purposes": ["dpv:Marketing"], "package": {"encryption": "zip"}, "transmit_to": "bank",
    }  # fmt: skip
    kept = fitting(request, right, ground="direct_marketing" if right == "objection" else "")
    assert kept is not None
    own = {
        "access": {"package"}, "portability": {"package", "transmit_to"}, "erasure": {"ground"},
        "restriction": {"ground", "purposes"}, "rectification": {"corrections"},
        "objection": {"ground", "purposes"}, "withdrawal": {"purposes"},
    }[right]  # fmt: skip
    assert kept.keys() - {"right", "request_id"} == own
    assert kept["right"] == right


def test_requests_are_forgotten_after_their_time(desk: Desk) -> None:
    def enter(name: str, at: datetime) -> int:
        return desk.requesters.enter(name, EMAIL, at, at - timedelta(days=365), ticket="4711")

    assert [enter("dsr-a", NOW), enter("dsr-b", NOW), enter("dsr-b", NOW)] == [1, 2, 2]
    assert desk.requesters.of_ticket("4711") == ["dsr-a", "dsr-b"]
    assert desk.requesters.forget(NOW + timedelta(seconds=1)) == 2
    assert desk.requesters.of_ticket("4711") == []
    assert enter("dsr-c", NOW) == 1


def test_a_request_is_found_by_its_ticket(sender: Sender) -> None:
    """However it is typed, and not by another's; the id itself stands in no table."""
    request_id, other = sender.ask("jira"), sender.ask("zendesk", email="b@kvarnberget.example")
    assert sender.desk.requesters.of_ticket(" dsr-1 ") == [request_id]
    assert sender.desk.requesters.of_ticket("2") == [other]
    assert sender.desk.requesters.of_ticket("3") == []
    with database.connect(sender.desk.settings.ledger_url).connect() as connection:
        assert "DSR-1" not in str(connection.execute(select(requesters)).all())
