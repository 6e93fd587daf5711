"""Other speakers' turns are proposed whole, the subject's own stay."""

import pytest
from planted import KNOWN, OWN, STAFF

from dsr.masking import KnownPeople, Mask, Person, apply, propose_turns, row_voice, turns

CHAT = (
    "00:00:15\tBirger Qvarnsträng:\tGod morgon\r\n"
    "00:01:01\tÅsa-Lärka Öhrnqvist D'Arcy:\tHej! Birger har 070-174 06 13\r\noch en rad till\r\n"
    "00:01:05\tNågon Okänd:\tJag heter: Nils\r\n"
    "00:01:09\tSvea Kundqvist:\tVälkomna, Birger\r\n"
)
VTT = (
    "WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\nSvea Kundqvist: Välkomna\n\n"
    "2\n00:01:00.000 --> 00:01:03.000\nÅsa-Lärka Öhrnqvist D'Arcy: Hörs jag?\n\n"
    "00:02:00.000 --> 00:02:03.000\n<v Birger Qvarnsträng>Ja</v>\n\n00:02:04.000 --> 00:02:05.000\nMm\n"
)
CASE = "Kund: Hej, fråga Birger\nOBS: bråttom\nHandläggare: Ja\nBirger Qvarnsträng: Nej"


def spoken(text: str, known: KnownPeople = KNOWN, own: Person = OWN) -> list[tuple[str, str]]:
    """(voice, words)."""
    return [(turn.voice, text[turn.start : turn.end].strip()) for turn in turns(text, known, own)]


def test_a_chat_file_is_parted_by_its_heads() -> None:
    assert spoken(CHAT) == [
        ("other", "God morgon"),
        ("own", "Hej! Birger har 070-174 06 13\r\noch en rad till"),
        ("other", "Jag heter: Nils"),
        ("staff", "Välkomna, Birger"),
    ]


def test_a_webvtt_transcript_is_parted_by_its_cues() -> None:
    assert spoken(VTT) == [("staff", "Välkomna"), ("own", "Hörs jag?"), ("other", "Ja</v>"), ("unknown", "Mm")]


def test_lines_are_turns_only_under_a_known_name_or_role() -> None:
    expected = [("own", "Hej, fråga Birger\nOBS: bråttom"), ("staff", "Ja"), ("other", "Nej")]
    assert spoken(CASE) == expected
    assert spoken("Obs: bråttom\nTill: lagret") == []


@pytest.mark.parametrize("text", [CHAT, VTT, CASE])
def test_others_turns_are_hidden_whole_with_their_heads_and_the_subjects_stay(text: str) -> None:
    shown = apply(text, propose_turns(text, KNOWN, OWN, turns(text, KNOWN, OWN)), "sv")
    for words in ("God morgon", "Nils", "Okänd", "Ja</v>", "Mm", "Nej", "Birger", "Qvarnsträng", "Svea", "174 06 13"):
        assert words not in shown
    for words in ("Hörs jag?", "och en rad till", "Hej! ", "Hej, fråga", "Välkomna", "Öhrnqvist"):
        assert (words in shown) == (words in text)


def test_what_the_subject_mentions_is_marked_so() -> None:
    masks = propose_turns(CHAT, KNOWN, OWN, turns(CHAT, KNOWN, OWN))
    assert [CHAT[m.start : m.end] for m in masks if m.mentioned] == ["Birger", "070-174 06 13"]
    assert masks == tuple(sorted(masks))


def test_employees_turns_are_hidden_whole_only_on_demand() -> None:
    text = "00:00:15\tSvea Kundqvist:\tVälkomna"
    said = turns(text, KNOWN, OWN)
    assert apply(text, propose_turns(text, KNOWN, OWN, said), "sv") == "00:00:15\t[medarbetare]:\tVälkomna"
    assert "Välkomna" not in apply(text, propose_turns(text, KNOWN, OWN, said, staff=True), "sv")


def test_a_name_that_could_be_anothers_is_nobodys() -> None:
    namesake = KnownPeople([Person(names=("Åsa Öhrnqvist",)), STAFF])
    assert spoken("00:00:15\tÅsa Öhrnqvist:\thej", namesake) == [("unknown", "hej")]
    assert spoken("00:00:15\tÅsa Öhrnqvist:\thej") == [("own", "hej")]
    assert spoken("00:00:15\tiPhone:\thej") == [("other", "hej")]


@pytest.mark.parametrize(
    ("dataset", "field", "row", "voice"),
    [
        ("call_transcript_line", "Content", {"speaker": "customer"}, "own"),
        ("call_transcript_line", "Content", {"speaker": "agent"}, "staff"),
        ("call_transcript_line", "Content", {"speaker": "system"}, "system"),
        ("call_transcript_line", "Content", {"speaker": None}, "unknown"),
        ("webinar_chat_message", "message", {"name": "Åsa"}, "own"),
        ("webinar_question", "question", {}, "own"),
        ("webinar_question", "answers", {}, "staff"),
        ("salesforce_case", "Description", {}, "unknown"),
    ],
)
def test_rows_tell_whose_words_they_hold(dataset: str, field: str, row: dict[str, object], voice: str) -> None:
    assert row_voice(dataset, field, row) == voice


def test_a_text_without_turns_is_proposed_like_any() -> None:
    assert propose_turns("fråga Birger", KNOWN, OWN, ()) == (Mask(6, 12, "person"),)
