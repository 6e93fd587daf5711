"""What is gone after an attempt that broke off went by our own doing, unless the system itself says why it is gone."""

from datetime import UTC, datetime

import pytest

from dsr.model import Found, Outcome
from dsr.reported import checked
from dsr.selection import Approval, Selection, seal
from extractors.pardot import Pardot

_REQUEST = "dsr-reported"
_DATASET = "pardot_list_membership"


@pytest.mark.parametrize(
    ("said", "again", "told"),
    [
        ("", False, ("absent", "")),
        ("", True, ("done", "earlier_attempt")),
        ("not_ours", True, ("done", "earlier_attempt")),
        ("pardot.recycle_bin", False, ("absent", "pardot.recycle_bin")),
        ("pardot.recycle_bin", True, ("absent", "pardot.recycle_bin")),
    ],
)
def test_what_is_gone(said: str, again: bool, told: tuple[str, str]) -> None:
    approval = Approval(_REQUEST, "0" * 64, "officer", datetime(2026, 11, 20, 12, tzinfo=UTC), seal())
    selection = Selection(approval, Found("pardot"), {(_DATASET, "restrict"): 1}, lambda dataset, effect: iter(()))
    outcome = Outcome(_REQUEST, "pardot", _DATASET, "restrict", "absent", 1, said)
    found = checked([outcome], selection, Pardot.declaration, ("restrict",), again=again)
    assert [(one.outcome, one.reason) for one in found] == [told]
