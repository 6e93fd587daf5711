"""The letters about rights that change data: complete, honest about what was not done, the same in both languages."""

import re
import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_letters import ALL, LAW, SETTINGS, certificate, letter, line

from dsr.__main__ import main
from dsr.errors import PermanentError
from dsr.notices.told import Told
from dsr.report.acting import LIFTINGS
from dsr.report.letters import LANGUAGES, catalogue
from dsr.report.specimens import RIGHTS
from dsr.vocabulary import EFFECTS, OUTCOMES


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_kept_has_ground_and_date_and_the_letter_says_partial(language: str) -> None:
    kept = line("restrict", count=7, ground_words=LAW, until="2033-12-31")
    text = letter(language=language).done(certificate(line("erase", count=12), kept))
    texts = catalogue(language, "acting")
    assert texts["intro"]["erasure_partial"] in text
    assert LAW[language] in text
    assert ("31 december 2033" if language == "sv" else "31 December 2033") in text
    assert texts["more"]["remedy"] in text
    erased = text.split(texts["part"]["erase"])[1].split("\n\n")[0]
    assert "12" in erased
    assert "7" not in erased


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_right_already_is_not_said_to_be_left_undone(language: str) -> None:
    """All that was wrong is corrected; where nothing was, that is the answer."""
    right = line("keep", ground="just:NotRequiredJustification", ground_words=LAW, count=90)
    texts, made = catalogue(language, "acting"), letter("rectification", language)
    text = made.done(certificate(line("rectify", count=2), right))
    assert texts["intro"]["rectification_full"] in text
    assert texts["more"]["remedy"] not in text
    assert LAW[language] not in text
    nothing = made.done(certificate(right))
    assert texts["intro"]["rectification_none"] in nothing
    assert LAW[language] in nothing


@pytest.mark.parametrize(("right", "ground"), RIGHTS)
def test_what_came_after_the_decision_is_left_undone_by_an_erasure_only(right: str, ground: str) -> None:
    """A mark is on the person, whatever comes later, and a correction is of what was wrong. So what a system writes
    down about our own change doesn't make it half done."""
    later = line("keep", ground="not_planned", ground_words=LAW, count=4)
    done = {"erasure": "erase", "rectification": "rectify"}.get(right, "restrict")
    text = letter(right, ground=ground).done(certificate(line(done), later))
    assert (LAW["en"] in text) == (right == "erasure")
    assert (catalogue("en", "acting")["more"]["remedy"] in text) == (right == "erasure")


def test_nothing_is_kept_without_a_ground_in_words() -> None:
    for bad in (line("keep"), line("restrict"), line("erase", "retained", until="2030-01-01")):
        with pytest.raises(PermanentError, match=r"ground\.absent"):
            letter().done(certificate(bad))
    with pytest.raises(PermanentError, match=r"ground\.absent"):
        letter().done(certificate(line("erase"), remaining=[line("keep")]))


def test_what_is_only_ordered_is_not_said_to_be_done() -> None:
    text = letter().done(certificate(line("erase", "scheduled", until="2026-12-31")))
    texts = catalogue("en", "acting")
    assert texts["intro"]["erasure_full"] not in text
    assert texts["part"]["erase"] not in text
    assert texts["part"]["scheduled"] in text
    assert texts["more"]["again"] in text


def test_a_certificate_that_says_nothing_makes_no_letter() -> None:
    for bad, code in ((certificate(), "empty"), ({"lines": [{"effect": "erase"}]}, "invalid")):
        with pytest.raises(PermanentError, match=code):
            letter().done(bad)


@given(
    st.lists(st.tuples(st.sampled_from(EFFECTS), st.sampled_from(OUTCOMES), st.integers(1, 9)), min_size=1, max_size=8),
    st.sampled_from(RIGHTS),
    st.sampled_from(LANGUAGES),
)
def test_full_is_only_said_when_all_that_was_asked_for_is_done(
    lines: list[tuple[str, str, int]], right: tuple[str, str], language: str
) -> None:
    made = certificate(*(line(e, o, n, ground_words=LAW) for e, o, n in lines))
    text = letter(right[0], language, right[1]).done(made)
    asked = {"erasure": {"erase", "anonymise"}, "restriction": {"restrict"}, "rectification": {"rectify"}}
    wanted = asked.get(right[0], {"restrict", "erase", "anonymise"})
    whole = all(o == "absent" or (o == "done" and e in wanted) for e, o, _ in lines)
    texts = catalogue(language, "acting")
    full = [words for key, words in texts["intro"].items() if key.endswith("_full")]
    assert any(text.startswith(words) for words in full) == whole
    if any(o != "absent" and (e not in wanted or o not in ("done", "scheduled")) for e, o, _ in lines):
        assert texts["more"]["remedy"] in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rest", ["full", "partial"])
def test_what_is_made_anonymous_is_not_called_erased(language: str, rest: str) -> None:
    """By the first sentence neither: whoever reads no further would believe that the records are gone."""
    texts = catalogue(language, "acting")
    kept = [line("restrict", ground_words=LAW)] if rest == "partial" else []
    only = letter(language=language).done(certificate(line("anonymise"), *kept))
    both = letter(language=language).done(certificate(line("erase"), line("anonymise"), *kept))
    assert only.startswith(texts["intro"][f"erasure_anonymised_{rest}"])
    assert both.startswith(texts["intro"][f"erasure_mixed_{rest}"])
    assert texts["intro"][f"erasure_{rest}"] not in only + both
    gone = {"en": "That is done", "sv": "Det är gjort"}[language]
    word = {"en": "anonymous", "sv": "avidentifierat"}[language]
    assert all(word in text.split("\n\n")[0] and gone not in text for text in (only, both))
    assert letter(language=language).done(certificate(line("erase"), *kept)).startswith(
        texts["intro"][f"erasure_{rest}"])  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipients_read_that_some_may_only_be_anonymous(language: str) -> None:
    """So does the person who asks what they were told."""
    texts, word = catalogue(language, "acting"), {"en": "anonym", "sv": "avidentifier"}[language]
    assert word in texts["notice"]["what_erasure"]
    assert word in texts["told"]["erasure"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_kind_of_data_each_number_is_about_is_said(language: str) -> None:
    """By system and dataset, as the certificate has it; grouped, so that a ground is read once."""
    notes, people = {"sv": "Anteckningar", "en": "Notes"}, {"sv": "Personer", "en": "People"}
    law = {"ground_words": LAW, "until": "2033-12-31"}
    kept = [line("restrict", count=2, what=people, **law), line("restrict", count=5, what=notes, **law)]
    text = letter(language=language).done(certificate(line("erase", count=3, what=notes), *kept))
    (erased,) = [said for said in text.splitlines() if said.startswith("- ") and "3 " in said.partition(".")[0]]
    (held,) = [said for said in text.splitlines() if LAW[language] in said]
    assert f"({notes[language]})" in erased
    words = {"sv": "7 poster (5 i Anteckningar; 2 i Personer)", "en": "7 records (5 in Notes; 2 in People)"}
    assert words[language] in held


@pytest.mark.parametrize("reason", LIFTINGS)
def test_a_restriction_ends_only_after_it_was_told(reason: str) -> None:
    on = date(2027, 3, 1)
    text = letter("restriction").lifting(on, reason, on - timedelta(days=1))
    assert "1 March 2027" in text
    assert catalogue("en", "acting")["lifting"][reason] in text
    with pytest.raises(PermanentError, match=r"lifting\.late"):
        letter("restriction").lifting(on, reason, on)


def test_recipients_are_named_with_what_they_were_told() -> None:
    at = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    told = (
        Told("1", "crm", "Salesforce.com, Inc.", "opendsr", "erasure", at, "pending"),
        Told("2", "tax", "Skatteverket", "none", "erasure", None, "none", reason=LAW),
        Told("3", "post", "Brev AB", "mail", "erasure", None, "failed", "smtp.550"),
    )
    text = letter().recipients(told)
    assert "- Salesforce.com, Inc., on 26 November 2026: told of erasure" in text
    assert "- Skatteverket: The Bookkeeping Act demands it." in text
    failing = text.split(catalogue("en", "acting")["recipients"]["failed"])[1].split("\n\n")[0]
    assert failing.strip() == "- Brev AB"
    assert "smtp" not in text
    assert catalogue("en", "acting")["recipients"]["nobody"] in letter().recipients(())
    answered = letter().done(certificate(line("erase")), told)
    assert "- Salesforce.com, Inc., on 26 November 2026" in answered


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    first, second = (catalogue(language, "acting") for language in LANGUAGES)
    assert {s: list(keys) for s, keys in first.items()} == {s: list(keys) for s, keys in second.items()}
    for section, keys in first.items():
        for key, text in keys.items():
            assert _placeholders(text) == _placeholders(second[section][key]), f"{section}.{key}"
            assert text.strip() == text
            assert text != second[section][key] or not re.search(r"[a-z]", re.sub(r"\{\w+\}", "", text))
            assert not re.search(r"\b(?:todo|tbd|lorem|översätt)\b", text, re.IGNORECASE)


def test_no_text_is_never_read() -> None:
    """A text that no letter shows can't have been looked at by anybody."""
    shown = "\n".join(specimen.text for specimen in ALL)
    for language in LANGUAGES:
        for section in ("part", "more", "refused", "reason", "extended", "lifting", "kept", "meanwhile", "told"):
            for key, text in catalogue(language, "acting")[section].items():
                piece = max(re.split(r"\{\w+\}", text), key=len).strip()
                assert piece in shown, f"{section}.{key} {language}"


def test_the_preview_writes_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["letters", "preview", str(tmp_path / "letters")]) == 0
    written = sorted(path.name for path in (tmp_path / "letters").iterdir())
    assert set(written) == {"index.html", *(f"{s.stem}.html" for s in ALL), *(f"{s.stem}.txt" for s in ALL if s.text)}
    assert f"{len(ALL)} letters in" in capsys.readouterr().out
    index = (tmp_path / "letters" / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)"', index)) == set(written) - {"index.html"}
    for path in (tmp_path / "letters").glob("*.html"):
        assert not re.search(r"<(?:script|link|img|iframe)\b|url\(|@import", path.read_text(encoding="utf-8")), path
    page = (tmp_path / "letters" / "erasure-partial.sv.html").read_text(encoding="utf-8")
    assert '<html lang="sv">' in page
    assert page.count("<li>") >= 8


def test_values_are_escaped_in_html(tmp_path: Path) -> None:
    from dsr.report.acting import page

    assert "<b>" not in page("a <b>\n\n- <b>", "t", "en")
    hostile = replace(SETTINGS, controller=replace(SETTINGS.controller, name="A & B <i>"))
    text = replace(letter(), settings=hostile).refused(["identity"])
    assert "A &amp; B &lt;i&gt;" in page(text, "t", "en")
