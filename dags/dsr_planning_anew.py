"""How a request's run starts over when an officer wants another plan: a run can't clear itself while one of its tasks
goes on, so another DAG's run does, once the first has ended."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import get_current_context, task

from dsr.errors import PermanentError, TransientError
from dsr_coded import coded
from dsr_retries import ENFORCE_RETRIES
from dsr_starting import start_run
from dsr_tasks import this_request
from dsr_workplace import Workplace

if TYPE_CHECKING:
    from dsr.ledger import Event

DAG_ID: Final = "dsr_planning_anew"
_PLACE: Final = "planning"
_PAUSE_S: Final = 2
_LONGEST_PAUSE_S: Final = 600
_ACTIVE: Final = ["queued", "running"]


@task(show_return_value_in_logs=False)
@coded
def plan_anew() -> None:
    """Another plan is wanted: `dsr_planning_anew` starts this run over as soon as it has ended here. Every system is
    read again, and *prepare* asks anew."""
    request_id, dag_id = this_request(place := Workplace()), get_current_context()["dag_run"].dag_id
    times = sum(_wants(event) for event in place.ledger.events(request_id))
    # A name of its own for every time that a new plan was wanted: tried again, it is there already.
    start_run(DAG_ID, f"{request_id}.{times}", {"request_id": request_id, "dag_id": dag_id})


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def start_over() -> None:
    """Clears the request's run, all of it, once it has ended.

    **Up for retry** with `run.active`: that run hasn't ended yet. **`planning.unwanted`**: nobody wants another plan,
    or it was made already; nothing was done. Only *prepare* and *approve* of a request start this.
    """
    context = get_current_context()
    asked: Mapping[str, Any] = context["dag_run"].conf or {}
    dag_id, request_id = str(asked.get("dag_id", "")), str(asked.get("request_id", ""))
    if not wanted(Workplace().ledger.events(request_id)):
        raise PermanentError("planning.unwanted", _PLACE)
    if context["ti"].get_dr_count(dag_id=dag_id, run_ids=[request_id], states=_ACTIVE):
        pause = min(_PAUSE_S * context["ti"].try_number, _LONGEST_PAUSE_S)
        raise TransientError("run.active", _PLACE, timedelta(seconds=pause))
    start_run(dag_id, request_id, {}, reset=True)


def wanted(events: Sequence["Event"]) -> bool:
    """Whether another plan is wanted, and none was made since."""
    return [_wants(event) for event in events if event.kind in ("decision", "planned")][-1:] == [True]


def _wants(event: "Event") -> bool:
    said = event.detail.get("decision"), event.detail.get("choice")
    return event.kind == "decision" and said in (("approve", "plan_anew"), ("prepare", "plan_anew"))
