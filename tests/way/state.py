"""What all systems hold at a moment, entry by entry, and what is otherwise at another."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[str, str, str]
"""System, kind, id."""


@dataclass(frozen=True)
class Changed:
    """An entry that is new (`before` is None), gone (`after` is None) or different."""

    key: Key
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def content(self) -> Mapping[str, Any]:
        """As it was, or is when it is new."""
        entry = self.before if self.before is not None else self.after
        return entry["content"] if entry is not None else {}

    @property
    def fields(self) -> frozenset[str]:
        """Names of what differs, `deleted` too; empty when it is new or gone. A flag that is off is as good as one that
        was never set."""
        if self.before is None or self.after is None:
            return frozenset()
        one, other = ({**e["content"], "deleted": e["deleted"]} for e in (self.before, self.after))
        return frozenset(n for n in {**one, **other} if (one.get(n) or None) != (other.get(n) or None))

    @property
    def person(self) -> str:
        """Keys of the people that it is about, "" when nobody is known."""
        return str((self.before or self.after or {}).get("person", ""))

    def __str__(self) -> str:
        what = "added" if self.before is None else "removed" if self.after is None else ",".join(sorted(self.fields))
        return f"{'/'.join(self.key)} ({self.person or 'nobody'}): {what}"


class State(dict[Key, Mapping[str, Any]]):
    """Entries as `sandbox.entries` has them."""

    @classmethod
    def of(cls, lines: Iterable[str]) -> "State":
        """From the lines of GET /state."""
        entries = (json.loads(line) for line in lines if line.strip())
        return cls({(e["system"], e["kind"], e["id"]): e for e in entries})

    def until(self, after: "State") -> list[Changed]:
        """What has changed since. Vendors' stamps count as changes too."""
        keys = sorted({*self, *after})
        return [Changed(k, self.get(k), after.get(k)) for k in keys if self.get(k) != after.get(k)]
