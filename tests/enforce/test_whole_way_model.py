"""However requests, decisions, faults, kills, edits, holds and the clock follow each other: no system is written to
unless the person was verified, exactly this plan was approved by two people, and every system was found in and read.

The steps are the real ones, from identify to verify; two systems in memory. The machine keeps an account of its own.
"""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, ClassVar
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from made_up_acting import AT, MadeUp, World, declared
from made_up_sources import NOTE, PERSON, FakeIndex, email, request
from sqlalchemy import Engine

from dsr import approval, prerequisites
from dsr import plan as plans
from dsr.assessing import Law
from dsr.casefile import CaseFile, CaseStore
from dsr.erasures import Erasures
from dsr.errors import DsrError, TransientError
from dsr.holds import Holds
from dsr.ledger import Ledger
from dsr.register import Register
from dsr.steps import assess, collect, identify, suppress
from dsr.steps import enforce as enforcing
from dsr.steps import plan as planning
from dsr.steps import reread as rereading
from dsr.steps import verify as verifying
from dsr.suppression import Suppression

ZONE = ZoneInfo("Europe/Stockholm")
LAW = Law(assess.plan_rows, assess.bonds_of)
REGISTER = Register.load()
ASKED: dict[str, dict[str, Any]] = {
    "erasure": {},
    "restriction": {},
    "rectification": {"corrections": {PERSON: {"name": "Åsa Bergström"}}},
    "objection": {"ground": "direct_marketing"},
}
PEOPLE = st.sampled_from(["ada", "bo", "nobody"])
SYSTEMS = st.sampled_from(["crm", "marketing"])
RECORDS = st.sampled_from([(PERSON, "p1"), (NOTE, "p1n0"), (NOTE, "p2n0")])
_WRITES = ("erase", "restrict", "rectify", "anonymise", "binned")


class Killed(BaseException):
    """As if killed."""


class Case:
    """A request of Åsa's, and the machine's own account of it."""

    def __init__(self, store: CaseStore, right: str) -> None:
        self.right, self.id = right, f"dsr-model-{secrets.token_hex(8)}"
        self.file: CaseFile = store.create(self.id)
        self.file.write_json("request", {**request("asa@kvarn.example", right), "request_id": self.id, **ASKED[right]})
        self.searched: set[str] = set()
        self.verified = self.verified_when_prepared = False
        self.prepared: tuple[str, str] | None = None
        self.approved: tuple[str, str] | None = None
        self.approved_at = AT
        self.planned = ""
        self.reread: dict[str, str] = {}
        self.begun = False

    def allowed(self, at: Any) -> bool:
        """Whether anything of it may be written, by what was said so far."""
        if not self.planned or self.searched != {"crm", "marketing"}:
            return False
        # Read for this plan: made again of the same records it is the same.
        if self.reread != dict.fromkeys(("crm", "marketing"), self.planned):
            return False
        if self.right == "objection":
            return True
        if self.prepared is None or self.approved is None:
            return False
        people = {self.prepared[0], self.approved[0]}
        in_time = self.begun or at - self.approved_at <= timedelta(days=30)
        return (
            self.verified
            and self.verified_when_prepared
            and len(people) == 2
            and "nobody" not in people
            and self.prepared[1] == self.approved[1] == self.planned
            and in_time
        )


class Way(RuleBasedStateMachine):
    """See the module. `engine`: of the ledger's database."""

    engine: ClassVar[Engine]
    wrote: ClassVar[int] = 0

    @initialize(right=st.sampled_from(sorted(ASKED)), begun=st.sampled_from(["asked", "agreed", "carried out"]))
    def begin(self, right: str, begun: str) -> None:
        key = secrets.token_bytes(16)
        self._folder = tempfile.TemporaryDirectory(prefix="way-model-")
        self.store = CaseStore(self._folder.name, bytes(32))
        self.ledger, self.erasures = Ledger(self.engine, b"l" * 32), Erasures(self.engine, key + key)
        self.suppression, self.holds = Suppression(self.engine, key + key), Holds(self.ledger, key + key)
        self.systems = {
            "crm": MadeUp(World.of(notes=2)),
            "marketing": MadeUp(World.of(notes=1), declared("marketing", ("crm",))),
        }
        self.now, self.cases, self.held = AT, list[Case](), list[str]()
        self.down: set[str] = set()
        self.kill_after = 0
        self.before = self.state()
        for name, system in self.systems.items():
            system.on_step = self._on_step(name)
        self.ask(right)
        if begun != "asked":
            self.agree(0)
        if begun == "carried out":
            self.enforce_all(0)

    @rule(right=st.sampled_from(sorted(ASKED)))
    def ask(self, right: str) -> None:
        if len(self.cases) < 2:
            self.cases.append(Case(self.store, right))

    @rule(which=st.integers(0, 1))
    def search(self, which: int) -> None:
        for case in self._chosen(which):
            case.searched, case.planned = set(), ""
            with self._going():
                found = identify.identify(
                    case.file, dict(self.systems), self.declarations(), FakeIndex(), at=self.now, final=True
                )  # type: ignore[call-overload, arg-type]
                for name, system in self.systems.items():
                    if found[name] in ("found", "none"):
                        collect.collect(case.file, system, at=self.now)
                        case.searched.add(name)

    @rule(which=st.integers(0, 1))
    def plan(self, which: int) -> None:
        for case in self._chosen(which):
            case.planned = ""
            try:
                held = self.holds.in_force(self.now.date())
                summary = planning.plan(case.file, self.declarations(), REGISTER, held, law=LAW, at=self.now, zone=ZONE)
            except DsrError:
                assert case.searched != {"crm", "marketing"}
                continue
            assert case.searched == {"crm", "marketing"}
            case.planned = summary.digest
            self.ledger.append(case.id, "planned", approval.planned_detail(case.file), at=self.now)

    @rule(which=st.integers(0, 1), ok=st.booleans())
    def identity(self, which: int, ok: bool) -> None:
        for case in self._chosen(which):
            case.verified = ok
            self.ledger.append(case.id, "identity_verified", {"ok": ok}, at=self.now)

    @rule(which=st.integers(0, 1), by=PEOPLE)
    def prepare(self, which: int, by: str) -> None:
        for case in self._chosen(which):
            if case.planned:
                detail = {"decision": "prepare", "choice": "approve", "by": by}
                self._decide(case, detail | approval.prepare_detail(case.file, verified=True))
                case.prepared, case.approved = (by, case.planned), None
                case.verified_when_prepared = self._ever_verified(case)

    @rule(which=st.integers(0, 1), by=PEOPLE)
    def approve(self, which: int, by: str) -> None:
        for case in self._chosen(which):
            if case.planned:
                detail = {"decision": "approve", "choice": "approve", "by": by}
                self._decide(case, detail | approval.approve_detail(case.file))
                case.approved, case.approved_at = (by, case.planned), self.now

    @rule(which=st.integers(0, 1), second=PEOPLE)
    def agree(self, which: int, second: str = "bo") -> None:
        """The way that it should go, which chance alone finds too seldom; and nearly so."""
        self._agreed(which, True, second)
        self.reread(which)

    @rule(which=st.integers(0, 1), missing=st.sampled_from(["crm", "marketing", "identity", "another officer"]))
    def all_but_one_thing(self, which: int, missing: str) -> None:
        """Nearly so: a system isn't read again, nobody has seen to it who asks, or one officer agrees to their own."""
        self._agreed(which, missing != "identity", "ada" if missing == "another officer" else "bo")
        for name in self.systems:
            if name != missing:
                self._reread(which, name)
        self.enforce_all(which)

    @rule(which=st.integers(0, 1))
    def reread(self, which: int) -> None:
        for name in self.systems:
            self._reread(which, name)

    def _agreed(self, which: int, identified: bool, second: str) -> None:
        self.search(which)
        self.plan(which)
        self.identity(which, identified)
        self.prepare(which, "ada")
        self.approve(which, second)

    def _reread(self, which: int, name: str) -> None:
        for case in self._chosen(which):
            with self._going():
                rereading.reread(case.file, self.systems[name], self.systems[name].declaration, at=self.now)
                case.reread[name] = plans.read(case.file).digest

    @rule(which=st.integers(0, 1), second=PEOPLE)
    def carry_out(self, which: int, second: str = "bo") -> None:
        """All of it in one go, which some of the other rules then meet half done."""
        self.agree(which, second)
        self.enforce_all(which)

    @rule(which=st.integers(0, 1))
    def enforce_all(self, which: int) -> None:
        for name in self.systems:
            self.enforce(which, name)

    @rule(which=st.integers(0, 1), name=SYSTEMS)
    def enforce(self, which: int, name: str) -> None:
        for case in self._chosen(which):
            before, allowed = self.state(), case.allowed(self.now)
            system = self.systems[name]
            with self._going():
                suppress.suppress(case.file, self.suppression, self.ledger, at=self.now)
                given = approval.at_once if case.right == "objection" else approval.approved
                valid = timedelta(days=3 * 365) if case.begun else approval.VALID
                allowing = given(case.file, self.ledger, case.id, at=self.now, valid=valid)
                enforcing.enforce(
                    case.file, system, system.declaration, allowing,
                    holds=self.holds.in_force(self.now.date()), ledger=self.ledger, erasures=self.erasures,
                    at=self.now, corrections_of=assess.corrections_of,
                )  # fmt: skip
            changed = {key for key in before | self.state() if before.get(key) != self.state().get(key)}
            if changed:
                type(self).wrote += 1
                case.begun = True
                self._check(case, name, changed, allowed)
            self.before = self.state()

    @rule(which=st.integers(0, 1))
    def verify(self, which: int) -> None:
        """Reads only."""
        for case in self._chosen(which):
            if case.planned:
                with self._going():
                    verifying.verify(
                        case.file, dict(self.systems), self.declarations(), FakeIndex(), ledger=self.ledger,  # type: ignore[arg-type]
                        erasures=self.erasures, at=self.now, corrections_of=assess.corrections_of,
                    )  # fmt: skip

    @rule(name=SYSTEMS, record=RECORDS)
    def edit(self, name: str, record: tuple[str, str]) -> None:
        row = self.systems[name].world.rows.get(record)
        if row is not None:
            row["phone" if record[0] == PERSON else "text"] = f"edited {self.now.isoformat()}"
            self.before = self.state()

    @rule()
    def hold(self) -> None:
        self.held.append(self.holds.add_person(email("asa@kvarn.example"), by="dpo", at=self.now))

    @rule()
    def end_hold(self) -> None:
        if self.held:
            self.holds.end(self.held.pop(), by="dpo", at=self.now)

    @rule(name=SYSTEMS, works=st.booleans())
    def fault(self, name: str, works: bool) -> None:
        self.down = self.down - {name} if works else self.down | {name}

    @rule(calls=st.integers(1, 8))
    def kill(self, calls: int) -> None:
        """The next step that calls so often is cut off there."""
        self.kill_after = calls

    @rule(hours=st.sampled_from([1, 24, 24 * 31]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def nothing_changes_by_itself(self) -> None:
        """Only *enforce* and other people's edits change a system, and what they change is accounted for there."""
        if hasattr(self, "before"):
            assert self.state() == self.before

    def teardown(self) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def declarations(self) -> list[Any]:
        return [system.declaration for system in self.systems.values()]

    def state(self) -> dict[Any, Any]:
        """(system, dataset, id) → fields; without the mark that deleting leaves on the way."""
        return {
            (name, *key): {field: value for field, value in row.items() if field != "binned"}
            for name, system in self.systems.items()
            for key, row in system.world.rows.items()
        }

    def _check(self, case: Case, name: str, changed: set[Any], allowed: bool) -> None:
        assert allowed, (case.right, changed)
        assert {key[0] for key in changed} == {name}
        assert all(key[2].startswith("p1") for key in changed), changed
        held = bool(self.held)
        for _, dataset, record_id in changed:
            effects = [line["effect"] for batch in plans.batches(case.file, name, dataset)
                       for line in batch.to_pylist() if line["_source_id"] == record_id]  # fmt: skip
            assert effects, "not in the plan"
            assert effects[0] in ("erase", "anonymise", "restrict", "rectify")
            assert not held or effects[0] == "restrict", "a hold is on the person"

    def _chosen(self, which: int) -> Iterator[Case]:
        if which < len(self.cases):
            yield self.cases[which]

    def _decide(self, case: Case, detail: dict[str, Any]) -> None:
        self.ledger.append(case.id, "decision", detail, at=self.now)

    def _ever_verified(self, case: Case) -> bool:
        return any(e.kind == "identity_verified" and e.detail["ok"] for e in self.ledger.events(case.id))

    def _on_step(self, name: str) -> Any:
        def step(what: str) -> None:
            if self.kill_after:
                self.kill_after -= 1
                if not self.kill_after:
                    raise Killed
            if name in self.down and not what.startswith(("erased", "restrictd", "rectifyd")):
                raise TransientError("http.503", name)

        return step

    @contextmanager
    def _going(self) -> Iterator[None]:
        """Whatever stops a step, as a worker sees it."""
        try:
            yield
        except (DsrError, Killed):
            pass
        finally:
            self.kill_after = 0


def machine(engine: Engine, examples: int, *, derandomize: bool = False) -> int:
    """Runs it; how often anything was written."""
    Way.engine, Way.wrote = engine, 0
    given = settings(
        max_examples=examples,
        stateful_step_count=10,
        deadline=None,
        phases=[Phase.generate],
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Way, settings=given)
    return Way.wrote


@pytest.mark.slow
@pytest.mark.parametrize("chance", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_no_way_leads_to_a_write(engine: Engine, chance: bool) -> None:
    """Always the same ways between two soaks, which find others."""
    assert machine(engine, 500 if chance else 40, derandomize=not chance), "the machine never came that far"


@pytest.mark.parametrize("missing", ["crm", "marketing", "identity", "another officer"])
def test_the_machine_would_find_a_check_that_is_gone(engine: Engine, missing: str) -> None:
    """Else it proves nothing: what stops a way that lacks one thing is taken out, and then the machine speaks up."""
    unread = [mock.patch.object(prerequisites, "_unread", return_value=False)]
    patches = {
        "identity": [
            mock.patch.object(approval, "_identified", return_value=True),
            mock.patch.object(prerequisites, "identified", return_value=True),
        ],
        "another officer": [mock.patch.object(approval, "_who", lambda event: f"{event.seq}")],
    }
    Way.engine = engine
    way = Way()
    way.begin("rectification", "asked")
    way.all_but_one_thing(0, missing)
    assert way.state() == way.before
    with ExitStack() as gone:
        for patch in patches.get(missing, unread):
            gone.enter_context(patch)
        with pytest.raises(AssertionError):
            way.all_but_one_thing(0, missing)
    way.teardown()
