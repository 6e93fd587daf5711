"""What one value says: names told apart, numbers and mailboxes that many people use."""

import pytest
from made_up_sources import email, phone

from dsr.evidence import agrees, comparable, is_common, misspelt, name_of
from dsr.model import Identifier


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Åsa-Lärka Öhrnqvist D'Arcy", "asa larka OHRNQVIST DARCY", True),
        ("Öhrnqvist D'Arcy, Åsa-Lärka", "Åsa-Lärka Öhrnqvist D’Arcy", True),
        ("Åsa Öhrnqvist", "Åsa Maria Öhrnqvist", True),
        ("Åsa Öhrnqvist", "Åse Öhrnqvist", False),
        ("Åsa Öhrnqvist", "Torkel Öhrnqvist", False),
        ("نور الهاشمي‏ (حسن)", "نور الهاشمي (حسن)", True),
        ("Søren Łukasz", "Soren Lukasz", True),
    ],
)
def test_names_are_told_apart(one: str, other: str, same: bool) -> None:
    """Accents, case, order and punctuation don't; words do."""
    assert comparable(name_of(one), name_of(other)) is same


@pytest.mark.parametrize("text", ["", "[not provided]", "asa@kvarn.example", "Unknown", "***"])
def test_placeholders_are_no_name(text: str) -> None:
    """They contradict nobody."""
    assert name_of(text) == ()


def test_a_lone_family_name_stands_for_no_household() -> None:
    """Known only as "Öhrnqvist": Torkel's records don't follow from that."""
    assert not agrees(name_of("Torkel Öhrnqvist"), [name_of("Öhrnqvist")])
    assert agrees(name_of("Öhrnqvist"), [name_of("Torkel Öhrnqvist")])


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("Anna Karlsson", "Anna Carlsson", True),
        ("Anna Karlsson", "Anna Karlssno", True),
        ("Anna Karlsson", "Karlson Anna", False),
        ("Erik Berg", "Erika Berg", False),
        ("Daniel Berg", "Daneil Berg", True),
        ("Matias Berg", "Mattias Berg", True),
        ("Daniel Berg", "Daniela Berg", False),
        ("Anna Berg", "Anna Bergh", False),
        ("Anna Maria Karlsson", "Anna Karlson", False),
        ("Karlsson", "Carlsson", False),
    ],
)
def test_what_counts_as_a_slip(one: str, other: str, slip: bool) -> None:
    """In long family names any, in given names only what makes no other name."""
    assert misspelt(name_of(one), name_of(other)) is slip
    assert misspelt(name_of(other), name_of(one)) is slip


@pytest.mark.parametrize(
    ("identifier", "common"),
    [
        (email("info@a.example"), True),
        (email("Faktura2@a.example"), True),
        (email("inköp@a.example"), True),
        (email("it.support@a.example"), True),
        (email("no-reply+x@a.example"), True),
        (email("hr.persson@a.example"), False),
        (email("asa@a.example"), False),
        (phone("+46851740610"), True),
        (phone("+46701740605"), False),
        (phone("0701740605"), True),
        (phone("' OR 1=1"), True),
        (Identifier("salesforce_account", "001"), True),
        (Identifier("salesforce_contact", "003"), False),
    ],
)
def test_what_is_common_by_nature(identifier: Identifier, common: bool) -> None:
    """Role mailboxes, fixed lines, companies."""
    assert is_common(identifier) is common
