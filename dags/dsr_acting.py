"""Composition root of the rights that change systems: where the steps from plan to answer become Airflow tasks."""

import logging
from typing import Any, Final

from airflow.sdk import TriggerRule, get_current_context, task

import dsr_changing as changing
from dsr_asked import asked_of
from dsr_coded import coded
from dsr_plan_page import plan_page
from dsr_retries import ENFORCE_RETRIES
from dsr_tasks import this_request
from dsr_workplace import DECLARATIONS, Workplace, now

log = logging.getLogger("dsr")

_BY_DECISION: Final = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS


@task.branch(trigger_rule=TriggerRule.ALL_DONE, show_return_value_in_logs=False)
@coded
def make_plan() -> str:
    """Says for every record what happens to it, on which ground, until when; changes nothing.

    An objection and a withdrawal → *suppress*, at once; the person is on the list before anything is planned, whatever
    the systems hold or whether they could be read. Nothing that surely is the person's, nor a doubtful record that a
    person could tell → *answer_nothing*. Else → *ask_identity*. **`plan.incomplete`**: a system could not be searched
    or read, so nothing is done anywhere: mend it, then clear *open_case* with all downstream. **`correction.field`**,
    **`correction.type`**: the ticket names a field that no system has, or a value that it can't have: ask the person,
    send the ticket again.
    """
    from dsr import approval, judging
    from dsr.assessing import Law
    from dsr.steps import assess
    from dsr.steps import plan as step
    from dsr.steps import suppress as put_on_list

    place, at = Workplace(), now()
    request_id = this_request(place)
    case, settings = place.case(request_id), place.settings
    if asked_of(case).at_once:
        put_on_list.suppress(case, place.suppression, place.ledger, at=at)
    law = Law(assess.plan_rows, assess.bonds_of)
    holds = place.holds.in_force(at.astimezone(settings.zone).date())
    summary = step.plan(case, DECLARATIONS, place.register, holds, law=law, at=at, zone=settings.zone)
    place.ledger.append(request_id, "planned", approval.planned_detail(case), at=at)
    page = plan_page(summary, case.read_json("request"), DECLARATIONS, place.register.terms)
    get_current_context()["ti"].xcom_push("report", {"table": page, "digest": summary.digest})
    log.info("planned %s records", summary.count())
    at_once = asked_of(case).at_once
    if not summary.count() and (at_once or not judging.doubts(case).open):
        return "answer_nothing"
    return "suppress" if at_once else "ask_identity"


@task(trigger_rule=_BY_DECISION, show_return_value_in_logs=False)
@coded
def suppress() -> None:
    """Puts the person on the suppression list before anything is changed, so that no import brings them back or
    changes what is restricted. Nothing to do for a correction."""
    from dsr.steps import suppress as step

    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    if asked_of(case).suppresses:
        count = step.suppress(case, place.suppression, place.ledger, at=now())
        log.info("%s identifiers are on the list", count)


@task(show_return_value_in_logs=False)
@coded
def reread(source: str) -> None:
    """Finds and reads this source's records once more, before any system is written to: one that can't be read any more
    stops all of them.

    **Red**: nothing was changed anywhere; `http.401`, `connection.failed`: mend it, then clear *open_case* with all
    downstream. **`reread.lost`**: the source was written to, and what it was begun with is gone: a person must look.
    """
    from dsr.steps import reread as step

    request_id = this_request(place := Workplace())
    client, declaration = place.acting(source)
    count = step.reread(place.case(request_id), client, declaration, at=now())
    log.info("%s records", count)


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def enforce(source: str) -> None:
    """Does in this source what the approved plan says, and nothing else; records that changed since are left alone.

    Goes on where it stopped. **Up for retry** with `enforce.scheduled`: the vendor deletes later, and is asked again.
    **Red**: `approval.…`: the plan isn't (any longer) approved by two people; `enforce.unread`, `enforce.order`,
    `enforce.suppression`, `enforce.identity`: what must come before hasn't; `http.401`: renew `dsr_<source>_write`.
    """
    place = Workplace()
    client, declaration = place.acting(source)
    done = changing.enforce(place, this_request(place), client, declaration)
    log.info("%s outcomes", len(done.outcomes))


@task(retries=20, show_return_value_in_logs=False)
@coded
def verify() -> None:
    """Finds and reads everything again, recycle bins and versions too, and compares it with the plan.

    What a law, a hold or a lock keeps is noted then, so that the upkeep erases it when that ends.

    **Red**, `verify.remains`: something is left that the plan doesn't explain. Nothing is told as done until it is.
    """
    place = Workplace()
    verified, kept = changing.verify(place, this_request(place), place.sources())
    log.info("verified: %s; kept for now %s", verified.by_effect(), kept)


@task.branch(show_return_value_in_logs=False)
@coded
def answer() -> str:
    """Certifies what was done and answers in the ticket; what is kept is named with its ground and its day."""
    from dsr.standing import deadline

    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    asked = asked_of(case)
    if asked.examined:
        until = deadline(case.read_json("request")["due"])
        text = asked.letter(place.settings).meanwhile(until)
        tell_person(place, case, "meanwhile", text, close=False)
        return "decide_objection"
    _tell_done(place, case, final=asked.right != "restriction")
    return "decide_lift" if asked.right == "restriction" else "close"


@task(show_return_value_in_logs=False)
@coded
def uphold() -> None:
    """The objection is upheld: the data stays restricted, and the person is told so."""
    place = Workplace()
    _tell_done(place, place.case(this_request(place)), final=True)


@task(show_return_value_in_logs=False)
@coded
def refuse() -> None:
    """Tells the person that nothing is done, why, and where to complain (Art. 12(4)); as an officer has decided."""
    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    decisions = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    reason = decisions[-1]["reason"]
    tell_person(place, case, "refused", asked_of(case).letter(place.settings).refused([reason]), close=True)
    note_refusal(place, request_id, reason)


def note_refusal(place: Workplace, request_id: str, reason: str) -> None:
    """The event `refused`, once for a reason; once more where data was restricted again meanwhile, since what was
    refused then is another decision. Told first: it stands for what the person knows."""
    from dsr.ledger import since

    events = since(place.ledger.events(request_id), "restricted")
    if not any(e.kind == "refused" and e.detail == {"reason": reason} for e in events):
        place.ledger.append(request_id, "refused", {"reason": reason}, at=now())


def _tell_done(place: Workplace, case: Any, *, final: bool) -> None:
    from dsr.report.certificate import letter_form
    from dsr.report.doings import Doings
    from dsr.steps import certify, notify

    certify.certify(case, DECLARATIONS, place.ledger, settings=place.settings, at=now())
    certificate, asked = letter_form(case.read_json(certify.CERTIFICATE), place.settings), asked_of(case)
    doings = Doings.of(certificate, asked.language, asked.right)
    text = asked.letter(place.settings).done(certificate, notify.recipients_told(case))
    tell_person(place, case, "done", text, close=final and not doings.unfinished)


def tell_person(place: Workplace, case: Any, kind: str, text: str, *, close: bool) -> bool:
    """As `dsr.steps.tell`, through the connection of the case's ticket channel."""
    from dsr.steps import tell

    return tell.tell(case, kind, text, answer=place.answer, ledger=place.ledger, close=close, at=now())
