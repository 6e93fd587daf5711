"""What a request that changes data may say besides its right: corrections (Art. 16 GDPR), the purposes that are to stop
(Art. 18, 21, 7(3)) and the ground (Art. 17(1), 18(1), 21). Nothing of it is guessed from a ticket's prose. The rules
are the same for every channel; a channel only knows where in its body each stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from dsr.channels.corrections import corrected
from dsr.channels.ticket import Acting, Refused
from dsr.vocabulary import UNCLEAR

GROUNDS: Final[Mapping[str, tuple[str, ...]]] = {
    "erasure": ("not_needed", "consent_withdrawn", "objection", "unlawful", "legal_obligation", "child"),
    "restriction": ("accuracy_contested", "unlawful", "legal_claims", "objection_pending"),
    "objection": ("legitimate_interest", "direct_marketing"),
}
"""Right → grounds, in the order of Art. 17(1)(a)-(f), 18(1)(a)-(d), 21(1) and 21(2). Other rights need none."""

PURPOSES: Final = (
    "dpv:DirectMarketing",
    "dpv:Marketing",
    "dpv:Personalisation",
    "dpv:CustomerRelationshipManagement",
    "dpv:CustomerCare",
    "dpv:CommunicationForCustomerCare",
    "dpv:CustomerOrderManagement",
    "dpv:PaymentManagement",
    "dpv:LegalCompliance",
    "dpv:EnforceSecurity",
    "dpv:IdentityVerification",
)
"""DPV 2.3 purposes that a request may name. Whether it is right about them is for `assess` and a person."""

POINTERS: Final[Mapping[str, str]] = {
    "corrections": "#/corrections",
    "purposes": "#/purposes",
    "ground": "#/ground",
}
"""Where these stand in a body of our own making."""

_WITH_PURPOSES: Final = ("restriction", "objection", "withdrawal")
_PURPOSES: Final = {term.lower(): term for term in PURPOSES}
_UNKNOWN: Final = "is not one of the accepted values"


def acting(
    right: str,
    corrections: Mapping[str, Any] | str | None,
    purposes: Iterable[str] | str | None,
    ground: str | None,
    place: str,
    pointers: Mapping[str, str] = POINTERS,
    before: Sequence[tuple[str, str]] = (),
) -> Acting:
    """What the request says. Refused("body.invalid") with all that is wrong, at `pointers`, after `before`.

    corrections  "email": value or "<dataset>.<field>": value; as text, one `key: value` a line. Without case where the
                 key is an attribute
    purposes     terms; as text, with blanks or commas between them. Without case: ticket systems' tags have none
    """
    problems, given = list(before), _lines(corrections) if isinstance(corrections, str) else corrections or {}
    named = purposes.replace(",", " ").split() if isinstance(purposes, str) else [p.strip() for p in purposes or ()]
    named = [purpose for purpose in named if purpose]
    code = (ground or "").strip()
    found, wrong = corrected(given)
    as_text = isinstance(corrections, str)
    problems += [
        (pointers["corrections"], f"{key[1:]} {what}".strip()) if as_text else (pointers["corrections"] + key, what)
        for key, what in wrong
    ]
    problems += [(pointers[name], what) for name, what in _problems(right, bool(given), named, code)]
    if problems:
        raise Refused("body.invalid", place, problems)
    return Acting(found, tuple(dict.fromkeys(_PURPOSES[purpose.lower()] for purpose in named)), code)


def _problems(right: str, corrections: bool, purposes: Sequence[str], ground: str) -> Iterator[tuple[str, str]]:
    if any(purpose.lower() not in _PURPOSES for purpose in purposes):
        yield "purposes", _UNKNOWN
    if right == UNCLEAR:  # what fits is seen once a person has said which it is
        if ground and not any(ground in codes for codes in GROUNDS.values()):
            yield "ground", _UNKNOWN
        return
    if corrections and right != "rectification":
        yield "corrections", "is for rectification only"
    if not corrections and right == "rectification":
        yield "corrections", "is required with rectification"
    if purposes and right not in _WITH_PURPOSES:
        yield "purposes", "is for restriction, objection and withdrawal only"
    if not purposes and right == "withdrawal":
        yield "purposes", "is required with withdrawal"
    if ground and right not in GROUNDS:
        yield "ground", "is for erasure, restriction and objection only"
    elif ground and ground not in GROUNDS[right]:
        yield "ground", _UNKNOWN
    if not ground and right == "objection":
        yield "ground", "is required with objection"


def _lines(text: str) -> dict[str, Any]:
    """Key and value of each line; a line without a colon is a key without a value. A key that stands twice keeps
    neither value, since nobody knows which is meant. Both are refused as such."""
    found: dict[str, Any] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        key, _, value = line.partition(":")
        found[key.strip()] = None if key.strip() in found else value.strip()
    return found
