"""Where people decide about a change: who prepares it, who approves it, when a restriction ends.

Shown are counts and codes; every answer is one of a list, and goes into the ledger with who gave it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLBranchOperator

from dsr_coded import Coded
from dsr_decisions import AskedAgain, asking, who
from dsr_shown import show, shown
from dsr_tasks import this_request
from dsr_workplace import Workplace, now

VERIFIED: Final = "It is them, and the plan is right"
REFUSE: Final[Mapping[str, str]] = {
    "Refuse: who asks is not proven": "identity",
    "Refuse: manifestly excessive": "manifestly_excessive",
    "Refuse: manifestly unfounded": "manifestly_unfounded",
    "Refuse: no case of the right applies": "no_ground",
    "Refuse: the data was found accurate": "accurate",
    "Refuse: a law demands the processing": "legal_obligation",
    "Refuse: needed for legal claims": "legal_claims",
}
_OF_SOME: Final[Mapping[str, tuple[str, ...]]] = {
    "no_ground": ("erasure", "restriction"),
    "accurate": ("rectification", "restriction"),
    "legal_obligation": ("erasure",),
    "legal_claims": ("erasure",),
}
"""Reasons that only these rights know (Art. 16, 17(3)(b) and (e), 18(1)); the others hold for all (Art. 12)."""
STOP: Final = "Stop"
KEEP: Final = "Leave it restricted, end here; I close the ticket"
LIFT: Final[Mapping[str, str]] = {
    "Lift: the data was found accurate": "accuracy_verified",
    "Lift: the claims have ended": "claims_ended",
    "Lift: the person asks for it": "requested",
    "Lift: the processing is lawful": "lawful",
}
UPHOLD: Final = "Uphold the objection"
COMPELLING: Final = "Refuse: compelling legitimate grounds"
_YEARS: Final = timedelta(days=3 * 365)
_TABLE: Final = "{{ ti.xcom_pull(task_ids='make_plan', key='report')['table'] }}"


class AnotherPlan(AskedAgain):
    """The plan is another one than was shown: it is shown, and asked for, anew."""


class SamePerson(AskedAgain):
    """Who prepared a plan can't approve it: somebody else is asked."""


class Prepare(HITLBranchOperator):
    """The plan is made: an officer looks at it, and at who asks.

    - **It is them, and the plan is right**: you have checked that the ticket comes from the person, by a contact that
      was on file before. Another officer then approves.
    - **Refuse: …**: nothing is done; the person is told why and where to complain. Only a person decides this.
    - **Stop**: nothing is done and nothing is told; the ticket stays open, and answering it is yours.

    The decision names the plan that was shown here; if another has been made meanwhile, this asks again.
    """

    def __init__(self, *, right: str, **kwargs: Any) -> None:
        refusals = dict.fromkeys(refusals_of(right), "refuse")
        super().__init__(
            subject="Is it them, and is the plan right?",
            body=_TABLE,
            options=[VERIFIED, *refusals, STOP],
            options_mapping={VERIFIED: "approve", **refusals, STOP: "shred"},
            **asking(self),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks; and keeps which plan it asks about."""
        _show("prepare", context)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _prepared(event)
        return super().execute_complete(context, event)


class Approve(ApprovalOperator):
    """Another officer approves exactly this plan, or not. Rejected → nothing is done and nothing is told: the ticket
    stays open, and answering it is yours (Art. 12(4)); clear *open_case* with all downstream to plan anew, where
    *prepare* can also refuse with a reason that the person is told. The decision names the plan that was shown here.

    What to look at: do the numbers look like one person; are the warnings explained; is what is kept kept rightly.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Carry out this plan?",
            body=_TABLE,
            **asking(self),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks; and keeps which plan it asks about."""
        _show("approve", context)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _approved(event)
        return super().execute_complete(context, event)


class DecideLift(HITLBranchOperator):
    """The data is restricted (Art. 18). When the ground has ended, lift it: the person is told some days before.
    **Leave it restricted, end here; I close the ticket**: it stays as it is, and nothing is written into the ticket:
    say there that the restriction stays, and close it. Lifting it later needs a request of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Has the ground of the restriction ended?",
            body=_TABLE,
            options=[*LIFT, KEEP],
            options_mapping={**dict.fromkeys(LIFT, "announce_lift"), KEEP: "close"},
            **asking(self, _YEARS),
            **kwargs,
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                choice = _choice(event)
                _decided("lift", event, "lift" if choice in LIFT else "keep", {"reason": LIFT.get(choice, "")})
        return super().execute_complete(context, event)


class DecideObjection(HITLBranchOperator):
    """The data is restricted while the objection is examined (Art. 18(1)(d), 21(1)).

    - **Uphold the objection**: it stays restricted for good, and the person is told.
    - **Refuse: compelling legitimate grounds**: they override the person's interests, or it is for legal claims. The
      person is told why, and that the restriction ends; then it is lifted.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Are there compelling grounds against the objection?",
            body=_TABLE,
            options=[UPHOLD, COMPELLING],
            options_mapping={UPHOLD: "uphold", COMPELLING: "announce_lift"},
            **asking(self),
            **kwargs,
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                upheld = _choice(event) == UPHOLD
                _decided("objection", event, "uphold" if upheld else "refuse", {"reason": "objection_decided"})
        return super().execute_complete(context, event)


def refusals_of(right: str) -> dict[str, str]:
    """Answer → reason, of those that this right may be refused for."""
    return {answer: reason for answer, reason in REFUSE.items() if right in _OF_SOME.get(reason, (right,))}


def _show(decision: str, context: Any) -> None:
    with Coded():
        report = context["ti"].xcom_pull(task_ids="make_plan", key="report")
        show(Workplace().case(this_request()), decision, report)


def _shown(place: Workplace, request_id: str, decision: str) -> str:
    """AnotherPlan when what was shown isn't the plan any more."""
    digest = shown(place.case(request_id), decision)
    if digest is None:
        raise AnotherPlan("approval.digest", decision)
    return digest


def _prepared(event: Mapping[str, Any]) -> None:
    from dsr import approval

    place, request_id, choice = Workplace(), this_request(), _choice(event)
    if choice == VERIFIED:
        digest = {"digest": _shown(place, request_id, "prepare")}
        verified = {"by": who(event), "method": "officer", "ok": True}
        place.ledger.append(request_id, "identity_verified", verified, at=now())
        detail = approval.prepare_detail(place.case(request_id), verified=True)
        _decided("prepare", event, "approve", detail | digest)
    else:
        reason = {"reason": REFUSE[choice]} if choice in REFUSE else {}
        _decided("prepare", event, "refuse" if reason else "stop", reason)


def _approved(event: Mapping[str, Any]) -> None:
    """SamePerson when it is who prepared the plan, AnotherPlan when it isn't what was shown."""
    place, request_id = Workplace(), this_request()
    digest = _shown(place, request_id, "approve")
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    prepared = [detail for detail in decisions if detail["decision"] == "prepare"][-1]
    if _choice(event) == "Approve" and prepared.get("by") == who(event):
        raise SamePerson("approval.four_eyes", "approve")
    _decided("approve", event, _choice(event).lower(), {"digest": digest})


def _choice(event: Mapping[str, Any]) -> str:
    return str(event["chosen_options"][0])


def _decided(decision: str, event: Mapping[str, Any], choice: str, more: Mapping[str, Any]) -> None:
    detail = {"decision": decision, "choice": choice, "by": who(event), **more}
    Workplace().ledger.append(this_request(), "decision", detail, at=now())
