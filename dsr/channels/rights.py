"""Which right a ticket names. Nothing is guessed from prose: what isn't one right, and no more, a person decides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dsr.vocabulary import RIGHTS, UNCLEAR

_BETWEEN: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Named:
    """right    one of `vocabulary.RIGHTS`, or UNCLEAR
    unclear  why it is: "unnamed", "several" or "unknown"; "" when it isn't
    among    the rights that were named, each once; what is none is not kept
    """

    right: str
    unclear: str = ""
    among: tuple[str, ...] = ()


def named(stated: Sequence[str] | str | None) -> Named:
    """What a text field, or the options of a select field, say. In a text, blanks, commas or semicolons between."""
    texts = _BETWEEN.split(stated) if isinstance(stated, str) else [str(text).strip() for text in stated or ()]
    words = [word.lower() for word in texts if word]
    among = tuple(right for right in RIGHTS if right in words)
    if not words:
        return Named(UNCLEAR, "unnamed")
    if not set(words) <= set(RIGHTS):
        return Named(UNCLEAR, "unknown", among)
    return Named(among[0]) if len(among) == 1 else Named(UNCLEAR, "several", among)
