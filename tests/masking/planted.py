"""Texts with people's data planted in them, spelt in all the ways that people spell it."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

from dsr.masking import KnownPeople, Person

OWN = Person(
    names=("Åsa-Lärka Öhrnqvist D'Arcy",),
    emails=("asa.ohrnqvist@kvarnberget.example",),
    phones=("+46701740605", "+46851740610"),
    addresses=("Kvarnbergsvägen 17 C, 126 37 Hägersten",),
    numbers=("19850101-1236", "SE3550000000054910000003"),
)
OTHERS = (
    Person(
        names=("Birger Qvarnsträng",),
        emails=("birger.qvarnstrang@kvarnberget.example",),
        phones=("+46701740613",),
        addresses=("Lövholmsgränd 331, 117 43 Stockholm",),
    ),
    Person(names=("Torkel Öhrnqvist-Plusén",), emails=("asa.ohrnqvist+torkel@kvarnberget.example",)),
    Person(names=("Öhrnqvistdotter, Åse", "Maja Zetterlöw"), emails=("asa.ohrnqvist@kvarnberget.example.org",)),
    Person(names=("Robert O'Quote",), phones=("+4790012345",)),
)
STAFF = Person(names=("Svea Kundqvist",), emails=("svea.kundqvist@controller.example",), staff=True)
KNOWN = KnownPeople([*OTHERS, STAFF])


@dataclass(frozen=True)
class Piece:
    """A piece of a text, and whose it is: own, others' or nobody's."""

    text: str
    whose: str


def plain(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str, str.upper, str.lower, str.title, plain, lambda name: plain(name).lower(),
    lambda name: unicodedata.normalize("NFD", name), lambda name: unicodedata.normalize("NFD", name).upper(),
    lambda name: name + "s", lambda name: name.upper() + "S", lambda name: name + "’s",
    lambda name: name.replace(" ", "\u00a0"), lambda name: name.replace(" ", "\n"), lambda name: name.replace("-", " "),
)  # fmt: skip
PHONES: tuple[Callable[[str], str], ...] = (
    lambda n: f"+46{n}", lambda n: f"0046{n}", lambda n: f"0{n}", lambda n: f"0{n[:2]}-{n[2:5]} {n[5:7]} {n[7:]}",
    lambda n: f"+46 (0){n[:2]}-{n[2:]}", lambda n: f"(0{n[:2]}) {n[2:]}",
    lambda n: f"0{n[:2]}/{n[2:5]}.{n[5:7]}.{n[7:]}",
    lambda n: f"0{n[:2]}\u00a0{n[2:5]}\u00a0{n[5:]}", lambda n: f"+46 {n[:2]} {n[2:5]} {n[5:]}",
)  # fmt: skip
EMAILS: tuple[Callable[[str], str], ...] = (
    str, str.upper, lambda e: f"<{e}>", lambda e: f"mailto:{e}", lambda e: e.replace("@", "\uff20"),
    lambda e: e.replace("@", " (at) "), lambda e: e.replace("@", "[at]"), lambda e: e.replace("@", " snabel-a "),
    lambda e: f"{e}.",
)  # fmt: skip
NUMBERS: tuple[Callable[[str, str], str], ...] = (
    lambda birth, rest: f"{birth}-{rest}", lambda birth, rest: f"{birth[2:]}-{rest}",
    lambda birth, rest: f"{birth[2:]}+{rest}", lambda birth, rest: f"{birth}{rest}",
    lambda birth, rest: f"{birth[2:]}{rest}", lambda birth, rest: f"{birth[2:]}\u2013{rest}",
)  # fmt: skip


def check_digit(digits: str) -> str:
    """By the schoolbook: every second digit doubled, from the left for nine digits, digits of the products summed."""
    total = sum(int(c) for place, d in enumerate(digits) for c in str(int(d) * (2 - place % 2)))
    return str(-total % 10)


@st.composite
def personal_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """YYYYMMDD and four digits: a personnummer, or a samordningsnummer with 60 more than the day."""
    born = date(1920, 1, 1) + timedelta(days=draw(st.integers(0, 38_000)))
    birth = f"{born:%Y%m}{born.day + draw(st.sampled_from((0, 60))):02d}"
    serial = f"{draw(st.integers(0, 999)):03d}"
    return birth, serial + check_digit(birth[2:] + serial)


@st.composite
def _others(draw: st.DrawFn) -> Piece:
    person = draw(st.sampled_from([*OTHERS, STAFF]))
    way = draw(st.sampled_from(["name", "inverted", "email", "phone", "number", "address"]))
    if way == "number":
        return Piece(draw(st.sampled_from(NUMBERS))(*draw(personal_numbers())), "others")
    if way == "phone":
        national = f"70{draw(st.integers(2_000_000, 9_999_999))}"
        return Piece(draw(st.sampled_from(PHONES))(national), "others")
    if way == "email" and person.emails:
        return Piece(draw(st.sampled_from(EMAILS))(person.emails[0]), "others")
    if way == "address" and person.addresses:
        return Piece(draw(st.sampled_from(SPELLINGS[:8]))(person.addresses[0].partition(",")[0]), "others")
    name = draw(st.sampled_from(person.names))
    family, comma, given = name.partition(", ")
    name = f"{given} {family}" if comma else name
    if way == "inverted":
        name = "{1}, {0}".format(*name.split(" ", 1))
    return Piece(draw(st.sampled_from(SPELLINGS))(name), "others")


@st.composite
def _own(draw: st.DrawFn) -> Piece:
    way = draw(st.sampled_from(["name", "inverted", "email", "phone", "number", "address"]))
    if way == "email":
        return Piece(draw(st.sampled_from(EMAILS))(OWN.emails[0]), "own")
    if way == "phone":
        return Piece(draw(st.sampled_from(PHONES))("701740605"), "own")
    if way == "number":
        iban = st.sampled_from(("SE35 5000 0000 0549 1000 0003", "SE3550000000054910000003"))
        own = st.sampled_from(NUMBERS).map(lambda form: form("19850101", "1236"))
        return Piece(draw(iban | own), "own")
    names = {"name": OWN.names[0], "inverted": "Öhrnqvist D'Arcy, Åsa-Lärka"}
    text = names.get(way, "Kvarnbergsvägen 17 C")
    return Piece(draw(st.sampled_from(SPELLINGS))(text), "own")


_NOBODYS = st.sampled_from(
    ["leveransen är sen", "ring mig", "order 4711", "2026-01-08", "kl 10.30", "1 250,50 kr", "info@firma.example",
     "👩‍👩‍👧 tack", "😀"]
).map(lambda text: Piece(text, "nobodys"))  # fmt: skip
SEPARATORS = (" | ", "\n\n", "; ", " och ", ' "', " – ", "! ")


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text, and where in it what of whom stands."""
    text, places = "", []
    for piece in draw(st.lists(st.one_of(_others(), _own(), _NOBODYS), min_size=1, max_size=8)):
        places.append((len(text), len(text) + len(piece.text), piece.whose))
        text += piece.text + draw(st.sampled_from(SEPARATORS))
    return text, places
