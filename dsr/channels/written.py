"""Whether a text is in a ticket already, for systems that have no key against a repeated comment."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from dsr.channels.ticket import Answer
from dsr.errors import TransientError

_MOST_PAGES: Final = 1_000


@dataclass(frozen=True)
class Comment:
    """One comment of a ticket as plain text; `public`: the requester reads it."""

    text: str
    public: bool


def pages(place: str) -> Iterator[int]:
    """1, 2, 3 … for the pages of a ticket's comments; TransientError("pages.endless") when they have no end."""
    yield from range(1, _MOST_PAGES + 1)
    raise TransientError("pages.endless", place)


def confirm(answered: Any, place: str, within: str = "") -> None:
    """TransientError("answer.invalid") unless what a system answered to a comment is an object with an id (`within`: a
    member of it), as all of theirs are. Something between it and us may answer 200 and have done nothing; then nobody
    knows, and the ticket is looked at before the next attempt."""
    try:
        value = json.loads(answered.content)
        known = bool((value[within] if within else value)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise TransientError("answer.invalid", place) from None


def occurrences(answer: Answer, comments: Iterable[Comment]) -> int:
    """How many of the comments are that answer. Systems change blanks and line breaks, so those don't count."""
    wanted = _words(answer.text)
    return sum(comment.public == answer.public and _words(comment.text) == wanted for comment in comments)


def _words(text: str) -> list[str]:
    return text.split()
