"""No text takes for ever: work grows with its length alone."""

import gc
import time

import pytest
from planted import KNOWN, OWN

from dsr.masking import apply, propose, propose_turns, turns

LENGTH, SLACK = 100_000, 3.0
PATTERNS = {
    "at signs": "@", "letters and at signs": "a@", "almost addresses": "a@b.", "dots": "a.", "spelt at": "(at)",
    "spelt dot": " punkt ", "digits": "1", "digits and blanks": "1 ", "numbers": "0701740605 ", "pluses": "+46",
    "brackets": "(", "hyphens": "1-", "accents": "\u0301", "accents of two classes": "\u0301\u0327",
    "a letter and accents": "a\u0301\u0327", "names": "Birger ", "full names": "Birger Qvarnsträng ",
    "own and another's": "Åsa Öhrnqvist Torkel ", "IBANs": "SE35 ", "flags": "🇸🇪", "joiners": "👩\u200d",
    "line ends": "\r\n", "blanks": " ", "heads": "Birger:\n", "chat heads": "00:00:01\tX:\t",
    "arrows": "00:00:01.000 --> \n",
    "markers": "[annan person]", "surrogates": "\ud83d",
}  # fmt: skip


def seconds(text: str) -> float:
    """CPU time of everything that is done with a text, without what else the process has in memory to look through."""
    gc.disable()
    try:
        begun = time.process_time()
        apply(text, propose(text, KNOWN, OWN))
        for conversation in (text, f"WEBVTT\n\n{text}"):
            turns(conversation, KNOWN, OWN)
        return time.process_time() - begun
    finally:
        gc.enable()


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_four_times_the_text_takes_four_times_the_time(pattern: str) -> None:
    text = (pattern * (LENGTH // len(pattern) + 1))[:LENGTH]
    short = seconds(text[: LENGTH // 4])
    assert seconds(text) < max(0.8, min(4 * SLACK * short, 2))


def test_a_single_letter_with_a_megabyte_of_accents_is_one_mask_of_one_grapheme() -> None:
    text = "Birger" + "\u0301\u0327" * 500_000
    begun = time.process_time()
    masks = propose_turns(text, KNOWN, OWN, turns(text, KNOWN, OWN))
    assert time.process_time() - begun < 4
    assert all(mask.end == len(text) for mask in masks)
