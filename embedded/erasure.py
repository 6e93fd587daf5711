"""One erasure's way through the stack, from the webhook to the certificate, with the state of every system compared
before and after."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from dsr.casefile import CaseStore
from dsr.ledger import Ledger
from dsr.plan import read
from dsr.settings import Settings, subkey
from embedded.client import FINAL, AirflowClient
from embedded.process import StackError
from embedded.requester import Requester
from embedded.stack import Stack
from sandbox.comparison import difference

DAG: Final = "dsr_erasure"
_PREPARED: Final = "They have confirmed who they are, and the plan is right"
_PATIENCE: Final = 300.0
_THOUGHT: Final = 1.5
"""Seconds that a person takes at the very least."""
_PAPERS: Final = ("certificate.sv.html", "certificate.en.html")


@dataclass(frozen=True)
class Erased:
    """An erasure that was carried out. `plan`: system → effect → how many records; `changes`: system → what
    happened to its records → how many; `others`: how many records of other people changed; `answer`: the text in the
    ticket; `events`: what the ledger has, in order; `seconds`: from webhook to answer, the officers' wait apart."""

    request_id: str
    plan: Mapping[str, Mapping[str, int]]
    changes: Mapping[str, Mapping[str, int]]
    others: int
    answer: str
    events: tuple[str, ...]
    seconds: float


def erase(stack: Stack, key: str, email: str, folder: Path, say: Callable[[str], None]) -> Erased:
    """Ask for the erasure of the person with that address and key, prepare and approve it as two officers, wait for the
    answer; the certificate goes into `folder`. StackError when the run ends otherwise."""
    requester, before = Requester(stack), _state(stack)
    began = time.monotonic()
    request_id = requester.ask(email, ticket_id="T-1002", right="erasure").request_id
    say(f"accepted as {request_id}")
    with stack.client("officer") as officer, stack.client("second") as second:
        _asked(officer, request_id, "prepare")
        pause = time.monotonic()
        requester.confirm(request_id)
        say("planned, record by record; the person has confirmed that it is them, by a mail to an address on file")
        _answer(officer, request_id, "prepare", _PREPARED)
        say("prepared by one officer")
        waited = time.monotonic() - pause
        _asked(officer, request_id, "approve")
        pause = time.monotonic()
        _answer(second, request_id, "approve", "Approve")
        waited += time.monotonic() - pause
        say("approved by another; all systems are read again, erased from one by one, and searched again")
        officer.wait(lambda: _answered(officer, request_id), "the answer", _PATIENCE)
    seconds = time.monotonic() - began - waited
    found = difference(before, _state(stack))
    changes: dict[str, Counter[str]] = {}
    for change in found:
        changes.setdefault(change.system, Counter())[change.what] += 1
    others = sum(bool(change.person) and key not in change.person.split(",") for change in found)
    answers = [answer["text"] for answer in requester.answers(request_id)]
    if not answers:
        raise StackError(f"{request_id} was not answered")
    plan, events = _papers(stack, request_id, folder)
    (folder / "answer.txt").write_text(answers[-1], encoding="utf-8")
    return Erased(request_id, plan, changes, others, answers[-1], events, seconds)


def _state(stack: Stack) -> list[str]:
    answer = httpx.get(f"{stack.endpoints['admin']}/state", timeout=60, trust_env=False)
    return answer.raise_for_status().text.splitlines()


def _asked(officer: AirflowClient, request_id: str, task_id: str) -> None:
    """Until a person is asked."""

    def waiting() -> Any:
        state = officer.run(DAG, request_id).get("state")
        return officer.awaits_input(DAG, request_id) or (state if state in FINAL else None)

    found = officer.wait(waiting, f"{task_id} to ask", _PATIENCE, every=0.1)
    if isinstance(found, str) or found[0]["task_id"] != task_id:
        raise StackError(f"{request_id} is {found if isinstance(found, str) else found[0]['task_id']}, not {task_id}")


def _answer(user: AirflowClient, request_id: str, task_id: str, option: str) -> None:
    time.sleep(_THOUGHT)
    user.answer(DAG, request_id, task_id, option)


def _answered(officer: AirflowClient, request_id: str) -> bool:
    """StackError when the run failed before."""
    if officer.run(DAG, request_id).get("state") == "failed":
        failed = [n for n, task in officer.tasks(DAG, request_id).items() if task["state"] == "failed"]
        raise StackError(f"{request_id} failed in {', '.join(failed)}")
    return bool(officer.tasks(DAG, request_id)["close"]["state"] == "success")


def _papers(stack: Stack, request_id: str, folder: Path) -> tuple[dict[str, Counter[str]], tuple[str, ...]]:
    """Puts the certificate into the folder; the plan in numbers, and the ledger's events, whose chain is checked."""
    from dsr import database

    settings = Settings.from_environment(stack.environment)
    case = CaseStore(settings.case_store, *settings.case_keys).open(request_id)
    for name in _PAPERS:
        with case.reader(name) as file:
            (folder / name).write_bytes(file.read())
    planned: dict[str, Counter[str]] = {}
    for count in read(case).counts:
        planned.setdefault(count.source, Counter())[count.effect] += count.count
    engine = database.connect(settings.ledger_url)
    try:
        ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
        ledger.verify()
        return planned, tuple(event.kind for event in ledger.events(request_id))
    finally:
        engine.dispose()
