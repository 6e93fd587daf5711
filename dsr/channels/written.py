"""Whether a text is in a ticket already, for systems that have no key against a repeated comment."""

from collections.abc import Iterable
from dataclasses import dataclass

from dsr.channels.ticket import Answer


@dataclass(frozen=True)
class Comment:
    """One comment of a ticket as plain text; `public`: the requester reads it."""

    text: str
    public: bool


def occurrences(answer: Answer, comments: Iterable[Comment]) -> int:
    """How many of the comments are that answer. Systems change blanks and line breaks, so those don't count."""
    wanted = _words(answer.text)
    return sum(comment.public == answer.public and _words(comment.text) == wanted for comment in comments)


def _words(text: str) -> list[str]:
    return text.split()
