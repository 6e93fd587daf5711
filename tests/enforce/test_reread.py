"""All systems are read before the first is written to; what one's change does to another is nobody else's doing."""

from collections.abc import Callable
from contextlib import suppress as ignored
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_acting import AT, MadeUp, World, approval_of, case_of, declared, search_and_plan
from made_up_sources import NOTE, PERSON

from dsr import carried
from dsr.casefile import CaseFile
from dsr.enforced import Enforced, Progress
from dsr.erasures import Erasures
from dsr.errors import PermanentError, TransientError
from dsr.holds import HoldsInForce
from dsr.ledger import Ledger
from dsr.steps import assess
from dsr.steps import enforce as step
from dsr.steps.reread import reread

LATER = AT + timedelta(days=2)


class TwoSystems:
    """A CRM and a marketing platform that follows it; everything of Åsa's is to go."""

    def __init__(self, folder: Path, ledger: Ledger, erasures: Erasures, request_id: str, effect: str) -> None:
        self.crm, self.marketing = MadeUp(World.of()), MadeUp(World.of(), declared("marketing", ("crm",)))
        self.ledger, self.erasures = ledger, erasures
        self.case: CaseFile = case_of(folder, self.crm, lambda d, i: effect, request_id)
        search_and_plan(self.case, [self.crm, self.marketing], lambda d, i: effect)
        carried.keep(self.case, frozenset(), {})
        ledger.append(request_id, "identity_verified", {"ok": True}, at=AT)
        ledger.append(request_id, "suppressed", {"scope": "all", "count": 1}, at=AT)

    def reread(self, *sources: MadeUp, at: Any = AT) -> None:
        """As the graph does it."""
        for source in sources or (self.crm, self.marketing):
            reread(self.case, source, source.declaration, at=at)

    def enforce(self, source: MadeUp, at: Any = AT) -> Enforced:
        """One attempt, with the approval's own choice of records."""
        return step.enforce(
            self.case, source, source.declaration, approval_of(self.case), holds=HoldsInForce(), ledger=self.ledger,
            erasures=self.erasures, at=at, corrections_of=assess.corrections_of,
        )  # fmt: skip

    def synchronise(self) -> None:
        """What the connector does when the CRM's person was changed or is gone: the bin, emptied names, new stamps."""
        for key, row in self.marketing.world.rows.items():
            if key[1].startswith("p1"):
                row["binned"] = True
                if key[0] == PERSON:
                    row |= {"language": None, "phone": None}


@pytest.fixture
def systems(tmp_path: Path, ledger: Ledger, erasures: Erasures, request_id: str) -> Callable[..., TwoSystems]:
    """Two systems with an approved plan."""
    return lambda effect="erase": TwoSystems(tmp_path, ledger, erasures, request_id, effect)


def test_nothing_is_written_before_all_were_read(systems: Any) -> None:
    made = systems()
    made.reread(made.crm)
    with pytest.raises(PermanentError, match=r"enforce\.unread"):
        made.enforce(made.crm)
    assert Progress.load(made.case, "crm").status == "new"


def test_a_system_that_cannot_be_read_any_more_stops_the_others(systems: Any) -> None:
    made = systems()
    before = made.crm.world.copy()
    made.reread(made.crm)

    def down(_: str) -> None:
        raise TransientError("http.503", "marketing")

    made.marketing.on_step = down
    with pytest.raises(TransientError):
        made.reread(made.marketing)
    with pytest.raises(PermanentError, match=r"enforce\.unread"):
        made.enforce(made.crm)
    assert made.crm.world.rows == before


@pytest.mark.parametrize("effect", ["erase", "restrict"])
@pytest.mark.parametrize("at", [AT, LATER], ids=["at once", "two days later"])
def test_what_synchronising_has_changed_is_our_own_doing(systems: Any, at: Any, effect: str) -> None:
    """The CRM was changed, and the platform follows before it is its own turn."""
    made = systems(effect)
    made.reread()
    assert made.enforce(made.crm).count("done") == 4
    made.synchronise()
    made.reread(at=at)
    assert made.enforce(made.marketing, at).count("done") == 4


def test_an_edit_while_another_system_takes_its_time_stays(systems: Any) -> None:
    """The CRM took two days; meanwhile a colleague wrote into the platform, and the connector ran."""
    made = systems()
    made.reread()
    made.crm.lag = 1
    with pytest.raises(TransientError, match=r"enforce\.scheduled"):
        made.enforce(made.crm)
    made.enforce(made.crm, LATER)
    made.synchronise()
    made.marketing.world.rows[NOTE, "p1n1"]["text"] = "a colleague's new text"
    done = made.enforce(made.marketing, LATER)
    assert (done.count("done"), done.count("changed")) == (3, 1)
    assert (NOTE, "p1n1") in made.marketing.world.rows


def test_an_edit_between_reading_and_a_late_start_stays(systems: Any) -> None:
    """Nothing was written anywhere yet, so any difference is somebody's."""
    made = systems()
    made.reread()
    made.crm.world.rows[PERSON, "p1"]["language"] = "en"
    done = made.enforce(made.crm, LATER)
    assert done.count("changed") == 1
    assert (PERSON, "p1") in made.crm.world.rows


def test_a_record_that_is_somebody_elses_by_a_late_start(systems: Any) -> None:
    made = systems()
    made.reread()
    made.marketing.world.rows[PERSON, "p1"]["email"] = "eva@kvarn.example"
    made.enforce(made.crm)
    made.marketing.world.owner = {n: p for n, p in made.marketing.world.owner.items() if not n.startswith("p1")}
    with ignored(PermanentError):
        assert made.enforce(made.marketing, LATER).count("done") == 0
    assert (PERSON, "p1") in made.marketing.world.rows


def test_readings_stand_once_a_system_was_written_to(systems: Any) -> None:
    made = systems()
    made.reread()
    made.enforce(made.crm)
    calls = len(made.marketing.calls)
    made.synchronise()
    made.reread(made.marketing)
    assert made.marketing.calls[calls:] == []


def test_read_anew_as_long_as_nothing_was_written(systems: Any) -> None:
    """A change between two readings is seen, and left alone."""
    made = systems()
    made.reread()
    made.marketing.world.rows[NOTE, "p1n0"]["text"] = "new"
    made.reread()
    made.enforce(made.crm)
    assert made.enforce(made.marketing).count("changed") == 1


def test_a_lost_reading_of_a_system_that_was_begun_with(systems: Any) -> None:
    made = systems()
    made.reread()

    def down(step: str) -> None:
        if step == "erase p1n1":
            raise TransientError("http.503", "crm")

    made.crm.on_step = down
    with pytest.raises(TransientError):
        made.enforce(made.crm)
    made.case.remove("fresh/crm")
    with pytest.raises(PermanentError, match=r"reread\.lost"):
        made.reread(made.crm)
    assert (NOTE, "p1n1") in made.crm.world.rows
