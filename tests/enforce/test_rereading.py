"""Through the wire: reading again right before writing gives exactly what the plan was made of, in every system."""

from pathlib import Path
from typing import Any

import pytest
from made_up_sources import AT, REQUEST_ID, FakeIndex, request
from running_sandbox import Sandbox

from dsr import rows
from dsr.casefile import CaseFile, CaseStore
from dsr.rereading import find_again, known_identifiers, narrowed, read_again
from dsr.schema import SOURCE_ID
from dsr.search import found_from_json
from dsr.source import Source
from dsr.steps import collect, identify
from dsr.version import versions
from extractors import SOURCES

pytestmark = pytest.mark.slow
DECLARATIONS = [source.declaration for source in SOURCES]


@pytest.mark.parametrize("key", [pytest.param("canary", marks=pytest.mark.thorough), "plus_address"])
def test_the_same_records_in_the_same_versions(key: str, tmp_path: Path, sandbox: Sandbox) -> None:
    sources: dict[str, Source | None] = {
        s.declaration.name: s.connect(sandbox.connection(s.declaration.connection_id)) for s in SOURCES
    }
    indexed: Any = {name: source for name, source in sources.items() if source and source.declaration.indexed}
    index: Any = FakeIndex({name: list(source.index(None)) for name, source in indexed.items()})
    case = CaseStore(str(tmp_path), bytes(32)).create(REQUEST_ID)
    case.write_json("request", request(sandbox.population.person(key).email))
    identify.identify(case, sources, DECLARATIONS, index, at=AT, final=True)
    compared = 0
    for name, source in sources.items():
        assert source is not None
        if not case.exists(f"found/{name}"):
            continue
        collect.collect(case, source, at=AT)
        before = found_from_json(case.read_json(f"found/{name}"))
        now = find_again(source, REQUEST_ID, known_identifiers(source.declaration, before.matches))
        again = narrowed(now, before)
        assert [m.record_id for m in again.matches] == [m.record_id for m in before.matches]
        read_again(case, source, again, f"{name}.fresh")
        for dataset in source.declaration.datasets:
            first = told(case, name, dataset.name)
            assert told(case, f"{name}.fresh", dataset.name) == first, (name, dataset.name)
            compared += len(first)
    assert compared > 20


def told(case: CaseFile, area: str, dataset: str) -> dict[str, str]:
    """Record id → version."""
    found: dict[str, str] = {}
    for batch in rows.batches(case, area, dataset):
        found |= zip(batch.column(SOURCE_ID).to_pylist(), versions(batch, dataset).to_pylist(), strict=True)
    return found
