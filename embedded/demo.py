"""The demonstration: from nothing to one answered request, checked against the truth, then everything stopped."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dsr.vocabulary import EFFECTS
from embedded.airflow import ROOT
from embedded.erasure import Erased, erase
from embedded.journey import Journey, fulfil, overhead, warm_up
from embedded.requester import Requester
from embedded.stack import Options, Stack
from embedded.verification import Package
from sandbox.people import Truth, populate

_HELD, _BROKEN = 0, 1
_ERASED = "erased"
"""File in the stack's folder: the person that demonstrations are about is erased there, or about to be."""
_TRUTH_OF_EXTRA_ROWS = 1000
_SHORT_RETRIES = (
    ("DSR_TASK_RETRIES", "2"), ("DSR_TASK_RETRY_SECONDS", "1"), ("DSR_ENFORCE_AGAIN_SECONDS", "2"),
)  # fmt: skip
RIGHTS = ("access", "erasure")
_CHANGES = ("removed", "changed", "added")


def run(folder: Path, options: Options, console: Console, right: str = "access") -> int:
    """Do it; 0 when every part held. `folder`/outcome.json says the same for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome: dict[str, Any] = {"ok": False}
    (folder / "outcome.json").write_text(json.dumps(outcome))
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {line}", soft_wrap=True)

    stack = Stack(folder / "stack", replace(options, shape=True, environment=_SHORT_RETRIES), say)
    try:
        if (stack.folder / _ERASED).exists():
            say("the person was erased the last time: starting from nothing")
            stack.down()
            shutil.rmtree(stack.folder)
        say("starting PostgreSQL, Airflow, the portal and the five source systems, on this machine only")
        stack.up()
        if right == "erasure":
            (stack.folder / _ERASED).touch()
            erased, outcome = _demonstrate_erasure(stack, folder, options, say)
            _erasure_summary(console, erased, folder)
        else:
            journey, outcome = _demonstrate(stack, folder, options, say)
            _summary(console, journey, outcome)
    except (RuntimeError, httpx.HTTPError) as error:
        outcome["error"] = str(error).splitlines()[0]
        console.print(f"[bold red]failed:[/] {escape(str(error))}", soft_wrap=True)
    finally:
        say("stopping everything")
        stack.down()
        (folder / "outcome.json").write_text(json.dumps(outcome, indent=2, ensure_ascii=False))
    verdict = "[bold green]every part held[/]" if outcome["ok"] else "[bold red]not every part held[/]"
    console.print(f"\n{verdict}; the same in {folder / 'outcome.json'}", soft_wrap=True)
    return _HELD if outcome["ok"] else _BROKEN


def _demonstrate(stack: Stack, folder: Path, options: Options, say: Any) -> tuple[Journey, dict[str, Any]]:
    population = populate(options.people, options.seed)
    say("reading the systems without look-up into the index (upkeep)")
    warm_up(stack)
    airflow_s = overhead(stack)
    requester = Requester(stack)
    requester.forget_calls()
    say("a ticket comes in: “what do you hold about me?”")
    target = folder / "package.zip"
    target.unlink(missing_ok=True)
    journey = fulfil(stack, population.canary.email, target, say)
    say("checking the package: hashes, the population's truth, other people's data")
    package = Package(target)
    lines = Path(stack.endpoints["truth"]).read_text(encoding="utf-8").splitlines()
    truth = [Truth(**json.loads(line)) for line in lines]
    faults = package.faults(population, truth, whole=options.rows_for_canary <= _TRUTH_OF_EXTRA_ROWS)
    sources = {
        name: {"status": found.status, "records": found.records, "calls": requester.calls(name)}
        for name, found in package.sources().items()
    }
    held = not faults and all(source["status"] == "found" for source in sources.values())
    return journey, {
        "ok": held,
        "request_id": journey.request_id,
        "package": str(target.resolve().relative_to(ROOT)) if target.resolve().is_relative_to(ROOT) else str(target),
        "sources": sources,
        "phases": {name: round(seconds, 3) for name, seconds in journey.phases.items()},
        "total_s": round(journey.total, 3),
        "airflow_overhead_s": round(airflow_s, 3),
        "canary_identifiers": population.canary.identifying(),
        "faults": faults,
    }


def _summary(console: Console, journey: Journey, outcome: dict[str, Any]) -> None:
    found = Table(title="What was found where", title_justify="left")
    for head in ("System", "Result", "Records", "Calls"):
        found.add_column(head, justify="right" if head in ("Records", "Calls") else "left")
    for name, source in outcome["sources"].items():
        found.add_row(name, source["status"], str(source["records"]), str(source["calls"]))
    took = Table(title="How long it took", title_justify="left")
    took.add_column("Phase")
    took.add_column("Seconds", justify="right")
    for name, seconds in journey.phases.items():
        took.add_row(name, f"{seconds:.2f}")
    took.add_row("webhook to download, people's wait apart", f"{journey.total:.2f}", style="bold")
    took.add_row("of which Airflow itself (same shape, empty tasks)", f"{outcome['airflow_overhead_s']:.2f}")
    console.print()
    console.print(found)
    console.print(took)
    for fault in outcome["faults"]:
        console.print(f"[bold red]not right:[/] {escape(fault)}", soft_wrap=True)
    console.print(f"\nThe package: {outcome['package']}   (begin with index.html in it)", soft_wrap=True)
    console.print("To look around: make up (Airflow, portal and sandbox stay; it prints where), then make down.")


def _demonstrate_erasure(stack: Stack, folder: Path, options: Options, say: Any) -> tuple[Erased, dict[str, Any]]:
    canary = populate(options.people, options.seed).canary
    say("reading the systems without look-up into the index (upkeep)")
    warm_up(stack)
    say("a ticket comes in: “erase what you hold about me”")
    erased = erase(stack, canary.key, canary.email, folder, say)
    say("comparing every row and object of every system with what it was before")
    return erased, {
        "ok": not erased.others and {"enforced", "verified", "certified", "closed"} <= set(erased.events),
        "request_id": erased.request_id,
        "changes": {system: dict(counts) for system, counts in erased.changes.items()},
        "changes_to_others": erased.others,
        "events": list(erased.events),
        "total_s": round(erased.seconds, 3),
    }


def _erasure_summary(console: Console, erased: Erased, folder: Path) -> None:
    console.print()
    console.print(_counts("What was planned, in records", EFFECTS, erased.plan))
    console.print(_counts("What changed in the systems, in rows and objects", _CHANGES, erased.changes))
    console.print(f"Records of other people that changed: {erased.others}")
    console.print(f"From webhook to answer, the officers' wait apart: {erased.seconds:.1f} s")
    console.print(f"\nThe answer and the certificate: {folder}", soft_wrap=True)


def _counts(title: str, heads: Sequence[str], rows: Mapping[str, Mapping[str, int]]) -> Table:
    """One line per system; columns without any number are left out."""
    shown = [head for head in heads if any(counts.get(head) for counts in rows.values())]
    table = Table(title=title, title_justify="left")
    table.add_column("System")
    for head in shown:
        table.add_column(head, justify="right")
    for system, counts in sorted(rows.items()):
        table.add_row(system, *(str(counts.get(head) or "") for head in shown))
    return table
