"""The catalogues say the same in both languages, and values can't turn into markup."""

import string

import pytest
from jinja2 import UndefinedError

from dsr.report.letters import LANGUAGES, catalogue, render


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_same_keys_and_same_placeholders() -> None:
    first, second = (catalogue(language) for language in LANGUAGES)
    assert {s: set(keys) for s, keys in first.items()} == {s: set(keys) for s, keys in second.items()}
    for section, keys in first.items():
        for key, text in keys.items():
            assert _placeholders(text) == _placeholders(second[section][key]), f"{section}.{key}"
            assert text.strip() == text


def test_a_gap_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("answer.txt.j2", paragraphs=[])
