"""Starts again what has ended, as `restart: unless-stopped` does."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psutil

from embedded.process import Component

_LOOK: Final = 0.5
_BREATH: Final = 1.0
"""Seconds before something that ended is started again."""


@dataclass
class Keeper:
    """Watches over `components` until `stop`; `changed` is called once one was started again. `restarts`: the names of
    those, in order."""

    components: list[Component]
    changed: Callable[[], None]
    restarts: list[str] = field(default_factory=list)
    _away: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more; twice is fine."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def take_away(self, name: str) -> None:
        """kill -9 of that one with everything that it started, as when its machine is gone; it stays away."""
        self._away.add(name)
        self.signal(name, signal.SIGKILL)

    def bring_back(self, name: str) -> None:
        """One that was taken away is started again."""
        self._away.discard(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send it to that one with everything that it started: the first process first, so that none of the others is
        missed and replaced."""
        with self._lock:
            for process in self.family(name):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def family(self, name: str) -> list[psutil.Process]:
        """The process of that name, then all else in its session, tasks and the like; [] when it doesn't run."""
        leader = self._named(name).process
        if leader is None:
            return []
        found = [process for process in psutil.process_iter() if _session(process.pid) == leader.pid]
        return sorted(found, key=lambda process: process.pid != leader.pid)

    def name_of(self, pid: int) -> str:
        """Whose session a process is in."""
        leaders = {c.process.pid: c.name for c in self.components if c.process is not None}
        return leaders[_session(pid)]

    def _named(self, name: str) -> Component:
        return next(component for component in self.components if component.name == name)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            for component in list(self.components):
                ended = component.process is not None and component.process.poll() is not None
                if ended and component.name not in self._away and not self._over.wait(_BREATH):
                    with self._lock:
                        component.start()
                    self.restarts.append(component.name)
                    self.changed()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0
