"""What in a text may be somebody else's, proposed for a person to decide on (Art. 15(4)): nothing here decides.

    known = KnownPeople([Person(names=("Karin Berg",), emails=("karin@firma.se",), staff=True), …])
    masks = propose(text, known, own)               # Mask(start, end, kind), …
    shown = apply(text, masks, "sv")                # "Jag talade med [medarbetare] om det."

Pure functions of their arguments: no I/O but the markers' texts, no clock, no Airflow. `turns` tells whose words the
parts of a conversation are, `propose_turns` masks those of others as a whole.
"""

from dsr.masking.marking import apply, markers
from dsr.masking.masks import KINDS, Mask, Person
from dsr.masking.people import KnownPeople
from dsr.masking.proposing import propose
from dsr.masking.turns import VOICES, Turn, propose_turns, row_voice, turns

__all__ = [
    "KINDS",
    "VOICES",
    "KnownPeople",
    "Mask",
    "Person",
    "Turn",
    "apply",
    "markers",
    "propose",
    "propose_turns",
    "row_voice",
    "turns",
]
