"""Markers tell what was hidden and nothing of its length, and split no grapheme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.masking import KINDS, Mask, apply, markers


def test_each_kind_has_its_marker_in_both_languages() -> None:
    for language in ("sv", "en"):
        assert sorted(markers(language)) == sorted(KINDS)
        assert len(set(markers(language).values())) == len(KINDS)
        assert all(marker.startswith("[") and marker.endswith("]") for marker in markers(language).values())


@pytest.mark.parametrize(
    ("text", "masked", "shown"),
    [
        ("A\u030asa", (0, 1), "[annan person]sa"),
        ("A\u030asa", (1, 2), "[annan person]sa"),
        ("x👩\u200d👩\u200d👧y", (1, 2), "x[annan person]y"),
        ("x👩\u200d👩\u200d👧y", (3, 4), "x[annan person]y"),
        ("👍🏽!", (0, 1), "[annan person]!"),
        ("🇸🇪🇳🇴", (1, 2), "[annan person]🇳🇴"),
        ("\ud83d\ude00!", (0, 1), "[annan person]!"),
        ("\ud83d\ude00!", (1, 2), "[annan person]!"),
        ("a\r\nb", (0, 2), "[annan person]b"),
        ("❤\ufe0f.", (0, 1), "[annan person]."),
    ],
)
def test_a_grapheme_is_masked_whole(text: str, masked: tuple[int, int], shown: str) -> None:
    assert apply(text, [Mask(*masked, "person")], "sv") == shown


def test_the_marker_says_nothing_of_the_length_and_follows_the_language() -> None:
    assert apply("Bo!", [Mask(0, 2, "staff")], "en") == apply("Bartholomeus!", [Mask(0, 12, "staff")], "en")
    assert apply("Bo!", [Mask(0, 2, "staff")], "sv") == "[medarbetare]!"


def test_overlapping_masks_are_one_of_the_longest_kind() -> None:
    masks = [Mask(5, 20, "email"), Mask(0, 9, "person"), Mask(20, 21, "phone")]
    assert apply("x" * 22, masks, "en") == "[another's e-mail address][another's telephone number]x"


@pytest.mark.parametrize("mask", [Mask(-1, 1, "person"), Mask(0, 4, "person"), Mask(2, 1, "person")])
def test_a_mask_of_another_text_is_an_error_without_the_text_in_it(mask: Mask) -> None:
    with pytest.raises(ValueError, match=r"^mask\.outside_text$"):
        apply("Åsa", [mask])


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_what_is_under_no_mask_stays(text: str, edges: list[tuple[int, int]]) -> None:
    masks = [Mask(min(*e, len(text)), min(max(e), len(text)), "iban") for e in edges]
    shown = apply(text, masks, "en").split(markers("en")["iban"])
    place = 0
    for part in shown:
        place = text.index(part, place) + len(part)
    assert sum(map(len, shown)) <= len(text)
    assert apply(text, [], "en") == text
