"""What came of a request, as it is compared with the same request that nothing was done to."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from observed import Observed
from privacy_office import Office

from sandbox.comparison import difference

_ONCE: Final = (
    "suppressed", "readmitted", "verified", "notified", "certified", "answered", "delivered", "lift_announced",
    "closed", "shredded", "composed", "planned",
)  # fmt: skip
"""What a task that was done again must not have put down twice."""
_WORKING: Final = ("rows/", "found/", "search/", "collected/", "attachments/", "plan/", "fresh/", "document", "carried")
_OWN: Final = re.compile(r"dsr-[a-z0-9]{26}|[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}|https?://\S+")
"""What differs from request to request in an answer: its reference, code and link."""


@dataclass(frozen=True)
class Outcome:
    """Changes of the systems, events of each kind, answers, the certificate's systems, mails, working data that is
    left, tasks that failed."""

    changes: Counter[tuple[str, ...]]
    events: Counter[str]
    answers: list[tuple[str, bool]]
    certified: Any
    mails: int
    left: list[str]
    failed: list[str]

    @classmethod
    def of(cls, stack: Observed, office: Office, request_id: str, before: list[str]) -> "Outcome":
        """Of a request that has ended. `before`: the whole state of all systems before it was asked."""
        found = difference(before, stack.state())
        shapes = Counter(
            (c.system, c.kind, c.person, c.what, *(c.fields if c.what == "changed" else ()))
            for c in found
            if c.system not in ("callback", "mail", "processor")
        )
        events, case = Counter(stack.kinds(request_id)), stack.case(request_id)
        answers = [(_OWN.sub("", a["text"]), a["closed"]) for a in stack.requester.answers(request_id)]
        states = office.states(request_id)
        return cls(
            shapes,
            Counter({kind: events[kind] for kind in _ONCE}),
            answers,
            case.read_json("certificate")["systems"] if case.exists("certificate") else None,
            len(stack.requester.mails(request_id)),
            [name for name in case.names() if name.startswith(_WORKING)],
            sorted(name for name, state in states.items() if state in ("failed", "upstream_failed")),
        )

    def differs(self, other: "Outcome") -> list[str]:
        """The names of what is otherwise, with how."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in vars(self)}
        return [f"{name}: {was!r} became {now!r}" for name, (was, now) in pairs.items() if was != now]
