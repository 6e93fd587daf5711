"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Span:
    """The bytes from `start` up to, and without, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """In bytes."""
        return self.end - self.start

    def within(self, outer: "Span") -> "Span":
        """This span of what `outer` is of something larger, as a span of that."""
        return Span(outer.start + self.start, outer.start + self.end)


class Unsatisfiable(Exception):
    """The range begins beyond the file's end: 416."""


def asked_for(header: str | None, size: int) -> Span | None:
    """The span that a `Range` header names, cut at the file's end. None for the whole file: no header, several ranges,
    another unit or no sense in it, all of which may be ignored. Unsatisfiable."""
    found = _RANGE.fullmatch(header or "")
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        span = Span(max(size - int(last), 0), size)
    elif last and int(last) < int(first):
        return None
    else:
        span = Span(int(first), min(int(last) + 1, size) if last else size)
    if span.length <= 0:
        raise Unsatisfiable
    return span
