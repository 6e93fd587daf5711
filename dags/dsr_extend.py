"""
# More time for one request (Art. 12(3) GDPR)

Start this when an answer can't be given within the month: with *Trigger*, the request's id and the reason. The person
is told at once in their ticket, with the reason and the new last day: three months after receipt. The request's own run
goes on as it is.

| What the law demands | What happens here |
|---|---|
| only for complexity or the number of requests | one of the two is chosen; note in your own file why it holds |
| told within one month of receipt | later it is refused: `extension.late` |
| once | a second one is refused: `extension.already` |

The request's id is the id of its run (`dsr-…`); nothing else belongs into the form. Who started it, the reason and the
new day go into the ledger; `python -m dsr requests` shows the new day.

| What you see | What it means | What to do |
|---|---|---|
| *extend* is red | nobody was told | its log ends in a code, see the task's documentation |
"""

from airflow.sdk import DAG, Param

import dsr_extending as tasks
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_extension",
    description="Extends the time for one request by two months, and tells the person (Art. 12(3) GDPR)",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
    params={
        # The pattern keeps everything but an id out of the run's configuration.
        "request_id": Param(
            type="string",
            pattern="^dsr-[a-z2-7]{26}$",
            title="Request",
            description="The id of the request, which is the id of its run.",
        ),
        "reason": Param(
            type="string",
            enum=["complexity", "number"],
            values_display={
                "complexity": "The request is complex",
                "number": "There are many requests at the same time",
            },
            title="Reason",
            description="The person is told it.",
        ),
    },
):
    tasks.extend()
