"""Where a person decides: Airflow's human-in-the-loop operators, with the decision written into the ledger.

Shown are counts and codes; the answer is one of a list. Nobody answers in time → the task fails and the run with it,
visibly: neither silence nor a default may release or refuse anything.
"""

import inspect
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
from airflow.sdk.execution_time.hitl import HITLUser

from dsr.errors import DsrError, TransientError
from dsr.officer import as_code
from dsr_coded import Coded
from dsr_collecting import CONNECTED, collect_into_case, combine_case
from dsr_numbers import proven
from dsr_refusals import REFUSE, reason_of, refusals_of
from dsr_released import show, shown
from dsr_tasks import this_request
from dsr_workplace import DECLARATIONS, Workplace, now

RELEASE_WITHOUT: Final = "Release without"
TRY_AGAIN: Final = "Try again"
STOP: Final = "Stop"
APPROVE: Final = "Approve"
REJECT: Final = "Reject"

PATIENCE: Final = timedelta(days=20)
_PAUSE: Final = timedelta(seconds=30)
_TRIES: Final = 1000


class AskedAgain(TransientError):
    """The answer can't stand: the person is asked again, at once."""


class StillIncomplete(AskedAgain):
    """Something is missing after another try."""


class AskAgain(RetryPolicy):
    """A retry of a human task asks the human again: when they wanted another try, and when their answer could not be
    written down; never after a time-out."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Evaluated in the task's process with the error itself."""
        if isinstance(exception, TransientError):
            pause = timedelta(0) if isinstance(exception, AskedAgain) else _PAUSE
            return RetryDecision.retry(pause, exception.code)
        return RetryDecision.fail(type(exception).__name__.lower())

    def serialize(self) -> dict[str, Any]:
        """It has no settings."""
        return {"__type": type(self).__name__}


def officers(variables: Sequence[str] = ("DSR_OFFICERS",)) -> list[HITLUser] | None:
    """Who may decide: the ids in the first of these variables that is set, separated by commas; none is = whoever may
    run the DAG."""
    listed = next(filter(None, (os.environ.get(variable, "") for variable in variables)), "")
    ids = [user.strip() for user in listed.split(",") if user.strip()]
    return [HITLUser(id=user, name=user) for user in ids] or None


_ASK_AGAIN: Final[dict[str, Any]] = {
    "retries": _TRIES,
    "retry_delay": timedelta(seconds=2),
    "retry_exponential_backoff": 0,
    "retry_policy": AskAgain(),
}


def asking(
    operator: Any, shown: str, patience: timedelta = PATIENCE, who_may: Sequence[str] = ("DSR_OFFICERS",)
) -> dict[str, Any]:
    """What every operator that asks an officer has in common: what each answer leads to stands above what is `shown`
    (a template), since Airflow shows a task's documentation elsewhere; who may answer, how long, how it asks again."""
    explained = inspect.cleandoc(operator.__doc__)
    common = {"response_timeout": patience, "assigned_users": officers(who_may), "doc_md": explained}
    return {"body": f"{explained}\n\n---\n\n{shown}", **common, **_ASK_AGAIN, "execution_timeout": None}


class Asks(HITLBranchOperator):
    """Asks a person, and asks again when Airflow gave the task up in the moment between asking and waiting: it then
    begins the next try as if there were an answer."""

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Goes on with the answer, if there is one."""
        if next_method == "execute_complete" and not next_kwargs:
            return self.execute(context)
        return super().resume_execution(next_method, next_kwargs, context)


class DecideIncomplete(Asks):
    """Something is missing: a source could not be searched or read, or a row of the register of processing that the
    answer rests on is blank in part or confirmed by nobody. A person decides what happens.

    - **Release without**: the package is made, and says what is missing; *release* still asks. For an unconfirmed
      row: you answer for it that it is right.
    - **Try again**: the register is read again, and all sources are searched and read once more if one is missing;
      complete → *review*, else this asks again. Choose it when the cause is gone.
    - **Stop**: no package. The request stays open in the ticket system; working data is shredded.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Something is missing: make the package without it?",
            options=[RELEASE_WITHOUT, TRY_AGAIN, STOP],
            options_mapping={RELEASE_WITHOUT: "review", TRY_AGAIN: "review", STOP: "shred"},
            **asking(self, "{{ ti.xcom_pull(task_ids='combine', key='report')['table'] }}"),
            **kwargs,
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The person has answered."""
        if "error" not in event:
            with Coded():
                choice = event["chosen_options"][0]
                note("incomplete", event, _missing())
                if choice == TRY_AGAIN:
                    _try_again()
        return super().execute_complete(context, event)


class Release(Asks):
    """The package is ready; a privacy officer lets it go, or not. The decision names the package that was shown here by
    its digest, and the recipient by that of its connection: *deliver* and *transmit* send no other, and nowhere else.

    - **Approve**: it goes to the person.
    - **Refuse: …**: nothing is sent; the person is told why and where to complain. Note in your own file why it holds:
      it is you who have to show it (Art. 12(5)).
    - **Reject**: nothing is sent and nothing is told; the ticket stays open, and answering it is yours (Art. 12(4)). To
      have the package made anew, clear *open_case* with all downstream.

    What to look at: does every system say *found* or *none*; are *doubtful* records few; does the number of records
    look like one person.
    """

    def __init__(self, *, right: str, **kwargs: Any) -> None:
        refusals = dict.fromkeys(refusals_of(right), "refuse")
        super().__init__(
            subject="Release the package to the person?",
            options=[APPROVE, *refusals, REJECT],
            options_mapping={APPROVE: "deliver", **refusals, REJECT: "shred"},
            **asking(self, "{{ ti.xcom_pull(task_ids='compose')['table'] }}"),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks; and keeps what is asked, which is what the answer will be about."""
        with Coded():
            place = Workplace()
            show(place, this_request(place), context["ti"].xcom_pull(task_ids="compose")["asked"])
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The person has answered."""
        if "error" not in event:
            with Coded():
                answer = event["chosen_options"][0]
                place = Workplace()
                note("release", event, shown(place, this_request(place)) | reason_of(answer))
        return super().execute_complete(context, event)


def _missing() -> dict[str, Any]:
    """What the decision is about: systems, and rows of the register."""
    from dsr.steps import combine

    place = Workplace()
    case = place.case(this_request(place))
    return {"sources": combine.incomplete(case), "rows": [row["row"] for row in combine.unsettled(case)]}


def _try_again() -> None:
    """Read the register again, and if a source is missing search and read all of them, in order; StillIncomplete when
    something is missing even then."""
    from dsr.steps import combine

    request_id = this_request(place := Workplace())
    if combine.incomplete(place.case(request_id)):
        read_again(place, request_id)
    report = combine_case(place, request_id)
    if report["missing"] or report["unsettled"]:
        raise StillIncomplete("incomplete", "decide_incomplete")


def read_again(place: Workplace, request_id: str) -> None:
    """Search and read all sources once more; one that fails is put down as failed."""
    from dsr.steps import identify

    case = place.case(request_id)
    held = proven(place, request_id)
    identify.identify(case, place.sources(), DECLARATIONS, place.index, at=now(), final=True, possessed=held)
    for name in CONNECTED:
        try:
            collect_into_case(place, request_id, name, final=True)
        except DsrError:
            continue  # put down as failed, which `combine_case` reports


def note(decision: str, event: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    answer = event["chosen_options"][0]
    choice = "refuse" if answer in REFUSE else answer.lower().replace(" ", "_")
    detail = {"decision": decision, "choice": choice, "by": who(event), **more}
    place = Workplace()
    place.ledger.append(this_request(place), "decision", detail, at=now())


def who(event: Mapping[str, Any]) -> str:
    """The id of who answered, as a code; "nobody" when it isn't known."""
    return as_code(str((event.get("responded_by_user") or {}).get("id") or "nobody"))
