"""Processes of a stack: started in sessions of their own, recorded, and stopped with everything they started.

A session (setsid) is what holds a component and its descendants together: Airflow's tasks have process groups of
their own, but stay in the session. Servers that open a session themselves are found as descendants.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_TAIL_LINES = 25
_CLOCK = 0.05
"""Seconds within which two start times are the same."""

_SECOND_PATIENCE = 3.0
_LAST_PATIENCE = 5.0


class StackError(RuntimeError):
    """The stack can't do what was asked; the message says what failed and where to look."""


@dataclass
class Component:
    """One program of the stack. `log` takes its stdout and stderr. `patience`: seconds it gets to stop by itself,
    0 = it is killed at once, having nothing to save; `stage`: those of a lower one stop first."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    log: Path
    patience: float = 8.0
    stage: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C reaches only us."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - own programs, own arguments
                list(self.argv),
                env=dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ensure_alive(self) -> None:
        """StackError with the end of its log when it has died."""
        if self.process is not None and self.process.poll() is not None:
            raise StackError(f"{self.name} ended with code {self.process.returncode}\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log and where the log is."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([*(f"    {line}" for line in lines[-_TAIL_LINES:]), f"  whole log: {self.log}"])


def wait_until(ready: Callable[[], bool], what: str, seconds: float, components: Iterable[Component] = ()) -> None:
    """Poll until `ready`. StackError when one of the components dies or the time is over."""
    watched = list(components)
    deadline = time.monotonic() + seconds
    while not ready():
        for component in watched:
            component.ensure_alive()
        if time.monotonic() > deadline:
            tails = "\n".join(f"  {c.name}:\n{c.tail()}" for c in watched)
            raise StackError(f"{what} was not ready after {seconds:.0f} s\n{tails}")
        time.sleep(0.1)


class Register:
    """Which processes belong to the stack in a folder, kept in a file so that another process can stop them.

    A process is its id and its start time: an id that was given to somebody else is never touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, components: Iterable[Component]) -> None:
        """Write down the components that run and their present descendants."""
        rows: list[dict[str, Any]] = []
        for component in components:
            if component.process is None or component.process.poll() is not None:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                leader = psutil.Process(component.process.pid)
                family = [leader, *leader.children(recursive=True)]
                rows.append(
                    {
                        "name": component.name,
                        "patience": component.patience,
                        "stage": component.stage,
                        "family": _identities(family),
                    }
                )
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(rows))
        os.replace(partial, self.path)

    def running(self) -> list[str]:
        """Names of the recorded components whose first process is alive."""
        return [row["name"] for row in self._rows() if _alive(row["family"][0]) is not None]

    def stop(self, say: Callable[[str], None]) -> None:
        """Stop what is recorded, one stage after the other, each with all that it started; nothing is left behind."""
        rows = self._rows()
        # Seen before anything stops: an orphan can't be traced to its parent any more.
        families = [(row, _family(row["family"])) for row in rows]
        for stage in sorted({row["stage"] for row in rows}):
            _stop([(row["name"], row["patience"], family) for row, family in families if row["stage"] == stage], say)
        self.path.unlink(missing_ok=True)

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        rows: list[dict[str, Any]] = json.loads(self.path.read_text())
        return rows


def _identities(processes: Iterable[psutil.Process]) -> list[tuple[int, float]]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append((process.pid, process.create_time()))
    return found


def _alive(identity: Sequence[float]) -> psutil.Process | None:
    try:
        process = psutil.Process(int(identity[0]))
        same = abs(process.create_time() - identity[1]) < _CLOCK and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _is_another(pid: int, started: float) -> bool:
    """Whether the id now belongs to a process that started at another time."""
    try:
        return abs(psutil.Process(pid).create_time() - started) >= _CLOCK
    except psutil.NoSuchProcess:
        return False


def _family(identities: Sequence[Sequence[float]]) -> list[psutil.Process]:
    """The recorded processes that live, their descendants, and whoever else is in the leader's session; the leader
    comes first."""
    family = {p.pid: p for identity in identities if (p := _alive(identity)) is not None}
    for process in list(family.values()):
        with contextlib.suppress(psutil.NoSuchProcess):
            family |= {child.pid: child for child in process.children(recursive=True)}
    session, started = int(identities[0][0]), identities[0][1]
    if psutil.pid_exists(session) and _is_another(session, started):
        return list(family.values())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session and process.create_time() >= started - _CLOCK:
                family.setdefault(process.pid, process)
    return list(family.values())


def _stop(families: list[tuple[str, float, list[psutil.Process]]], say: Callable[[str], None]) -> None:
    """Ask the leaders; after their patience ask once more, everybody this time; then kill what is left."""
    for _, patience, family in families:
        _signal(family[:1] if patience else family, signal.SIGTERM if patience else signal.SIGKILL)
    began = time.monotonic()
    for name, patience, family in families:
        _wait(family[:1], began + patience - time.monotonic())
        _signal(_living(family), signal.SIGTERM)
        if _wait(family, _SECOND_PATIENCE):
            say(f"{name} does not stop, killing it")
        # Once more with children: what was started while it was stopping.
        rest = _living(family)
        for process in list(rest):
            with contextlib.suppress(psutil.NoSuchProcess):
                rest += process.children(recursive=True)
        _signal(rest, signal.SIGKILL)
        _wait(rest, _LAST_PATIENCE)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they are gone; those that aren't by then."""
    deadline = time.monotonic() + seconds
    while (alive := _living(processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Without the dead and without zombies, which only their parent can remove: in a container that may be a first
    process that never does."""
    living = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
