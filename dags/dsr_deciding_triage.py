"""What an officer may answer about a request before anything is read, and what each answer leaves in the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dsr_refusals import REFUSE

if TYPE_CHECKING:
    from dsr.ledger import Event
    from dsr.settings import Settings

OURS: Final = "It is for us: start it"
ASK: Final = "Ask them which right they mean"
RECRUITING: Final = "Refer to recruiting: it is about an application"
CUSTOMER: Final = "Refer to the customer on whose behalf we process"
ELSEWHERE: Final = "It is no such request: leave it to the ticket"
REFUSALS: Final[Mapping[str, str]] = {
    answer: reason for answer, reason in REFUSE.items() if reason in ("manifestly_excessive", "manifestly_unfounded")
}
"""Art. 12(5)(b)."""


@dataclass(frozen=True)
class Understood:
    """A right that an unclear ticket may mean. `ground` and `purposes`: what stands in for what the ticket doesn't
    state."""

    right: str
    ground: str = ""
    purposes: tuple[str, ...] = ()


UNDERSTOOD: Final[Mapping[str, Understood]] = {
    "They ask for a copy of their data (Art. 15)": Understood("access"),
    "They ask for data to take along (Art. 20)": Understood("portability"),
    "They ask for erasure (Art. 17)": Understood("erasure"),
    "They ask for restriction (Art. 18)": Understood("restriction"),
    "They ask for the correction that the ticket states (Art. 16)": Understood("rectification"),
    "They object to direct marketing (Art. 21(2))": Understood("objection", ground="direct_marketing"),
    "They object to what rests on a legitimate interest (Art. 21(1))": Understood(
        "objection", ground="legitimate_interest"
    ),
    "They withdraw their consent to marketing (Art. 7(3))": Understood("withdrawal", purposes=("dpv:DirectMarketing",)),
}

_OPEN: Final[Mapping[str, str]] = {
    "right": "**which right it is**: the ticket names none, several, or another thing",
    "application": "**whether it is about an application**: the ticket says so; recruiting has a notice of its own",
    "on_behalf": "**whether it is ours**: the ticket says that it is about what we process for a customer",
    "frequent": "**whether it is excessive**: the address has asked often. That alone is no reason to refuse",
}


def every(customers: Sequence[str]) -> list[str]:
    """All answers there are; `customers`: keys of those whom one may be referred to."""
    to = [CUSTOMER, *(f"{CUSTOMER}: {key}" for key in customers)]
    return [OURS, *UNDERSTOOD, ASK, RECRUITING, *to, *REFUSALS, ELSEWHERE]


def open_to(request: Mapping[str, Any], settings: "Settings") -> list[str]:
    """Those that this request may get: a right only if it is switched on and what it needs is stated."""
    from dsr.triage import fitting
    from dsr.vocabulary import UNCLEAR

    unclear = request["right"] == UNCLEAR
    rights = [
        answer
        for answer, meant in UNDERSTOOD.items()
        if meant.right in settings.rights and fitting(request, meant.right, meant.ground, meant.purposes)
    ]
    own = [*rights, ASK] if unclear else [OURS]
    return [a for a in every(tuple(settings.customers)) if a in own or a not in (OURS, *UNDERSTOOD, ASK)]


def customer_of(answer: str) -> str | None:
    """The key in an answer that refers to a customer; "" = none is named, None = it doesn't refer to one."""
    return answer.removeprefix(CUSTOMER).removeprefix(": ") if answer.startswith(CUSTOMER) else None


def shown(events: Sequence["Event"], request: Mapping[str, Any], relation: Mapping[str, Any]) -> str:
    """What an officer sees: what is open, in counts and codes."""
    triaged = next(event.detail for event in events if event.kind == "triaged")
    lines = ["To settle:", "", *(f"- {_OPEN[question]}" for question in triaged["questions"]), ""]
    told = {
        "Right": request["right"],
        "Named": ", ".join(triaged.get("among", ())),
        "Customer": relation["customer"],
        "Requests of this address within twelve months": str(triaged["within_year"]),
        "Channel": request["channel"],
        "Language": request["language"],
        "Answer due": request["due"]["legal_latest"],
    }
    rows = [f"| {name} | {value} |" for name, value in told.items() if value]
    return "\n".join([*lines, "| | |", "|---|---|", *rows])
