"""Enforcing an approved plan: exactly the planned records, whatever happens in between."""

import base64
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress as suppress_error
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of, choose, declared, search_and_plan
from made_up_sources import NOTE, PERSON

from dsr.casefile import CaseFile
from dsr.doubt_command import doubt
from dsr.enforced import Enforced, Progress
from dsr.erasures import Erasures
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.search import SearchResult
from dsr.settings import subkey
from dsr.steps import assess
from dsr.steps import enforce as step
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression

NO_HOLDS = HoldsInForce()


class Crash(BaseException):
    """As if killed."""


def erase_all(dataset: str, record_id: str) -> str:
    """Everything goes."""
    return "erase"


@pytest.fixture
def ready(ledger: Ledger, suppression: Suppression) -> Callable[[CaseFile], CaseFile]:
    """Makes a case ready to be enforced: identity verified, person suppressed."""

    def made(case: CaseFile) -> CaseFile:
        ledger.append(case.case_id, "identity_verified", {"ok": True}, at=AT)
        suppress(case, suppression, ledger, at=AT)
        return case

    return made


@pytest.fixture
def run(ledger: Ledger, erasures: Erasures) -> Callable[..., Enforced]:
    """Enforces."""

    def enforced(case: CaseFile, source: MadeUp, *, read: bool = True, **more: Any) -> Enforced:
        given: dict[str, Any] = {"holds": NO_HOLDS, "at": AT, "select": choose, "corrections_of": assess.corrections_of}
        given |= {"approval": approval_of(case)} | more
        approval = given.pop("approval")
        if read:
            reread(case, source, source.declaration, at=given["at"])
        return step.enforce(case, source, source.declaration, approval, ledger=ledger, erasures=erasures, **given)

    return enforced


def told(ledger: Ledger, case: CaseFile) -> list[dict[str, Any]]:
    """The `enforced` events of the attempt that holds."""
    events = [dict(e.detail) for e in ledger.events(case.case_id) if e.kind == "enforced"]
    highest = max((e["attempt"] for e in events), default=0)
    return [e for e in events if e["attempt"] == highest]


def test_exactly_the_planned_records_go(tmp_path: Path, ready: Any, run: Any, ledger: Ledger, request_id: str) -> None:
    world = World.of()
    before = world.copy()

    def effects(dataset: str, record_id: str) -> str:
        return {"p1": "anonymise", "p1n0": "keep", "p1n1": "restrict"}.get(record_id, "erase")

    source = MadeUp(world)
    case = ready(case_of(tmp_path, source, effects, request_id))
    done = run(case, source)
    gone = {key for key in before if key not in world.rows}
    changed = {key for key in world.rows if world.rows[key] != before[key]}
    assert (gone, changed) == ({(NOTE, "p1n2")}, {(PERSON, "p1"), (NOTE, "p1n1")})
    assert {(o.dataset, o.effect, o.outcome, o.count) for o in done.outcomes} == {
        (NOTE, "erase", "done", 1),
        (NOTE, "restrict", "done", 1),
        (PERSON, "anonymise", "done", 1),
    }
    assert len(told(ledger, case)) == 3


def test_twice_changes_and_tells_nothing_more(
    tmp_path: Path, ready: Any, run: Any, ledger: Ledger, request_id: str
) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    first, after, head = run(case, source), source.world.copy(), ledger.head()
    source.calls.clear()
    assert run(case, source, at=AT + timedelta(days=1)) == first
    assert (source.world.rows, source.calls, ledger.head()) == (after, [], head)


def interrupted(case: CaseFile, ledger: Ledger, erasures: Erasures, source: MadeUp, crash_at: int) -> Callable[[], int]:
    """Breaks in at the nth thing that happens: any call of the source, the case file, the ledger."""
    counter = 0

    def tick(*_: Any) -> None:
        nonlocal counter
        counter += 1
        if counter == crash_at:
            raise Crash

    def around(inner: Any) -> Any:
        def outer(*args: Any, **more: Any) -> Any:
            tick()
            result = inner(*args, **more)
            tick()
            return result

        return outer

    source.on_step = tick
    for thing, name in ((case, "write_json"), (ledger, "append"), (erasures, "note")):
        setattr(thing, name, around(getattr(thing, name)))
    return lambda: counter


def mixed(dataset: str, record_id: str) -> str:
    """All three verbs' effects but rectify."""
    return {"p1": "anonymise", "p1n1": "restrict"}.get(record_id, "erase")


@pytest.mark.parametrize("lag", [0, 1])
def test_killed_anywhere_and_run_again_ends_the_same(
    tmp_path: Path, ready: Any, run: Any, engine: Any, lag: int, request_id: str
) -> None:
    """Every single point: the same records, the same final word in the case file and in the ledger."""

    def finish(case: CaseFile, source: MadeUp) -> Any:
        for attempt in range(5):
            with suppress_error(TransientError):
                return run(case, source, at=AT + timedelta(hours=6 * attempt))
        return None

    plain = MadeUp(World.of(), lag=lag)
    reference = case_of(tmp_path, plain, mixed, f"{request_id}-ref")
    expected = finish(ready(reference), plain)
    crash_at, crashed = 0, True
    while crashed:
        crash_at, source = crash_at + 1, MadeUp(World.of(), lag=lag)
        case = ready(case_of(tmp_path, source, mixed, f"{request_id}-{crash_at}"))
        ledger, erasures = Ledger(engine, b"l" * 32), Erasures(engine, b"e" * 32)
        interrupted(case, ledger, erasures, source, crash_at)
        crashed = False
        try:
            reread(case, source, source.declaration, at=AT)
            step.enforce(
                case, source, source.declaration, approval_of(case), holds=NO_HOLDS, ledger=ledger, erasures=erasures,
                at=AT, select=choose, corrections_of=assess.corrections_of,
            )  # fmt: skip
        except Crash:
            crashed = True
        except TransientError:
            pass
        source.on_step = lambda step: None
        case = type(case)(case._store, case.case_id, case._open_key())
        final = finish(case, source)
        assert source.world.rows == plain.world.rows, crash_at
        assert sums(final) == sums(expected), crash_at
        events = told(Ledger(engine, b"l" * 32), case)
        assert len(events) == len({str(e) for e in events}) == len(final.outcomes), crash_at
        assert Progress.load(case, "crm").status == "done"
    assert crash_at > 30


def sums(done: Enforced) -> dict[Any, int]:
    """By what happened, whichever attempt it was."""
    counts: Counter[Any] = Counter()
    for outcome in done.outcomes:
        counts[outcome.dataset, outcome.effect, outcome.outcome] += outcome.count
    return counts


def test_what_changed_since_is_left_alone(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    source.world.rows[NOTE, "p1n1"]["text"] = "edited since"
    done = run(case, source)
    assert (NOTE, "p1n1") in source.world.rows
    assert sums(done)[NOTE, "erase", "changed"] == 1


def test_a_record_that_came_since_is_left_alone(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    source.world.note("p1new", "p1")
    run(case, source)
    assert (NOTE, "p1new") in source.world.rows


def test_a_hold_between_approval_and_execution(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    done = run(case, source, holds={"p1", "p1n0", "p1n1", "p1n2"})
    assert len(source.world.rows) == 8
    assert done.count("retained") == 4
    assert not any(call.startswith("erase") for call in source.calls)


def test_a_record_that_is_somebody_elses_by_now(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    """Between two attempts: nothing more is done to any record."""
    source = MadeUp(World.of(), lag=1)
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    with pytest.raises(TransientError):
        run(case, source)
    source.world.rows[PERSON, "p1"] |= {"email": "eva@kvarn.example", "name": "Eva Lind"}
    before = source.world.copy()
    with pytest.raises(PermanentError, match=r"enforce\.foreign"):
        run(case, source, at=AT + timedelta(hours=6))
    assert source.world.rows == before


def test_scheduled_is_asked_for_again_until_it_is_done(
    tmp_path: Path, ready: Any, run: Any, ledger: Ledger, request_id: str
) -> None:
    source = MadeUp(World.of(), lag=3)
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    for number in range(3):
        with pytest.raises(TransientError) as raised:
            run(case, source, at=AT + timedelta(hours=6 * number))
        assert raised.value.retry_after == timedelta(hours=6)
    # The same answer is not told thrice.
    assert len([e for e in ledger.events(case.case_id) if e.kind == "enforced"]) == 2
    assert run(case, source, at=AT + timedelta(hours=18)).count("done") == 4


def test_scheduled_for_ever_is_not_done(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of(), lag=1000)
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    with pytest.raises(TransientError):
        run(case, source)
    with pytest.raises(PermanentError, match=r"enforce\.overdue"):
        run(case, source, at=AT + timedelta(days=41))


def test_order_of_sources(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    first, second = MadeUp(World.of()), MadeUp(World.of(), declared("marketing", ("crm",)))
    case = case_of(tmp_path, first, erase_all, request_id)
    search_and_plan(case, [first, second], erase_all)
    ready(case)
    reread(case, first, first.declaration, at=AT)
    with pytest.raises(PermanentError, match=r"enforce\.order"):
        run(case, second)
    run(case, first)
    assert run(case, second).count("done") == 4


@pytest.mark.parametrize("lacking", ["suppressed", "identity", "doubt", "search", "approval", "plan", "reading"])
def test_nothing_is_written_unless_all_holds(
    tmp_path: Path, run: Any, ledger: Ledger, suppression: Suppression, request_id: str, lacking: str
) -> None:
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, erase_all, request_id)
    approval = approval_of(case)
    if lacking != "reading":
        reread(case, source, source.declaration, at=AT)
    if lacking != "identity":
        ledger.append(case.case_id, "identity_verified", {"ok": True}, at=AT)
    if lacking == "doubt":
        ledger.append(case.case_id, "identity_verified", {"ok": False}, at=AT)
    if lacking != "suppressed":
        suppress(case, suppression, ledger, at=AT)
    if lacking == "search":
        case.write_json("search/other", SearchResult("other", "failed", AT, code="http.500").as_json())
    if lacking == "approval":
        search_and_plan(case, [source], mixed)
    if lacking == "plan":
        case.write_json("plan", {**case.read_json("plan"), "order": ["crm", "crm"]})
    before = source.world.copy()
    with pytest.raises(PermanentError):
        run(case, source, read=False, approval=approval)
    assert source.world.rows == before
    assert not any(call.startswith(("erase", "restrict", "binned")) for call in source.calls)


def test_a_doubt_about_who_asks_stops_what_was_approved(
    tmp_path: Path, ready: Any, run: Any, ledger: Ledger, request_id: str
) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    before = source.world.copy()
    doubt(ledger, request_id, "dpo", AT)
    with pytest.raises(PermanentError, match=r"enforce\.identity"):
        run(case, source)
    assert source.world.rows == before


def test_the_command_that_puts_it_in_doubt(own_engine: Any, request_id: str) -> None:
    key = bytes(range(32))
    ledger = Ledger(own_engine, subkey(key, "ledger"))
    ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
    env = {
        "DSR_LEDGER_URL": own_engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "DSR_MASTER_KEY": base64.b64encode(key).decode(),
        "PATH": "/usr/bin:/bin",
    }

    def told(of: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "dsr", "doubt", of, "--by", "dpo"]
        return subprocess.run(command, env=env, capture_output=True, check=False)

    assert told(request_id).returncode == 0
    assert [e.detail["ok"] for e in ledger.events(request_id)] == [True, False]
    ledger.verify()
    unknown = told("dsr-nobody")
    assert (unknown.returncode, b"request.unknown" in unknown.stderr) == (1, True)


def test_a_find_that_fails_right_before_writing(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))

    def down(step: str) -> None:
        raise TransientError("connection.failed", "crm")

    source.on_step = down
    with pytest.raises(TransientError, match=r"connection\.failed"):
        run(case, source)
    assert Progress.load(case, "crm").status == "new"


def test_rectifying_writes_the_corrections(tmp_path: Path, ready: Any, run: Any, request_id: str) -> None:
    source = MadeUp(World.of())
    effects = {"p1": "rectify"}
    asked = {"corrections": {"email": "asa.berg@kvarn.example", PERSON: {"name": "Åsa Bergström"}}}
    case = ready(case_of(tmp_path, source, lambda d, i: effects.get(i, "keep"), request_id, "rectification", **asked))
    run(case, source)
    row = source.world.rows[PERSON, "p1"]
    assert (row["email"], row["name"]) == ("asa.berg@kvarn.example", "Åsa Bergström")


def test_objection_goes_to_marketing_and_needs_no_identity(
    tmp_path: Path, run: Any, ledger: Ledger, suppression: Suppression, request_id: str
) -> None:
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, lambda d, i: "restrict", request_id, "objection", ground="direct_marketing")
    suppress(case, suppression, ledger, at=AT)
    run(case, source)
    assert source.world.rows[PERSON, "p1"]["restricted"] == "dpv:DirectMarketing,dpv:Personalisation"
    assert [e.detail["count"] for e in ledger.events(case.case_id) if e.kind == "restricted"] == [4]


@pytest.mark.parametrize(
    ("asked", "gate"),
    [
        ({"right": "withdrawal", "purposes": ["dpv:CustomerCare"]}, None),
        ({"right": "withdrawal", "purposes": ["dpv:Marketing"]}, "enforce.suppression"),
        ({"right": "withdrawal"}, "enforce.suppression"),
        ({"right": "objection", "ground": "direct_marketing"}, "enforce.suppression"),
        ({"right": "restriction"}, "enforce.suppression"),
    ],
)
@pytest.mark.parametrize("effect", ["restrict", "erase"])
def test_only_what_belongs_on_the_list_waits_for_it(
    tmp_path: Path, run: Any, ledger: Ledger, request_id: str, asked: dict[str, Any], gate: str | None, effect: str
) -> None:
    """A consent to something else than marketing bars no import; nothing is ever erased without the list."""
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, lambda d, i: effect, request_id, **asked)
    ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
    gate = "enforce.suppression" if effect == "erase" else gate
    if gate is None:
        run(case, source)
        assert source.world.rows[PERSON, "p1"]["restricted"] == "dpv:CustomerCare"
        return
    with pytest.raises(PermanentError, match=gate):
        run(case, source)


def test_nothing_personal_in_the_ledger(tmp_path: Path, ready: Any, run: Any, ledger: Ledger, request_id: str) -> None:
    source = MadeUp(World.of())
    case = ready(case_of(tmp_path, source, erase_all, request_id))
    run(case, source)
    text = str([e.detail for e in ledger.events(case.case_id)])
    assert not any(word in text for word in (ASA, "Berg", "p1"))
