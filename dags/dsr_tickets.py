"""
# Tickets, every five minutes

| Task | What it does | When it is red |
|---|---|---|
| *start_pending* | starts requests that were accepted while Airflow could not be reached | see below |
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

*start_pending* starts what waits in the order of receipt, 500 at a time, the rest in the next run; a request that
comes in meanwhile is started by the webhook at once. It is **red** when it can't; the next run goes on from there:

| Code | What to do |
|---|---|
| `http.401` | the service user's password is another one: set DSR_AIRFLOW_PASSWORD, run `deploy/access.py` |
| `http.403` | the service user may not start that DAG: run `deploy/access.py` |
| `http.404` | the request's DAG is not there: see *DAG import errors* |
| `connection.failed`, `http.5…`, `store.…` | nothing, unless it lasts: Airflow's API or our storage was away |

Its log names the requests. One whose case file is gone (`case.closed`, `case.absent`) can't be started and makes
nothing red here; `dsr_deadlines` names it until it has its answer.

`python -m dsr tickets` lists what waits. With `show <request>` it shows the texts, codes among them, so that you can
give them to the person by a way that is theirs; with `given <request> --by <who>` you say that you have.
"""

from airflow.sdk import DAG

import dsr_ticketing as tasks
from dsr_retries import DEFAULT_ARGS

with DAG(
    "dsr_tickets",
    description="Starts requests that wait; writes into tickets what waits, and how far their requests have come",
    doc_md=__doc__,
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["dsr"],
):
    tasks.start_pending()
    tasks.deliver()
    tasks.tell_progress()
