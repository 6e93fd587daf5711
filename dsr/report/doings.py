"""What a certificate says, sorted into the parts of a letter. A letter must never claim more than was verified: a line
counts as done only when its outcome is, and what remains is never among what was done."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from dsr.errors import PermanentError

_ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "erasure": ("erase", "anonymise"),
    "restriction": ("restrict",),
    "rectification": ("rectify",),
    "objection": ("restrict", "erase", "anonymise"),
    "withdrawal": ("restrict", "erase", "anonymise"),
}
"""Right → the effects that do what it asks for. Another one, such as a restriction where erasure was asked for, is no
doing of it: the records are kept, on their ground."""
_DOING: Final = ("erase", "anonymise", "restrict", "rectify")
PARTS: Final = (
    *_DOING, "scheduled", "manual", "changed", "blocked", "expire", "kept", "unmarked", "doubtful", "unplaced",
)  # fmt: skip
"""The parts of a letter, in order. unmarked: kept on a ground, and a person still has to restrict it; doubtful: may be
somebody else's, and was left alone; unplaced: fields, not records, that were to be corrected and that no record has."""
_LEFT: Final = ("manual", "changed", "blocked", "expire", "kept", "unmarked", "doubtful", "unplaced")
"""Parts that say what was not done."""
_NOTHING_WRONG: Final = "just:NotRequiredJustification"
_LATER: Final = "not_planned"
_OPEN: Final = ("scheduled", "manual", "changed", "blocked", "unmarked", "doubtful", "unplaced")
"""Parts after which we come back to the person."""


@dataclass(frozen=True)
class Line:
    """A number of records in one system. ground: words, "" where none is needed; until: None when it isn't known;
    kinds: title of a dataset → how many of them are of it, sorted; () when that isn't known."""

    title: str
    count: int
    ground: str = ""
    until: date | None = None
    kinds: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Doings:
    """parts: name of `PARTS` → its lines, in that order; a part without lines is absent. absent: some of the records
    were gone before; nothing: titles of the systems that were searched and hold nothing."""

    parts: Mapping[str, tuple[Line, ...]]
    absent: bool = False
    nothing: tuple[str, ...] = ()

    @classmethod
    def of(cls, certificate: Mapping[str, Any], language: str, right: str) -> Self:
        """From a certificate, for a right. PermanentError("ground.absent") for something kept without a ground in
        words, ("certificate.empty") when it says nothing, ("certificate.invalid") for a form that isn't known."""
        sorted_in: dict[str, list[Line]] = {}
        try:
            if not any(certificate.get(name) for name in ("lines", "remaining", "manual", "doubtful", "unplaced")):
                raise PermanentError("certificate.empty", "letter")
            certificate = {**certificate, "lines": _concerned(certificate, right)}
            absent = any(line["outcome"] == "absent" for line in certificate["lines"])
            for part, given in _sorted(certificate, _ASKED[right]):
                line = _line(given, language)
                if part in ("kept", "unmarked") and not line.ground:
                    raise PermanentError("ground.absent", "letter")
                if line.count > 0:
                    sorted_in.setdefault(part, []).append(line)
            nothing = tuple(title[language] for title in certificate.get("nothing", ()))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise PermanentError("certificate.invalid", "letter") from None
        return cls({part: _merged(sorted_in[part]) for part in PARTS if part in sorted_in}, absent, nothing)

    @property
    def extent(self) -> str:
        """ "full", "partial" or "none": how much of what was asked for was done. What is only ordered isn't done; where
        all was gone before, all is done."""
        done = any(part in self.parts for part in _DOING)
        if not self.refusing and "scheduled" not in self.parts:
            return "full"
        return "partial" if done or not self.refusing else "none"

    @property
    def erasing(self) -> str:
        """What of an erasure was done is "mixed" when some was only anonymised, "anonymised" when all was, "ordered"
        when nothing is done yet; else ""."""
        erased, anonymised = ("erase" in self.parts, "anonymise" in self.parts)
        if anonymised:
            return "mixed" if erased else "anonymised"
        return "ordered" if not erased and "scheduled" in self.parts else ""

    @property
    def refusing(self) -> bool:
        """Whether something that was asked for isn't done, nor on its way by itself: Art. 12(4)."""
        return any(part in self.parts for part in _LEFT)

    @property
    def changed(self) -> bool:
        """Whether anything was done or ordered."""
        return any(part in self.parts for part in (*_DOING, "scheduled"))

    @property
    def unfinished(self) -> bool:
        """Whether something is still to come, so that the ticket stays open."""
        return any(part in self.parts for part in _OPEN)


def _concerned(certificate: Mapping[str, Any], right: str) -> Sequence[Mapping[str, Any]]:
    """The lines of a certificate that the request is about. Not about it is a record in which nothing was to be
    corrected, unless that is all there is to say; nor, but for an erasure, what came after it was decided: a
    restriction is on the person, and a correction is of what was wrong."""
    told = [line for line in certificate["lines"] if right == "erasure" or line["ground"] != _LATER]
    concerned = [line for line in told if line["ground"] != _NOTHING_WRONG]
    return concerned if concerned or certificate.get("unplaced") else told


def _sorted(certificate: Mapping[str, Any], asked: Sequence[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for line in certificate["lines"]:
        part = _part(line["effect"], line["outcome"], asked)
        if part:
            yield part, line
    yield from ((name, line) for name in ("doubtful", "unplaced") for line in certificate.get(name, ()))
    for part, name in (("kept", "remaining"), ("manual", "manual")):
        told = {_what(line) for line in certificate["lines"] if _part(line["effect"], line["outcome"], asked) == part}
        yield from ((part, line) for line in certificate.get(name, ()) if _what(line) not in told)


def _what(line: Mapping[str, Any]) -> tuple[str, str]:
    """A certificate may name what remains among its lines too; it is counted once."""
    return line["source"], line["dataset"]


def _part(effect: str, outcome: str, asked: Sequence[str]) -> str:
    """Where a line belongs; "" for what was gone before or needs no words."""
    if outcome == "absent":
        return ""
    if effect == "expire":
        return effect
    if effect == "manual" or (outcome == "manual" and effect in asked):
        return "manual"
    if effect == "restrict" and outcome == "manual":
        return "unmarked"
    if effect == "keep" or outcome == "retained" or (effect in _DOING and effect not in asked):
        return "kept"
    if outcome in ("scheduled", "changed", "blocked"):
        return outcome
    if outcome == "done" and effect in _DOING:
        return effect
    raise ValueError(effect)


def _line(given: Mapping[str, Any], language: str) -> Line:
    until = given.get("until")
    words = (given.get("ground_words") or {}).get(language) or ""
    count, what = int(given["count"]), (given.get("what") or {}).get(language)
    kinds = ((what, count),) if what else ()
    return Line(given["title"][language], count, words, date.fromisoformat(until) if until else None, kinds)


def _merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line per title, ground and date; sorted."""
    alike: dict[tuple[str, str, date | None], list[Line]] = {}
    for line in lines:
        alike.setdefault((line.title, line.ground, line.until), []).append(line)
    ordered = sorted(alike.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or date.max))
    return tuple(
        Line(title, sum(line.count for line in found), ground, until, _kinds(found))
        for (title, ground, until), found in ordered
    )


def _kinds(lines: Iterable[Line]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(dict(line.kinds))
    return tuple(sorted(counts.items()))
