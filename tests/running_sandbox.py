"""A sandbox in a process of its own, as tests see it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dsr.source import Connection
from sandbox.people import Population, Truth, populate

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its connections, its admin interface and its truth."""

    folder: Path
    endpoints: dict[str, Any]
    admin: httpx.Client
    population: Population
    truth: list[Truth]

    def connection(self, conn_id: str, **changes: Any) -> Connection:
        """The connection of a system as an extractor gets it; `changes` replace fields."""
        fields = {k: v for k, v in self.endpoints["connections"][conn_id].items() if k != "conn_type"}
        return Connection(conn_id, **{**fields, **changes})

    def calls(self, system: str) -> list[dict[str, Any]]:
        """The call log of one system, counted calls only."""
        log: list[dict[str, Any]] = self.admin.get("/calls", params={"system": system}).json()
        return [call for call in log if call["api"]]

    def fault(self, **fields: Any) -> None:
        """Inject a fault, see sandbox.wire.Fault."""
        self.admin.post("/faults", json=fields).raise_for_status()

    def forget(self) -> None:
        """Clear the call log and all faults."""
        self.admin.delete("/calls")
        self.admin.delete("/faults")

    def truth_of(self, person: str, dataset: str, expected: str = "package") -> dict[str, dict[str, Any]]:
        """source id → fields, for one person's records of one dataset."""
        return {
            t.source_id: dict(t.fields)
            for t in self.truth
            if (t.person, t.dataset, t.expected) == (person, dataset, expected)
        }


def start_sandbox(folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], Sandbox]:
    """Start `python -m sandbox` and wait until it is ready."""
    command = [sys.executable, "-m", "sandbox", "--state", str(folder), *options]
    log = (folder.parent / f"{folder.name}.log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    ready, deadline = folder / "endpoints.json", time.monotonic() + 90
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the sandbox did not start: {Path(log.name).read_text()[-2000:]}")
        time.sleep(0.05)
    endpoints = json.loads(ready.read_text())
    lines = Path(endpoints["truth"]).read_text(encoding="utf-8").splitlines()
    truth = [Truth(**json.loads(line)) for line in lines]
    people = int(options[options.index("--people") + 1]) if "--people" in options else 500
    admin = httpx.Client(base_url=endpoints["admin"], timeout=30)
    return process, Sandbox(folder, endpoints, admin, populate(people), truth)


def stop_sandbox(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop and wait."""
    process.terminate()
    process.wait(30)
