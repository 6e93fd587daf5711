"""What a request bars processing for, and what therefore stands on the suppression list."""

from collections.abc import Mapping
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.vocabulary import MARKETING as OF_MARKETING

MARKETING: Final = ("dpv:DirectMarketing", "dpv:Personalisation")
"""What an objection to direct marketing, or a withdrawn consent, is about when the request doesn't say (Art. 21(2))."""
EXAMINED: Final = "legitimate_interest"
"""The ground of an objection that a person decides about, Art. 21(1); all others are absolute."""


def purposes_of(case: CaseFile) -> tuple[str, ...]:
    """The purposes (DPV terms) that the request of a case bars; () = all of them."""
    return _purposes(case.read_json("request"))


def scopes_of(request: Mapping[str, Any]) -> tuple[str, ...]:
    """What a request bars on the suppression list (`dsr.suppression.SCOPES`): erasure everything; an objection to
    marketing, and a withdrawn consent that covers marketing or doesn't say what it covers, marketing; a restriction
    (Art. 18; while an objection is looked at too) every use, unless it is of marketing alone. () = nothing: a
    correction, or a consent to something else, of which no import needs to know."""
    right = request["right"]
    if right == "erasure":
        return ("all",)
    examined = right == "objection" and request.get("ground") == EXAMINED
    purposes = set(_purposes(request))
    if right == "withdrawal":
        return ("marketing",) if not purposes or purposes & OF_MARKETING else ()
    if right == "objection" and not examined:
        return ("marketing",)
    if not examined and right != "restriction":
        return ()
    if purposes and purposes <= set(MARKETING):
        return ("marketing",)
    return ("marketing", "restricted") if examined else ("restricted",)


def _purposes(request: Mapping[str, Any]) -> tuple[str, ...]:
    if request["right"] in ("objection", "withdrawal"):
        default = () if request.get("ground") == EXAMINED else MARKETING
        return tuple(request.get("purposes") or default)
    return tuple(request.get("purposes") or ()) if request["right"] == "restriction" else ()
