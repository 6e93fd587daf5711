"""An erasure list leaves a part of each day's calls to others: see `dsr.budget`. It is asked before each chunk what is
left, and what a chunk takes is learnt from those before."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from dsr import effort
from dsr.budget import AGAIN, RESERVE, spare
from dsr.errors import TransientError
from dsr.model import Budget
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.erasurelist import ErasureList
    from dsr.source import Budgeted

log = logging.getLogger("dsr")

_BUDGETED = tuple(declaration for declaration in DECLARATIONS if declaration.calls_of_list != (0, 0))


@contextmanager
def within_budget(place: Workplace, listed: "ErasureList", stage: str, people: int) -> Iterator[None]:
    """A block that works on so many people of a list, one `stage` of it. TransientError("budget.reserve") instead when
    it would use up what is kept for others: whoever comes next within the hour isn't let in either, and asks nobody."""
    if people:
        _look(place, listed, stage, people)
    before = {declaration.name: effort.so_far(declaration.name).calls for declaration in _BUDGETED}
    try:
        yield
    finally:
        if people:
            calls = {name: effort.so_far(name).calls - count for name, count in before.items()}
            once = {declaration.name: declaration.calls_of_list[0] for declaration in _BUDGETED}
            listed.note_calls(stage, {name: -(-max(0, made - once[name]) // people) for name, made in calls.items()})


def _look(place: Workplace, listed: "ErasureList", stage: str, people: int) -> None:
    waits, at = listed.waits(), now()
    if waits and waits[1] > at:
        log.info("waits until %s for calls of %s; see `dsr erasure-list show`", waits[1].isoformat(), waits[0])
        raise TransientError(RESERVE, waits[0], waits[1] - at)
    learnt = listed.calls_a_person(stage)
    for declaration in _BUDGETED:
        source, (once, each) = place.source(declaration.name), declaration.calls_of_list
        if source is None:
            continue
        budget = cast("Budgeted", source).budget()
        need = once + people * max(each, learnt.get(declaration.name, 0))
        try:
            spare(declaration.name, budget, need, place.settings.budget_reserve)
        except TransientError:
            _wait(place, listed, declaration.name, budget, need)
            raise
    if waits:
        listed.go_on()


def _wait(place: Workplace, listed: "ErasureList", name: str, budget: Budget, need: int) -> None:
    """Says why; in the ledger once for each time it stops."""
    told = name, budget.left, budget.a_day, need, place.settings.budget_reserve
    log.warning("%s has %s of its %s calls a day left; %s needed, %s %% are for others: goes on later", *told)
    before = listed.waits()
    if before is None or before[0] != name:
        detail = {"source": name, "left": budget.left, "a_day": budget.a_day, "reserve": told[-1], "needed": need}
        place.ledger.append(listed.list_id, "budget_waited", detail, at=now())
    listed.wait(name, now() + AGAIN)
