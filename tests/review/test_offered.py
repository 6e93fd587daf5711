"""What a reviewer is offered: their own words as they are, others' words not, others' names hidden."""

from pathlib import Path
from typing import Any

import pytest
from test_held import CASE, Talk, collected

from dsr.casefile import CaseFile
from dsr.proposing import Proposing
from dsr.review import Item, Place

CALL = "call_transcript_line"
KARIN = {"name": "Karin Berg", "email": ["karin@firma.example"], "phone": ["+46701740605"]}


@pytest.fixture
def proposing(tmp_path: Path) -> Proposing:
    """Of a case in which somebody else was seen, and the person is Edla Kvarn."""
    case: CaseFile = collected(tmp_path, Talk(["x"]))
    case.write_json(
        "request", case.read_json("request") | {"subject": {"email": "edla@example.com", "name": "Edla Kvarn"}}
    )
    case.write_json("others/salesforce", [KARIN])
    return Proposing(case, "SE")


def offered(
    proposing: Proposing, text: str, dataset: str = CASE, column: str = "Subject", **row: Any
) -> tuple[str, list[str]]:
    """The verdict, and what is to be hidden."""
    form = "json" if column == "unmapped" else "text"
    item = Item(1, "key", form, text, row.get("speaker", ""))
    proposal = proposing(item, Place("salesforce", dataset, column, 1))
    return proposal.verdict, [text[mask.start : mask.end] for mask in proposal.hidden]


def test_others_are_hidden_and_they_are_not(proposing: Proposing) -> None:
    """By name, number and address."""
    text = "Edla Kvarn talade med Karin Berg (karin@firma.example) på 070-174 06 05 om det."
    assert offered(proposing, text) == ("masked", ["Karin Berg", "karin@firma.example", "070-174 06 05"])
    assert offered(proposing, "Edla Kvarn ringde.") == ("released", [])


def test_own_words_are_released_verbatim(proposing: Proposing) -> None:
    """Whoever they speak of: what they mentioned is shown to the reviewer, not ticked."""
    row = {"speaker": "CUSTOMER"}
    assert offered(proposing, "Karin Berg lovade det.", CALL, "Content", **row) == ("released", [])
    assert offered(proposing, "Karin Berg lovade det.", CALL, "Content", speaker="AGENT")[0] == "masked"


def test_a_nested_value_that_a_mask_would_break_is_kept_out(proposing: Proposing) -> None:
    """A number isn't a text."""
    assert offered(proposing, '{"who":"Karin Berg"}', CASE, "unmapped") == ("masked", ["Karin Berg"])
    assert offered(proposing, '{"phone":46701740605}', CASE, "unmapped")[0] in ("withheld", "released")


def test_a_chat_of_many_is_offered_turn_by_turn(proposing: Proposing) -> None:
    """What others wrote is hidden whole."""
    chat = "00:01:01\tEdla Kvarn:\tHej allihop\n00:01:05\tKarin Berg:\tHej, jag är hemma sjuk\n"
    verdict, hidden = offered(proposing, chat)
    assert verdict == "masked"
    assert any("hemma sjuk" in part for part in hidden)
    assert not any("allihop" in part for part in hidden)
