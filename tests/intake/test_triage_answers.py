"""Which answers an officer gets for which request; each leads somewhere."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsr.referring import Customer
from dsr.refusal import reasons
from dsr.settings import Settings
from dsr.triage import fitting
from dsr.vocabulary import RIGHTS

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import dsr_deciding_triage as deciding

SETTINGS = Settings("", "", b"", customers={"city": Customer("City", "p@city.example")})
CORRECTION = "They ask for the correction that the ticket states (Art. 16)"


def request(right: str = "unclear", **more: Any) -> dict[str, Any]:
    return {"right": right, "request_id": "dsr-x", **more}


def test_an_unclear_right_is_chosen_and_a_clear_one_is_not() -> None:
    unclear, clear = deciding.open_to(request(), SETTINGS), deciding.open_to(request("access"), SETTINGS)
    assert deciding.OURS not in unclear
    assert deciding.ASK in unclear
    assert deciding.OURS in clear
    assert not {deciding.ASK, *deciding.UNDERSTOOD} & set(clear)
    for options in (unclear, clear):
        assert {deciding.RECRUITING, deciding.CUSTOMER, deciding.ELSEWHERE, *deciding.REFUSALS} <= set(options)
        assert f"{deciding.CUSTOMER}: city" in options
        assert set(options) <= set(deciding.every(["city"]))


def test_a_correction_is_offered_only_where_one_is_stated_and_switched_off_rights_are_not() -> None:
    assert CORRECTION not in deciding.open_to(request(), SETTINGS)
    assert CORRECTION in deciding.open_to(request(corrections={"email": "a@b.example"}), SETTINGS)
    some = replace(SETTINGS, rights=("access",))
    assert [a for a in deciding.open_to(request(), some) if a in deciding.UNDERSTOOD] == [
        "They ask for a copy of their data (Art. 15)"
    ]


def test_every_right_can_be_understood_and_every_answer_fits() -> None:
    assert {meant.right for meant in deciding.UNDERSTOOD.values()} == set(RIGHTS)
    stated = request(corrections={"email": "a@b.example"})
    for meant in deciding.UNDERSTOOD.values():
        assert fitting(stated, meant.right, meant.ground, meant.purposes) is not None


def test_only_what_article_12_knows_refuses_here() -> None:
    assert set(deciding.REFUSALS.values()) == {"manifestly_excessive", "manifestly_unfounded"}
    assert set(deciding.REFUSALS.values()) <= set(reasons("unclear"))


@pytest.mark.parametrize(
    ("answer", "key"), [(deciding.CUSTOMER, ""), (f"{deciding.CUSTOMER}: city", "city"), (deciding.OURS, None)]
)
def test_whom_an_answer_refers_to(answer: str, key: str | None) -> None:
    assert deciding.customer_of(answer) == key
