"""Texts about people, with known truth: whose each name, address and number in them is."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.population import Human, Population, plain
from dsr.masking import Person
from dsr.masking.numbers import luhn

OTHERS: Final = "others"
OWN: Final = "own"
SHARED: Final = "shared"
"""A name that is the subject's, too: whose it is, the text doesn't say."""

_FRAMES: Final = """
Hej, {} här.|Jag talade med {} i går om ordern.|Enligt {} är leveransen sen.|Kontakta {} om det är något.
Tack, hälsar {}|Fråga {} eller ring växeln.|{} har redan svarat.|Se mejl från {} den 2026-03-05.
Spoke to {} about the invoice.|{} will call back tomorrow.|Ärendet flyttades till {}.|Kunden hänvisar till {}.
""".strip().replace("\n", "|")
_PLAIN: Final = """
Det kostar 1 250,50 kr per styck och dag.|Ett par pallar står kvar vid berget.|Var god ring mellan 8.30 och 16.45.
Ordernummer 4711-20260305, faktura 100200300.|Vi ses i maj, eller mars.|The will to help is strong, he may mark it.
En lång ström av bud, sten på sten.|Vår man på plats är en riktig stjärna.|Hör av dig till info@leverantor.example.
Artikel 5512 300 120 är slut i lager.|Björk och ek i lister, al finns inte.|Referens SE-2026-000417, rad 12.
""".strip().replace("\n", "|")
WAYS: Final = (
    "name",
    "given",
    "family",
    "lower",
    "part lower",
    "genitive",
    "inverted",
    "initial",
    "email",
    "phone",
    "personal number",
)
"""In which ways somebody is mentioned."""


@dataclass
class Mention:
    """`text[start:end]` is `whose`, written in that `way`."""

    start: int
    end: int
    whose: str
    way: str


@dataclass
class Story:
    """A text around a subject, what it mentions, and whom the systems know around them."""

    subject: Person
    known: list[Person] = field(repr=False)
    text: str = ""
    mentions: list[Mention] = field(default_factory=list)


def person(human: Human, *, staff: bool = False) -> Person:
    """What the systems know of a human."""
    return Person((human.name,), (human.email.value,), (human.mobile.value,), staff=staff)


def stories(world: Population, count: int, sentences: int) -> Iterator[Story]:
    """Texts about humans of a population: about them, the people around them, and nobody."""
    rng, clerks = world.rng, world.rng.sample(world.humans, 5)
    for _ in range(count):
        subject = rng.choice(world.humans)
        near = [h for h in [subject.partner, *(subject.company.people if subject.company else ())] if h]
        near = [h for h in near if h is not subject and h.name != subject.name][:20]
        around = [h for h in [*near, *rng.sample(world.humans, 20)] if h is not subject]
        number = personal_number(rng)
        own = Person((subject.name,), (subject.email.value,), (subject.mobile.value,), numbers=(number,))
        known = [person(h) for h in around] + [person(h, staff=True) for h in clerks]
        yield _told(Story(own, known), rng, subject, [*around, *clerks], number, sentences)


def _told(
    story: Story, rng: random.Random, subject: Human, others: Sequence[Human], number: str, sentences: int
) -> Story:
    own_words = {plain(w) for w in subject.name.replace("-", " ").split()}
    for _ in range(sentences):
        if rng.random() < 0.5:
            story.text += rng.choice(_PLAIN.split("|")) + " "
            continue
        frame = rng.choice(_FRAMES.split("|"))
        before, _, behind = frame.partition("{}")
        is_own = rng.random() < 0.3
        human = subject if is_own else rng.choice(others)
        way = rng.choice(WAYS)
        said = spelt(human, way, rng, number if is_own else personal_number(rng))
        parts = {plain(w) for w in said.replace("-", " ").replace(",", " ").split()}
        shared = not is_own and bool({p.removesuffix("s") for p in parts} & {w.removesuffix("s") for w in own_words})
        start = len(story.text) + len(before)
        story.text += f"{before}{said}{behind}" + rng.choice((" ", "\n"))
        whose = OWN if is_own else SHARED if shared else OTHERS
        story.mentions.append(Mention(start, start + len(said), whose, way))
    return story


def spelt(human: Human, way: str, rng: random.Random, number: str) -> str:
    """A human as somebody mentions them."""
    forms: dict[str, Callable[[], str]] = {
        "name": lambda: human.name,
        "given": lambda: human.given,
        "family": lambda: human.family,
        "lower": lambda: human.name.lower(),
        "part lower": lambda: rng.choice((human.given, human.family)).lower(),
        "genitive": lambda: f"{human.name}s",
        "inverted": lambda: f"{human.family}, {human.given}",
        "initial": lambda: f"{human.given[0]}. {human.family}",
        "email": lambda: human.email.value,
        "phone": lambda: _phone(human.mobile.value, rng),
        "personal number": lambda: number if rng.random() < 0.5 else number[2:],
    }
    return forms[way]()


def _phone(number: str, rng: random.Random) -> str:
    n = number.removeprefix("+46")
    grouped = f"0{n[:2]}-{n[2:5]} {n[5:7]} {n[7:]}"
    return rng.choice((number, grouped, f"0{n}", f"+46 (0){n[:2]}-{n[2:]}", f"0{n[:2]} {n[2:]}"))


def personal_number(rng: random.Random) -> str:
    """A personnummer with century and hyphen; the month and day of anybody, the check digit right."""
    birth = f"{rng.randrange(1940, 2008)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    serial = f"{rng.randrange(1000):03d}"
    digit = next(d for d in "0123456789" if luhn(f"{birth[2:]}{serial}{d}"))
    return f"{birth}-{serial}{digit}"
