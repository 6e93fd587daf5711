"""What has to be settled about a request before any system is searched for it, and by whom.

Nothing here settles anything: it names the questions, and a person's recorded decision answers them. Only that a
request is the same as an open one of the same person is seen without a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from dsr.channels.acting import GROUNDS
from dsr.ledger import Event
from dsr.standing import Standing
from dsr.vocabulary import RIGHTS, UNCLEAR

QUESTIONS: Final = ("right", "application", "on_behalf", "frequent")
"""right: which right is it (Art. 12(2)); application: is it about an application for a job, which a notice of its own
covers; on_behalf: are we only a processor (Art. 28(3)(e)); frequent: has this address asked so often that somebody
should look (Art. 12(5)), which by itself says nothing."""
FREQUENT: Final = QUESTIONS[-1]
"""Of what is open already nobody needs to ask it."""
WITHIN: Final = timedelta(days=365)
"""Requests of an address are counted over this time."""
TRIAGED: Final = "triaged"
"""Kind of the event: {"questions", "within_year"}, for an unclear right {"unclear", "among"} too."""
LINKED: Final = "linked"
"""Kind of the event in the ledger of both: {"to"} the open request, or {"from"} the one that was joined to it."""
DECISION: Final = "triage"
"""Of an event `decision`: {"choice"}: take, refer, refuse or elsewhere; with take {"right", "reason"}."""
_DONE: Final = ("closed", "failed", "shredded")
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "corrections": ("rectification",),
    "purposes": ("restriction", "objection", "withdrawal"),
    "ground": tuple(GROUNDS),
    "package": ("access", "portability"),
    "transmit_to": ("portability",),
}
"""What a request may carry → the rights that know it."""


def questions(right: str, about: str, within_year: int, frequent_from: int) -> tuple[str, ...]:
    """Those of `QUESTIONS` that are open; () = it goes its way. `about`: one of `vocabulary.ABOUT` or "";
    `within_year`: the how-manieth request of its address it is; `frequent_from`: as `Settings.frequent_from`."""
    often = 0 < frequent_from <= within_year
    asked = {"right": right == UNCLEAR, "application": about == "application"}
    asked |= {"on_behalf": about == "on_behalf", "frequent": often}
    return tuple(question for question in QUESTIONS if asked[question])


def settled(events: Iterable[Event]) -> bool:
    """Whether systems may be searched for a request, by its events: nothing was open, or a person said that it is ours
    and which right it is; and it wasn't joined to another. A request that an earlier version of this program started
    never came by here, and counts as settled."""
    known = list(events)
    if linked_to(known):
        return False
    triaged = [e.detail["questions"] for e in known if e.kind == TRIAGED]
    if not triaged:
        return any(e.kind == "run_started" for e in known)
    words = [e.detail["choice"] for e in known if e.kind == "decision" and e.detail["decision"] == DECISION]
    return words[-1] == "take" if words else not triaged[-1]


def linked_to(events: Iterable[Event]) -> str:
    """The open request that this one was joined to; "" = none."""
    return next((str(e.detail["to"]) for e in events if e.kind == LINKED and "to" in e.detail), "")


def is_open(events: Sequence[Event]) -> bool:
    """Whether a request is being worked on by itself, so that another one of the same kind need not be. One whose run
    has ended otherwise than by an answer isn't: nobody may come back to it."""
    standing = Standing.of(events)
    done = linked_to(events) or any(e.kind in _DONE for e in events)
    return standing is not None and not standing.answered and not done


def fitting(
    request: Mapping[str, Any], right: str, ground: str = "", purposes: Sequence[str] = ()
) -> dict[str, Any] | None:
    """The request, once a person has said which right it is: what that right doesn't know is left out, and `ground` and
    `purposes` are put in where it states none that fits. None when that right needs something that isn't stated."""
    if right not in RIGHTS:
        return None
    kept = {name: value for name, value in request.items() if right in _OWN.get(name, (right,))}
    kept["right"] = right
    if kept.get("ground") not in GROUNDS.get(right, ()):
        kept.pop("ground", None)
    if ground:
        kept["ground"] = ground
    if purposes and not kept.get("purposes"):
        kept["purposes"] = list(purposes)
    needs = {"rectification": "corrections", "objection": "ground", "withdrawal": "purposes"}.get(right)
    return kept if needs is None or kept.get(needs) else None
