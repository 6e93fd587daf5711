"""Through the wire: what is nobody's identifier, whatever language it speaks, changes no row set in any system."""

import pytest
from conformance import crm_links, indexed, own_identifiers
from hostile_texts import ALLOWED_ADDRESSES, ALLOWED_NUMBERS, REFUSED_ADDRESSES, REFUSED_NUMBERS
from running_sandbox import Sandbox

from dsr.model import Found, Identifier, Subject
from dsr.source import Source
from extractors import SOURCES

# What the intake refuses can't come here, but for its length it is tried all the same.
TEXTS = sorted({*ALLOWED_ADDRESSES, *ALLOWED_NUMBERS,
                *(t for t in (*REFUSED_ADDRESSES.values(), *REFUSED_NUMBERS.values()) if len(t) < 1000)})  # fmt: skip


def connected(source: type[Source], sandbox: Sandbox) -> Source:
    """A client of the running sandbox."""
    return source.connect(sandbox.connection(source.declaration.connection_id))


def rows(found: Found) -> set[tuple[str, str]]:
    """Dataset and id of what was found."""
    return {(match.dataset, match.record_id) for match in found.matches}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.declaration.name)
def test_nobody_is_found(source: type[Source], sandbox: Sandbox) -> None:
    """By each text as each kind of identifier that the system understands, in one batch."""
    subjects = [
        Subject(f"dsr-hostile{number}", frozenset(Identifier(kind, text) for kind in source.declaration.finds_by))
        for number, text in enumerate(TEXTS)
    ]
    assert rows(connected(source, sandbox).find(subjects)) == set()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.declaration.name)
def test_the_person_s_rows_stay_the_same(source: type[Source], sandbox: Sandbox) -> None:
    """Beside identifiers that are theirs: neither more nor fewer rows."""
    own = set(own_identifiers(sandbox, "canary") | crm_links(sandbox, "canary"))
    own |= indexed(connected(source, sandbox), own)
    hostile = {Identifier(kind, text) for kind in source.declaration.finds_by for text in TEXTS}
    plain = rows(connected(source, sandbox).find([Subject("dsr-plain000", frozenset(own))]))
    beside = rows(connected(source, sandbox).find([Subject("dsr-hostile0", frozenset(own | hostile))]))
    assert plain
    assert beside == plain
