"""Composition root of triage: see `dsr_tasks`. Nothing here opens a source."""

import logging
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import get_current_context, task

import dsr_deciding_triage as deciding
from dsr.errors import PermanentError
from dsr.settings import Settings
from dsr_acting import note_refusal, tell_person
from dsr_asked import asked_of
from dsr_coded import Coded, coded
from dsr_decisions import AskedAgain, Asks, asking, who
from dsr_retries import DELIVERY_RETRIES
from dsr_rights import dag_of
from dsr_starting import start_run
from dsr_workplace import Workplace, now

if TYPE_CHECKING:
    from email.message import EmailMessage

    from dsr.casefile import CaseFile

log = logging.getLogger("dsr")

DAG_ID: Final = "dsr_triage"
_PLACE: Final = "triage"
_DECISION: Final = "triage"


class Asked(AskedAgain):
    """The person was asked what they mean: the officer is asked again, and answers once they have said so."""


class Decide(Asks):
    """Nothing was searched yet. A person reads the ticket and says how it goes on. Your answer is recorded, and its
    reason with it.

    - **It is for us: start it**: the request's own run begins.
    - **They ask for …**, **They object …**, **They withdraw …**: it is for us, and that is what the ticket asks for, in
      whatever words. The person is told how it was understood. A right that needs more than the ticket states isn't
      offered: have a ticket sent that states it.
    - **Ask them which right they mean**: the question goes into the ticket; this goes on waiting, and you answer when
      they have. The time counts on.
    - **Refer to recruiting**: the person is told who answers and by when, recruiting gets a mail, the ticket stays
      open.
    - **Refer to the customer**: the person is told whom to turn to, and the customer, if you name one, that somebody
      has turned to us; not who it is.
    - **Refuse: …**: nothing is done; the person is told why and where to complain. Only a person decides this, and a
      number of requests alone is no reason. Note in your own file why it holds: it is you who have to show it
      (Art. 12(5)).
    - **It is no such request**: nobody asks here for anything about their data. It ends here, and answering the ticket
      is yours.
    """

    def __init__(self, **kwargs: Any) -> None:
        options = deciding.every(tuple(Settings.from_environment(need=()).customers))
        to = dict.fromkeys(options, "refer") | dict.fromkeys(deciding.REFUSALS, "refuse")
        to |= dict.fromkeys((deciding.OURS, deciding.ASK, *deciding.UNDERSTOOD), "take")
        super().__init__(
            subject="Is it ours, and what do they ask for?",
            options=options,
            options_mapping=to,
            **asking(self, ""),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks, with the answers that this request may get."""
        with Coded():
            place, request_id = Workplace(), this_triage()
            case = place.case(request_id)
            request = case.read_json("request")
            self.options = deciding.open_to(request, place.settings)
            relation = case.read_json("relation")
            self.body = f"{self.body}{deciding.shown(place.ledger.events(request_id), request, relation)}"
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _decided(str(event["chosen_options"][0]), who(event))
        return super().execute_complete(context, event)


def this_triage() -> str:
    """The id of the request that is to be settled. PermanentError("run.request") when the run was not started for
    one."""
    run = get_current_context()["dag_run"]
    request_id = (run.conf or {}).get("request_id")
    if request_id != run.run_id or run.dag_id != DAG_ID:
        raise PermanentError("run.request", "task")
    return str(request_id)


@task.branch(show_return_value_in_logs=False)
@coded
def sort() -> str:
    """The same request is open → *join*; a person has to settle something → *decide*."""
    from dsr.triage import linked_to, settled

    events = Workplace().ledger.events(this_triage())
    if linked_to(events):
        return "join"
    if settled(events):
        raise PermanentError("triage.settled", _PLACE)
    return "decide"


@task(show_return_value_in_logs=False)
@coded
def join() -> None:
    """Tells the person in the ticket that the same request is open and by when it is answered, and ends this one. It
    gets no code, no link and no run, and changes nothing about the open one."""
    place = Workplace()
    _tell_joined(place, place.case(this_triage()))


@task(show_return_value_in_logs=False)
@coded
def take() -> None:
    """Starts the request's own run, in the DAG of its right and under the same id; or joins it, if by now the same one
    is open. Whoever asked for an unclear right is told how it was understood."""
    from dsr.report.triage import TriageLetter
    from dsr.standing import deadline
    from dsr.steps import triage as step
    from dsr.steps.tell import ask
    from dsr.triage import settled

    place, request_id = Workplace(), this_triage()
    case, events = place.case(request_id), place.ledger.events(request_id)
    request = case.read_json("request")
    if step.join(case, place.requesters, place.ledger, at=now()):
        _tell_joined(place, case)
        return
    if not settled(events):
        raise PermanentError("run.untriaged", _PLACE)
    if case.read_json(step.RELATION)["unclear"]:
        text = TriageLetter.of(request, place.settings).taken(request["right"], deadline(request["due"]))
        ask(case, "taken", text, mark="triage/taken", answer=place.answer, at=now())
    log.info("right %s", request["right"])
    start_run(dag_of(request["right"]), request_id, {"request_id": request_id, "received_at": request["received_at"]})


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def refer() -> None:
    """Tells the person who answers instead, and those that somebody has asked; as an officer has decided. Of what is no
    request at all nobody is told here."""
    from dsr.report.triage import TriageLetter
    from dsr.standing import deadline
    from dsr.steps import triage as step

    place, request_id = Workplace(), this_triage()
    case, decision = place.case(request_id), _last_decision(place, request_id)
    request = case.read_json("request")
    letter, until = TriageLetter.of(request, place.settings), deadline(request["due"])
    to, key = str(decision.get("to", "")), str(decision.get("customer", ""))
    if to == "recruiting":
        tell_person(place, case, "referred", letter.recruiting(until), close=False)
        _mail_once(place, case, letter.to_recruiting(request["ticket"]["id"], until, now()))
    elif to == "customer":
        customer = place.settings.customers.get(key)
        tell_person(place, case, "referred", letter.customer(customer), close=True)
        if customer:
            _mail_once(place, case, letter.to_customer(customer, now()))
    detail = {name: decision[name] for name in ("to", "customer") if decision.get(name)} or {"to": "ticket"}
    step.end(case, place.ledger, "referred", at=now(), detail=detail)


@task(show_return_value_in_logs=False)
@coded
def refuse() -> None:
    """Tells the person that nothing is done, why, and where to complain (Art. 12(4), (5)); as an officer decided."""
    from dsr.steps import triage as step

    place, request_id = Workplace(), this_triage()
    case, reason = place.case(request_id), str(_last_decision(place, request_id)["reason"])
    tell_person(place, case, "refused", asked_of(case).letter(place.settings).refused([reason]), close=True)
    note_refusal(place, request_id, reason)
    step.end(case, place.ledger, "answered", at=now())


def _decided(answer: str, by: str) -> None:
    """Writes the decision down. Asked when the person is to be asked first."""
    from dsr.steps import triage as step

    place, request_id, at = Workplace(), this_triage(), now()
    case = place.case(request_id)
    if answer == deciding.ASK:
        _ask(place, case)
        raise Asked("triage.asked", "decide")
    if answer == deciding.OURS:
        step.choose(case, place.ledger, case.read_json("request")["right"], by, at=at)
        return
    if meant := deciding.UNDERSTOOD.get(answer):
        step.choose(case, place.ledger, meant.right, by, ground=meant.ground, purposes=meant.purposes, at=at)
        return
    detail: dict[str, Any] = {"decision": _DECISION, "choice": "elsewhere", "by": by}
    if answer in deciding.REFUSALS:
        detail |= {"choice": "refuse", "reason": deciding.REFUSALS[answer]}
    elif answer == deciding.RECRUITING:
        detail |= {"choice": "refer", "to": "recruiting"}
    elif (key := deciding.customer_of(answer)) is not None:
        detail |= {"choice": "refer", "to": "customer"} | ({"customer": key} if key else {})
    place.ledger.append(request_id, "decision", detail, at=at)


def _ask(place: Workplace, case: "CaseFile") -> None:
    from dsr.report.triage import TriageLetter
    from dsr.steps import triage as step
    from dsr.steps.tell import ask

    text = TriageLetter.of(case.read_json("request"), place.settings).which(place.settings.rights)
    ask(case, "which", text, mark=step.ASKED, answer=place.answer, at=now())


def _last_decision(place: Workplace, request_id: str) -> dict[str, Any]:
    return [dict(e.detail) for e in place.ledger.events(request_id) if e.kind == "decision"][-1]


def _tell_joined(place: Workplace, case: "CaseFile") -> None:
    from dsr.report.triage import TriageLetter
    from dsr.standing import Standing
    from dsr.steps import triage as step
    from dsr.triage import linked_to

    open_ = Standing.of(place.ledger.events(linked_to(place.ledger.events(case.case_id))))
    if open_ is None:
        raise PermanentError("triage.unknown", _PLACE)
    text = TriageLetter.of(case.read_json("request"), place.settings).joined(open_.received_at, open_.deadline)
    tell_person(place, case, "linked", text, close=True)
    step.end(case, place.ledger, "linked", at=now())


def _mail_once(place: Workplace, case: "CaseFile", message: "EmailMessage") -> None:
    from dsr.mailing import keep_mail

    mark = "triage/mailed"
    if not case.exists(mark):
        place.send_mail(message)
        keep_mail(case, place.ledger, "handover", message, at=now())
        case.write_json(mark, True)
