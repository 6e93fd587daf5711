"""What a request that changes systems asks for, as far as the way through the graph depends on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dsr.report.acting import ActingLetter
    from dsr.settings import Settings

_LONGEST_WAIT: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Asked:
    """right, ground, language, received_at as in the request; see `dsr.steps.accept`. suppresses: whether the person is
    put on the suppression list: they must not come back with an import, or be written to."""

    request_id: str
    right: str
    ground: str
    language: str
    received_at: str
    suppresses: bool

    @property
    def at_once(self) -> bool:
        """Whether nobody approves it: an objection, or a withdrawn consent (Art. 21(3), 7(3), 18(1)(d))."""
        return self.right in ("objection", "withdrawal")

    @property
    def examined(self) -> bool:
        """Whether it is restricted first and decided afterwards: an objection under Art. 21(1)."""
        return self.right == "objection" and self.ground == "legitimate_interest"

    def letter(self, settings: "Settings") -> "ActingLetter":
        """The letters about it."""
        from dsr.report.acting import ActingLetter

        at = datetime.fromisoformat(self.received_at)
        return ActingLetter(self.request_id, self.language, settings, self.right, self.ground, at, self.suppresses)


def asked_of(case: Any) -> Asked:
    """Of this case."""
    from dsr.purposes import scopes_of

    request = case.read_json("request")
    ground, came = request.get("ground", ""), request["received_at"]
    return Asked(request["request_id"], request["right"], ground, request["language"], came, bool(scopes_of(request)))


def left_until(on: date, today: date) -> timedelta | None:
    """How long to wait before asking again whether a restriction may be lifted on the day that the person was told;
    None = it may be."""
    return min(on - today, _LONGEST_WAIT) if on > today else None
