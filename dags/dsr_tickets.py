"""
# Tickets, every five minutes

| Task | What it does | When it is red |
|---|---|---|
| *deliver* | writes into tickets what could not be written before: in order, each once | see below |
| *tell_progress* | notes in each ticket how far its request has come | see the log; the next run goes on |

No run waits for a ticket system. What it could not be told lies in the request's case file, and *deliver* writes it as
soon as it is up again; a system that asks for a pause gets it. The case file is kept until all is written.

*deliver* is **red** when a person has to do something. Its log names each request with its code; tickets without a
code go on. It tries again every hour, and at once when you start this DAG by hand.

| Code | What to do |
|---|---|
| `http.401`, `http.403`, `connection.…`, `secret.…` | mend `dsr_<channel>`, then start this DAG by hand |
| `http.404`, `http.410` | the ticket is gone: give the answer in another way, see below |
| `http.400`, `http.422` | the ticket takes no comment, as it is closed for good: open a way to write, or as above |
| `answer.by_hand` | the channel must not carry it: give it to the person in another way, see below |
| `tickets.late` | nothing could be written for a day: see whether the ticket system is up |
| `case.closed` | the case file is gone, and the answer with it: see the ledger, answer by hand, and say *given* |

`python -m dsr tickets` lists what waits. With `show <request>` it shows the texts, codes among them, so that you can
give them to the person by a way that is theirs; with `given <request> --by <who>` you say that you have.
"""

from airflow.sdk import DAG

import dsr_ticketing as tasks
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_tickets",
    description="Writes into tickets what waits, and how far their requests have come",
    doc_md=__doc__,
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.deliver()
    tasks.tell_progress()
