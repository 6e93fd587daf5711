"""Erased to the end, and then a nightly file still has them: whoever asks the list first brings in all but them."""

import base64
import csv
import io
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kept_records import Installation
from made_up_sources import email
from running_sandbox import ROOT, Sandbox
from sqlalchemy import Engine

from dsr.listing import ALLOWED
from dsr.model import Subject
from dsr.source import Acting
from extractors.invoicing import Invoicing
from extractors.pardot import Pardot
from extractors.salesforce import Salesforce
from sandbox.comparison import difference
from sandbox.people import Person

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
FILLED_IN = {"salesforce": {"Title": "Nattfil"}, "pardot": {"jobTitle": "Nattfil"}, "invoicing": {"role": "Nattfil"}}
"""What the file says of everybody in each system that takes one."""
LATER = 8 * 3600
"""Seconds after which Account Engagement has deleted what it was asked to."""


@pytest.fixture
def systems(sandbox: Sandbox) -> Iterator[Sandbox]:
    """As they were before, afterwards."""
    snapshot = sandbox.admin.post("/snapshots").raise_for_status().json()["id"]
    yield sandbox
    sandbox.admin.delete("/clock").raise_for_status()
    sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
    sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()


def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[Acting]:
    """The systems that take files, with their keys for writing; one of them deletes later."""
    kinds: tuple[Any, ...] = (Salesforce, Pardot, Invoicing)
    names = ("dsr_salesforce", "dsr_pardot", "dsr_invoicing_write")
    sources = [kind.connect(sandbox.connection(name)) for kind, name in zip(kinds, names, strict=True)]
    erase = sources[1].erase

    def and_wait(selections: Sequence[Any]) -> list[Any]:
        told = list(erase(selections))
        sandbox.admin.put("/clock", json={"offset": LATER}).raise_for_status()
        return told

    monkeypatch.setattr(sources[1], "erase", and_wait)
    return sources


def found(sources: Sequence[Acting], person: Person) -> set[str]:
    """The systems that have a record under the person's address."""
    asked = [Subject("dsr-look", frozenset({email(person.email)}))]
    return {source.declaration.name for source in sources if source.find(asked).matches}


def allowed(file: str, engine: Engine, key: bytes) -> list[bool]:
    """What the command says to each row, as an importer runs it."""
    settings = {
        "DSR_LEDGER_URL": engine.url.render_as_string(hide_password=False),
        "DSR_MASTER_KEY": base64.b64encode(key).decode(),
    }
    line = [sys.executable, "-m", "dsr", "suppressed", "--stdin", "--column", "E-post"]
    done = subprocess.run(
        line, input=file, env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return [answer == ALLOWED for answer in done.stdout.splitlines()]


def imported(sandbox: Sandbox, people: Sequence[Person]) -> None:
    """A file with these people is taken in everywhere."""
    for system, columns in FILLED_IN.items():
        rows = [{"person": one.key, **columns} for one in people]
        sandbox.admin.post("/import", json={"system": system, "rows": rows}).raise_for_status()


def state(sandbox: Sandbox) -> list[str]:
    """All that all systems hold."""
    return sandbox.admin.get("/state").raise_for_status().text.splitlines()


def test_a_file_that_still_has_them_brings_in_their_neighbour_only(
    systems: Sandbox, own_engine: Engine, tmp_path: Path, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = secrets.token_bytes(32)
    place, sources = Installation(own_engine, key, tmp_path), connected(systems, monkeypatch)
    gone, neighbour = systems.population.crowd[5:7]
    everywhere = set(FILLED_IN)
    assert found(sources, gone) == found(sources, neighbour) == everywhere
    place.erase(sources, request_id, gone.email)
    assert "verified" in {event.kind for event in place.ledger.events(request_id)}
    assert found(sources, gone) == set()

    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["Namn", "E-post"])
    for one in (gone, neighbour):
        table.writerow([f"{one.family}, {one.given}", one.email.upper()])
    answers = allowed(file.getvalue(), own_engine, key)
    assert answers == [False, True]

    before = state(systems)
    imported(systems, [one for one, may in zip((gone, neighbour), answers, strict=True) if may])
    changed = difference(before, state(systems))
    assert {change.person for change in changed} == {neighbour.key}
    filled_in = {field for columns in FILLED_IN.values() for field in columns}
    assert {f for change in changed for f in change.fields} >= filled_in
    assert found(sources, gone) == set()
    assert found(sources, neighbour) == everywhere

    # The same file, taken in without asking, has them back everywhere: it is the list that keeps them out.
    imported(systems, [gone])
    assert found(sources, gone) == everywhere
