"""Every letter holds what the law wants in it: who, what, why, until when, where to complain (Art. 12(3), 12(4), 13(1),
15(1)(f), 18(3), 19 GDPR). One table; a letter that no row of it names fails."""

import re
from collections.abc import Callable

import pytest
from made_up_letters import ALL, REQUEST, SETTINGS, TO_PERSONS, WORDS

from dsr.report import made_up
from dsr.report.letters import LANGUAGES, catalogue
from dsr.report.specimens import MAIL, OFFICERS, OTHERS, Specimen

Demand = Callable[[Specimen], bool]


def says(of: str, key: str) -> Demand:
    """The longest piece of a text of the catalogue; `{right}` in the key is the first word of the letter's name."""

    def demand(specimen: Specimen) -> bool:
        section, _, name = key.format(right=specimen.name.partition("-")[0]).partition(".")
        words = catalogue(specimen.language, of)[section][name]
        return max(re.split(r"\{\w+\}", words), key=len).strip() in specimen.text

    return demand


def day(sv: str, en: str) -> Demand:
    return lambda specimen: (sv if specimen.language == "sv" else en) in specimen.text


def reason(specimen: Specimen) -> bool:
    """In the words of the article that it rests on."""
    right, name = specimen.name.split("-")[0], re.split(r"(?:refused|overridden)-", specimen.name)[1]
    texts = catalogue(specimen.language, "acting")["reason"]
    code = name.replace("-", "_")
    return texts.get(f"{code}_{right}", texts.get(code, "\0")) in specimen.text


def grounds(specimen: Specimen) -> bool:
    """What is kept has its ground in words, and its day."""
    ground = {"sv": "Bokföringslagen kräver", "en": "The Bookkeeping Act demands"}[specimen.language]
    return ground in specimen.text and "2033" in specimen.text


RECEIVED = day("25 november 2026", "25 November 2026")
DUE = day("28 december 2026", "28 December 2026")
EXTENDED = day("25 februari 2027", "25 February 2027")
LIFTED = day("1 mars 2027", "1 March 2027")
ENDS = day("25 december 2026", "25 December 2026")
RIGHT = r"(?:erasure|restriction|rectification|objection-direct-marketing|objection-legitimate-interest|withdrawal)"
ANY = rf"(?:{RIGHT}|access|portability|unclear)"
TABLE: list[tuple[str, tuple[Demand, ...]]] = [
    (r"first-acknowledged-\w+", (DUE, says("triage", "acknowledged.until"), says("triage", "acknowledged.free"))),
    (r"first-joined", (DUE, says("triage", "joined.until"))),
    (r"first-customer(?:-unnamed)?", (says("triage", "referred.remedy"), says("triage", "customer.intro"))),
    (r"first-recruiting", (DUE, says("triage", "referred.remedy"), says("triage", "recruiting.intro"))),
    (r"first-which", (says("triage", "which.next"), says("triage", "right.access"))),
    (r"first-taken", (DUE, says("triage", "right.erasure"))),
    (r"identity-\w+-(?:asked|reminder)", (says("identity", "mail.asked"), day("2 december 2026", "2 December 2026"))),
    (r"identity-\w+-code", (says("identity", "mail.code_until"),)),
    (r"identity-\w+-unknown", (says("", "answer.nothing_searched"), says("identity", "mail.unknown_next"))),
    (r"identity-\w+-ticket", (says("identity", "ticket.asked"), says("identity", "ticket.nothing"))),
    (r"number-question", (says("number", "mail.why"), says("number", "mail.not_you"), day("2 dec", "2 Dec"))),
    (r"(?:access|portability)-link.*-mail", (says("", "mail.intro_{right}"), says("", "mail.not_you"), ENDS)),
    (r"(?:access|portability)-link.*-ticket", (says("", "answer.link"), ENDS)),
    (r"(?:access|portability)-link-partly-\w+", (says("", "incomplete.sources"),)),
    (r"(?:access|portability)-only-doubtful", (says("", "answer.only_doubtful_next"),)),
    (r"(?:access|portability)-nothing-.*", (says("", "answer.nothing_searched"), says("", "answer.nothing_other"))),
    (r"portability-transmitted(?:-sealed)?", (says("transmission", "sent.theirs"), ENDS)),
    (r"portability-transmission-declined", (says("transmission", "declined.instead"),)),
    (rf"{RIGHT}-full", ()),
    (r"erasure-anonymised", (says("acting", "intro.erasure_anonymised_full"), says("acting", "part.anonymise"))),
    (rf"{RIGHT}-(?:partial|none)", (says("acting", "more.remedy"), grounds)),
    (rf"{RIGHT}-recipients", (says("acting", "told.intro"),)),
    (rf"(?:{RIGHT}-)nothing-held(?:-shared-mailbox)?", (says("", "answer.nothing_searched"),)),
    (rf"{RIGHT}-only-doubtful", (says("acting", "unheld.doubtful"),)),
    (rf"{ANY}-refused-.*", (reason, says("acting", "refused.{right}"), says("acting", "refused.remedy"))),
    (rf"{ANY}-extended-\w+", (DUE, EXTENDED, says("acting", "extended.why"), says("acting", "extended.remedy"))),
    (r"restriction-kept", (says("acting", "kept.intro"), says("acting", "more.restriction"))),
    (r"restriction-lifting-[\w-]+", (LIFTED, says("acting", "lifting.why"), says("acting", "lifting.against"))),
    (r".*-meanwhile", (DUE, says("acting", "meanwhile.restricted"))),
    (r".*-overridden-.*", (reason, LIFTED, says("acting", "refused.remedy"))),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_to_a_person_holds_what_its_row_demands(language: str) -> None:
    named = set()
    for specimen in (one for one in TO_PERSONS if one.language == language):
        rows = [row for row in TABLE if re.fullmatch(row[0], specimen.name)]
        assert rows, f"{specimen.name}: what does the law want in it?"
        for pattern, demands in rows:
            named.add(pattern)
            for number, demand in enumerate(demands):
                assert demand(specimen), f"{specimen.stem}: demand {number} of {pattern}"
    assert named == {pattern for pattern, _ in TABLE}, "rows without a letter"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_to_a_person_names_whom_to_ask_complain_to_and_sue(language: str) -> None:
    """Contact of the controller, the authority with its address, the person's own authority, the court, the reference
    and the day of the request; and it is well put together."""
    for specimen in (one for one in TO_PERSONS if one.language == language):
        controller = SETTINGS.controller
        for words in (*WORDS[language].values(), controller.name, controller.mail, controller.address, REQUEST):
            assert words in specimen.text, specimen.stem
            assert words in specimen.html, specimen.stem
        assert RECEIVED(specimen), specimen.stem
        assert specimen.title
        assert not re.search(r"[{}]|\bNone\b(?! of)|\n\n\n|(?<=\S)  ", specimen.text), specimen.stem
        assert f'<html lang="{language}">' in specimen.html
        assert "http" not in re.sub(r"https://data\.exempel\.example/\S*", "", specimen.text), specimen.stem


def test_both_languages_have_the_same_letters() -> None:
    names = [{one.name for one in ALL if one.language == language and one.way != OFFICERS} for language in LANGUAGES]
    assert names[0] == names[1]
    assert len(names[0]) > 120


def test_the_acknowledgement_is_the_same_for_everybody_and_says_so() -> None:
    """It is written before anything is searched, and tells no stranger anything."""
    for specimen in (one for one in ALL if one.name.startswith("first-acknowledged")):
        assert says("triage", "acknowledged.next")(specimen)
        assert says("triage", "acknowledged.identity")(specimen)
        assert made_up.TO not in specimen.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_others_get_says_what_to_do_and_names_nobody(language: str) -> None:
    for specimen in (one for one in ALL if one.way == OTHERS and one.language == language):
        assert made_up.TO not in specimen.text + specimen.title, specimen.stem
        assert "ny@person.example" not in specimen.text, specimen.stem
        if "notice" in specimen.name:
            kind = specimen.name.rpartition("-")[2]
            for key in (f"what_{kind}", f"ask_{kind}", "identity", "contact", "reference"):
                assert says("acting", f"notice.{key}")(specimen), f"{specimen.stem} {key}"
            assert SETTINGS.controller.mail in specimen.text
        else:
            assert REQUEST in specimen.text
            assert RECEIVED(specimen)


def test_text_and_html_of_a_mail_say_the_same() -> None:
    mails = [one for one in ALL if one.way == MAIL]
    assert len(mails) >= 40
    for specimen in mails:
        words = re.findall(r"[\w@.]+", re.sub(r"<style.*?</style>|<[^>]*>", " ", specimen.html))
        missing = [word for word in re.findall(r"[A-Za-zåäöÅÄÖ]{4,}", specimen.text) if word not in " ".join(words)]
        assert not missing, f"{specimen.stem}: {missing[:5]}"
