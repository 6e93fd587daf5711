"""What an erasure list costs through the whole stack: one person, and many, with one approval each time.

Seconds are Airflow's whole run without the officers' thinking; calls are counted by the sandbox, over all of planning,
rereading, erasing and verifying. Account Engagement and the webinars have no calls for many people at once.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from dsr.erasurelist import CHUNK
from embedded.client import AirflowClient
from embedded.journey import warm_up
from embedded.stack import Options, Stack
from sandbox.people import populate

_DAG: Final = "dsr_erasure_list"
_PATIENCE: Final = 7200.0
_AGAIN: Final = (("DSR_ENFORCE_AGAIN_SECONDS", "2"), ("DSR_TASK_RETRY_SECONDS", "1"))
_ROOT: Final = Path(__file__).resolve().parent.parent
_CALLS: Final = 1.5
"""As many times the calls of one person that a chunk of many may cost in the CRM, which takes lists of ids."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when the CRM is asked little more for many than for one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--people", type=int, default=50, help="on the long list (default 50)")
    args = parser.parse_args(arguments)
    # Neither the canary and its neighbours, of whom some share mailboxes, nor anybody twice.
    people = [person.email for person in populate(args.people + 40).crowd]
    options = Options(people=args.people + 40, environment=_AGAIN)
    folder = _ROOT / "var" / "bench-lists"
    shutil.rmtree(folder, ignore_errors=True)  # whom an earlier measurement erased isn't there any more
    stack = Stack(folder, options, lambda line: print(f"  {line}", flush=True))
    try:
        stack.up()
        # Recipients act at once: how long they take is theirs.
        answer = httpx.post(f"{stack.endpoints['admin']}/processor/behaviour", json={"ends_after": 0}, timeout=60)
        answer.raise_for_status()
        warm_up(stack)
        few = _run(stack, people[:1])
        many, chunks = _run(stack, people[1 : args.people + 1]), -(-args.people // CHUNK)
        return 0 if many["salesforce"] <= _CALLS * few["salesforce"] * chunks else 1
    finally:
        stack.down()


def _run(stack: Stack, emails: Sequence[str]) -> Counter[str]:
    """One list from its file to its end; the calls that it took, by system."""
    admin = stack.endpoints["admin"]
    httpx.delete(f"{admin}/calls", timeout=60).raise_for_status()
    list_id, began = _take_in(stack, emails), time.monotonic()
    with stack.client("officer") as first, stack.client("second") as second:
        planned = _decide(first, list_id, "prepare", "The list is ours, and the plan is right") - began
        decided = _decide(second, list_id, "approve", "Approve")
        state = first.wait_for_end(_DAG, list_id, _PATIENCE)
        done = time.monotonic() - decided
    calls = Counter(call["system"] for call in httpx.get(f"{admin}/calls", timeout=60).json())
    each = ", ".join(f"{system} {count} ({count / len(emails):.1f} each)" for system, count in sorted(calls.items()))
    print(f"{len(emails):>5} people   planned in {planned:6.1f} s   carried out in {done:6.1f} s   {state}")
    print(f"      calls: {each}", flush=True)
    if state != "success":
        raise SystemExit("the run failed")
    return calls


def _take_in(stack: Stack, emails: Sequence[str]) -> str:
    argv = [sys.executable, "-m", "dsr", "erasure-list", "add", "-", "--reason", "no_longer_needed", "--by", "dpo"]
    environment = {**os.environ, **stack.environment}
    content = "\n".join(["email", *emails])
    told = subprocess.run(argv, input=content, env=environment, cwd=_ROOT, capture_output=True, text=True, check=True)
    (list_id,) = re.findall(r"list-[a-z2-7]{26}", told.stdout)
    return str(list_id)


def _decide(officer: AirflowClient, list_id: str, task_id: str, answer: str) -> float:
    """When it was asked, and answered at once."""

    def asked() -> bool:
        return any(one["task_id"] == task_id for one in officer.awaits_input(_DAG, list_id))

    officer.wait(asked, f"{task_id} to ask", _PATIENCE, 1.0)
    at = time.monotonic()
    time.sleep(1.5)
    officer.answer(_DAG, list_id, task_id, answer)
    return at


if __name__ == "__main__":
    sys.exit(main())
