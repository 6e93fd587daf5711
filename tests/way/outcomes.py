"""What came of a request, so that it can be compared with what comes of it when nobody was killed."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from office import Office

from sandbox.comparison import difference
from sandbox.people import Person

TRIED: Final = frozenset({"enforced", "source_searched", "decision", "planned", "notified", "shredded"})
"""Events that say what was tried, not what came of it. What was enforced is compared by what it says, not how often."""
_REASONS: Final = {"earlier_attempt": "None"}
"""That a killed attempt did it, and the next one saw so, is no other end."""
_BY_CONTENT: Final = re.compile(r"[0-9a-f-]{16,}")


@dataclass(frozen=True)
class Outcome:
    """What came of a request. changes: of systems, without ids; events: how many of each kind; enforced: what each
    dataset's changes came to; notified: who; answers: whether each closed the ticket; notices: how often each was
    posted; suppressed: scopes; erased: entries of the erasure ledger by dataset; failed: task → code; kept: objects of
    the case store by name without the case's; chain: whether the ledger is whole."""

    changes: Counter[tuple[str, ...]]
    events: Counter[str]
    enforced: frozenset[tuple[str, ...]]
    notified: frozenset[str]
    answers: list[bool]
    notices: list[int]
    suppressed: frozenset[str]
    erased: frozenset[tuple[str, int]]
    failed: dict[str, str]
    kept: Counter[str]
    chain: bool

    def differs(self, other: "Outcome") -> list[str]:
        """What is otherwise."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in vars(self)}
        return [
            f"{name}: {_less(was, now)} became {_less(now, was)}" for name, (was, now) in pairs.items() if was != now
        ]


def _less(one: Any, other: Any) -> Any:
    """What only one of them has."""
    return one - other if isinstance(one, Counter | frozenset) else one


def outcome(office: Office, request_id: str, person: Person, before: list[str], notices: int) -> Outcome:
    """After its end."""
    # Bins are emptied as time passes, whatever is asked.
    binned = {(e["system"], e["kind"], e["id"]) for e in map(json.loads, before) if e["deleted"]}
    found = [c for c in difference(before, office.state()) if (c.system, c.kind, c.id) not in binned]
    changes = Counter((c.system, c.kind, c.person, c.what, *(c.fields if c.what == "changed" else ())) for c in found)
    events = office.events(request_id)
    said = [e.detail for e in events if e.kind == "enforced"]
    with office.at_work() as place:
        erased = Counter(
            (name, record.dataset)
            for name in place.erasures.sources()
            for record in place.erasures.erased(name, request_id)
        )
        chain = place.ledger.verify() > 0
        place.cases.sweep(office.now() + timedelta(days=2))  # as the nights do; killed writers leave parts
    return Outcome(
        changes,
        Counter(e.kind for e in events if e.kind not in TRIED),
        frozenset(
            (d["source"], d["dataset"], d["outcome"], _REASONS.get(d.get("reason"), str(d.get("reason"))))
            for d in said
            if d["outcome"] != "scheduled"
        ),
        frozenset(e.detail["recipient"] for e in events if e.kind == "notified"),
        [a["closed"] for a in office.answers(request_id)],
        [n["posted"] for n in office.notices()[notices:]],
        frozenset(office.suppressed(person.email)),
        frozenset((f"{name}.{dataset}", count) for (name, dataset), count in erased.items()),
        office.runner.run(request_id).failed,
        kept(office, request_id),
        chain,
    )


def kept(office: Office, request_id: str) -> Counter[str]:
    """What lies in the case store, by name: plaintext and keys that were left behind would be among it. What is named
    by its content has other content each time."""
    store = office.folder / "cases"
    names = [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()]
    return Counter(_BY_CONTENT.sub("*", name.replace(request_id, "request")) for name in names)
