"""After a restore: what was erased goes again, and nothing else."""

import argparse
import base64
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of, choose, declared
from made_up_sources import NOTE, PERSON, FakeIndex
from sqlalchemy import Engine

from dsr import erased_command
from dsr.erasures import Erasing, Erasures
from dsr.errors import PermanentError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Match
from dsr.reapproval import erased_under
from dsr.settings import subkey
from dsr.source import Declaration
from dsr.steps import assess
from dsr.steps import enforce as enforcing
from dsr.steps import verify as verifying
from dsr.steps.replay import ordered, replay
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression

LATER = AT + timedelta(days=400)


class Erased:
    """A system in which Åsa was erased, long ago; its case is gone."""

    def __init__(
        self, folder: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, request_id: str, name: str
    ) -> None:
        self.ledger, self.erasures, self.request_id = ledger, erasures, request_id
        self.source = MadeUp(World.of(), declared(name))
        case = case_of(folder, self.source, lambda d, i: "anonymise" if i == "p1n2" else "erase", request_id)
        ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
        approval = approval_of(case)
        for decision, by in (("prepare", "anna"), ("approve", "bertil")):
            detail = {"decision": decision, "choice": "approve", "by": by, "digest": approval.digest}
            ledger.append(request_id, "decision", detail, at=AT)
        suppress(case, suppression, ledger, at=AT)
        self.before = self.source.world.copy()
        given: dict[str, Any] = {"ledger": ledger, "erasures": erasures, "at": AT}
        given["corrections_of"] = assess.corrections_of
        reread(case, self.source, self.source.declaration, at=AT)
        enforcing.enforce(
            case, self.source, self.source.declaration, approval, holds=HoldsInForce(), select=choose, **given
        )
        index: Any = FakeIndex()
        verifying.verify(case, {name: self.source}, [self.source.declaration], index, **given)
        case.close()

    def restore(self) -> World:
        """The system as it was before."""
        self.source.world.rows = {key: dict(row) for key, row in self.before.items()}
        return self.source.world

    def replay(self, **more: Any) -> list[Any]:
        """Numbers of each line."""

        def approved(request_id: str, digest: str) -> Any:
            return erased_under(self.ledger, request_id, digest)

        lines = list(replay(self.source, self.erasures, self.ledger, approved, at=LATER, **more))
        return [(line.back, line.refused, sum(o.count for o in line.outcomes)) for line in lines]


@pytest.fixture
def erased(tmp_path: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, request_id: str) -> Erased:
    """A system in which Åsa was erased."""
    return Erased(tmp_path, ledger, erasures, suppression, request_id, f"crm_{request_id[4:]}")


def test_nothing_came_back(erased: Erased) -> None:
    calls = len(erased.source.calls)
    assert erased.replay() == []
    assert not any(call.startswith("erase") for call in erased.source.calls[calls:])


def test_restored_and_erased_again(erased: Erased) -> None:
    world = erased.restore()
    assert erased.replay(dry_run=True) == [(4, 0, 0)]
    assert world.rows == erased.before
    assert erased.replay() == [(4, 0, 4)]
    left = {key for key in world.rows if world.rows[key] == erased.before[key]}
    assert left == {key for key in erased.before if key[1].startswith("p2")}
    assert world.rows[NOTE, "p1n2"]["text"] == "-"
    [event] = [e for e in erased.ledger.events(erased.request_id) if e.kind == "replayed"]
    assert event.detail["counts"] == {"done": 4}
    assert erased.replay() == []


def test_a_system_that_shows_a_record_only_to_whom_it_names(erased: Erased, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is known any more: it is asked by the ids alone, where it has a verb for that."""
    name, asked = erased.source.declaration.name, set[str]()
    erased.restore()

    def known(request_id: str, record_ids: Collection[str]) -> Found:
        asked.update(record_ids)
        own = frozenset({Identifier(PERSON, "p1")})
        return Found(name, (Match(request_id, PERSON, "p1", own, own),))

    monkeypatch.setattr(erased.source, "find", lambda subjects: Found(name))
    monkeypatch.setattr(erased.source, "known", known, raising=False)
    assert erased.replay() == [(4, 0, 4)]
    assert asked == {key[1] for key in erased.before if key[1].startswith("p1")}


@pytest.fixture
def command(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`python -m dsr replay` in an installation of this test's own."""
    key = base64.b64encode(bytes(range(32))).decode()
    monkeypatch.setenv("DSR_LEDGER_URL", own_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DSR_MASTER_KEY", key)

    def main(kinds: dict[str, Any], *arguments: str) -> int:
        parser = argparse.ArgumentParser()
        erased_command.add_parsers(parser.add_subparsers(), lambda: kinds)
        args = parser.parse_args(["replay", *arguments])
        return int(args.command(args))

    return main


def stated(declaration: Declaration) -> Any:
    """A class of sources with that declaration, that connects to one that holds nothing."""
    source = MadeUp(World(), declaration)
    return SimpleNamespace(declaration=declaration, connect=lambda connection: source)


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("indexed", "records", "named"),
    [
        (False, {PERSON: 1, NOTE: 2}, {}),
        (False, {NOTE: 2}, {"Notes": 2}),
        (True, {PERSON: 1, NOTE: 2}, {"Notes": 2, "People": 1}),
        (True, {}, {}),
    ],
)
def test_what_no_id_leads_to_is_named_and_no_success(
    command: Any, own_engine: Engine, request_id: str, monkeypatch: pytest.MonkeyPatch, capsys: Any,
    dry_run: tuple[str, ...], indexed: bool, records: dict[str, int], named: dict[str, int],
) -> None:  # fmt: skip
    """A system without look-up, and notes of which the person was not erased: nobody knows whether they are back."""
    monkeypatch.setenv("AIRFLOW_CONN_DSR_CRM", "http://crm.example")
    own = Erasures(own_engine, subkey(bytes(range(32)), "erasures"))
    for dataset, count in records.items():
        noted = [Erasing(dataset, "erase", f"{dataset}{n}", "v") for n in range(count)]
        own.note(request_id, "0" * 64, "crm", noted, AT)
        own.confirm(request_id, "crm", dataset, (), AT)
    declaration = replace(declared("crm"), indexed=indexed)
    assert command({"crm": stated(declaration)}, *dry_run) == bool(named)
    said = capsys.readouterr().out
    told = re.findall(r"^crm  (\w+): (\d+) erased, can't be looked for$", said, re.MULTILINE)
    assert {title: int(count) for title, count in told} == named
    assert ("suppressed --stdin" in said) == bool(named)
    assert ("Nothing is left that was erased." in said) == (not named)


@pytest.mark.parametrize("arguments", [(), ("--source", "gone")])
def test_a_system_that_is_no_longer_declared_is_no_success(
    command: Any, own_engine: Engine, request_id: str, capsys: Any, arguments: tuple[str, ...]
) -> None:
    own = Erasures(own_engine, subkey(bytes(range(32)), "erasures"))
    own.note(request_id, "0" * 64, "gone", [Erasing(NOTE, "erase", "n1", "v")], AT)
    own.confirm(request_id, "gone", NOTE, (), AT)
    assert command({"crm": stated(declared("crm"))}, *arguments) == 1
    assert "gone  no such system is declared here" in capsys.readouterr().out


def test_an_older_snapshot_has_other_values(erased: Erased) -> None:
    """A note with times that are all before the erasure goes; a person without any is left to a person."""
    world = erased.restore()
    world.rows[NOTE, "p1n0"]["text"] = "as it was a year before"
    world.rows[PERSON, "p1"]["name"] = "Å Berg"
    assert erased.replay() == [(4, 1, 3)]
    assert (PERSON, "p1") in world.rows


def test_a_new_record_with_an_old_id_is_not_touched(erased: Erased) -> None:
    """A restored sequence hands out numbers again."""
    world = erased.restore()
    world.rows[PERSON, "p1"] = {"email": "eva@kvarn.example", "name": "Eva", "phone": None, "language": "sv"}
    world.rows[NOTE, "p1n0"] |= {"text": "about Eva", "at": "2027-03-04T05:06:07Z"}
    before = world.copy()
    assert erased.replay(dry_run=True) == [(4, 2, 0)]
    erased.replay()
    assert world.rows[PERSON, "p1"] == before[PERSON, "p1"]
    assert world.rows[NOTE, "p1n0"] == before[NOTE, "p1n0"]
    assert erased.replay(confirmed=True)[0][1] == 0
    assert (PERSON, "p1") not in world.rows


def test_without_an_approval_nothing_is_erased(erased: Erased) -> None:
    world = erased.restore()

    def none(request_id: str, digest: str) -> Any:
        return erased_under(erased.ledger, request_id, "0" * 64)

    lines = list(replay(erased.source, erased.erasures, erased.ledger, none, at=LATER))
    assert {line.failed for line in lines} == {"replay.approval"}
    assert not any(line.outcomes for line in lines)
    assert world.rows == erased.before


def test_nothing_readable_in_the_table(erased: Erased, engine: Any) -> None:
    with engine.connect() as connection:
        dump = str(connection.exec_driver_sql("SELECT e::text FROM erasures e").all())
    for word in (ASA, "Berg", "p1n0", b"p1n0".hex()):
        assert word not in dump


def test_a_row_that_was_changed_is_noticed(erased: Erased, engine: Any) -> None:
    name = erased.source.declaration.name
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE erasures SET dataset = 'made_up_person' WHERE source = %s AND dataset = 'made_up_note'", (name,)
        )
    with pytest.raises(PermanentError, match=r"erasures\.tampered"):
        erased.replay()
    other = Erasures(engine, b"x" * 32)
    with pytest.raises(PermanentError, match=r"erasures\.tampered"):
        list(other.erased(name, erased.request_id))


def test_what_was_only_noted_does_not_count(erasures: Erasures, request_id: str) -> None:
    """A crash before anything was erased must not lead to an erasure later."""
    noted = [Erasing(NOTE, "erase", f"n{n}", "v") for n in range(5000)]
    for _ in range(2):
        assert erasures.note(request_id, "0" * 64, "noted", noted, AT) == 5000
    assert list(erasures.erased("noted", request_id)) == []
    assert erasures.confirm(request_id, "noted", NOTE, ["n1", "n2"], AT) == 4998
    assert len(list(erasures.erased("noted", request_id))) == 4998


def test_order() -> None:
    later, first = declared("marketing", ("crm",)), declared("crm")
    assert ordered([later, first]) == [first, later]
    with pytest.raises(PermanentError, match=r"replay\.order"):
        ordered([declared("a", ("b",)), declared("b", ("a",))])
