"""
# What do you hold about me (Art. 15 GDPR), and give me mine to take along (Art. 20)

A ticket became this run; its id is the request's id. Every system is searched and read, the result is composed into
a package, a privacy officer releases it, and the person gets a link by mail and a code in the ticket. For portability
the package holds the part that Art. 20 reaches, and goes to another controller too if the person said so.

| What you see | What it means | What to do |
|---|---|---|
| *review* waits | others may be spoken of in texts or files | look at each on the tab *Review*, then answer it |
| *review* names numbers | the person may show that a phone is theirs | nothing; your answer searches again first |
| *release* waits | the package is ready | a privacy officer approves or refuses under *Required Actions* |
| *decide_incomplete* waits | a system could not be read | its *collect* says why; mend it and *Try again*, or decide |
| ... | or a row of the register is blank or unconfirmed | fill it in, confirm it, *Try again*; or decide |
| a *collect* is up for retry | the system is down or asks to wait | nothing; it retries by itself |
| a *collect* is red | it failed for good | its log ends in a code, see the task's documentation |
| *deliver* or *transmit* is up for retry | the mail server or the recipient is down | nothing; it retries for days |
| *deliver* or *transmit* is red | one of them refused for good | mend the connection, then as below |
| *identify*, *combine* or *compose* is red | a fault of ours | its log holds type and place; then as below |
| *shred* is red: `run.failed` | a task before failed | mend it, then clear *open_case* with all downstream |
| the month won't do | | extend it once, for a reason of Art. 12(3): start `dsr_extension` with the request's id |
| only *transmit* is red | the person has their package, the recipient has not | clear *transmit* with all downstream |

Deadline: the ticket and the ledger hold it (`python -m dsr requests`). Logs, XComs and this page hold counts and
codes only; nothing about the person is ever in Airflow. To stop a run: mark it failed, *shred* cleans up.
"""

from airflow.sdk import DAG, TaskGroup

import dsr_acting as acting
import dsr_tasks as tasks
from dsr_decisions import DecideIncomplete, Release
from dsr_retries import DEFAULT_ARGS, REQUESTS_AT_ONCE
from dsr_reviewing import Review
from dsr_rights import read_now
from extractors import SOURCES

RIGHTS = {
    "access": "Finds, collects and discloses what all systems hold about one person (Art. 15 GDPR)",
    "portability": "Gives the person what they provided, and another controller if they say so (Art. 20 GDPR)",
}

for right, description in read_now(RIGHTS).items():
    with DAG(
        f"dsr_{right}",
        description=description,
        doc_md=__doc__,
        schedule=None,
        catchup=False,
        # Runs that wait for a person count as active.
        max_active_runs=REQUESTS_AT_ONCE,
        default_args=dict(DEFAULT_ARGS),
        tags=["dsr"],
    ):
        open_case = tasks.open_case().as_setup()
        identify = tasks.identify()
        combine = tasks.combine()
        decide_incomplete = DecideIncomplete(task_id="decide_incomplete")
        review = Review(task_id="review")
        compose = tasks.compose()
        release = Release(task_id="release", right=right)
        deliver, refuse = tasks.deliver(), acting.refuse()
        # One each: a task below both *combine* and *review* would run after a *Stop* that never came to the review.
        answer_nothing = tasks.answer_nothing()
        answer_unfound = tasks.answer_nothing.override(task_id="answer_unfound")()
        close = tasks.close()
        shred = tasks.shred().as_teardown(on_failure_fail_dagrun=True)

        open_case >> [identify, shred]
        for source in SOURCES:
            with TaskGroup(source.declaration.name, tooltip=source.declaration.title):
                collect = tasks.collect.override(task_id="collect", pool=source.declaration.connection_id)
                identify >> collect(source.declaration.name) >> combine
        combine >> [review, decide_incomplete, answer_nothing]
        decide_incomplete >> [review, shred]
        review >> [compose, answer_unfound, shred]
        compose >> release >> [deliver, refuse, shred]
        [deliver, refuse, answer_nothing, answer_unfound] >> close >> shred
        if right == "portability":
            deliver >> tasks.transmit() >> close
