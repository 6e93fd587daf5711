"""What a source says that became of records, checked against what it was asked to do."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from dsr.enforced import summed
from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.selection import Selection
from dsr.source import Declaration
from dsr.vocabulary import OUTCOMES

_REASON: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_ENDED: Final = ("done", "absent", "scheduled")


def checked(
    outcomes: Iterable[Outcome], selection: Selection, declaration: Declaration, effects: Iterable[str], *, again: bool
) -> list[Outcome]:
    """The outcomes of one call of a verb. Nothing is claimed that the source didn't say: records that it is silent
    about come back as "blocked" with the reason outcome.missing.

    `again`: an earlier call was interrupted, or put something off; what is gone by now went by our own doing then,
    since it was there right before that call. Not so what the system itself has a reason for ("<source>.…"), such as
    its recycle bin.

    PermanentError("outcome.foreign") for another request, source, dataset or effect, ("outcome.unknown") for an
    outcome that is none, ("outcome.count") when more records ended than were selected.
    """
    asked = {(d, effect): selection.count(d, effect) for effect in effects for d in selection.datasets(effect)}
    datasets = {dataset.name for dataset in declaration.datasets}
    told: Counter[tuple[str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    kept: list[Outcome] = []
    for outcome in outcomes:
        _check(outcome, selection, declaration.name, datasets, {effect for _, effect in asked})
        key = (outcome.dataset, outcome.effect)
        told[key] += outcome.count
        ended[key] += outcome.count if outcome.outcome in _ENDED else 0
        if again and outcome.outcome == "absent" and not outcome.reason.startswith(f"{declaration.name}."):
            outcome = replace(outcome, outcome="done", reason="earlier_attempt")
        kept.append(outcome if not outcome.reason or _REASON.fullmatch(outcome.reason) else _unreadable(outcome))
    if any(count > asked.get(key, 0) for key, count in ended.items()):
        raise PermanentError("outcome.count", declaration.name)
    return summed([*kept, *_silent(selection.request_id, declaration.name, asked, told)])


def by_hand(selection: Selection, source: str, effects: Iterable[str]) -> Iterator[Outcome]:
    """What becomes of records when the source has no verb for it: a person does it."""
    for effect in effects:
        for dataset in selection.datasets(effect):
            count = selection.count(dataset, effect)
            yield Outcome(selection.request_id, source, dataset, effect, "manual", count, "verb.absent")


def _check(outcome: Outcome, selection: Selection, source: str, datasets: set[str], effects: set[str]) -> None:
    if (outcome.request_id, outcome.source) != (selection.request_id, source):
        raise PermanentError("outcome.foreign", source)
    if outcome.dataset not in datasets or outcome.effect not in effects:
        raise PermanentError("outcome.foreign", source)
    if outcome.outcome not in OUTCOMES or outcome.count < 0:
        raise PermanentError("outcome.unknown", source)


def _silent(
    request_id: str, source: str, asked: dict[tuple[str, str], int], told: Counter[tuple[str, str]]
) -> Iterator[Outcome]:
    for (dataset, effect), count in asked.items():
        if count > told[dataset, effect]:
            missing = count - told[dataset, effect]
            yield Outcome(request_id, source, dataset, effect, "blocked", missing, "outcome.missing")


def _unreadable(outcome: Outcome) -> Outcome:
    """A reason that is no code may hold anything, so it goes nowhere."""
    return replace(outcome, reason="reason.unreadable")
