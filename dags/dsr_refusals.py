"""The answers by which an officer refuses a request, and what each leaves in the ledger."""

from collections.abc import Mapping
from typing import Final

from dsr.refusal import reasons

REFUSE: Final[Mapping[str, str]] = {
    "Refuse: who asks is not proven": "identity",
    "Refuse: manifestly excessive": "manifestly_excessive",
    "Refuse: manifestly unfounded": "manifestly_unfounded",
    "Refuse: no case of the right applies": "no_ground",
    "Refuse: the data was found accurate": "accurate",
    "Refuse: a law demands the processing": "legal_obligation",
    "Refuse: needed for legal claims": "legal_claims",
    "Refuse: freedom of expression": "freedom_of_expression",
}
"""Answer → reason, as `dsr.refusal` has it."""


def refusals_of(right: str) -> dict[str, str]:
    """Those of them that this right may be refused by before anything is done."""
    return {answer: reason for answer, reason in REFUSE.items() if reason in reasons(right)}


def reason_of(answer: str) -> dict[str, str]:
    """What a refusal adds to the decision's detail; {} for another answer."""
    return {"reason": REFUSE[answer]} if answer in REFUSE else {}
