"""What asking the systems costs: wall time against its lower limit, calls for many subjects, limits under load.

wall      identify and collect of one subject, each source at the same time as the others (as Airflow's tasks are), with
          a sandbox that waits before every answer. The lower limit is the longest chain of calls that need each other's
          answers (`CHAINS`) times that wait; what the same work takes without it is taken off first. Systems without
          look-up are asked for what the index knows. Invoicing is a database, of which the sandbox delays nothing
calls     of one run for 1, 20 and 200 subjects, counted in the sandbox's log
at once   50 requests, as many at a time in each source as its pool has places: refusals because of a limit (429)
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import httpx

from dsr.evidence import VENDOR_LINKS
from dsr.model import Identifier, IndexEntry, Subject
from dsr.source import Connection, IndexedSource, Source
from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from extractors.webinars import Webinars
from sandbox.people import Person, populate

CHAINS: Final[Mapping[type[Source], tuple[str, ...]]] = {
    Salesforce: ("token", "fields", "who", "theirs", "on those", "on those", "on those", "on those", "on those"),
    Pardot: ("token", "who", "prospect", "visitors", "page views"),
    Webinars: ("token", "who", "days", "who came", "recording", "chat"),
    Recordings: ("who", "record"),
}
"""Source over HTTP → what must be known before the next can be asked."""
RATIO: Final = 1.5
_PEOPLE: Final = 400
_MANY: Final = (1, 20, 200)
_AT_ONCE: Final = 50


@dataclass
class Running:
    """A sandbox in a process of its own, and what an index of its systems without look-up knows."""

    endpoints: Mapping[str, Any]
    index: dict[type[Source], dict[Identifier, list[IndexEntry]]] = field(default_factory=dict)

    def source(self, kind: type[Source]) -> Source:
        """Connected as an installation does it."""
        conn_id = kind.declaration.connection_id
        fields = {k: v for k, v in self.endpoints["connections"][conn_id].items() if k != "conn_type"}
        return kind.connect(Connection(conn_id, **fields))

    def read_index(self) -> "Running":
        """All of it, as the first night's upkeep does."""
        for kind in CHAINS:
            if kind.declaration.indexed:
                known = self.index.setdefault(kind, {})
                for entry in cast(IndexedSource, self.source(kind)).index(None):
                    known.setdefault(entry.identifier, []).append(entry)
        return self

    def subject(self, kind: type[Source], person: Person, number: int) -> Subject:
        """A person as that source is asked for them."""
        own = {Identifier("email", person.email)}
        if kind.declaration.indexed:
            own.add(Identifier("phone", person.mobile))
            link = next(name for name in kind.declaration.finds_by if name in VENDOR_LINKS)
            own |= {Identifier(link, entry.record_id) for i in set(own) for entry in self.index[kind].get(i, ())}
        return Subject(f"dsr-{number}", frozenset(own))

    def calls(self, kind: type[Source]) -> list[dict[str, Any]]:
        """The log of its system since it was cleared."""
        wanted = {"system": kind.declaration.name}
        found: list[dict[str, Any]] = httpx.get(f"{self.endpoints['admin']}/calls", params=wanted).json()
        return found

    def forget(self) -> None:
        """Clear the log."""
        httpx.delete(f"{self.endpoints['admin']}/calls").raise_for_status()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources", description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=200.0, help="the wait before every answer (default 200)")
    parser.add_argument("--repeat", type=int, default=5, help="how often (default 5)")
    args = parser.parse_args(arguments)
    people = populate(_PEOPLE).people
    met = _wall(people, args.latency_ms / 1000, args.repeat)
    with sandbox(0) as running:
        _many(running, people)
        return 0 if _at_once(running, people) and met else 1


@contextmanager
def sandbox(latency_ms: float) -> Iterator[Running]:
    """Started for this, and stopped after."""
    import json

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "sandbox"
        options = ["--state", str(state), "--people", str(_PEOPLE), "--latency-ms", str(latency_ms)]
        process = subprocess.Popen([sys.executable, "-m", "sandbox", *options])
        try:
            while not (state / "endpoints.json").exists():
                if process.poll() is not None:
                    raise SystemExit("the sandbox did not start")
                time.sleep(0.1)
            yield Running(json.loads((state / "endpoints.json").read_text())).read_index()
        finally:
            process.terminate()
            process.wait(30)


def read(running: Running, kind: type[Source], people: Sequence[Person]) -> float:
    """Everything that one source has of these people, in one run; seconds."""
    subjects = [running.subject(kind, person, number) for number, person in enumerate(people)]
    start, source = time.monotonic(), running.source(kind)
    for _ in source.extract(source.find(subjects)):
        pass
    return time.monotonic() - start


def _wall(people: Sequence[Person], latency: float, repeat: int) -> bool:
    times: dict[float, list[float]] = {}
    alone: dict[tuple[float, str], list[float]] = {}
    for wait in (0.0, latency):
        with sandbox(wait * 1000) as running, ThreadPoolExecutor(len(CHAINS)) as threads:
            for person in people[:repeat]:
                asked = {kind: threads.submit(read, running, kind, [person]) for kind in CHAINS}
                took = {kind.declaration.name: one.result() for kind, one in asked.items()}
                times.setdefault(wait, []).append(max(took.values()))
                for name, seconds in took.items():
                    alone.setdefault((wait, name), []).append(seconds)
    work, whole = (statistics.median(times[wait]) for wait in (0.0, latency))
    for kind, chain in CHAINS.items():
        name = kind.declaration.name
        waited = statistics.median(alone[latency, name]) - statistics.median(alone[0.0, name])
        least = len(chain) * latency
        print(f"{name:<12} waited {waited:6.2f} s, its own chain {least:5.2f} s   {waited / least:.2f} times")
    least = max(map(len, CHAINS.values())) * latency
    ratio = (whole - work) / least
    print(f"one subject, {latency * 1000:.0f} ms before every answer      {whole:6.2f} s")
    print(f"of which without that wait                  {work:6.2f} s")
    print(f"longest chain of calls alone                {least:6.2f} s   {ratio:.2f} times (limit {RATIO})")
    return ratio <= RATIO


def _many(running: Running, people: Sequence[Person]) -> None:
    for kind in CHAINS:
        said = []
        for many in _MANY:
            running.forget()
            read(running, kind, people[:many])
            calls = len(running.calls(kind))
            said.append(f"{many}: {calls} ({calls / many:.2f} each)")
        print(f"{kind.declaration.name:<12} calls for so many subjects in one run   {', '.join(said)}")


def _at_once(running: Running, people: Sequence[Person]) -> bool:
    met = True
    for kind in CHAINS:
        running.forget()
        places, start = kind.declaration.concurrency, time.monotonic()
        with ThreadPoolExecutor(places) as threads:
            list(threads.map(lambda person, kind=kind: read(running, kind, [person]), people[:_AT_ONCE]))
        seconds = time.monotonic() - start
        statuses = Counter(call["status"] for call in running.calls(kind))
        print(
            f"{kind.declaration.name:<12} {_AT_ONCE} at once, {places} places   {seconds:6.1f} s, "
            f"{sum(statuses.values())} calls, {statuses[429]} refused for a limit (limit 0)"
        )
        met = met and not statuses[429]
    return met


if __name__ == "__main__":
    sys.exit(main())
