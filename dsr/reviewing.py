"""What a reviewer may decide, and when a review is over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsr import masking, review
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.masking import Mask
from dsr.review import GROUNDS, MASKED, VERDICTS, WITHHELD, Concluded, Entry, Item, Verdict


@dataclass(frozen=True)
class Progress:
    """How far a review is: counts only. `open` has no decision, `unseconded` needs a second look and has none;
    `verdicts`: how many of each."""

    items: int
    open: int
    unseconded: int
    verdicts: Mapping[str, int]

    @property
    def done(self) -> bool:
        """Whether nothing is left to look at."""
        return not self.open and not self.unseconded


def decide(
    case: CaseFile,
    number: int,
    *,
    verdict: str,
    by: str,
    at: datetime,
    ground: str = "",
    masks: Sequence[Mask] = (),
) -> Verdict:
    """A person's decision about an item, in place of an earlier one. PermanentError("review.concluded") when the review
    is over, ("review.item") when there is no such item, ("review.verdict") for what can't be decided about it: a file
    masked, nothing to mask, a part outside the text, or one without which a nested value can't be read any more."""
    if case.exists(review.CONCLUDED):
        raise PermanentError("review.concluded", "review")
    item = review.item(case, number)
    chosen = tuple(sorted(set(masks))) if verdict == MASKED else ()
    fits = verdict in VERDICTS and (ground in GROUNDS) == (verdict == WITHHELD) and bool(chosen) == (verdict == MASKED)
    if not fits or (verdict == MASKED and not maskable(item, chosen)):
        raise PermanentError("review.verdict", "review")
    decided = Verdict(item.key, verdict, by, at, ground, chosen)
    review.decide(case, number, decided)
    return decided


def maskable(item: Item, masks: Sequence[Mask]) -> bool:
    """Whether these parts of an item can be replaced."""
    if any(not 0 <= m.start < m.end <= len(item.text) or m.kind not in masking.KINDS for m in masks):
        return False
    return review.readable(item.form, item.text, masks)


def second(case: CaseFile, number: int, *, by: str) -> Verdict:
    """Somebody else agrees with a decision. PermanentError("review.same_person") for who decided it, ("review.item")
    when nothing was decided, ("review.concluded") when the review is over."""
    if case.exists(review.CONCLUDED):
        raise PermanentError("review.concluded", "review")
    decided = review.verdict(case, number)
    if decided is None:
        raise PermanentError("review.item", "review")
    if decided.by == by:
        raise PermanentError("review.same_person", "review")
    seconded = replace(decided, seconded=by)
    review.decide(case, number, seconded)
    return seconded


def progress(case: CaseFile, *, four_eyes: bool) -> Progress:
    """How far the review of what was last found is."""
    entries = review.entries(case)
    decided = _standing(case, entries)
    unseconded = sum(not v.seconded for v in decided.values()) if four_eyes else 0
    counts = Counter(v.verdict for v in decided.values())
    return Progress(len(entries), len(entries) - len(decided), unseconded, {name: counts[name] for name in VERDICTS})


def conclude(case: CaseFile, *, by: str, four_eyes: bool, without_rest: bool) -> dict[str, int]:
    """Ends the review; what it came to in numbers: of items per verdict, and `not_reviewed`. With `without_rest`, what
    nobody has looked at (or not twice, with `four_eyes`) stays out; else PermanentError("review.open") when there is
    such an item. Again is fine, and changes nothing."""
    entries = review.entries(case)
    if not case.exists(review.CONCLUDED):
        decided = _standing(case, entries)
        settled = {key: v for key, v in decided.items() if v.seconded or not four_eyes}
        if len(settled) < len(entries) and not without_rest:
            raise PermanentError("review.open", "review")
        Concluded(settled, by).save(case)
    counts = Counter(v.verdict for v in Concluded.load(case).verdicts.values())
    return {**{name: counts[name] for name in VERDICTS}, review.NOT_REVIEWED: len(entries) - counts.total()}


def _standing(case: CaseFile, entries: Mapping[str, Entry]) -> dict[str, Verdict]:
    """The decisions about what is there now, by key."""
    numbers = {entry.number: key for key, entry in entries.items()}
    return {numbers[number]: v for number, v in review.verdicts(case) if number in numbers and v.key == numbers[number]}
