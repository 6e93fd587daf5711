"""What a person gets who is told no, not all, or not yet: why, where to complain, that there are courts (Art. 12(3) and
(4) GDPR). For every right, reason and language, and for whatever a certificate can say."""

import itertools
import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_letters import DEADLINES, LAW, REQUEST, SETTINGS, WORDS, certificate, letter, line

from dsr.errors import PermanentError
from dsr.refusal import REASONS, reasons
from dsr.report.acting import EXTENSIONS
from dsr.report.certificate import letter_form
from dsr.report.doings import Doings
from dsr.report.letters import LANGUAGES, catalogue
from dsr.report.specimens import DISCLOSING, RIGHTS
from dsr.vocabulary import EFFECTS, OUTCOMES

EVERY = (*DISCLOSING, *RIGHTS)
ON = date(2027, 3, 1)
ASKED = {"erasure": {"erase", "anonymise"}, "restriction": {"restrict"}, "rectification": {"rectify"}}
JARGON = re.compile(
    r"\b(?:data subject|controller|processor|dataset|DPV|SAR|DSR|API|hash|registrerade?n?|personuppgiftsansvarig\w*|"
    r"personuppgiftsbiträde\w*|manual|blocked|verb|null)\b",
    re.IGNORECASE,
)


def tells_remedies(text: str, language: str) -> bool:
    """The authority with its address, one's own authority, the court, the contact and the reference."""
    own = (SETTINGS.controller.name, SETTINGS.controller.mail, SETTINGS.controller.address, REQUEST)
    return all(words in text for words in (*WORDS[language].values(), *own))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("right", "ground"), EVERY)
def test_a_refusal_gives_its_reason_and_the_remedies(language: str, right: str, ground: str) -> None:
    """Only for a reason that the right knows; the ones of Art. 12 it always does."""
    made, texts = letter(right, language, ground), catalogue(language, "acting")
    assert set(reasons(right, ground)) >= {"identity", "manifestly_excessive", "manifestly_unfounded"}
    for reason in reasons(right, ground):
        text = made.refused([reason])
        own = texts["reason"].get(f"{reason}_{right}") or texts["reason"][reason]
        assert text.startswith(f"{texts['refused'][right]}\n\n{own}\n\n{texts['refused']['remedy']}\n\n")
        assert "12(4)" in text or "12.4" in text
        assert tells_remedies(text, language)
    for reason in set(REASONS) - set(reasons(right, ground)):
        with pytest.raises(PermanentError, match=r"reason\.unfit"):
            made.refused([reason])
    with pytest.raises(PermanentError, match=r"reason\.absent"):
        made.refused([])
    with pytest.raises(PermanentError, match=r"reason\.unknown"):
        made.refused(["because"])


def test_rights_without_exceptions_know_no_reason_of_their_own() -> None:
    """Art. 21(3) and 7(3); and an access is never refused whole because of others' rights."""
    formal = {"identity", "manifestly_excessive", "manifestly_unfounded"}
    for right, ground in (("objection", "direct_marketing"), ("access", ""), ("portability", "")):
        assert set(reasons(right, ground)) == formal
    assert set(reasons("withdrawal")) == {*formal, "not_consent"}
    assert "compelling_grounds" in reasons("objection", "legitimate_interest")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["compelling_grounds", "legal_claims"])
def test_a_refused_objection_is_one_letter_with_the_day_that_the_restriction_ends(reason: str, language: str) -> None:
    made, texts = letter("objection", language, "legitimate_interest"), catalogue(language, "acting")
    text = made.overridden(reason, ON, ON - timedelta(days=1))
    assert texts["reason"].get(f"{reason}_objection", texts["reason"].get(reason, "?")) in text
    assert texts["refused"]["remedy"] in text
    assert ("1 mars 2027" if language == "sv" else "1 March 2027") in text
    assert text.count(REQUEST) == text.count(SETTINGS.controller.mail) == text.count("imy@imy.se") == 1
    with pytest.raises(PermanentError, match=r"lifting\.late"):
        made.overridden(reason, ON, ON)
    with pytest.raises(PermanentError, match=r"reason\.unfit"):
        made.overridden("accurate", ON, ON - timedelta(days=1))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("right", "ground"), EVERY)
def test_an_extension_is_told_within_the_first_month_with_its_reason(language: str, right: str, ground: str) -> None:
    """For every right; what was asked for, from when to when, why, and the remedies."""
    received, last = date(2026, 11, 25), date(2026, 12, 28)
    made, texts = letter(right, language, ground), catalogue(language, "acting")["extended"]
    for reason, other in (EXTENSIONS, EXTENSIONS[::-1]):
        text = made.extended(DEADLINES, [reason], received, last)
        assert texts[reason] in text
        assert texts[other] not in text
        assert texts[right] in text
        months = ("25 november 2026", "28 december 2026", "25 februari 2027")
        days = months if language == "sv" else ("25 November 2026", "28 December 2026", "25 February 2027")
        assert [day in text for day in days] == [True] * 3
        assert texts["remedy"] in text
        assert tells_remedies(text, language)
    with pytest.raises(PermanentError, match=r"extension\.late"):
        made.extended(DEADLINES, EXTENSIONS, received, last + timedelta(days=1))
    with pytest.raises(PermanentError, match=r"reason\.unknown"):
        made.extended(DEADLINES, ["holidays"], received, received)
    with pytest.raises(PermanentError, match=r"reason\.absent"):
        made.extended(DEADLINES, [], received, received)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_restriction_that_stays_is_told_with_what_it_means(language: str) -> None:
    text, texts = letter("restriction", language).kept(), catalogue(language, "acting")
    assert text.startswith(texts["kept"]["intro"])
    assert texts["more"]["restriction"] in text
    assert tells_remedies(text, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_letter_speaks_as_the_trade_does(language: str) -> None:
    texts = catalogue(language, "acting")
    for section in ("intro", "part", "more", "refused", "reason", "extended", "lifting", "kept", "meanwhile"):
        assert {key: JARGON.findall(text) for key, text in texts[section].items() if JARGON.search(text)} == {}


def says_why(text: str, made: dict[str, Any], right: str, language: str) -> None:
    """Whatever a person would have wanted and did not get has its reason in the letter, and the remedies follow."""
    texts = catalogue(language, "acting")
    doings = Doings.of(made, language, right)
    assert tells_remedies(text, language)
    wanted = ASKED.get(right, {"restrict", "erase", "anonymise"})
    for given_ in made["lines"]:
        effect, outcome = given_["effect"], given_["outcome"]
        if outcome == "absent" or (effect in wanted and outcome in ("done", "scheduled")):
            continue
        assert texts["more"]["remedy"] in text, (effect, outcome)
        assert doings.refusing
        assert doings.extent != "full"
    if doings.refusing:
        assert texts["more"]["remedy"] in text
        assert any(texts["part"][part] in text for part in doings.parts if part not in wanted)
    for part, lines in doings.parts.items():
        for one in lines:
            assert f"- {one.title}: {one.count} " in text
            if part in ("kept", "unmarked"):
                assert one.ground
                assert one.ground in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("right", "ground"), RIGHTS)
def test_every_pair_of_effect_and_outcome_alone(right: str, ground: str, language: str) -> None:
    for effect, outcome in itertools.product(EFFECTS, OUTCOMES):
        made = certificate(line(effect, outcome, ground_words=LAW))
        says_why(letter(right, language, ground).done(made), made, right, language)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(EFFECTS), st.sampled_from(OUTCOMES), st.integers(1, 2000),
            st.sampled_from((None, "2033-12-31")),
        ),
        max_size=9,
    ),
    st.lists(st.integers(1, 50), max_size=2),
    st.sampled_from(RIGHTS),
    st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_whatever_was_not_done_has_its_reason_and_the_remedies(
    lines: list[tuple[str, str, int, str | None]], doubtful: list[int], right: tuple[str, str], language: str
) -> None:
    made = certificate(*(line(e, o, n, ground_words=LAW, until=day) for e, o, n, day in lines))
    made["doubtful"] = [{"title": {"sv": "Kundregister", "en": "Customers"}, "count": count} for count in doubtful]
    if not lines and not doubtful:
        with pytest.raises(PermanentError, match=r"certificate\.empty"):
            letter(right[0], language, right[1]).done(made)
        return
    text = letter(right[0], language, right[1]).done(made)
    says_why(text, made, right[0], language)
    if doubtful:
        assert catalogue(language, "acting")["part"]["doubtful"] in text


GROUNDS = (
    "justifications:JustificationA17LegallyRequired",
    "verb.absent",
    "changed.rows",
    "blocked.x",
    "s3.compliance",
)
UNMET = ("", "retained", "scheduled", "manual", "changed", "blocked")


@given(
    st.lists(st.tuples(st.sampled_from(("erase", "anonymise", "rectify")), st.integers(1, 9)), max_size=3),
    st.lists(
        st.fixed_dictionaries({
            "effect": st.sampled_from(EFFECTS),
            "state": st.just("remains"),
            "count": st.integers(1, 9),
            "reason": st.sampled_from(GROUNDS),
            "until": st.sampled_from((None, "2033-12-31")),
            "outcome": st.sampled_from(UNMET),
            "ground": st.sampled_from(("", GROUNDS[0])),
        }),
        max_size=5,
    ),
    st.sampled_from(RIGHTS),
    st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_nor_does_a_real_certificate_lose_a_reason(
    reached: list[tuple[str, int]], left: list[dict[str, Any]], right: tuple[str, str], language: str
) -> None:
    """From what `certify` writes to what the person reads: what remains is never told as done, and says why."""
    wanted = ASKED.get(right[0], {"restrict", "erase", "anonymise"})
    done = [
        {"effect": effect, "state": "done", "count": count, "reason": "", "until": None}
        for effect, count in reached
        if effect in wanted
    ]
    titles = {"sv": "Fakturering", "en": "Invoicing"}
    datasets = [{"dataset": "invoicing_invoice", "title": titles, "lines": done + left}] if done or left else []
    made = letter_form({"systems": [{"source": "invoicing", "title": titles, "datasets": datasets}]}, SETTINGS)
    if not datasets:
        return
    assert all(told["ground_words"][language] for told in made["lines"][len(done) :])
    says_why(letter(right[0], language, right[1]).done(made), made, right[0], language)
