"""What is told before a request is worked on: complete, in both languages; what goes to others holds nobody's data."""

import string
from datetime import UTC, date, datetime
from typing import Any

import pytest
from made_up_letters import REQUEST, SETTINGS, WORDS

from dsr.referring import Customer, Recruiting
from dsr.report.letters import LANGUAGES, catalogue
from dsr.report.triage import TriageLetter
from dsr.setting_values import SettingError
from dsr.settings import Settings
from dsr.vocabulary import RIGHTS, UNCLEAR

AT, UNTIL = datetime(2026, 11, 25, 9, 30, tzinfo=UTC), date(2026, 12, 28)
CITY = Customer("Ljungby kommun", "dataskydd@ljungby.example")
DAYS = {"sv": ("25 november 2026", "28 december 2026"), "en": ("25 November 2026", "28 December 2026")}


def letter(language: str = "en", right: str = "erasure", **settings: Any) -> TriageLetter:
    made = Settings(**{**SETTINGS.__dict__, **settings})
    return TriageLetter(REQUEST, language, made, right, AT)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("of", ["triage", "identity"])
def test_both_languages_say_the_same(of: str) -> None:
    first, second = (catalogue(language, of) for language in LANGUAGES)
    assert {s: list(keys) for s, keys in first.items()} == {s: list(keys) for s, keys in second.items()}
    for section, keys in first.items():
        assert {key: _names(text) for key, text in keys.items()} == {
            key: _names(text) for key, text in second[section].items()
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_referral_says_who_answers_that_it_is_no_refusal_and_where_to_complain(language: str) -> None:
    made, remedy = letter(language), catalogue(language, "triage")["referred"]["remedy"]
    for text in (made.customer(CITY), made.customer(None), made.recruiting(UNTIL)):
        assert remedy in text
        assert all(words in text for words in (*WORDS[language].values(), REQUEST))
    assert CITY.name in made.customer(CITY)
    assert CITY.mail in made.customer(CITY)
    assert "28.3 e" in made.customer(None) or "28(3)(e)" in made.customer(None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_applicants_hear_by_when_and_from_whom(language: str) -> None:
    notice = "https://jobs.example/privacy"
    own = letter(language, recruiting=Recruiting("jobs@controller.example", notice)).recruiting(UNTIL)
    assert all(day in own for day in DAYS[language])
    assert "jobs@controller.example" in own
    assert notice in own
    assert SETTINGS.controller.mail in letter(language).recruiting(UNTIL), "nobody else is named"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("right", RIGHTS)
def test_a_joined_request_hears_the_day_of_the_open_one_and_nothing_to_get_at_it(language: str, right: str) -> None:
    text = letter(language, right).joined(AT, UNTIL)
    assert all(day in text for day in DAYS[language])
    assert catalogue(language, "triage")["right"][right] in text
    assert "http" not in text
    assert "dsr-" in text
    assert text.count("dsr-") == 1, "its own id, not the other's"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_lists_the_rights_and_the_answer_names_the_one(language: str) -> None:
    rights = catalogue(language, "triage")["right"]
    asked = letter(language, UNCLEAR).which(RIGHTS)
    assert all(f"- {rights[right]}" in asked for right in RIGHTS)
    assert rights["access"] in letter(language, UNCLEAR).taken("access", UNTIL)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("right", [*RIGHTS, UNCLEAR])
def test_what_others_hear_names_nobody(language: str, right: str) -> None:
    made = letter(language, right)
    for mail, to in ((made.to_customer(CITY, AT), CITY.mail), (made.to_recruiting("1001", UNTIL, AT), "dpo@")):
        assert to in str(mail["To"])
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert REQUEST in text
        assert REQUEST in str(mail["Subject"])
        assert "@" not in text


def test_the_settings() -> None:
    text = '{"city": {"name": "City", "mail": "privacy@city.example"}}'
    made = Settings.from_environment({"DSR_CUSTOMERS": text, "DSR_RECRUITING_MAIL": "jobs@x.example"}, need=())
    assert made.customers == {"city": Customer("City", "privacy@city.example")}
    assert made.recruiting.mail == "jobs@x.example"
    assert (Settings.from_environment({}, need=()).customers, made.frequent_from) == ({}, 6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DSR_CUSTOMERS", "city"),
        ("DSR_CUSTOMERS", "[]"),
        ("DSR_CUSTOMERS", '{"city": "privacy@city.example"}'),
        ("DSR_CUSTOMERS", '{"City": {"name": "City", "mail": "privacy@city.example"}}'),
        ("DSR_CUSTOMERS", '{"city": {"name": "", "mail": "privacy@city.example"}}'),
        ("DSR_CUSTOMERS", '{"city": {"name": "City", "mail": "no address"}}'),
        ("DSR_CUSTOMERS", '{"city": {"name": "City", "mail": "p@city.example", "phone": "1"}}'),
        ("DSR_RECRUITING_MAIL", "jobs"),
        ("DSR_RECRUITING_NOTICE", "javascript:alert(1)"),
        ("DSR_FREQUENT_FROM", "often"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_environment({name: value}, need=())
