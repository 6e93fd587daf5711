"""Whatever is planned, changed meanwhile and wherever it is killed: nothing but planned records changes."""

import tempfile
from contextlib import suppress as ignored
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_acting import AT, MadeUp, World, approval_of, case_of, choose
from made_up_sources import NOTE

from dsr.erasures import Erasures
from dsr.errors import TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.steps import assess
from dsr.steps.enforce import enforce
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression

_IDS = ("p1", "p1n0", "p1n1", "p1n2")
_WRITING = ("erase", "anonymise", "restrict")


class Killed(BaseException):
    """As if killed."""


@given(
    effects=st.fixed_dictionaries({i: st.sampled_from([*_WRITING, "keep", "manual"]) for i in _IDS}),
    edited=st.sets(st.sampled_from(_IDS)),
    kills=st.lists(st.integers(1, 30), max_size=4),
    lag=st.integers(0, 2),
    number=st.integers(0, 2**63),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_what_was_planned(
    ledger: Ledger,
    erasures: Erasures,
    suppression: Suppression,
    effects: dict[str, str],
    edited: set[str],
    kills: list[int],
    lag: int,
    number: int,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = MadeUp(World.of(), lag=lag)
        request_id = f"dsr-any-{number:x}-{abs(hash((str(effects), str(sorted(edited)), str(kills), lag))):x}"
        case = case_of(Path(folder), source, lambda d, i: effects[i], request_id)
        ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
        suppress(case, suppression, ledger, at=AT)
        approval = approval_of(case)
        for (dataset, record_id), row in source.world.rows.items():
            if record_id in edited:
                row["text" if dataset == NOTE else "phone"] = "edited since"
        before = source.world.copy()
        given_: dict[str, Any] = {"ledger": ledger, "erasures": erasures, "at": AT, "select": choose}
        given_ |= {"corrections_of": assess.corrections_of, "holds": HoldsInForce()}
        for left in [*kills, 0, 0, 0, 0]:
            source.on_step = _killing(left)
            with ignored(TransientError, Killed):
                reread(case, source, source.declaration, at=AT)
                enforce(case, source, source.declaration, approval, **given_)
        touched = {key[1] for key in before if source.world.rows.get(key) != before[key]}
        assert touched == {i for i in _IDS if i not in edited and effects[i] in _WRITING}
        gone = {key[1] for key in before if key not in source.world.rows}
        assert gone == {i for i in _IDS if i not in edited and effects[i] == "erase"}


def _killing(after: int) -> Any:
    steps = 0

    def step(_: str) -> None:
        nonlocal steps
        steps += 1
        if steps == after:
            raise Killed

    return step
