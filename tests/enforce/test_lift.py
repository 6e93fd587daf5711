"""Lifting a restriction: only after the person was told, and only what was set."""

from pathlib import Path
from typing import Any

import pytest
from made_up_acting import AT, MadeUp, World, approval_of, case_of, choose
from made_up_sources import NOTE, PERSON

from dsr.erasures import Erasures
from dsr.errors import PermanentError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.steps import assess
from dsr.steps.enforce import enforce
from dsr.steps.lift import lift
from dsr.steps.reread import reread


def test_two_steps(tmp_path: Path, ledger: Ledger, erasures: Erasures, request_id: str) -> None:
    source = MadeUp(World.of())
    source.world.rows[NOTE, "p1n0"]["restricted"] = "by somebody else"
    before = source.world.copy()
    case = case_of(tmp_path, source, lambda d, i: "keep" if i == "p1n0" else "restrict", request_id, "restriction")
    given: dict[str, Any] = {"holds": HoldsInForce(), "ledger": ledger, "at": AT, "select": choose}
    approval = approval_of(case)
    with pytest.raises(PermanentError, match=r"lift\.announced"):
        lift(case, source, source.declaration, approval, **given)
    ledger.append(request_id, "suppressed", {"scope": "restricted", "count": 1}, at=AT)
    reread(case, source, source.declaration, at=AT)
    enforce(
        case, source, source.declaration, approval, erasures=erasures, corrections_of=assess.corrections_of, **given
    )
    assert source.world.rows[PERSON, "p1"]["restricted"] == "all"
    with pytest.raises(PermanentError, match=r"lift\.announced"):
        lift(case, source, source.declaration, approval, **given)
    ledger.append(request_id, "lift_announced", {}, at=AT)
    first = lift(case, source, source.declaration, approval, **given)
    assert lift(case, source, source.declaration, approval, **given) == first
    assert first.count("done") == 3
    assert source.world.rows == before
    assert len([e for e in ledger.events(request_id) if e.kind == "lifted"]) == 2
