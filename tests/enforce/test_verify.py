"""Verifying: nothing is said to be done that wasn't seen to be; what remains is named."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import ASA, AT, MadeUp, World, approval_of, case_of, choose
from made_up_sources import NOTE, PERSON, FakeIndex, email

from dsr import schema
from dsr.casefile import CaseFile
from dsr.erasures import Erasures
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.model import Found, Match, Piece, Rows, Subject
from dsr.steps import assess
from dsr.steps import enforce as enforcing
from dsr.steps import verify as step
from dsr.steps.reread import reread
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression


class Way:
    """From plan to verification."""

    def __init__(self, folder: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, name: str) -> None:
        self.folder, self.ledger, self.erasures, self.suppression = folder, ledger, erasures, suppression
        self.name = name

    def enforced(self, source: MadeUp, effects: Any, right: str = "erasure", **asked: Any) -> CaseFile:
        """A case with its plan carried out."""
        case = self.planned(source, effects, right, **asked)
        self.carry_out(case, source)
        return case

    def planned(self, source: MadeUp, effects: Any, right: str = "erasure", **asked: Any) -> CaseFile:
        """A case with its plan approved."""
        case = case_of(self.folder, source, effects, self.name, right, **asked)
        self.ledger.append(case.case_id, "identity_verified", {"ok": True}, at=AT)
        suppress(case, self.suppression, self.ledger, at=AT)
        return case

    def carry_out(self, case: CaseFile, source: MadeUp) -> None:
        """Once."""
        reread(case, source, source.declaration, at=AT)
        enforcing.enforce(
            case, source, source.declaration, approval_of(case), holds=HoldsInForce(), ledger=self.ledger,
            erasures=self.erasures, at=AT, select=choose, corrections_of=assess.corrections_of,
        )  # fmt: skip

    def verify(self, case: CaseFile, source: MadeUp | None) -> step.Verified:
        """Once."""
        declaration = (source or MadeUp(World())).declaration
        return step.verify(
            case, {"crm": source}, [declaration], FakeIndex(), ledger=self.ledger, erasures=self.erasures,  # type: ignore[arg-type]
            at=AT + timedelta(hours=1), corrections_of=assess.corrections_of,
        )  # fmt: skip

    def fails(self, case: CaseFile, source: MadeUp) -> dict[Any, int]:
        """To the end of patience; what was seen."""
        for _ in range(step.TRIES - 1):
            with pytest.raises(TransientError, match=r"verify\.remains"):
                self.verify(case, source)
        with pytest.raises(PermanentError, match=r"verify\.remains"):
            self.verify(case, source)
        kept: dict[str, Any] = case.read_json("verified")
        return {(r["dataset"], r["effect"], r["reason"]): r["count"] for r in kept["remaining"] if not r["ok"]}

    def events(self, case: CaseFile) -> list[Any]:
        """What the ledger was told."""
        return [e.detail for e in self.ledger.events(case.case_id) if e.kind == "verified"]


@pytest.fixture
def way(tmp_path: Path, ledger: Ledger, erasures: Erasures, suppression: Suppression, request_id: str) -> Way:
    """From plan to verification."""
    return Way(tmp_path, ledger, erasures, suppression, request_id)


def erase_all(dataset: str, record_id: str) -> str:
    """Everything goes."""
    return "erase"


def test_gone_is_gone(way: Way, erasures: Erasures) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, erase_all)
    assert list(erasures.erased("crm", case.case_id)) == []
    verified = way.verify(case, source)
    assert verified.ok
    assert verified.right == {("crm", PERSON, "erase"): 1, ("crm", NOTE, "erase"): 3}
    assert verified.remaining == ()
    assert {e.record_id for e in erasures.erased("crm", case.case_id)} == {"p1", "p1n0", "p1n1", "p1n2"}
    assert way.verify(case, source) == verified
    assert len(way.events(case)) == 1


def test_a_system_that_only_says_so(way: Way, erasures: Erasures) -> None:
    """It answers "done" and did nothing."""
    source = MadeUp(World.of(), answers={(NOTE, "erase"): "done", (PERSON, "erase"): "done"})
    case = way.enforced(source, erase_all)
    assert way.fails(case, source) == {(NOTE, "erase", "present"): 3, (PERSON, "erase", "present"): 1}
    assert list(erasures.erased("crm", case.case_id)) == []
    assert [e["ok"] for e in way.events(case)] == [False]


def test_in_the_bin_is_not_gone(way: Way) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, erase_all)
    source.world.note("p1n0", "p1")
    source.world.rows[PERSON, "p1"] = {"email": ASA, "name": "Åsa Berg", "phone": None, "language": "sv", "binned": 1}
    assert way.fails(case, source) == {(NOTE, "erase", "present"): 1, (PERSON, "erase", "present"): 1}


def test_a_vendor_that_lags(way: Way) -> None:
    source = MadeUp(World.of())
    before = source.world.copy()
    case = way.enforced(source, erase_all)
    after, source.world.rows = source.world.rows, before
    with pytest.raises(TransientError) as raised:
        way.verify(case, source)
    assert raised.value.retry_after == timedelta(seconds=60)
    source.world.rows = after
    assert way.verify(case, source).ok


def test_what_the_vendor_keeps_is_named_until_when(way: Way) -> None:
    source = MadeUp(World.of(), answers={(NOTE, "erase"): "retained"})
    case = way.enforced(source, lambda d, i: "erase" if d == NOTE else "keep")
    verified = way.verify(case, source)
    retained = next(r for r in verified.remaining if r.effect == "erase")
    assert (retained.reason, retained.count, str(retained.until)) == ("retained", 3, "2027-01-31")
    assert ("crm", NOTE, "erase") not in {key for key, count in verified.right.items() if count}


@pytest.mark.parametrize("answer", ["blocked", "changed"])
def test_what_was_refused_is_not_verified(way: Way, answer: str) -> None:
    source = MadeUp(World.of(), answers={(NOTE, "erase"): answer})
    case = way.enforced(source, lambda d, i: "erase" if d == NOTE else "keep")
    assert way.fails(case, source) == {(NOTE, "erase", answer): 3}


@pytest.mark.parametrize("text", ["-", "ring asa@KVARN.example", "Berg, Åsa"])
def test_anonymised_carries_nothing_of_the_person(way: Way, text: str) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, lambda d, i: "anonymise")
    source.world.rows[NOTE, "p1n0"]["text"] = text
    if text == "-":
        assert way.verify(case, source).right["crm", NOTE, "anonymise"] == 3
    else:
        assert way.fails(case, source) == {(NOTE, "anonymise", "identifiable"): 1}


def test_untouched_is_not_anonymised(way: Way) -> None:
    source = MadeUp(World.of(), answers={(NOTE, "anonymise"): "done"})
    case = way.enforced(source, lambda d, i: "anonymise")
    assert way.fails(case, source) == {(NOTE, "anonymise", "identifiable"): 3}


def test_restricted_must_show(way: Way) -> None:
    source = MadeUp(World.of(), answers={(PERSON, "restrict"): "done"})
    case = way.enforced(source, lambda d, i: "restrict", "restriction")
    assert way.fails(case, source) == {(PERSON, "restrict", "unmarked"): 1}


def test_a_mark_on_what_a_record_hangs_on_need_not_show_on_itself(way: Way) -> None:
    """Where the source says so: a stored file is marked, not its entry in the list."""
    source = MadeUp(World.of(), answers={(PERSON, "restrict"): "done"}, reason="mark.elsewhere")
    case = way.enforced(source, lambda d, i: "restrict", "restriction")
    assert way.verify(case, source).ok


def test_rectified_reads_back(way: Way) -> None:
    asked = {"corrections": {PERSON: {"name": "Åsa Bergström"}}}
    source = MadeUp(World.of())
    case = way.enforced(source, lambda d, i: "rectify" if d == PERSON else "keep", "rectification", **asked)
    assert way.verify(case, source).right["crm", PERSON, "rectify"] == 1
    [event] = way.events(case)
    assert [old.partition(":")[0] for old in event["old"]] == [f"{PERSON}.name"]
    assert way.erasures.keyed("value", "Åsa Berg").hex() in event["old"][0]


def test_rectified_and_written_over_again(way: Way) -> None:
    asked = {"corrections": {PERSON: {"name": "Åsa Bergström"}}}
    source = MadeUp(World.of())
    case = way.enforced(source, lambda d, i: "rectify" if d == PERSON else "keep", "rectification", **asked)
    source.world.rows[PERSON, "p1"]["name"] = "Asa Berg"
    assert way.fails(case, source) == {(PERSON, "rectify", "differs"): 1}


def test_kept_that_is_gone(way: Way) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, lambda d, i: "keep" if i == "p1n0" else "restrict")
    del source.world.rows[NOTE, "p1n0"]
    assert way.fails(case, source) == {(NOTE, "keep", "gone"): 1}


def test_imported_again_after_the_erasure(way: Way) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, erase_all)
    source.world.rows[PERSON, "p9"] = {"email": ASA, "name": "Åsa Berg", "phone": None, "language": "sv"}
    assert way.fails(case, source) == {(PERSON, "erase", "came_back"): 1}


class OrphansAnswer(MadeUp):
    """Notes whose person is gone answer to the address that they name."""

    def find(self, subjects: Sequence[Subject]) -> Found:
        """What hangs on nobody any more is a record of its own."""
        found = super().find(subjects)
        orphans = [n for n, owner in self.world.owner.items() if (PERSON, owner) not in self.world.rows]
        by = frozenset({email(ASA)})
        left = [i for i in orphans if (NOTE, i) in self.world.rows and by & subjects[0].identifiers]
        matches = (Match(subjects[0].request_id, NOTE, i, by, by) for i in left)
        return Found(found.source, (*found.matches, *matches), found.cache)

    def extract(self, found: Found) -> Iterator[Piece]:
        """Those too."""
        yield from super().extract(Found(found.source, tuple(m for m in found.matches if m.dataset == PERSON)))
        for match in (m for m in found.matches if m.dataset == NOTE):
            row = self.world.rows[NOTE, match.record_id]
            yield Rows(match.request_id, NOTE, schema.batch(NOTE, [(match.record_id, row)]))


def test_what_was_planned_and_stays_has_not_come_back(way: Way, erasures: Erasures) -> None:
    """A note that others share stays by the source's word, and is found by itself once its person is gone."""
    source = OrphansAnswer(World.of(), answers={(NOTE, "erase"): "retained"})
    case = way.enforced(source, erase_all)
    verified = way.verify(case, source)
    assert [(r.dataset, r.reason, r.count, r.ok) for r in verified.remaining] == [(NOTE, "retained", 3, True)]
    assert {e.record_id for e in erasures.erased("crm", case.case_id)} == {"p1"}
    source.world.note("p1n9", "p1")
    case.remove("verified")
    assert way.fails(case, source) == {(NOTE, "erase", "came_back"): 1}


def test_a_system_that_cannot_be_asked_any_more(way: Way) -> None:
    source = MadeUp(World.of())
    case = way.enforced(source, erase_all)
    with pytest.raises(PermanentError, match=r"verify\.not_connected"):
        way.verify(case, None)


@pytest.mark.parametrize("answer", ["retained", "manual", "blocked", "changed"])
def test_what_hangs_on_an_erased_record_is_not_gone_because_no_search_shows_it(
    way: Way, erasures: Erasures, answer: str
) -> None:
    source = MadeUp(World.of(), answers={(NOTE, "erase"): answer})
    case = way.enforced(source, erase_all)
    if answer in ("blocked", "changed"):
        assert way.fails(case, source) == {(NOTE, "erase", answer): 3}
    else:
        verified = way.verify(case, source)
        assert [(r.dataset, r.reason, r.count, r.outcome) for r in verified.remaining] == [(NOTE, answer, 3, answer)]
        assert verified.right == {("crm", PERSON, "erase"): 1, ("crm", NOTE, "erase"): 0}
    assert {e.record_id for e in erasures.erased("crm", case.case_id)} == {"p1"}


def test_a_note_changed_since_the_approval_is_named_though_its_person_is_gone(way: Way, erasures: Erasures) -> None:
    source = MadeUp(World.of())
    case = way.planned(source, erase_all)
    source.world.rows[NOTE, "p1n0"]["text"] = "a colleague's new text"
    way.carry_out(case, source)
    assert (NOTE, "p1n0") in source.world.rows
    assert way.fails(case, source) == {(NOTE, "erase", "changed"): 1}
    assert {e.record_id for e in erasures.erased("crm", case.case_id)} == {"p1", "p1n1", "p1n2"}


def test_a_record_edited_by_somebody_is_not_restricted_by_that(way: Way) -> None:
    source = MadeUp(World.of())
    case = way.planned(source, lambda d, i: "restrict", "restriction")
    source.world.rows[PERSON, "p1"]["name"] = "Åsa B"
    source.world.rows[NOTE, "p1n0"]["text"] = "edited"
    way.carry_out(case, source)
    assert [k for k, row in source.world.rows.items() if row.get("restricted")] == [(NOTE, "p1n1"), (NOTE, "p1n2")]
    assert way.fails(case, source) == {(PERSON, "restrict", "changed"): 1, (NOTE, "restrict", "changed"): 1}
    right = {(r["dataset"], r["effect"]): r["count"] for r in case.read_json("verified")["right"]}
    assert right == {(PERSON, "restrict"): 0, (NOTE, "restrict"): 2}


def test_a_mark_that_a_person_has_to_set_is_counted_once_and_with_its_ground(way: Way) -> None:
    source = MadeUp(World.of(), answers={(PERSON, "restrict"): "manual", (NOTE, "restrict"): "manual"})
    case = way.enforced(source, lambda d, i: "restrict", "restriction")
    seen = [(r.dataset, r.count, r.outcome, r.ground) for r in way.verify(case, source).remaining]
    assert seen == [(PERSON, 1, "manual", "gdpr:A17"), (NOTE, 3, "manual", "gdpr:A17")]


@pytest.mark.parametrize("lost", ["search/crm", "found/crm"])
def test_a_case_that_has_lost_its_search_is_not_verified(way: Way, erasures: Erasures, lost: str) -> None:
    source = MadeUp(World.of(), answers={(NOTE, "erase"): "done", (PERSON, "erase"): "done"})
    case = way.enforced(source, erase_all)
    case.remove(lost)
    with pytest.raises(PermanentError, match=r"verify\.search"):
        way.verify(case, source)
    assert list(erasures.erased("crm", case.case_id)) == []


class Following(MadeUp):
    """Gives a second record along with Åsa's; once hers is gone, it answers by itself, as an e-mail to several does."""

    def find(self, subjects: Sequence[Subject]) -> Found:
        found = super().find(subjects)
        if any(m.record_id == "p1" for m in found.matches):
            return replace(found, matches=tuple(m for m in found.matches if m.record_id != "p3"))
        return found

    def extract(self, found: Found) -> Iterator[Piece]:
        yield from super().extract(found)
        for match in found.matches:
            if match.record_id == "p1":
                yield Rows(match.request_id, PERSON, schema.batch(PERSON, [("p3", self.world.rows[PERSON, "p3"])]))


def test_a_planned_record_that_answers_by_itself_now_did_not_come_back(way: Way) -> None:
    world = World.of()
    world.rows[PERSON, "p3"] = {"email": ASA, "name": "Åsa and others", "phone": None, "language": "sv"}
    source = Following(world)
    case = way.enforced(source, lambda d, i: "keep" if i == "p3" else "erase")
    seen = way.verify(case, source)
    assert seen.ok
    assert [(r.effect, r.count) for r in seen.remaining] == [("keep", 1)]
