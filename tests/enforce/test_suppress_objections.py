"""An objection keeps a person out whatever is held of them; one that was refused keeps nobody out any longer, and never
takes away what another request has put on the list."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import AT, MadeUp, World, case_of, search_and_plan
from made_up_sources import email, request

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dsr import plan as plans
from dsr.airflow_client import _DAGS
from dsr.casefile import CaseFile, CaseStore
from dsr.channels.acting import PURPOSES
from dsr.errors import PermanentError
from dsr.evidence import is_common
from dsr.ledger import Ledger
from dsr.purposes import purposes_of
from dsr.report.acting import ActingLetter
from dsr.report.answers import Summary
from dsr.report.unheld import unheld
from dsr.settings import Controller, Settings
from dsr.steps.suppress import identifiers, readmit, stated, suppress
from dsr.suppression import Suppression
from dsr.vocabulary import RIGHTS
from dsr_asked import asked_of, left_until
from dsr_rights import of_right
from dsr_shown import show, shown

INTEREST = {"right": "objection", "ground": "legitimate_interest"}
MARKETING = {"right": "objection", "ground": "direct_marketing"}
WITHDRAWAL = {"right": "withdrawal", "purposes": ["dpv:DirectMarketing"]}
ERASURE = {"right": "erasure"}
RESTRICTION = {"right": "restriction"}
SETTINGS = Settings("", "", b"", controller=Controller("Ådal AB", "dpo@adal.example", "Storgatan 1"))


def asking(folder: Path, case_id: str, address: str, **asked: Any) -> CaseFile:
    """A case in which nothing was found."""
    case = CaseStore(str(folder), bytes(32)).create(case_id)
    case.write_json("request", {**request(address), "request_id": case_id, **asked})
    return case


@pytest.mark.parametrize(
    ("asked", "scopes"),
    [
        (INTEREST, {"marketing", "restricted"}),
        ({**INTEREST, "purposes": ["dpv:Personalisation"]}, {"marketing"}),
        (MARKETING, {"marketing"}),
        (WITHDRAWAL, {"marketing"}),
        ({"right": "withdrawal"}, {"marketing"}),
        ({"right": "withdrawal", "purposes": []}, {"marketing"}),
        ({"right": "withdrawal", "purposes": ["dpv:CustomerCare", "dpv:Marketing"]}, {"marketing"}),
        ({"right": "withdrawal", "purposes": list(PURPOSES)}, {"marketing"}),
        ({**MARKETING, "purposes": ["dpv:CustomerCare"]}, {"marketing"}),
        (RESTRICTION, {"restricted"}),
        ({**RESTRICTION, "purposes": ["dpv:DirectMarketing"]}, {"marketing"}),
        ({**RESTRICTION, "purposes": ["dpv:DirectMarketing", "dpv:CustomerCare"]}, {"restricted"}),
        (ERASURE, {"all"}),
    ],
)
def test_nothing_held_and_kept_out_all_the_same(
    asked: dict[str, Any],
    scopes: set[str],
    tmp_path: Path,
    suppression: Suppression,
    ledger: Ledger,
    request_id: str,
) -> None:
    case = asking(tmp_path, request_id, f"{request_id}@kvarn.example", **asked)
    assert suppress(case, suppression, ledger, at=AT) == suppress(case, suppression, ledger, at=AT) == 1
    assert suppression.asks([stated(case)]) == scopes
    assert [e.detail["scope"] for e in ledger.events(request_id)] == sorted(scopes)


@pytest.mark.parametrize("purpose", [p for p in PURPOSES if p not in ("dpv:DirectMarketing", "dpv:Marketing")])
def test_a_consent_to_something_else_bars_no_marketing(
    purpose: str, tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str
) -> None:
    """Calls, orders, a profile: who withdraws that is still written to, and the letter doesn't say otherwise."""
    case = asking(tmp_path, request_id, f"{request_id}@kvarn.example", right="withdrawal", purposes=[purpose])
    assert suppress(case, suppression, ledger, at=AT) == 0
    assert suppression.asks([stated(case)]) == frozenset()
    assert ledger.events(request_id) == []
    assert purposes_of(case) == (purpose,)
    asked = {**case.read_json("request"), "language": "en", "received_at": AT.isoformat()}
    text = unheld(ActingLetter.of(asked, SETTINGS), Summary(False, 0, ("Salesforce",), ()), listed=True)
    assert "our list" not in text
    case.write_json("request", asked)
    letter = asked_of(case).letter(SETTINGS)
    line = {"source": "pardot", "title": {"en": "Marketing"}, "dataset": "pardot_prospect", "effect": "restrict",
            "outcome": "done", "count": 1, "ground": "", "ground_words": {}, "until": None}  # fmt: skip
    assert "coded value" not in letter.done({"lines": [line]})
    assert "coded value" in replace(letter, listed=True).done({"lines": [line]})


def test_of_two_restrictions_the_end_of_one_is_not_that_of_the_other(
    tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str
) -> None:
    address = f"{request_id}@kvarn.example"
    cases = [asking(tmp_path, f"{request_id}-{n}", address, **RESTRICTION) for n in range(2)]
    for case in cases:
        suppress(case, suppression, ledger, at=AT)
    for case, left in zip(cases, ({"restricted"}, set()), strict=True):
        assert readmit(case, suppression, ledger, at=AT) == 1
        assert suppression.asks([email(address)]) == left
    assert len([e for e in suppression.entries() if e.hash == suppression.hash(email(address)).hex()]) == 0


def test_refused(tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str) -> None:
    case = asking(tmp_path, request_id, f"{request_id}@kvarn.example", **INTEREST)
    suppress(case, suppression, ledger, at=AT)
    assert readmit(case, suppression, ledger, at=AT) == 2
    assert readmit(case, suppression, ledger, at=AT) == 0
    assert suppression.asks(identifiers(case)) == frozenset()
    assert [e.kind for e in ledger.events(request_id)] == ["suppressed"] * 2 + ["readmitted"] * 2


@pytest.mark.parametrize("other", [MARKETING, WITHDRAWAL])
@pytest.mark.parametrize("first", [True, False])
def test_a_refusal_takes_nothing_from_an_absolute_right(
    first: bool, other: dict[str, Any], tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str
) -> None:
    address = f"{request_id}@kvarn.example"
    absolute = asking(tmp_path, f"{request_id}-b", address, **other)
    refused = asking(tmp_path, f"{request_id}-a", address, **INTEREST)
    for case in (absolute, refused) if first else (refused, absolute):
        suppress(case, suppression, ledger, at=AT)
    assert readmit(refused, suppression, ledger, at=AT) == 2
    assert suppression.asks([email(address)]) == {"marketing"}


def test_an_erased_person_stays_out(tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str) -> None:
    address = f"{request_id}@kvarn.example"
    erased = asking(tmp_path, f"{request_id}-b", address, **ERASURE)
    refused = asking(tmp_path, f"{request_id}-a", address, **INTEREST)
    suppress(erased, suppression, ledger, at=AT)
    suppress(refused, suppression, ledger, at=AT)
    readmit(refused, suppression, ledger, at=AT)
    assert suppression.asks([email(address)]) == {"all"}


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("doubtful", [0, 2])
def test_the_answer_says_so(language: str, doubtful: int) -> None:
    summary = Summary(held=False, doubtful=doubtful, searched=("Salesforce",), incomplete=())
    letter = ActingLetter("dsr-x", language, SETTINGS, "objection", "direct_marketing")
    on_list = {"sv": "står nu på vår lista", "en": "is now on our list"}[language]
    assert on_list in unheld(letter, summary, listed=True)
    assert on_list not in unheld(letter, summary, listed=False)
    assert "dsr-x" in unheld(letter, summary, listed=False)
    hand_out = {"sv": "lämna ut", "en": "hand them out"}[language]
    assert hand_out not in unheld(letter, summary, listed=True)


def test_a_shared_mailbox_is_not_said_to_be_listed(tmp_path: Path, request_id: str) -> None:
    case = asking(tmp_path, request_id, "Info@kvarn.example", **MARKETING)
    assert is_common(stated(case))


def test_a_decision_is_about_the_plan_that_was_shown(tmp_path: Path, request_id: str) -> None:
    source = MadeUp(World.of())
    case = case_of(tmp_path, source, lambda d, i: "erase", request_id)
    assert shown(case, "prepare") is None
    first = plans.read(case).digest
    show(case, "prepare", {"digest": first, "table": "…"})
    assert shown(case, "prepare") == first
    assert shown(case, "approve") is None
    search_and_plan(case, [source], lambda d, i: "keep")
    assert plans.read(case).digest != first
    assert shown(case, "prepare") is None
    show(case, "prepare", None)
    assert shown(case, "prepare") is None


def test_every_right_has_the_dag_that_it_is_started_in() -> None:
    for right in RIGHTS:
        own = f"dsr_{_DAGS.get(right, right)}"
        of_right(own, right)
        for other in {f"dsr_{r}" for r in RIGHTS} - {own}:
            with pytest.raises(PermanentError, match=r"run\.right"):
                of_right(other, right)


def test_never_lifted_before_the_day_that_was_told() -> None:
    today = AT.date()
    assert left_until(today, today) is None
    assert left_until(today - timedelta(days=3), today) is None
    for days in (1, 7):
        wait = left_until(today + timedelta(days=days), today)
        assert wait is not None
        assert timedelta(0) < wait <= timedelta(hours=12)
