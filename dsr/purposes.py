"""What a request bars processing for."""

from typing import Final

from dsr.casefile import CaseFile

MARKETING: Final = ("dpv:DirectMarketing", "dpv:Personalisation")
"""What an objection to direct marketing, or a withdrawn consent, is about when the request doesn't say (Art. 21(2))."""


def purposes_of(case: CaseFile) -> tuple[str, ...]:
    """The purposes (DPV terms) that the request of a case bars; () = all of them."""
    request = case.read_json("request")
    if request["right"] in ("objection", "withdrawal"):
        default = () if request.get("ground") == "legitimate_interest" else MARKETING
        return tuple(request.get("purposes") or default)
    return tuple(request.get("purposes") or ()) if request["right"] == "restriction" else ()
