"""The chat file of a recording: plain text, one message after another.

    00:01:01<TAB>Display name:<TAB>text          lines that follow without such a head belong to the message

It names people by display name only. A message that begins with `Replying to "…"` or `Reacted to "…"` quotes
somebody else.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_HEAD = re.compile(r"(?P<offset>\d{1,3}:\d{2}:\d{2})\s*\t\s*(?P<name>[^\t]*?)\s*:\s*\t(?P<text>.*)")
_QUOTE = re.compile(r'\A(?P<verb>(?:Replying|Reacted) to) "(?P<quoted>.*?)"(?=\n| with |\Z)', re.DOTALL)


@dataclass(frozen=True)
class Message:
    """`number` counts from 1 in the file; `offset` is HH:MM:SS since the recording began."""

    number: int
    offset: str
    name: str
    text: str


@dataclass(frozen=True)
class Chat:
    """A chat file as it came. `whole`: it is as long as the vendor says, or that isn't said."""

    messages: tuple[Message, ...]
    whole: bool


def messages(content: bytes) -> Iterator[Message]:
    """The messages of a chat file, in order. Lines before the first head are a message of nobody (name "")."""
    offset, name, lines, number = "", "", [], 0
    for line in content.decode("utf-8-sig", "replace").split("\n"):
        head = _HEAD.fullmatch(line.removesuffix("\r"))
        if head is None:
            lines.append(line.removesuffix("\r"))
            continue
        if name or any(lines):
            number += 1
            yield Message(number, offset, name, "\n".join(lines))
        offset, name, lines = head["offset"], head["name"], [head["text"]]
    while lines and not lines[-1]:
        lines.pop()
    if lines:
        yield Message(number + 1, offset, name, "\n".join(lines))


def own_words(text: str) -> tuple[str, bool]:
    """A message without what it quotes of somebody else, and whether there was such a quote."""
    own, count = _QUOTE.subn(r'\g<verb> "[…]"', text)
    return own, count > 0


def same_name(name: object) -> str:
    """The form in which display names are compared: composed, without case, blanks run together."""
    text = unicodedata.normalize("NFKC", name) if isinstance(name, str) else ""
    return " ".join(text.casefold().split())
