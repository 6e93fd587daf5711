"""The certificate: what was seen, in both languages, and never more than that."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from made_up_acting import ASA, AT, MadeUp, World, case_of
from made_up_sources import NOTE, PERSON

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.report.letters import catalogue
from dsr.settings import Controller, Settings
from dsr.steps.certify import certify
from dsr.vocabulary import EFFECTS

SETTINGS = Settings(
    "", "", bytes(32), controller=Controller("Kvarn & Son AB", "dpo@kvarn.example", "Kvarngatan 1, 111 11 Stockholm")
)


def line(effect: str, reason: str, count: int, until: str | None = None, dataset: str = NOTE) -> dict[str, Any]:
    """Something that remains."""
    named = {"source": "crm", "dataset": dataset, "effect": effect, "reason": reason}
    return {**named, "count": count, "ok": True, "until": until}


@pytest.fixture
def verified(tmp_path: Path, request_id: str) -> CaseFile:
    """A case of which everything was seen."""
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "erase", request_id)
    right = [("erase", 1200), ("anonymise", 2), ("restrict", 3), ("erase", 0)]
    remaining = [
        line("restrict", "gdpr:JustificationA17LegallyRequired", 3, "2032-12-31"),
        line("manual", "gdpr:A17", 1),
        line("erase", "retained", 4, "2027-01-31", PERSON),
        line("expire", "gdpr:A17", 5),
        line("keep", "altered", 9),
        line("erase", "history.residual", 6),
    ]
    done = [{"source": "crm", "dataset": NOTE, "effect": e, "count": n} for e, n in right]
    case.write_json("verified", {"ok": True, "right": done, "remaining": remaining, "tries": 1})
    return case


def words(case: CaseFile, name: str) -> str:
    """What was written."""
    with case.reader(name) as file:
        return file.read().decode()


def test_both_languages_say_what_was_seen(verified: CaseFile, ledger: Ledger) -> None:
    declaration = MadeUp(World()).declaration
    digest = certify(verified, [declaration], ledger, settings=SETTINGS, at=AT)
    assert certify(verified, [declaration], ledger, settings=SETTINGS, at=AT) == digest
    assert [e.detail for e in ledger.events(verified.case_id) if e.kind == "certified"] == [{"sha256": digest}]
    jsonschema.validate(verified.read_json("certificate"), schema.load("certificate"))
    english, swedish = words(verified, "certificate.en.txt"), words(verified, "certificate.sv.txt")
    assert "1,200: erased" in english
    assert "2: anonymised, not erased" in english
    assert "until 31 December 2032" in english
    assert "Delete the note by hand." in english
    assert "1\u00a0200: raderade" in swedish
    assert "2: anonymiserade, inte raderade" in swedish
    assert "till och med den 31 december 2032" in swedish
    assert "Radera anteckningen för hand." in swedish
    assert "history.residual" in swedish
    assert "altered" not in english
    page = words(verified, "certificate.sv.html")
    assert "Kvarn &amp; Son AB" in page
    assert "<script" not in page
    assert not any(text in english + swedish + page for text in (ASA, "Åsa"))


@pytest.mark.parametrize("state", [None, False])
def test_not_before_it_was_seen(verified: CaseFile, ledger: Ledger, state: bool | None) -> None:
    if state is None:
        verified.remove("verified")
    else:
        verified.write_json("verified", {**verified.read_json("verified"), "ok": state})
    with pytest.raises(PermanentError, match=r"certificate\.unverified"):
        certify(verified, [MadeUp(World()).declaration], ledger, settings=SETTINGS, at=AT)


def test_nothing_but_what_is_gone_is_called_erased() -> None:
    """In no language does another effect's text begin with that word."""
    for language, word in (("en", "erased"), ("sv", "raderade")):
        texts = catalogue(language, "certificate")
        assert {key for key, text in texts["became"].items() if text.startswith(word)} == {"erase_done"}
        assert {effect for effect in EFFECTS if f"{effect}_remains" not in texts["became"]} == set()


def test_catalogues_have_the_same_keys() -> None:
    one, other = (catalogue(language, "certificate") for language in ("sv", "en"))
    assert {s: set(t) for s, t in one.items()} == {s: set(t) for s, t in other.items()}
