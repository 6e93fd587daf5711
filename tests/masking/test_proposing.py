"""What is somebody else's is proposed however it is spelt, what is the subject's own never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import KNOWN, OWN, STAFF, planted

from dsr.masking import KINDS, KnownPeople, Mask, Person, apply, propose
from dsr.masking.marking import markers


def found(text: str, known: KnownPeople = KNOWN, own: Person = OWN, country: str = "SE") -> list[tuple[str, str]]:
    """(what is masked, kind), in order."""
    return [(text[m.start : m.end], m.kind) for m in propose(text, known, own, country)]


def hidden(text: str, masks: tuple[Mask, ...]) -> set[int]:
    """Places of letters and digits under a mask."""
    return {n for m in masks for n in range(m.start, m.end) if text[n].isalnum()}


@given(planted())
def test_all_that_is_others_is_covered_and_nothing_of_the_subjects_own(
    made: tuple[str, list[tuple[int, int, str]]],
) -> None:
    text, places = made
    under = hidden(text, propose(text, KNOWN, OWN))
    for start, end, whose in places:
        letters = {n for n in range(start, end) if text[n].isalnum()}
        if whose == "others":
            shown = "".join(text[n] for n in sorted(letters - under)).casefold()
            assert shown in ("", "s", "mailto"), (shown, text[start:end], text)
        else:
            assert not letters & under, (text[start:end], text)


@given(st.text() | planted().map(lambda made: made[0]))
def test_masks_are_in_the_text_sorted_apart_and_of_known_kinds(text: str) -> None:
    last = 0
    for mask in propose(text, KNOWN, OWN):
        assert last <= mask.start < mask.end <= len(text)
        assert mask.kind in KINDS
        last = mask.end


@given(
    planted().map(lambda made: made[0]) | st.text(alphabet="0174-605 +@.aåKarinB\u0308["), st.sampled_from(["sv", "en"])
)
def test_what_was_masked_is_found_no_second_time(text: str, language: str) -> None:
    shown = apply(text, propose(text, KNOWN, OWN), language)
    assert propose(shown, KNOWN, OWN) == ()


@given(planted(), st.sampled_from(["sv", "en"]))
def test_all_else_stays_verbatim(made: tuple[str, list[tuple[int, int, str]]], language: str) -> None:
    text, _ = made
    masks = propose(text, KNOWN, OWN)
    shown, rest = apply(text, masks, language), []
    last = 0
    for mask in masks:
        rest += [text[last : mask.start], markers(language)[mask.kind]]
        last = mask.end
    assert shown.encode() == "".join([*rest, text[last:]]).encode()


KARIN = KnownPeople([Person(names=("Karin Berg",)), Person(names=("Per Dag",)), Person(names=("Pär Öst",))])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("karin skickade den", ["karin"]),
        ("KARINS order", ["KARINS"]),
        ("det är KARIN’S", ["KARIN’S"]),
        ("ett berg av papper, 100 kr per dag", ["per dag"]),
        ("ett berg av papper, 100 kr per styck", []),
        ("Berg syns från vägen", []),
        ("Karin Berg ringde. Berg lovade.", ["Karin Berg", "Berg"]),
        ("jag talade med Berg om det", ["Berg"]),
        ("ETT BERG AV PAPPER", []),
        ("ett par skor, en ost", []),
        ("hälsa Pär", ["Pär"]),
        ("K. Berg", ["K. Berg"]),
        ("hon bor här. K Berg", ["Berg"]),
        ("Karin B.", ["Karin B"]),
        ("Karin E Berg", ["Karin", "Berg"]),
        ("Berg, Karin", ["Berg, Karin"]),
        ("karin.berg har loggat in", ["karin.berg"]),
        ("Karin-ärendet", ["Karin"]),
        ("Karinas katt, Bergs och Bergström", ["Bergs"]),
        ("marin bergen", []),
    ],
)
def test_a_name_alone_counts_by_the_rule(text: str, masked: list[str]) -> None:
    assert [what for what, _ in found(text, KARIN)] == masked


def test_a_full_name_is_masked_whole_although_the_family_name_is_the_subjects_too() -> None:
    family = KnownPeople([Person(names=("Torkel Öhrnqvist",)), Person(names=("Anna Maria Lund",))])
    assert found("Torkel Öhrnqvist och Öhrnqvist", family) == [("Torkel Öhrnqvist", "person")]
    assert found("Åsa Öhrnqvist, Torkel", family) == [("Torkel", "person")]
    anna = Person(names=("Anna Maria Berg",))
    assert found("Anna Maria Lund, Anna Maria, Anna Maria Berg", family, anna) == [("Anna Maria Lund", "person")]


def test_a_namesake_and_the_subject_among_the_known_are_never_proposed() -> None:
    both = KnownPeople([Person(names=OWN.names, emails=OWN.emails, phones=OWN.phones, addresses=OWN.addresses)])
    text = (
        "Åsa Öhrnqvist, Lärkas, asa.ohrnqvist@kvarnberget.example, 070-174 06 05, 08-517 406 10, Kvarnbergsvägen 17 C"
    )
    assert found(text, both) == []


def test_staff_have_a_kind_of_their_own_unless_somebody_else_bears_the_name() -> None:
    assert found("Svea Kundqvist och svea") == [("Svea Kundqvist", "staff"), ("svea", "staff")]
    shared = KnownPeople([STAFF, Person(names=("Svea Lundmark",))])
    assert found("Svea Kundqvist och svea", shared) == [("Svea Kundqvist", "staff"), ("svea", "person")]


def test_an_address_that_holds_the_subjects_is_another() -> None:
    assert found("asa.ohrnqvist@kvarnberget.example.org") == [("asa.ohrnqvist@kvarnberget.example.org", "email")]
    assert found("asa.ohrnqvist+torkel@kvarnberget.example") == [("asa.ohrnqvist+torkel@kvarnberget.example", "email")]
    assert found("nils.asa.ohrnqvist@kvarnberget.example") == [("nils.asa.ohrnqvist@kvarnberget.example", "email")]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("info@firma.se", []),
        ("a@b.se-adressen", ["a@b.se"]),
        ("_karin@firma.se_", ["_karin@firma.se"]),
        ("karin punkt berg snabel-a firma punkt se, tack", ["karin punkt berg snabel-a firma punkt se"]),
        ("karin [at] firma (dot) se", ["karin [at] firma (dot) se"]),
        ("vi ses @ kontoret, 5 st @10 kr", []),
        ("åsa@räksmörgås.se", ["åsa@räksmörgås.se"]),
    ],
)
def test_email_addresses(text: str, masked: list[str]) -> None:
    assert [what for what, _ in found(text, KnownPeople())] == masked


def test_a_mailbox_of_a_function_is_masked_when_it_is_known_to_be_somebodys() -> None:
    assert found("info@firma.se", KnownPeople([Person(emails=("info@firma.se",))])) == [("info@firma.se", "email")]


@pytest.mark.parametrize(
    ("text", "country", "masked"),
    [
        ("2026-01-08 08-517 406 20", "SE", ["08-517 406 20"]),
        ("den 2026-01-08 kl 10.30, order 4711-123", "SE", []),
        ("900 12 345", "SE", ["900 12 345"]),
        ("+47 22 33 44 55", "SE", ["+47 22 33 44 55"]),
        ("22 33 44 55", "NO", ["22 33 44 55"]),
        ("0701740613, 0701740614", "SE", ["0701740613", "0701740614"]),
    ],
)
def test_telephone_numbers(text: str, country: str, masked: list[str]) -> None:
    assert [what for what, _ in found(text, KNOWN, OWN, country)] == masked


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("811218-9876", "personal_number"),
        ("19811218-9876", "personal_number"),
        ("811218-9877", None),
        ("19811318-9874", None),
        ("20000230-1239", None),
        ("701063-2391", "personal_number"),
        ("556036-0793", "organisation_number"),
        ("165560360793", "organisation_number"),
        ("SE556036079301", "organisation_number"),
        ("SE811218987601", "personal_number"),
        ("5560360793", None),
        ("4111 1111 1111 1111", "card_number"),
        ("4111111111111112", None),
        ("378282246310005", "card_number"),
        ("3782 822463 10005", "card_number"),
        ("SE45 5000 0000 0583 9825 7466", "iban"),
        ("gb82west12345698765432", "iban"),
        ("SE45 5000 0000 0583 9825 7467", None),
    ],
)
def test_numbers_count_by_form_date_and_check_digits(text: str, kind: str | None) -> None:
    assert found(f"nr {text}.", KnownPeople()) == ([(text, kind)] if kind else [])
    assert found(f"nr {text}.", KnownPeople(), Person(numbers=(text,))) == []


def test_several_numbers_side_by_side_are_told_apart() -> None:
    text = "811218-9876 556036-0793 SE45 5000 0000 0583 9825 7466 4111 1111 1111 1111"
    assert [kind for _, kind in found(text)] == ["personal_number", "organisation_number", "iban", "card_number"]


def test_overlapping_finds_become_one_of_the_longest_kind() -> None:
    assert found("maja.zetterlow@firma.se") == [("maja.zetterlow@firma.se", "email")]
    assert found("Maja Zetterlöw") == [("Maja Zetterlöw", "person")]
