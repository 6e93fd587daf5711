"""How each source was searched and what it found, as the case file keeps it.

found/<source>   the certain matches with the source's cache, for `collect` (`schemas/found.schema.json`)
search/<source>  the result of the search in numbers, for the search report
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.model import Found, Identifier, Match
from dsr.vocabulary import SEARCH_STATUSES

PLANNED: Final = "search-planned"
"""There once a plan was made of what this search found, and gone when another begins: a plan of an earlier search may
hold records that this one would not call theirs."""


@dataclass(frozen=True)
class SearchResult:
    """One line of the search report.

    status       one of `vocabulary.SEARCH_STATUSES`
    searched_at  when, aware; None when it was not connected
    matches      person-level records that surely are the person's
    doubtful     records that answered to something of theirs but not surely; left out
    code         why it failed; "" when it did not
    freshness    for a system without look-up, when its index was last filled; None = not indexed or never
    """

    source: str
    status: str
    searched_at: datetime | None = None
    matches: int = 0
    doubtful: int = 0
    code: str = ""
    freshness: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The form kept under search/<source>; code and freshness only when there are any."""
        value: dict[str, Any] = {"source": self.source, "status": self.status, "searched_at": stamp(self.searched_at)}
        value |= {"matches": self.matches, "doubtful": self.doubtful}
        if self.code:
            value["code"] = self.code
        if self.freshness:
            value["freshness"] = stamp(self.freshness)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SearchResult":
        """Back from `as_json`. PermanentError("search.status") for a status nobody knows."""
        if value["status"] not in SEARCH_STATUSES:
            raise PermanentError("search.status", str(value["source"]))
        return cls(
            value["source"],
            value["status"],
            _moment(value["searched_at"]),
            value["matches"],
            value["doubtful"],
            value.get("code", ""),
            _moment(value.get("freshness")),
        )


def found_as_json(found: Found) -> dict[str, Any]:
    """A Found as JSON. Identifiers are `[kind, value]`, sorted."""
    matches = [
        {
            "request_id": match.request_id,
            "dataset": match.dataset,
            "record_id": match.record_id,
            "by": _pairs(match.by),
            "holds": _pairs(match.holds),
            "person": match.person,
            "reference": dict(match.reference),
        }
        for match in found.matches
    ]
    return {"source": found.source, "cache": dict(found.cache), "matches": matches}


def found_from_json(value: Mapping[str, Any]) -> Found:
    """Back from `found_as_json`."""
    matches = tuple(
        Match(
            match["request_id"],
            match["dataset"],
            match["record_id"],
            _identifiers(match["by"]),
            _identifiers(match["holds"]),
            match["person"],
            match["reference"],
        )
        for match in value["matches"]
    )
    return Found(value["source"], matches, value["cache"])


def stamp(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with a Z; None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _pairs(identifiers: Iterable[Identifier]) -> list[list[str]]:
    return [[i.kind, i.value] for i in sorted(identifiers)]


def _identifiers(pairs: Iterable[Iterable[str]]) -> frozenset[Identifier]:
    return frozenset(Identifier(kind, value) for kind, value in pairs)
