"""Which plan an officer was shown. A decision is about that one and no other, whatever was planned meanwhile."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsr.casefile import CaseFile


def show(case: "CaseFile", decision: str, report: Any) -> None:
    """Keeps the digest of the plan that is shown to whoever decides; `report`: what *make_plan* pushed, whose table is
    what they see. None while a plan is being made: then no answer can stand."""
    case.write_json(f"shown/{decision}", {"digest": (report or {}).get("digest", "")})


def shown(case: "CaseFile", decision: str) -> str | None:
    """The digest of the plan that was shown; None when it isn't the plan that is there, so that it has to be shown
    anew."""
    from dsr import plan as plans

    name = f"shown/{decision}"
    if not case.exists(name) or not case.exists("plan"):
        return None
    digest = str(case.read_json(name)["digest"])
    return digest if digest and digest == plans.read(case).digest else None
