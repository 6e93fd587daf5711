"""Something answers one call with success in the system's place, and says nothing of use: what comes of it is an error
or the whole, never a thinner answer."""

from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from conformance import crm_links, find_all, indexed, own_identifiers, records
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Subject
from dsr.source import IndexedSource, Source
from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from extractors.webinars import Webinars

SOURCES: tuple[type[Source], ...] = (Salesforce, Pardot, Webinars, Recordings)
SAMPLE = "nothing, now and then"
_SOME = 12
BODIES = {
    SAMPLE: "",
    "nothing": "",
    "an empty object": "{}",
    "an empty list": "[]",
    "null": "null",
    "a page": "<html><body>Sign in</body></html>",
    "an empty answer in XML": '<?xml version="1.0"?><Result/>',
}
PERSON = "same_name"
"""Somebody of whom every system holds a bit of everything."""


def subject_of(source: type[Source], sandbox: Sandbox) -> Subject:
    """The person, by all identifiers that lead to their records."""
    client = connected(source, sandbox)
    own = set(own_identifiers(sandbox, PERSON) | crm_links(sandbox, PERSON))
    held = {i for match in find_all(client, sandbox, PERSON).matches for i in match.holds}
    links = {i for i in held if i.kind.split("_")[0] not in ("email", "phone", "customer")}
    return Subject("dsr-nothing0", frozenset(own | indexed(client, own) | links))


def connected(source: type[Source], sandbox: Sandbox) -> Source:
    """A new client."""
    return source.connect(sandbox.connection(source.declaration.connection_id))


def answered(source: type[Source], sandbox: Sandbox, subject: Subject) -> Any:
    """What is found, and what is read of it."""
    client = connected(source, sandbox)
    found = client.find([subject])
    return Counter(match.record_id for match in found.matches), records(client.extract(found))


def entries(source: type[Source], sandbox: Sandbox, _: Subject) -> Any:
    """What the index is told."""
    return sorted(repr(entry) for entry in cast(IndexedSource, connected(source, sandbox)).index(None))


ASKED = [(source, answered) for source in SOURCES]
ASKED += [(source, entries) for source in SOURCES if source.declaration.indexed]


@pytest.mark.parametrize(
    "body", [n if n == SAMPLE else pytest.param(n, marks=(pytest.mark.slow, pytest.mark.thorough)) for n in BODIES]
)
@pytest.mark.parametrize(("source", "ask"), ASKED, ids=[f"{s.declaration.name}-{a.__name__}" for s, a in ASKED])
def test_never_a_thinner_answer(
    source: type[Source], ask: Callable[[type[Source], Sandbox, Subject], Any], body: str, sandbox: Sandbox
) -> None:
    """Each call in turn; of the sample one in so many."""
    name, subject = source.declaration.name, subject_of(source, sandbox)
    sandbox.forget()
    wanted = ask(source, sandbox, subject)
    calls, refused = len(sandbox.calls(name)), 0
    assert calls > 3
    tried = range(0, calls, max(1, calls // _SOME) if body == SAMPLE else 1)
    for before in tried:
        sandbox.fault(system=name, after=before, times=1, status=200, body=BODIES[body])
        try:
            got = ask(source, sandbox, subject)
        except (TransientError, PermanentError):
            refused += 1
        else:
            assert got == wanted, before
        finally:
            sandbox.admin.delete("/faults").raise_for_status()
    assert refused > len(tried) / 2
