"""However requests, decisions, changes, holds and the clock follow each other: a Selection exists only with a verified
person, exactly this plan approved by two people, and a find that told of every system."""

import shutil
import tempfile
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from planned_cases import AT, DECLARATIONS, KEY, REQUEST_ID, PaperLedger, held, planned, put, read_case, selected

from dsr import approval
from dsr import plan as plans
from dsr.errors import PermanentError
from dsr.holds import Holds
from dsr.search import SearchResult

PEOPLE = st.sampled_from(["ada", "bo", "nobody"])
CHOICES = st.sampled_from(["approve", "approve", "reject"])
SOURCES = st.sampled_from([d.name for d in DECLARATIONS])


class Deciding(RuleBasedStateMachine):
    """The machine keeps its own, simple account of what was said of which plan."""

    @initialize(agreed=st.booleans())
    def begin(self, agreed: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plan-model-"))
        self.case = read_case(self.folder)
        self.data: Any = deepcopy(held())
        self.collected: Any = deepcopy(held())
        self.ledger, self.now = PaperLedger(), AT
        self.holds = Holds(self.ledger, KEY)  # type: ignore[arg-type]
        self.failed: set[str] = set()
        self.plan = ""
        self.covered: Any = {}
        self.verified = self.verified_at_prepare = False
        self.said: dict[str, tuple[str, str, str]] = {}
        self.approved_at = AT
        self.in_order = False
        self.held_since = False
        if agreed:
            self.agree()

    @rule()
    def make_plan(self) -> None:
        try:
            self.plan = planned(self.case, self.holds.in_force(self.now.date()), at=self.now).digest
        except PermanentError as error:
            self.plan = ""
            if not self.failed or error.code != "plan.incomplete":
                raise
            return
        assert not self.failed
        self.covered, self.held_since = deepcopy(self.collected), False
        self.ledger.append(REQUEST_ID, "planned", approval.planned_detail(self.case), at=self.now)

    @rule(ok=st.booleans())
    def verify(self, ok: bool) -> None:
        self.verified = ok
        self.ledger.verified(ok, self.now)

    @rule(by=PEOPLE, choice=CHOICES, ok=st.booleans())
    def prepare(self, by: str, choice: str, ok: bool) -> None:
        if self.plan:
            self.ledger.prepare(self.case, by, choice, self.now, ok)
            self.said["prepare"] = (by, choice, self.plan)
            self.verified_at_prepare = ok and self.ever_verified()
            self.in_order = False

    @rule(by=PEOPLE, choice=CHOICES)
    def approve(self, by: str, choice: str) -> None:
        if self.plan:
            self.ledger.approve(self.case, by, choice, self.now)
            self.said["approve"] = (by, choice, self.plan)
            self.approved_at, self.in_order = self.now, "prepare" in self.said

    @rule()
    def agree(self) -> None:
        """The way that it should go, which chance alone finds too seldom."""
        self.verify(True)
        self.make_plan()
        self.prepare("ada", "approve", True)
        self.approve("bo", "approve")

    @rule(subject=st.sampled_from(["a", "b"]), task=st.sampled_from(["00T1", "00T3"]), again=st.booleans())
    def change(self, subject: str, task: str, again: bool) -> None:
        self.data["salesforce"]["salesforce_task"][task] = {"Subject": subject}
        if again:
            self.collect()

    @rule()
    def collect(self) -> None:
        put(self.case, self.data)
        self.collected = deepcopy(self.data)
        for source in self.failed:
            self.case.write_json(f"search/{source}", SearchResult(source, "failed", AT, code="timeout").as_json())

    @rule(source=SOURCES, works=st.booleans())
    def search(self, source: str, works: bool) -> None:
        self.failed = self.failed - {source} if works else self.failed | {source}
        self.collect()

    @rule(task=st.sampled_from(["00T1", "00T2"]))
    def hold(self, task: str) -> None:
        self.holds.add_record("salesforce", "salesforce_task", task, by="dpo", at=self.now)
        self.held_since = True

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def act(self) -> None:
        try:
            given = approval.approved(self.case, self.ledger, REQUEST_ID, at=self.now)  # type: ignore[arg-type]
        except PermanentError:
            assert not self.allowed()
            return
        assert self.allowed()
        holds = self.holds.in_force(self.now.date())
        selection, left = selected(self.case, given, "salesforce", self.data, holds)
        before, now = (d["salesforce"]["salesforce_task"] for d in (self.covered, self.data))
        erased = set(selection.ids("salesforce_task", "erase"))
        same = {record for record in before if now.get(record) == before[record]}
        assert erased <= same
        held_now = set(holds.on_records("salesforce", "salesforce_task", self.ids(before)))
        assert not erased & held_now
        if self.held_since and not erased and same:
            assert any(o.outcome == "blocked" for o in left) or same <= held_now

    def ever_verified(self) -> bool:
        events = self.ledger.events(REQUEST_ID)
        return any(e.kind == "identity_verified" and e.detail["ok"] for e in events)

    def allowed(self) -> bool:
        prepare, approve = self.said.get("prepare"), self.said.get("approve")
        if not (prepare and approve and self.plan and self.in_order) or self.failed:
            return False
        people = {prepare[0], approve[0]}
        return (
            prepare[1] == approve[1] == "approve"
            and prepare[2] == approve[2] == self.plan == plans.read(self.case).digest
            and len(people) == 2
            and "nobody" not in people
            and self.verified
            and self.verified_at_prepare
            and self.now - self.approved_at <= timedelta(days=30)
        )

    @staticmethod
    def ids(records: Any) -> Any:
        import pyarrow as pa

        return pa.array(list(records), pa.string())

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(
    max_examples=25, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
