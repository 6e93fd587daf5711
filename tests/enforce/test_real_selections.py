"""The way with the approval's own choice of records: what `dsr.approval` gives is what `enforce` acts on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of
from made_up_sources import NOTE, PERSON, FakeIndex, email

from dsr import carried
from dsr.erasures import Erasures
from dsr.holds import Holds, HoldsInForce
from dsr.ledger import Ledger
from dsr.steps import assess
from dsr.steps.enforce import enforce
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.steps.verify import verify
from dsr.suppression import Suppression


class Killed(BaseException):
    """As if killed."""


@pytest.fixture
def act(
    tmp_path: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, request_id: str
) -> Callable[..., Any]:
    """Plans and enforces, as often as asked, then verifies."""

    def done(source: MadeUp, effects: Any, holds: HoldsInForce, killed_at: str = "") -> Any:
        case = case_of(tmp_path, source, effects, request_id)
        carried.keep(case, frozenset({email(ASA)}), {})
        ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
        suppress(case, suppression, ledger, at=AT)
        given: dict[str, Any] = {"ledger": ledger, "erasures": erasures, "at": AT}
        given["corrections_of"] = assess.corrections_of

        def kill(step: str) -> None:
            if step == killed_at:
                raise Killed

        source.on_step = kill
        reread(case, source, source.declaration, at=AT)
        approval = approval_of(case)
        if killed_at:
            with pytest.raises(Killed):
                enforce(case, source, source.declaration, approval, holds=holds, **given)
            source.on_step = lambda step: None
        enforce(case, source, source.declaration, approval, holds=holds, **given)
        index: Any = FakeIndex()
        return verify(case, {"crm": source}, [source.declaration], index, **given)

    return done


@pytest.mark.parametrize("killed_at", ["", "binned p1n0", "erased p1n1", "binned p1", "erased p1"])
def test_erased_and_verified(act: Callable[..., Any], killed_at: str) -> None:
    source = MadeUp(World.of())
    verified = act(source, lambda d, i: "erase", HoldsInForce(), killed_at)
    assert verified.right == {("crm", PERSON, "erase"): 1, ("crm", NOTE, "erase"): 3}
    assert all(key[1].startswith("p2") for key in source.world.rows)


def test_a_hold_on_the_person(act: Callable[..., Any], ledger: Ledger) -> None:
    source = MadeUp(World.of())
    holds = Holds(ledger, b"h" * 32)
    held = holds.add_person(email(ASA), by="legal", at=AT)
    before = source.world.copy()
    with pytest.raises(Exception, match=r"verify\.remains"):
        act(source, lambda d, i: "erase", holds.in_force(AT.date()))
    holds.end(held, by="legal", at=AT)
    assert source.world.rows == before
