"""
# Change what systems hold about me: rectify (Art. 16), erase (17), restrict (18), object and withdraw (21, 7(3))

Find → plan → ask who it is → prepare → approve → reread → enforce → verify → notify → answer. The plan says for every
record what happens to it, on which ground and until when. One officer prepares it, another approves exactly that plan;
a record that has changed since is left alone. An objection to marketing and a withdrawn consent need nobody's
approval: they are done at once, and the person is on the suppression list even when nothing of theirs is held (a
withdrawn consent: where it is about marketing). What the law keeps is restricted and named in the answer with its
ground and its day.

| What you see | What it means | What to do |
|---|---|---|
| *prepare* waits | the plan is made, the person was asked | an officer looks at both, under *Required Actions* |
| *ask_identity* is up for retry | the mail server is down | nothing; it tries for days |
| *answer_nothing* is up for retry | nothing was found; it waits as long as others have to confirm | nothing |
| *approve* waits | it was prepared | another officer approves it, refuses, or wants another plan |
| *make_plan* is red | a system could not be read; nothing was done | mend it, clear *open_case* with all downstream |
| a *reread* is red | a system can't be read any more; nothing was changed | as for *make_plan* |
| an *enforce* is up for retry | the vendor does it later, or is down | nothing; it asks again for weeks |
| an *enforce* is red | its log ends in a code | mend, clear it with all downstream: it goes on where it stopped |
| *verify* is red: `verify.remains` | records are left | look into the system, then clear it with all downstream |
| *follow_notices* is up for retry | a recipient has not acted on its notice yet | nothing; it asks again for weeks |
| *follow_notices*, *tell_untold* or *tell_lifted* is red | recipients are not told | its text says what to do |
| *open_case* is red: `run.right` | started by hand for a request of another right | nothing; nothing was touched |
| *shred* is red: `run.failed` | a task before failed | see there |
| *decide_lift* waits | the data is restricted | an officer says when the ground has ended; the person is told first |
| *decide_objection* waits | restricted meanwhile | an officer decides whether compelling grounds override it |
| the month won't do | | extend it once, for a reason of Art. 12(3): start `dsr_extension` with the request's id |

Logs, XComs and this page hold counts and codes only. To stop a run before *enforce*: mark it failed.
"""

from typing import Any

from airflow.sdk import DAG, TaskGroup

import dsr_acting as acting
import dsr_identity as identity
import dsr_lifting as lifting
import dsr_planning_anew as planning
import dsr_tasks as tasks
import dsr_telling as telling
import dsr_unheld as unheld
from dsr_approvals import Approve, DecideLift, DecideObjection, Prepare
from dsr_retries import DEFAULT_ARGS, REQUESTS_AT_ONCE
from dsr_rights import read_now
from extractors import SOURCES

RIGHTS = {
    "erasure": "Erases what no law keeps (Art. 17 GDPR)",
    "rectification": "Corrects and completes what the systems hold (Art. 16 GDPR)",
    "restriction": "Restricts processing until the ground has ended (Art. 18 GDPR)",
    "objection": "Stops marketing and profiling at once, examines other objections (Art. 21, 7(3) GDPR)",
}


def each_source(task: Any) -> dict[str, Any]:
    """One task for each source, named by it and in its pool."""
    sources = {source.declaration.name: source.declaration.connection_id for source in SOURCES}
    return {name: task.override(task_id=name, pool=pool)(name) for name, pool in sources.items()}


for right, description in read_now(RIGHTS).items():
    with DAG(
        f"dsr_{right}",
        description=description,
        doc_md=__doc__,
        schedule=None,
        catchup=False,
        max_active_runs=REQUESTS_AT_ONCE,
        default_args=dict(DEFAULT_ARGS),
        tags=["dsr"],
    ):
        open_case = tasks.open_case().as_setup()
        identify = tasks.identify()
        make_plan = acting.make_plan()
        answer_nothing = unheld.answer_unheld() if right == "objection" else unheld.answer_unknown()
        suppress = acting.suppress()
        verify = acting.verify()
        notify = telling.notify()
        answer = acting.answer()
        close = tasks.close()
        shred = tasks.shred().as_teardown(on_failure_fail_dagrun=True)

        open_case >> [identify, shred]
        # A group for each step, not for each source: Airflow can't draw one that is both before and after *prepare*.
        with TaskGroup("collect", tooltip="What each system holds is read") as collect:
            each_source(tasks.collect)
        with TaskGroup("reread", tooltip="All systems are read again before the first is changed") as reread:
            each_source(acting.reread)
        with TaskGroup("enforce", tooltip="What was approved is done in each system") as enforce:
            enforced = each_source(acting.enforce)
            for source in SOURCES:
                for before in source.declaration.erase_after:
                    enforced[before] >> enforced[source.declaration.name]
        identify >> collect >> make_plan
        suppress >> reread >> enforce >> verify >> notify >> answer
        # Beside the answer, which is a branch and holds up for no recipient.
        notify >> [telling.follow_notices(), telling.tell_untold()]
        make_plan >> answer_nothing >> close

        if right == "objection":
            decide_objection = DecideObjection(task_id="decide_objection")
            uphold = acting.uphold()
            announce_lift, lift = lifting.announce_lift(), lifting.lift()
            make_plan >> suppress
            answer >> [decide_objection, close]
            decide_objection >> [uphold, announce_lift]
            announce_lift >> lift >> telling.tell_lifted()
            [uphold, lift] >> close
        else:
            prepare, approve = Prepare(task_id="prepare", right=right), Approve(task_id="approve", right=right)
            # One each: a task below both would be skipped for what *approve* had chosen before a new plan.
            refuse, reject = acting.refuse(), acting.refuse.override(task_id="reject")()
            replan = planning.plan_anew.override(task_id="replan")()
            make_plan >> identity.ask_identity() >> prepare >> [approve, refuse, replan, shred]
            approve >> [suppress, reject, planning.plan_anew(), shred]
            [refuse, reject] >> close
        if right == "restriction":
            decide_lift = DecideLift(task_id="decide_lift")
            announce_lift, lift = lifting.announce_lift(), lifting.lift()
            keep_restricted = lifting.keep_restricted()
            answer >> decide_lift >> [announce_lift, keep_restricted]
            announce_lift >> lift >> telling.tell_lifted()
            [lift, keep_restricted] >> close
        elif right != "objection":
            answer >> close
        close >> shred
