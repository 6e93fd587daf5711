"""What changed in the sandbox between two readings of `GET /state`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["added", "removed", "changed"]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Change:
    """One entry that is new, gone or different. `person`: as in the entry, before if it was there; "" for unknown.

    `fields`: sorted names of the content's fields that differ, and `deleted` when it went into a bin or came out of
    one; of an entry that was added or removed all its fields.
    """

    system: str
    kind: str
    id: str
    person: str
    what: What
    fields: tuple[str, ...]


def difference(before: Iterable[str], after: Iterable[str]) -> list[Change]:
    """Changes from one to the other, by system, kind and id. Both are lines of JSON as `sandbox.entries` has them.

    Only lines that differ are parsed a second time; memory grows with the text of `before`.
    """
    known = dict(_keyed(before))
    changes: list[Change] = []
    for key, line in _keyed(after):
        old = known.pop(key, None)
        if old is None:
            changes.append(_whole(key, line, "added"))
        elif old != line:
            changes.append(_changed(key, old, line))
    changes += [_whole(key, line, "removed") for key, line in known.items()]
    return sorted(changes, key=lambda change: (change.system, change.kind, change.id))


def _keyed(lines: Iterable[str]) -> Iterator[tuple[Key, str]]:
    for line in lines:
        if line.strip():
            entry = json.loads(line)
            yield (entry["system"], entry["kind"], entry["id"]), line.strip()


def _whole(key: Key, line: str, what: What) -> Change:
    entry = json.loads(line)
    return Change(*key, entry.get("person", ""), what, tuple(sorted(entry["content"])))


def _changed(key: Key, old: str, new: str) -> Change:
    one, other = json.loads(old), json.loads(new)
    fields = set(_differing(one["content"], other["content"]))
    if one["deleted"] != other["deleted"]:
        fields.add("deleted")
    return Change(*key, one.get("person", "") or other.get("person", ""), "changed", tuple(sorted(fields)))


def _differing(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    absent = object()
    return (name for name in {**one, **other} if one.get(name, absent) != other.get(name, absent))
