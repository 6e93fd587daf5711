"""Processes of the office that are killed with -9, one after the other, until one is left to end the work."""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from office import Office

_TRIES = 5
"""So many processes are begun for each that is to be killed: some end before."""
_PROCESSES = multiprocessing.get_context("forkserver")


def go_on(folder: Path, endpoints: Mapping[str, Any], ledger_url: str, decisions: Any, request_id: str) -> None:
    """What a process does that takes a request up: everything that is left."""
    office = Office(folder, endpoints, ledger_url)
    office.decisions.update(decisions)
    office.finish(request_id)
    office.close()


def killed_on_the_way(
    processes: Any, office: Office, request_id: str, seconds: float, chance: random.Random, kills: int
) -> list[str]:
    """Lets processes take it up and kills each after a while; the last of them ends it. The tasks that were met."""
    met: list[str] = []
    arguments = (office.folder, office.endpoints, office.ledger_url, dict(office.decisions), request_id)
    while True:
        process = processes(target=go_on, args=arguments)
        process.start()
        moment = chance.uniform(0.1, 1.5 * seconds / kills) if len(met) < kills else None
        process.join(moment)
        if process.exitcode is not None:
            assert process.exitcode == 0
            return met
        # First: while it lives, it writes the run's file too.
        process.kill()
        process.join()
        met.append(office.next(request_id) or "")


def killed_again_and_again(
    processes: Any,
    work: Callable[..., None],
    arguments: Sequence[Any],
    seconds: float,
    chance: random.Random,
    kills: int,
) -> int:
    """Lets processes do the same and kills each after a while, within `seconds` or what the quickest took; the last one
    does it to its end. A task that had ended already is run once more, as one whose end nobody has heard of. How many
    were killed."""
    killed = 0
    for _ in range(_TRIES * kills):
        process, began = processes(target=work, args=arguments), time.monotonic()
        process.start()
        process.join(chance.uniform(0.0, seconds))
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
        else:
            seconds = min(seconds, time.monotonic() - began)
        assert process.exitcode in (0, -signal.SIGKILL)
        if killed == kills:
            break
    last = processes(target=work, args=arguments)
    last.start()
    last.join()
    assert last.exitcode == 0
    return killed


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts processes that have loaded everything already, so that they are killed at their work."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    _PROCESSES.set_forkserver_preload(["office"])
    return _PROCESSES.Process
