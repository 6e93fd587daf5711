"""Text of unknown origin on its way into a line-based format."""

import re
from typing import Final

_BREAKS: Final = re.compile(r"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def block(text: str) -> str:
    """The text without control characters; every kind of line break is one line feed, which the formats escape."""
    return _CONTROLS.sub(" ", _BREAKS.sub("\n", text)).strip()


def line(text: str) -> str:
    """The same on a single line."""
    return " ".join(block(text).split())
