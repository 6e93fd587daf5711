"""Where people decide about a change: who prepares it, who approves it, when a restriction ends.

Shown are counts and codes; every answer is one of a list, and goes into the ledger with who gave it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from dsr_coded import Coded
from dsr_decisions import APPROVE, STOP, AskedAgain, Asks, asking, who
from dsr_identity import CHECKED, CONFIRMED, confirmed, standing
from dsr_numbers import number_line, waiting
from dsr_refusals import REFUSE, reason_of, refusals_of
from dsr_shown import show, shown
from dsr_tables import doubts_line
from dsr_tasks import this_request
from dsr_workplace import Workplace, now

PLAN_ANEW: Final = "Plan anew"
KEEP: Final = "Keep it restricted, and end here"
LIFT: Final[Mapping[str, str]] = {
    "Lift: the data was found accurate": "accuracy_verified",
    "Lift: the claims have ended": "claims_ended",
    "Lift: the person asks for it": "requested",
    "Lift: the processing is lawful": "lawful",
}
UPHOLD: Final = "Uphold the objection"
OVERRIDE: Final[Mapping[str, str]] = {
    "Refuse: compelling legitimate grounds": "compelling_grounds",
    "Refuse: needed for legal claims": "legal_claims",
}
_CHOICES: Final[Mapping[str, str]] = {
    APPROVE: "approve", PLAN_ANEW: "plan_anew", STOP: "stop", **dict.fromkeys(REFUSE, "refuse"),
}  # fmt: skip
"""Answer about a plan → choice as the ledger has it."""
_YEARS: Final = timedelta(days=3 * 365)
_ANEW: Final = "only another plan goes by it"
_PLAN: Final = "{{ ti.xcom_pull(task_ids='make_plan', key='report')['table'] }}"


class AnotherPlan(AskedAgain):
    """The plan is another one than was shown: it is shown, and asked for, anew."""


class Unconfirmed(AskedAgain):
    """The person has not confirmed who they are: asked anew, with what is known by then."""


class Unapplied(AskedAgain):
    """Somebody has said whose a doubtful record is, or shown that they hold a phone, since the systems were searched:
    another plan is needed."""


class SamePerson(AskedAgain):
    """Who prepared a plan can't approve it: somebody else is asked. Not approving it is anybody's right."""


class Prepare(Asks):
    """The plan is made: an officer looks at it, and at who asks. This waits for both; below stands how who asks stood
    when it asked, and each answer that can't stand shows it anew.

    - **They have confirmed who they are, and the plan is right**: the person has answered the question that went to a
      contact on file (*ask_identity*). Not accepted before they have. Another officer then approves.
    - **I reached them by a contact on file: it is them, and the plan is right**
    - **I saw them in person: it is them, and the plan is right**
    - **I saw the agent's mandate: it is for them, and the plan is right**
    - **They are signed in as a customer: it is them, and the plan is right**: you have made sure in that way, and it is
      recorded as the reason. Ask for no more than you need, and keep no copy of a proof. Another officer then approves.
    - **Refuse: …**: nothing is done; the person is told why and where to complain. Only a person decides this. Note in
      your own file why it holds, above all for the manifestly excessive or unfounded: it is you who have to show it
      (Art. 12(5)), and the letter says that it was noted.
    - **Plan anew**: every system is read again, and this asks about the new plan. Choose it when you have said on the
      tab **Review** whose the doubtful records are, or when they have shown that they hold the phone of a number: a
      plan goes by it only then.
    - **Stop**: nothing is done and nothing is told; the ticket stays open, and answering it is yours.

    The decision names the plan that was shown here; if another has been made meanwhile, this asks again.
    """

    def __init__(self, *, right: str, **kwargs: Any) -> None:
        refusals = dict.fromkeys(refusals_of(right), "refuse")
        right_plan = dict.fromkeys([CONFIRMED, *CHECKED], "approve")
        super().__init__(
            subject="Is it them, and is the plan right?",
            options=[*right_plan, *refusals, PLAN_ANEW, STOP],
            options_mapping={**right_plan, **refusals, PLAN_ANEW: "replan", STOP: "shred"},
            **asking(self, _PLAN),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks; and keeps which plan it asks about."""
        _show("prepare", context)
        with Coded():
            request_id = this_request(place := Workplace())
            lines: list[str | None] = [standing(place, request_id), number_line(place, request_id, _ANEW)]
            lines += [doubts_line(place.case(request_id)), self.body]
            self.body = "\n\n".join(filter(None, lines))
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _prepared(event)
        return super().execute_complete(context, event)


class Approve(Asks):
    """Another officer decides about exactly this plan; the decision names the plan that was shown here.

    - **Approve**: it is carried out. Not open to who prepared it; everything else is.
    - **Refuse: …**: nothing is done; the person is told why and where to complain. As in *prepare*.
    - **Plan anew**: nothing is done yet. Every system is read again, and *prepare* asks about the new plan.
    - **Stop**: nothing is done and nothing is told; the ticket stays open, and answering it is yours (Art. 12(4)).

    What to look at: do the numbers look like one person; are the warnings explained; is what is kept kept rightly.
    """

    def __init__(self, *, right: str, **kwargs: Any) -> None:
        refusals = dict.fromkeys(refusals_of(right), "reject")
        super().__init__(
            subject="Carry out this plan?",
            options=[APPROVE, *refusals, PLAN_ANEW, STOP],
            options_mapping={APPROVE: "suppress", **refusals, PLAN_ANEW: "plan_anew", STOP: "shred"},
            **asking(self, _PLAN),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks; and keeps which plan it asks about."""
        _show("approve", context)
        with Coded():
            request_id = this_request(place := Workplace())
            lines = number_line(place, request_id, _ANEW), doubts_line(place.case(request_id)), self.body
            self.body = "\n\n".join(filter(None, lines))
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _approved(event)
        return super().execute_complete(context, event)


class DecideLift(Asks):
    """The data is restricted (Art. 18), as the plan below says. Answer once its ground has ended; this waits for it.

    - **Lift: …**: the ground has ended. The person is told, some days before it is lifted everywhere (Art. 18(3)).
    - **Keep it restricted, and end here**: the person is told that it stays until further notice, and the ticket is
      closed. Choose it when no end is in sight: nothing asks about it any more, and lifting it later is yours, by hand
      and only after telling the person.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Has the ground of the restriction ended?",
            options=[*LIFT, KEEP],
            options_mapping={**dict.fromkeys(LIFT, "announce_lift"), KEEP: "keep_restricted"},
            **asking(self, _PLAN, _YEARS),
            **kwargs,
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                choice = _choice(event)
                _decided("lift", event, "lift" if choice in LIFT else "keep", {"reason": LIFT.get(choice, "")})
        return super().execute_complete(context, event)


class DecideObjection(Asks):
    """The data is restricted while the objection is examined (Art. 18(1)(d), 21(1)).

    - **Uphold the objection**: it stays restricted for good, and the person is told.
    - **Refuse: …**: compelling legitimate grounds override the person's interests, or it is for legal claims; note in
      your own file why. The person is told why, and that the restriction ends; then it is lifted.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Are there compelling grounds against the objection?",
            options=[UPHOLD, *OVERRIDE],
            options_mapping={UPHOLD: "uphold", **dict.fromkeys(OVERRIDE, "announce_lift")},
            **asking(self, _PLAN),
            **kwargs,
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                why = {"refused_for": OVERRIDE[_choice(event)]} if _choice(event) in OVERRIDE else {}
                more = {"reason": "objection_decided", **why}
                _decided("objection", event, "refuse" if why else "uphold", more)
        return super().execute_complete(context, event)


def _show(decision: str, context: Any) -> None:
    with Coded():
        report = context["ti"].xcom_pull(task_ids="make_plan", key="report")
        place = Workplace()
        show(place.case(this_request(place)), decision, report)


def _shown(place: Workplace, request_id: str, decision: str) -> str:
    """AnotherPlan when what was shown isn't the plan any more."""
    digest = shown(place.case(request_id), decision)
    if digest is None:
        raise AnotherPlan("approval.digest", decision)
    return digest


def _prepared(event: Mapping[str, Any]) -> None:
    from dsr import approval

    place, choice = Workplace(), _choice(event)
    request_id = this_request(place)
    if choice == CONFIRMED or choice in CHECKED:
        _need_applied(place, request_id)
        digest = {"digest": _shown(place, request_id, "prepare")}
        if choice in CHECKED:
            verified = {"by": who(event), "method": CHECKED[choice], "ok": True}
            place.ledger.append(request_id, "identity_verified", verified, at=now())
        elif not confirmed(place, request_id):
            raise Unconfirmed("identity.unconfirmed", "prepare")
        detail = approval.prepare_detail(place.case(request_id), verified=True)
        _decided("prepare", event, "approve", detail | digest)
    else:
        _decided("prepare", event, _CHOICES[choice], reason_of(choice))


def _approved(event: Mapping[str, Any]) -> None:
    """SamePerson when it is who prepared the plan, AnotherPlan when it isn't what was shown."""
    place, answer = Workplace(), _choice(event)
    request_id = this_request(place)
    digest = _shown(place, request_id, "approve")
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    prepared = [detail for detail in decisions if detail["decision"] == "prepare"][-1]
    if answer == APPROVE:
        _need_applied(place, request_id)
    from dsr import judging

    judged_by = judging.judges(place.case(request_id)) if answer == APPROVE else ()
    if answer == APPROVE and who(event) in (prepared.get("by"), *judged_by):
        raise SamePerson("approval.four_eyes", "approve")
    _decided("approve", event, _CHOICES[answer], {"digest": digest, **reason_of(answer)})


def _need_applied(place: Workplace, request_id: str) -> None:
    """Unapplied when a plan doesn't go by what was said of its doubtful records, or by a phone that they have shown to
    hold since, or holds nothing at all."""
    from dsr import judging, plan

    case = place.case(request_id)
    if judging.doubts(case).waiting:
        raise Unapplied("records.judged", "approval")
    if waiting(place, request_id):
        raise Unapplied("numbers.proven", "approval")
    if not plan.read(case).count():
        raise Unapplied("plan.empty", "approval")


def _choice(event: Mapping[str, Any]) -> str:
    return str(event["chosen_options"][0])


def _decided(decision: str, event: Mapping[str, Any], choice: str, more: Mapping[str, Any]) -> None:
    detail = {"decision": decision, "choice": choice, "by": who(event), **more}
    place = Workplace()
    place.ledger.append(this_request(place), "decision", detail, at=now())
