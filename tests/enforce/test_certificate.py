"""The certificate: what was seen, in both languages, and never more than that."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from made_up_acting import ASA, AT, MadeUp, World, case_of, declared
from made_up_sources import NOTE, PERSON

from dsr import plan, schema
from dsr.casefile import CaseFile
from dsr.certified import certificates
from dsr.channels.corrections import ATTRIBUTES
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.plan import Caution
from dsr.report.acting import ActingLetter
from dsr.report.certificate import attribute_titles, letter_form
from dsr.report.doings import Doings
from dsr.report.letters import catalogue
from dsr.search import SearchResult
from dsr.settings import Controller, Settings
from dsr.steps.certify import certify
from dsr.vocabulary import EFFECTS

SETTINGS = Settings(
    "", "", bytes(32), controller=Controller("Kvarn & Son AB", "dpo@kvarn.example", "Kvarngatan 1, 111 11 Stockholm")
)

REASONS = (
    "account.of_organisation", "anonymise.undeclared", "anonymise.unmapped", "api.none", "call.others_speak",
    "call.transcript_kept", "chat.in_bin", "chat.shared", "chat.unclear", "child.kept", "correction.absent",
    "correction.none", "crm.not_purged", "dataset.unmapped", "delete.running", "delete.unmapped", "export.binned",
    "export.versions_differ", "field.read_only", "field.unmapped", "file.unknown", "foreign_key", "key.foreign",
    "mark.absent", "mark.no_field", "mark.none", "mark.unmapped", "not_deleted", "object.not_the_persons",
    "pardot.recycle_bin", "pardot.refused", "part_of_what_stays", "person_account.not_approved",
    "profiling.no_field", "purge.not_permitted", "purge.pending", "purge.unsupported", "readback.differs",
    "recycle_bin", "referred_to", "s3.compliance", "s3.governance", "s3.legal_hold", "s3.refused", "s3.tags_full",
    "shared.link_removed", "shared.record", "transcript.in_part", "trigger", "vendor.field_history",
    "webinar.deleted", "zoom.3000",
)  # fmt: skip


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
    assert [e.detail["sha256"] for e in ledger.events(verified.case_id) if e.kind == "certified"] == [digest]
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


def test_the_ledger_keeps_what_it_says(verified: CaseFile, ledger: Ledger) -> None:
    """So that an auditor can read it when the case file is gone: the same, up to the digest; however much it is."""
    kept = verified.read_json("verified")
    days = [f"2030-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    more = [{**line("erase", "s3.retention", 1, day, PERSON), "outcome": "retained"} for day in days]
    verified.write_json("verified", {**kept, "remaining": kept["remaining"] + more})
    declaration, name = MadeUp(World()).declaration, SETTINGS.controller.name
    certify(verified, [declaration], ledger, settings=SETTINGS, at=AT)
    certificate, events = verified.read_json("certificate"), ledger.events(verified.case_id)
    verified.close()
    (found,) = certificates(events, [declaration], name)
    assert found.certificate == certificate
    assert found.unaltered
    jsonschema.validate(found.certificate, schema.load("certificate"))
    for others in (certificates(events, [declaration], "Somebody else"), certificates(events, [], name)):
        assert not others[0].unaltered
        lines = [d["lines"] for s in others[0].certificate["systems"] for d in s["datasets"]]
        assert lines == [d["lines"] for s in certificate["systems"] for d in s["datasets"]]


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


def told(case: CaseFile, ledger: Ledger, right: str, language: str = "en") -> tuple[Doings, str, str]:
    """Parts of the letter, the letter, and the certificate in words."""
    certify(case, [MadeUp(World()).declaration], ledger, settings=SETTINGS, at=AT)
    jsonschema.validate(case.read_json("certificate"), schema.load("certificate"))
    form = letter_form(case.read_json("certificate"), SETTINGS)
    ground = "direct_marketing" if right == "objection" else ""
    letter = ActingLetter(case.case_id, language, SETTINGS, right, ground).done(form)
    return Doings.of(form, language, right), letter, words(case, f"certificate.{language}.txt")


def seen(case: CaseFile, *remaining: dict[str, Any], right: dict[str, int] | None = None) -> None:
    """What verification saw."""
    done = [{"source": "crm", "dataset": NOTE, "effect": e, "count": n} for e, n in (right or {}).items()]
    case.write_json("verified", {"ok": True, "right": done, "remaining": list(remaining), "tries": 1})


def parts(doings: Doings) -> dict[str, int]:
    """Part → how many records."""
    return {name: sum(line.count for line in lines) for name, lines in doings.parts.items()}


@pytest.mark.parametrize("reason", ["manual", "api.none", "call.others_speak", "shared.record", "new.code"])
def test_what_a_person_has_to_do_is_told_as_that_whatever_the_reason(
    verified: CaseFile, ledger: Ledger, reason: str
) -> None:
    seen(verified, {**line("erase", reason, 3), "outcome": "manual"}, right={"erase": 2})
    doings, _, certificate = told(verified, ledger, "erasure")
    assert parts(doings) == {"erase": 2, "manual": 3}
    assert doings.unfinished
    assert doings.extent == "partial"
    assert "Delete the note by hand." in certificate


@pytest.mark.parametrize("right", ["restriction", "objection", "withdrawal"])
def test_a_mark_that_a_person_has_to_set_is_not_said_to_be_set(verified: CaseFile, ledger: Ledger, right: str) -> None:
    seen(verified, {**line("restrict", "profiling.no_field", 4), "outcome": "manual", "ground": "gdpr:A18"})
    doings, letter, certificate = told(verified, ledger, right)
    assert parts(doings) == {"manual": 4}
    assert doings.extent == "none"
    assert catalogue("en", "acting")["part"]["manual"] in letter
    assert "4: not restricted yet" in certificate
    assert "4: restricted" not in certificate


def test_what_stays_and_is_not_marked_yet_has_its_ground(verified: CaseFile, ledger: Ledger) -> None:
    law = "gdpr:JustificationA17LegallyRequired"
    seen(verified, {**line("restrict", "api.none", 4, "2032-12-31"), "outcome": "manual", "ground": law},
         line("restrict", law, 2, "2032-12-31"), right={"erase": 1})  # fmt: skip
    doings, letter, _ = told(verified, ledger, "erasure")
    assert parts(doings) == {"erase": 1, "kept": 2, "unmarked": 4}
    assert doings.unfinished
    section = letter.split(catalogue("en", "acting")["part"]["unmarked"])[1].split("\n\n")[0]
    assert "Article 17(3)(b)" in section
    assert "31 December 2032" in section


@pytest.mark.parametrize("language", ["sv", "en"])
def test_records_that_may_be_anothers_are_told_and_keep_the_ticket_open(
    verified: CaseFile, ledger: Ledger, language: str
) -> None:
    verified.write_json("search/crm", SearchResult("crm", "found", AT, 1, 7).as_json())
    seen(verified, right={"erase": 3})
    doings, letter, certificate = told(verified, ledger, "erasure", language)
    assert doings.extent == "partial"
    assert doings.unfinished
    assert parts(doings) == {"erase": 3, "doubtful": 7}
    assert catalogue(language, "acting")["part"]["doubtful"] in letter
    assert certificate.count(catalogue(language, "certificate")["page"]["doubtful"].partition("{count}")[2]) == 1
    assert "7: " in certificate


@pytest.mark.parametrize("language", ["sv", "en"])
def test_systems_that_hold_nothing_are_named(verified: CaseFile, ledger: Ledger, language: str) -> None:
    declarations = [MadeUp(World()).declaration, declared("mail"), declared("shop"), declared("till")]
    verified.write_json("search/mail", SearchResult("mail", "none", AT).as_json())
    verified.write_json("search/shop", SearchResult("shop", "not_connected").as_json())
    seen(verified, right={"erase": 3})
    certify(verified, declarations, ledger, settings=SETTINGS, at=AT)
    jsonschema.validate(verified.read_json("certificate"), schema.load("certificate"))
    form = letter_form(verified.read_json("certificate"), SETTINGS)
    letter = ActingLetter(verified.case_id, language, SETTINGS, "erasure").done(form)
    for text, sentence in (
        (letter, catalogue(language, "acting")["more"]["nothing"]),
        (words(verified, f"certificate.{language}.txt"), catalogue(language, "certificate")["page"]["searched"]),
    ):
        assert text.split(sentence)[1].split("\n\n")[0].split() == ["-", "The", "mail"]
        assert "The shop" not in text
    assert Doings.of(form, language, "erasure").extent == "full"
    assert "The mail" in words(verified, f"certificate.{language}.html")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_reason_of_the_sources_has_words(language: str) -> None:
    """Codes by which sources explain what they left undone."""
    assert [code for code in REASONS if code.replace(".", "_") not in catalogue(language, "certificate")["why"]] == []


def corrected(case: CaseFile, *cautions: Caution, right: dict[str, int]) -> None:
    """A rectification was verified, with these cautions in its plan."""
    case.write_json("request", {**case.read_json("request"), "right": "rectification"})
    planned = replace(plan.read(case), right="rectification", warnings=cautions)
    case.write_json("plan", planned.as_json())
    seen(case, line("keep", "just:NotRequiredJustification", 3), right=right)


UNPLACED = (
    Caution("correction.unplaced", "", "", 1, "organisation"),
    Caution("correction.unplaced", "invoicing", "invoicing_address", 1, "city"),
)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(("done", "extent"), [({"rectify": 2}, "partial"), ({}, "none")])
def test_a_correction_without_a_place_is_never_called_done(
    verified: CaseFile, ledger: Ledger, language: str, done: dict[str, int], extent: str
) -> None:
    """Named in letter and certificate, left to a person; and that nothing was wrong is not said of all the rest."""
    corrected(verified, *UNPLACED, right=done)
    doings, letter, certificate = told(verified, ledger, "rectification", language)
    assert (doings.extent, doings.unfinished, doings.refusing) == (extent, True, True)
    city = {"en": "City (Invoicing: addresses)", "sv": "Ort (Fakturering: adresser)"}[language]
    for text, sentence in (
        (letter, catalogue(language, "acting")["part"]["unplaced"]),
        (certificate, catalogue(language, "certificate")["page"]["unplaced"]),
        (words(verified, f"certificate.{language}.html"), catalogue(language, "certificate")["page"]["unplaced"]),
    ):
        named = text.split(sentence)[1].split("\n\n")[0]
        assert city in named
        assert "Organisation" in named
    assert catalogue(language, "acting")["intro"][f"rectification_{extent}"] in letter
    assert catalogue(language, "acting")["more"]["again"] in letter
    assert catalogue(language, "certificate")["why"]["NotRequiredJustification"] not in letter


def test_what_had_no_place_is_named_after_the_case_file_is_gone(verified: CaseFile, ledger: Ledger) -> None:
    corrected(verified, *UNPLACED, right={"rectify": 2})
    told(verified, ledger, "rectification")
    certificate, events = verified.read_json("certificate"), ledger.events(verified.case_id)
    verified.close()
    (found,) = certificates(events, [MadeUp(World()).declaration], SETTINGS.controller.name)
    assert found.unaltered
    assert found.certificate["unplaced"] == certificate["unplaced"]


def test_with_a_place_for_everything_it_is_done(verified: CaseFile, ledger: Ledger) -> None:
    corrected(verified, right={"rectify": 2})
    doings, _, _ = told(verified, ledger, "rectification")
    assert (doings.extent, doings.unfinished) == ("full", False)
    assert "unplaced" not in verified.read_json("certificate")


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_has_a_name(attribute: str) -> None:
    assert all(attribute_titles(attribute).values())
