"""Whose words: turns in call transcripts, chats, questions and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dsr.masking.masks import Mask, Person
from dsr.masking.people import KnownPeople

VOICES: Final = ("own", "staff", "system", "other", "unknown")
"""Who speaks: the subject, an employee of the controller, a machine, somebody else, nobody can tell."""


@dataclass(frozen=True)
class Turn:
    """`text[start:end]` are the words of one speaker (without the head that names them, if there is one).
    `head`: where the head with the speaker's name is, (start, end); None when there is none."""

    start: int
    end: int
    voice: str
    head: tuple[int, int] | None = None


def turns(text: str, known: KnownPeople, own: Person) -> tuple[Turn, ...]:
    """The turns of a conversation held in one text, in order: a Zoom chat file (`00:01:01<TAB>Name:<TAB>text`), WebVTT
    (`Name: text` or `<v Name>` in a cue), or lines that begin `Name:` with a name or role that is known. () = the text
    has no such form, and is nobody's turn."""
    raise NotImplementedError


def row_voice(dataset: str, field: str, row: Mapping[str, Any]) -> str:
    """The voice of a text field of a row: "own", …; "unknown" for datasets whose rows are no turns."""
    raise NotImplementedError


def propose_turns(
    text: str, known: KnownPeople, own: Person, spoken: tuple[Turn, ...], country: str = "SE", *, staff: bool = False
) -> tuple[Mask, ...]:
    """`propose` for a conversation: turns of others (and of nobody knows whom) are proposed as a whole, with the head
    that names them; so are employees' when `staff`; else what they said is treated like any text. In the subject's own
    turns everything of others is proposed as `mentioned`."""
    raise NotImplementedError
