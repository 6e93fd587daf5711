"""A day at the office: all rights that change systems are asked for at the same time, and each comes to its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx
from killing import Killer
from observed import Observed
from privacy_office import APPROVED, ENDED, Office, Way

from embedded.client import FINAL
from embedded.clock import put_ahead
from sandbox.comparison import Change, difference

OFFICER: Final = "officer"
LIFT: Final = {**APPROVED, "decide_lift": ("Lift: the person asks for it", OFFICER)}
UPHOLD: Final = {"decide_objection": ("Uphold the objection", OFFICER)}
REFUSE: Final = {"decide_objection": ("Refuse: compelling legitimate grounds", OFFICER)}
_INTEREST: Final = {"ground": "legitimate_interest"}
_PHONE: Final = "+46 70 999 41 27"
CORRECTIONS: Final = {
    "address": "Nybyggarstigen 41 F",
    "language": "en",
    "salesforce_contact.MobilePhone": _PHONE,
    "salesforce_lead.MobilePhone": _PHONE,
    "pardot_prospect.phone": _PHONE,
    "invoicing_contact.mobile": _PHONE,
}
"""Of fields that no webinar has: what was once told there, nobody can correct."""
LISTED: Final = ("p000030", "p000031")
"""Who is on an erasure list."""
WAYS: Final[Mapping[str, Way]] = {
    "erased": Way("erasure", "p000000"),
    "killed": Way("erasure", "p000020"),
    "rectified": Way("rectification", "same_name", {"corrections": CORRECTIONS, "language": "en"}),
    "restricted": Way("restriction", "near_address", {"language": "en"}, LIFT),
    "upheld": Way("objection", "p000004", {**_INTEREST, "language": "en"}, UPHOLD),
    "refused": Way("objection", "p000005", {**_INTEREST, "language": "en"}, REFUSE),
    "marketing": Way("objection", "right_to_left", {"ground": "direct_marketing"}, {}),
    "withdrawn": Way("withdrawal", "formula", {"purposes": ["dpv:DirectMarketing"], "language": "en"}, {}),
}
"""What is asked for → who asks, and what is decided. `erased` and `killed` are two of whom the systems hold alike."""
KILLED: Final = {"make_plan": 0.1, "enforce.salesforce": 0.6, "verify": 0.4}
"""Tasks that are killed with -9 in the run of `killed`, so many seconds after they began."""
WAITING: Final = ("decide_lift", "decide_objection")


@dataclass(frozen=True)
class Day:
    """request ids by the name of their way; the whole state of all systems before anybody asked, once everything was
    done that waits for nobody, after the end of a restriction was announced, and at the end of the day after. killed:
    the tasks that were met at work."""

    stack: Observed
    office: Office
    requests: Mapping[str, str]
    before: list[str]
    meanwhile: list[str]
    announced: list[str]
    after: list[str]
    killed: list[str]

    def changes(self, name: str, since: str = "before", until: str = "after") -> list[Change]:
        """What became of the records of whoever went that way."""
        found = difference(getattr(self, since), getattr(self, until))
        return [change for change in found if WAYS[name].person in change.person.split(",")]

    def text(self, name: str, number: int = 0) -> str:
        """An answer in the ticket, the first if not said otherwise."""
        return str(self.stack.requester.answers(self.requests[name])[number]["text"])


def spend(stack: Observed) -> Day:
    """From the tickets to the answers, a restriction's end on the next day included."""
    office, before = Office(stack), stack.state()
    requests = {name: office.ask(way, f"T-{name}") for name, way in WAYS.items()}
    with Killer(stack, WAYS["killed"].dag, requests["killed"], KILLED) as killer:
        office.work(requests.values(), leaving=WAITING)
    meanwhile = stack.state()
    office.work(requests.values(), rests={**ENDED, "lift": {"up_for_retry"}})
    announced = stack.state()
    put_ahead(stack.running.folder, timedelta(days=1))
    for name in ("restricted", "refused"):
        office.clear(requests[name], "lift")
    office.work(requests.values())
    put_ahead(stack.running.folder, timedelta(0))
    return Day(stack, office, requests, before, meanwhile, announced, stack.state(), killer.killed)


def recipients_act(day: Day) -> None:
    """They do what they were told, and are asked about it again."""
    with httpx.Client(base_url=day.stack.running.endpoints["admin"], trust_env=False) as admin:
        admin.post("/processor/behaviour", json={"ends_after": 0}).raise_for_status()
        try:
            waiting = [r for r in day.requests.values() if day.office.states(r)["follow_notices"] == "up_for_retry"]
            for request_id in waiting:
                day.office.clear(request_id, "follow_notices")
            day.office.work(waiting, rests={"follow_notices": FINAL})
        finally:
            admin.post("/processor/behaviour", json={}).raise_for_status()
