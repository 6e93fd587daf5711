"""What every source promises, as tests that it inherits: through the wire, against the population's own truth.

A subclass sets `source` (the class) and `system` (its name in the sandbox's call log) and says how its system is
made to fail for good and for a while. Nothing here knows a vendor.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Attachment, Found, Identifier, Match, Rows, Subject, Withheld
from dsr.schema import SOURCE_ID, UNMAPPED, is_json
from dsr.source import IndexedSource, Source

Records = dict[str, dict[str, dict[str, Any]]]
"""dataset → source id → fields."""

INDEX_KIND = {"webinars": "webinar_registrant", "recordings": "call_contact"}


def own_identifiers(sandbox: Sandbox, key: str) -> frozenset[Identifier]:
    """All that is surely one person's: addresses and mobile."""
    person = sandbox.population.person(key)
    emails = {Identifier("email", e.lower()) for e in person.emails}
    return frozenset(emails | {Identifier("phone", person.mobile)})


def find_all(source: Source, sandbox: Sandbox, key: str, request_id: str = "dsr-conformance") -> Found:
    """All rounds of `find` for a person whose every own identifier is trusted, as `identify` would come to trust
    them: only matches that carry the person's own identifiers or a link to such a record."""
    identifiers = set(own_identifiers(sandbox, key) | crm_links(sandbox, key))
    identifiers |= indexed(source, identifiers)
    while True:
        found = source.find([Subject(request_id, frozenset(identifiers))])
        theirs = [m for m in found.matches if not _shared(m, sandbox)]
        linked = {i for m in theirs for i in m.holds if i.kind.split("_")[0] not in ("email", "phone", "customer")}
        if linked <= identifiers:
            return replace(found, matches=tuple(theirs))
        identifiers |= linked


def crm_links(sandbox: Sandbox, key: str) -> set[Identifier]:
    """The vendor ids by which other systems know the person, as the CRM would have told."""
    kinds = {"salesforce_contact", "salesforce_lead"}
    rows = [t for t in sandbox.truth if t.person == key and t.dataset in kinds and t.expected == "package"]
    return {Identifier(t.dataset, t.source_id) for t in rows}


def indexed(source: Source, identifiers: Iterable[Identifier]) -> set[Identifier]:
    """For systems without look-up: what the index would say."""
    if not source.declaration.indexed:
        return set()
    wanted, kind = set(identifiers), INDEX_KIND[source.declaration.name]
    entries = _index(source)  # type: ignore[arg-type]
    return {Identifier(kind, e.record_id) for e in entries if e.identifier in wanted}


def _index(source: IndexedSource) -> list[Any]:
    return list(source.index(None))


def _shared(match: Match, sandbox: Sandbox) -> bool:
    """Whether only identifiers that several people use led here."""
    switchboards = {p.company.switchboard for p in sandbox.population.people}
    return all(i.value in switchboards or i.value.startswith("info@") or i.kind == "customer_number" for i in match.by)


def records(pieces: Iterable[Any]) -> Records:
    """Rows of an extraction as plain records, nested values parsed, nulls left out; fails on duplicates."""
    result: Records = {}
    for piece in pieces:
        if isinstance(piece, Rows):
            nested = [f.name for f in piece.batch.schema if is_json(f)]
            for row in piece.batch.to_pylist():
                _add(result, piece.dataset, row, nested)
        elif isinstance(piece, Attachment):
            size = sum(len(chunk) for chunk in piece.chunks)
            assert size, "an attachment without bytes"
    return result


def _add(result: Records, dataset: str, row: dict[str, Any], nested: list[str]) -> None:
    source_id = row.pop(SOURCE_ID)
    for name in nested:
        if row[name] is not None:
            row[name] = json.loads(row[name])
    unmapped = row.pop(UNMAPPED, None) or {}
    fields = {k: v for k, v in {**row, **unmapped}.items() if v is not None}
    rows = result.setdefault(dataset, {})
    assert source_id not in rows, f"{dataset}: the same record twice"
    rows[source_id] = fields


def plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Truth without its nulls; a nested `unmapped` is spread, as records() spreads it."""
    spread = {**fields, **(fields.get(UNMAPPED) or {})}
    return {k: v for k, v in spread.items() if v is not None and k != UNMAPPED}


MOST_CALLS_OF_A_LOOK = 6


class SourceConformance:
    """Inherit, set `source` and `system`, give the two faults."""

    source: ClassVar[type[Source]]
    system: ClassVar[str]

    def connect(self, sandbox: Sandbox) -> Source:
        """A client of the running sandbox."""
        return self.source.connect(sandbox.connection(self.source.declaration.connection_id))

    @pytest.fixture
    def broken_for_good(self, sandbox: Sandbox) -> Iterator[None]:
        """Make every call fail so that trying again can't help (here: refused for good); undone afterwards."""
        sandbox.fault(system=self.system, kind="status", status=403, body="{}")
        yield
        sandbox.forget()

    @pytest.fixture
    def broken_for_now(self, sandbox: Sandbox) -> Iterator[None]:
        """Make every call fail in a way that may pass; undone afterwards."""
        sandbox.fault(system=self.system, kind="status", status=503, body="<html>Service Unavailable</html>")
        yield
        sandbox.forget()

    def test_unknown_person_is_no_match_and_no_error(self, sandbox: Sandbox) -> None:
        """Nobody known: an empty answer."""
        nobody = frozenset({Identifier("email", "nobody@nowhere.example"), Identifier("phone", "+46700000000")})
        source = self.connect(sandbox)
        found = source.find([Subject("dsr-nobody00", nobody), Subject("dsr-nobody01")])
        assert found.matches == ()
        assert records(source.extract(found)) == {}

    @pytest.mark.parametrize("key", ["canary", "namesake_colleague", "same_name", "formula", "right_to_left"])
    def test_everything_of_a_person_and_of_nobody_else(self, sandbox: Sandbox, key: str) -> None:
        """What is extracted equals the truth, record by record and field by field."""
        source = self.connect(sandbox)
        got = records(source.extract(find_all(source, sandbox, key)))
        for dataset in source.declaration.datasets:
            wanted = {k: plain(v) for k, v in sandbox.truth_of(key, dataset.name).items()}
            assert set(got.get(dataset.name, {})) == set(wanted), dataset.name
            for source_id, fields in wanted.items():
                have = got[dataset.name][source_id]
                assert {k: have.get(k) for k in fields} == fields, (dataset.name, source_id)
        assert set(got) <= {d.name for d in source.declaration.datasets}

    def test_every_dataset_has_rows_of_the_canary(self, sandbox: Sandbox) -> None:
        """A declared dataset that the population can't fill would be tested by nothing."""
        for dataset in self.source.declaration.datasets:
            assert sandbox.truth_of("canary", dataset.name), dataset.name

    def test_extracting_twice_gives_the_same(self, sandbox: Sandbox) -> None:
        """Read only, and the same answer again."""
        source = self.connect(sandbox)
        found = find_all(source, sandbox, "canary")
        assert records(source.extract(found)) == records(source.extract(found))

    def test_a_batch_keeps_people_apart(self, sandbox: Sandbox) -> None:
        """Two subjects in one call: each gets what is theirs."""
        source = self.connect(sandbox)
        keys = ["canary", "colleague"]
        matches = [m for k in keys for m in find_all(source, sandbox, k, f"dsr-batch-{k}").matches]
        cache = find_all(source, sandbox, "canary").cache
        pieces = list(source.extract(Found(source.declaration.name, tuple(matches), cache)))
        for key in keys:
            own = [p for p in pieces if p.request_id == f"dsr-batch-{key}" and not isinstance(p, Withheld)]
            got = records(own)
            for dataset in source.declaration.datasets:
                assert set(got.get(dataset.name, {})) == set(sandbox.truth_of(key, dataset.name)), dataset.name

    def test_hostile_identifiers_find_nobody(self, sandbox: Sandbox) -> None:
        """Injection changes no row set."""
        source = self.connect(sandbox)
        for text in (
            "' OR Email != '",
            "%",
            "_@_",
            "*",
            "a@b' OR '1'='1",
            "\\",
            "x\r\nSet-Cookie: a",
            "(a@b)",
            "a,b@c",
        ):
            subject = Subject("dsr-hostile0", frozenset({Identifier("email", text), Identifier("phone", text)}))
            assert source.find([subject]).matches == ()

    def test_a_lasting_failure_is_permanent(self, sandbox: Sandbox, broken_for_good: None) -> None:
        """Trying again can't help, and the message names nobody."""
        with pytest.raises(PermanentError) as error:
            self._run(sandbox)
        self._assert_says_nothing(sandbox, error.value)

    def test_a_passing_failure_is_transient(self, sandbox: Sandbox, broken_for_now: None) -> None:
        """Worth another try, and the message names nobody."""
        with pytest.raises(TransientError) as error:
            self._run(sandbox)
        self._assert_says_nothing(sandbox, error.value)

    def _run(self, sandbox: Sandbox) -> None:
        source = self.connect(sandbox)
        list(source.extract(find_all(source, sandbox, "canary")))

    def _assert_says_nothing(self, sandbox: Sandbox, error: Exception) -> None:
        assert error.__cause__ is None
        assert error.__suppress_context__
        for value in sandbox.population.canary.identifying():
            assert value not in str(error)
            assert value not in repr(error)

    def test_a_look_costs_a_few_calls_and_reads_nobody(self, sandbox: Sandbox) -> None:
        """What is undeclared is the system's own names, and the same again; nobody's data come of it."""
        sandbox.forget()
        looked = self.connect(sandbox).check()
        assert len(sandbox.calls(self.system)) <= MOST_CALLS_OF_A_LOOK
        assert list(looked.undeclared) == sorted(set(looked.undeclared))
        assert self.connect(sandbox).check().undeclared == looked.undeclared
        for value in sandbox.population.canary.identifying():
            assert value not in repr(looked)

    def test_a_look_at_a_system_that_refuses(self, sandbox: Sandbox, broken_for_good: None) -> None:
        """As any verb."""
        with pytest.raises(PermanentError) as error:
            self.connect(sandbox).check()
        self._assert_says_nothing(sandbox, error.value)

    def test_a_look_at_a_system_that_is_down(self, sandbox: Sandbox, broken_for_now: None) -> None:
        """As any verb."""
        with pytest.raises(TransientError) as error:
            self.connect(sandbox).check()
        self._assert_says_nothing(sandbox, error.value)

    def test_declaration_is_complete(self) -> None:
        """Every dataset names a known category and origin and has a schema; every profile field exists in it."""
        from dsr import schema, vocabulary

        for dataset in self.source.declaration.datasets:
            assert dataset.category in vocabulary.CATEGORIES
            assert dataset.origin in vocabulary.ORIGINS
            assert dataset.erasure in vocabulary.ERASURE_WAYS
            properties = schema.load(dataset.name)["properties"]
            assert set(dataset.profile) <= set(properties)
            assert set(dataset.rectifiable) <= set(properties)
            assert all({"title", "description"} <= set(p) for p in properties.values()), dataset.name
        assert set(self.source.declaration.finds_by) <= set(vocabulary.IDENTIFIER_KINDS)
