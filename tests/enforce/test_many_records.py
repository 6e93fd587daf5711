"""Tens of thousands of records: little memory, few statements, little time."""

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of
from made_up_sources import NOTE, PERSON, FakeIndex, email
from sqlalchemy import event

from dsr import carried, schema
from dsr.erasures import Erasures
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.model import Found, Piece, Rows
from dsr.steps import assess
from dsr.steps.enforce import enforce
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.steps.verify import verify
from dsr.suppression import Suppression

_MANY = 40_000
_AT_ONCE = 2_000


class Large(MadeUp):
    """Gives its notes in pages, as vendors do."""

    def extract(self, found: Found) -> Iterator[Piece]:
        """People, then pages of notes."""
        for match in found.matches:
            row = self.world.rows[PERSON, match.record_id]
            yield Rows(match.request_id, PERSON, schema.batch(PERSON, [(match.record_id, row)]))
            notes = [key for key in self.world.rows if key[0] == NOTE and self.world.owner[key[1]] == match.record_id]
            for start in range(0, len(notes), _AT_ONCE):
                rows = [(key[1], self.world.rows[key]) for key in notes[start : start + _AT_ONCE]]
                yield Rows(match.request_id, NOTE, schema.batch(NOTE, rows))


@pytest.mark.slow
@pytest.mark.thorough
def test_forty_thousand_records(
    tmp_path: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, engine: Any, request_id: str
) -> None:
    source = Large(World.of(notes=0))
    for number in range(_MANY):
        source.world.note(f"p1n{number:06d}", "p1")
    case = case_of(tmp_path, source, lambda d, i: "erase", request_id)
    carried.keep(case, frozenset({email(ASA)}), {})
    ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
    suppress(case, suppression, ledger, at=AT)
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(engine, "before_cursor_execute", count)
    given: dict[str, Any] = {"ledger": ledger, "erasures": erasures, "at": AT}
    given["corrections_of"] = assess.corrections_of
    index: Any = FakeIndex()
    before, base = time.process_time(), 0
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    reread(case, source, source.declaration, at=AT)
    enforce(case, source, source.declaration, approval_of(case), holds=HoldsInForce(), **given)
    verified = verify(case, {"crm": source}, [source.declaration], index, **given)
    peak = tracemalloc.get_traced_memory()[1] - base
    tracemalloc.stop()
    event.remove(engine, "before_cursor_execute", count)
    taken = time.process_time() - before
    assert verified.right["crm", NOTE, "erase"] == _MANY
    print(f"{statements} statements, {taken:.1f} CPU s (traced), peak {peak / 1e6:.0f} MB")
    assert statements < _MANY // 100
    assert peak < 120e6
    assert taken < 60
