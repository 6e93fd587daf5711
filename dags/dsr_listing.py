"""Composition root of erasure lists: see `dsr_tasks`."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import TriggerRule, get_current_context, task, task_group

from dsr.errors import PermanentError
from dsr_coded import Coded, coded
from dsr_decisions import APPROVE, STOP, AskedAgain, Asks, asking, who
from dsr_retries import DEFAULT_ARGS, ENFORCE_RETRIES, LIST_RETRIES
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.erasurelist import ErasureList

log = logging.getLogger("dsr")

OURS: Final = "The list is ours, and the plan is right"
_CHOICES: Final[Mapping[str, str]] = {OURS: "approve", APPROVE: "approve", STOP: "stop"}
_PLAN: Final = "{{ ti.xcom_pull(task_ids='make_plan', key='report')['table'] }}"
_PLACE: Final = "list"


def this_list() -> "ErasureList":
    """The list that this run is for. PermanentError("run.list") when the run was not started for one."""
    from dsr.erasurelist import ErasureList

    run = get_current_context()["dag_run"]
    list_id = (run.conf or {}).get("list_id")
    if list_id != run.run_id:
        raise PermanentError("run.list", _PLACE)
    return ErasureList(Workplace().case(str(list_id)))


@task(show_return_value_in_logs=False)
@coded
def open_list() -> list[int]:
    """The chunks of the list. What was planned before is forgotten, so that clearing this plans anew.

    **`run.list`**: started by hand without a list: `python -m dsr erasure-list add` starts it. **`case.closed`**: the
    list has come to its end, and is gone. **`list.begun`**: it is being carried out; clear *carry_out* instead, which
    goes on where it stopped.
    """
    listed = this_list()
    listed.forget_plans()
    log.info("%s people in %s chunks", listed.people, listed.chunks)
    return list(range(1, listed.chunks + 1))


# One of all lists: what it takes is seen in what is left for the next.
@task(retries=LIST_RETRIES, show_return_value_in_logs=False, max_active_tis_per_dag=1)
@coded
def plan_chunk(chunk: int) -> None:
    """Searches and reads all systems for the people in this chunk, and plans what happens to each record; changes
    nothing. Whoever can't be planned is set aside, and *prepare* says how many and why.

    **Up for retry**, `budget.reserve`: a vendor has too few calls left today, `DSR_BUDGET_RESERVE` percent are for
    others. Nothing to do: it looks again each hour. Other codes: a system is down. **Red**, `budget.too_small`: a whole
    day's calls don't suffice: lower `DSR_BUDGET_RESERVE`, then clear this. `list.tries`: its process was killed each
    time; see what killed it (memory), then clear this.
    """
    from dsr_list_budget import within_budget
    from dsr_list_chunks import plan_chunk as step

    place, listed = Workplace(), this_list()
    if listed.planned(chunk):
        log.info("is planned already")
        return
    with within_budget(place, listed, "plan", len(listed.lines(chunk))):
        log.info("%s", step(place, listed, chunk, final=_is_last(listed, chunk)))


@task.branch(show_return_value_in_logs=False)
@coded
def make_plan() -> str:
    """The plan over all people: what *prepare* and *approve* show. Nobody has a plan → *end_list*."""
    from dsr_plan_page import list_page

    place, listed = Workplace(), this_list()
    total = listed.total()
    listed.case.write_json("total", {"digest": total.digest})
    detail = {"digest": total.digest, "right": "erasure", "effects": total.effects(), "people": total.people}
    place.ledger.append(listed.list_id, "planned", {**detail, "aside": dict(total.aside)}, at=now())
    table = list_page(listed, total, DECLARATIONS, place.register.terms)
    get_current_context()["ti"].xcom_push(key="report", value={"table": table, "digest": total.digest})
    log.info("%s people, %s", total.people, total.effects())
    return "prepare" if total.people else "end_list"


class OtherPlan(AskedAgain):
    """The plan is another one than was shown: it is asked for anew."""


class SamePerson(AskedAgain):
    """Who prepared it can't approve it."""


class _DecidesList(Asks):
    """Decides about the plan over all people on the list. `decision`: what the ledger calls it."""

    decision = ""

    def execute(self, context: Any) -> Any:
        """Asks; and keeps which plan it asks about."""
        with Coded():
            report = context["ti"].xcom_pull(task_ids="make_plan", key="report")
            this_list().case.write_json(f"shown/{self.decision}", {"digest": report["digest"]})
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The officer has answered."""
        if "error" not in event:
            with Coded():
                _decided(self.decision, event)
        return super().execute_complete(context, event)


class PrepareList(_DecidesList):
    """People on a list are to be erased although none of them has asked. An officer looks at what the plan says.

    - **The list is ours, and the plan is right**: the list comes from us, its reason holds for everybody on it, and
      the numbers are what was to be expected. Another officer then approves.
    - **Stop**: nothing is done; the list and all that was read for it is destroyed.

    What a law keeps is restricted, and erased when that ends; records that may be somebody else's are left alone.
    """

    decision = "prepare"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Is the list ours, and is the plan right?",
            options=[OURS, STOP],
            options_mapping={OURS: "approve", STOP: "end_list"},
            **asking(self, _PLAN),
            **kwargs,
        )


class ApproveList(_DecidesList):
    """Another officer decides about exactly this plan, for everybody on the list at once.

    - **Approve**: it is carried out, chunk by chunk. Not open to who prepared it. A record that has changed since is
      left alone; whoever asks for something themselves meanwhile is left out.
    - **Stop**: nothing is done; the list and all that was read for it is destroyed.

    What to look at: are the numbers of people and records what was to be expected; is what is kept kept rightly.
    """

    decision = "approve"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Erase all of them?",
            options=[APPROVE, STOP],
            options_mapping={APPROVE: "carry_out", STOP: "end_list"},
            **asking(self, _PLAN),
            **kwargs,
        )


@task(retries=LIST_RETRIES, show_return_value_in_logs=False, max_active_tis_per_dag=1)
@coded
def carry_out(chunk: int) -> None:
    """Does what was approved for the people in this chunk: reads everything again, erases and restricts, sees that it
    is so, tells the recipients; then destroys their case files, but for those of whom a recipient has yet to act, which
    lose all that was read. Goes on where it stopped.

    **Up for retry**: a system is down, or deletes later (`enforce.scheduled`), or a vendor has too few calls left today
    (`budget.reserve`; `budget.too_small`: see *plan_chunk*). **Red**, `list.failed`: its log names
    each request with its code; all others are done. Mend it, then clear this task. `request.open`,
    `request.restricted`: that person has asked for something themselves since: see to that first. `approval.…`: see
    *enforce* of `dsr_erasure`.
    """
    from datetime import timedelta

    from dsr import approval
    from dsr_list_budget import within_budget
    from dsr_list_chunks import carry_out_chunk, undone
    from dsr_permission import ONCE_BEGUN

    place, listed = Workplace(), this_list()
    valid: timedelta = ONCE_BEGUN if listed.case.exists("begun") else approval.VALID
    approved = approval.list_approved(listed, place.ledger, at=now(), valid=valid)
    listed.case.write_json("begun", True)
    with within_budget(place, listed, "carry_out", len(undone(place, listed, chunk))):
        log.info("%s people", carry_out_chunk(place, listed, chunk, approved))


# Also when of somebody in the chunk not all could be done: the others' recipients were told.
@task(
    trigger_rule=TriggerRule.NONE_SKIPPED,
    retries=ENFORCE_RETRIES,
    show_return_value_in_logs=False,
    max_active_tis_per_dag=1,
)
@coded
def follow_notices(chunk: int) -> None:
    """Asks the recipients that were told over OpenDSR what became of it (Art. 19), of each person in this chunk.

    **Up for retry**: one of them hasn't acted yet, and is asked again for weeks; no slot is held. **Red**,
    `list.failed`: its log names requests with `notice.failed`, and recipients with a code. `notice.cancelled`: they
    don't do it: ask them why, then mark this as success. Any other: their answer proves nothing; mend the connection,
    or ask them, and clear this.
    """
    from dsr_list_chunks import follow_chunk

    log.info("%s people", follow_chunk(Workplace(), this_list(), chunk))


@task_group(prefix_group_id=False)
def carry_out_and_follow(chunk: int) -> None:
    """One chunk by itself: its recipients are followed while others are carried out, also when one of those fails."""
    carry_out(chunk) >> follow_notices(chunk)


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def end_list() -> None:
    """Notes how the list ended, and destroys it with all that was read for it. What was done of whom stays in the
    ledger, under the id of each.

    **Up for retry**: it was stopped while recipients had yet to act on what they were told; they are followed here.
    **Red**, `list.failed`: as *follow_notices*; once you have seen to it, clear this. `list.unfinished`: of somebody
    only a part is done: clear *carry_out*.
    """
    from dsr_list_chunks import end

    log.info("%s", end(Workplace(), this_list()))


def _is_last(listed: "ErasureList", chunk: int) -> bool:
    """Whether this try sets aside whom it can't plan. Waits for calls of the day are no tries, so Airflow's own count
    says nothing. PermanentError("list.tries") when the last one never came to its end."""
    tries, most = listed.begin_to_plan(chunk), 1 + int(DEFAULT_ARGS["retries"])
    if tries > most:
        listed.forget_tries(chunk)
        raise PermanentError("list.tries", _PLACE)
    return tries == most


def _decided(decision: str, event: Mapping[str, Any]) -> None:
    """OtherPlan when what was shown isn't the plan any more, SamePerson when both would be one."""
    place, listed, answer = Workplace(), this_list(), str(event["chosen_options"][0])
    shown, total = listed.case.read_json(f"shown/{decision}")["digest"], listed.case.read_json("total")["digest"]
    if shown != total:
        raise OtherPlan("approval.digest", decision)
    known = [e.detail for e in place.ledger.events(listed.list_id) if e.kind == "decision"]
    prepared = [detail["by"] for detail in known if detail["decision"] == "prepare"][-1:]
    if decision == "approve" and answer == APPROVE and who(event) in (*prepared, "nobody"):
        raise SamePerson("approval.four_eyes", decision)
    detail = {"decision": decision, "choice": _CHOICES[answer], "by": who(event), "digest": shown}
    place.ledger.append(listed.list_id, "decision", detail, at=now())
