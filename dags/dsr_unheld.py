"""Composition root of the answers to people of whom nothing was found that surely is theirs."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import task

from dsr.errors import TransientError
from dsr_acting import tell_person
from dsr_asked import asked_of
from dsr_coded import coded
from dsr_retries import DELIVERY_RETRIES
from dsr_tasks import erased_before, give_answer, this_request
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.report.answers import Summary

_LONGEST_WAIT: Final = timedelta(hours=12)


@task(task_id="answer_nothing", show_return_value_in_logs=False)
@coded
def answer_unheld() -> None:
    """Answers in the ticket that nothing is held, or only what may be somebody else's, and that the address is on the
    list of those who get no marketing."""
    from dsr.evidence import is_common
    from dsr.report.unheld import unheld
    from dsr.steps import suppress as put_on_list

    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    asked, summary = asked_of(case), _nothing(place, case)
    put_on_list.suppress(case, place.suppression, place.ledger, at=now())
    text = unheld(asked.letter(place.settings), summary, listed=not is_common(put_on_list.stated(case)))
    tell_person(place, case, summary.outcome, text, close=not (summary.doubtful or summary.incomplete))


@task(task_id="answer_nothing", retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def answer_unknown() -> None:
    """Nothing that surely is theirs was found. By mail to the stated address they are told so at once. The ticket,
    which others may read, gets what it would get if they were known: now that a link was sent if there is an address on
    file, and after the days in which somebody could have confirmed that nobody has. Who has confirmed it for this very
    request is known, and is answered at once.

    **Up for retry** with `identity.waiting`: those days aren't over; no slot is held.
    """
    from dsr.standing import identified
    from dsr.steps import answer_unknown as step
    from dsr.steps.ask_identity import TOLD, tell_asked
    from dsr.steps.tell import ask

    request_id = this_request(place := Workplace())
    case = place.case(request_id)
    summary = _nothing(place, case)
    if identified(place.ledger.events(request_id)):
        give_answer(place, request_id, None, None, erased_before=summary.erased_before)
        return

    def question(text: str, code: str) -> None:
        ask(case, "identity", text, mark=TOLD, answer=place.answer, at=now(), secret=code)

    telling = step.Telling(
        question=lambda letter: tell_asked(letter, "", question),
        answer=lambda text: tell_person(place, case, summary.outcome, text, close=True),
    )
    refusal = asked_of(case).letter(place.settings).refused(["identity"])
    left = step.answer_unknown(
        case, summary, refusal, ledger=place.ledger, send_mail=place.send_mail, telling=telling, at=now(),
        settings=place.settings,
    )  # fmt: skip
    if left is not None:
        raise TransientError("identity.waiting", "answer_nothing", min(left, _LONGEST_WAIT))


def _nothing(place: Workplace, case: Any) -> "Summary":
    """What a search came to that found nothing surely the person's."""
    from dsr.report.answers import Summary
    from dsr.search import SearchResult

    titles = {declaration.name: declaration.titles[asked_of(case).language] for declaration in DECLARATIONS}
    results = [SearchResult.from_json(case.read_json(name)) for name in case.names("search/")]
    missing = [r.source for r in results if r.status in ("failed", "not_connected")]
    return Summary(
        held=False,
        doubtful=sum(r.doubtful for r in results),
        searched=tuple(titles[r.source] for r in results if r.source not in missing),
        incomplete=tuple(titles[name] for name in missing),
        erased_before=erased_before(place, case),
    )
