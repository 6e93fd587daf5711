"""What becomes of the records of one request whose time has come: a pure decision over what was noted of them, what
they read like now, and what the law says of them anew.

A record counts as the one that was noted when it reads the same, or when it tells times and none of them is younger
than the noting but those that it told then. Where our own doing may have changed it (its erasure was asked for already,
or that of the record that it hangs on, or a connector has followed another system), it is enough that it says nothing
new in words. Anything else may be another record under an old id: it stays, and a person decides.

A record and its parts go together or not at all, since systems delete the parts with the whole: one that came in since,
and that nobody has approved, keeps the whole.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from dsr.bonds import PARENT_ABSENT
from dsr.erasures import EFFECTS
from dsr.kept import HOLD, Kept, Signs
from dsr.sameness import says_new

Key = tuple[str, str]
"""Dataset and record id."""
_KEPT: Final = ("restrict", "keep")
_VENDORS: Final = "expire"


@dataclass(frozen=True)
class Seen:
    """A record as it is now.

    effect, ground, until, reason  what the law says of it
    version, signs  see `dsr.version`, `Signs`; older: it tells times, and none of them is younger than it was noted
    whole    (dataset, key) of the record that it is or is a part of; None where nothing is part of anything
    """

    dataset: str
    effect: str
    ground: str
    until: date | None
    reason: str
    older: bool
    record_id: str = field(repr=False)
    version: str = field(repr=False)
    signs: Signs = field(repr=False)
    whole: tuple[str, str] | None = field(default=None, repr=False)


@dataclass
class Decided:
    """By (dataset, record id). going: what is erased, to its effect; anew: what is still kept, as it is noted from now
    on; same: what surely is the noted record; the others as `dsr.steps.end_retention.COUNTS` explains them."""

    going: dict[Key, str] = field(default_factory=dict)
    anew: dict[Key, Kept] = field(default_factory=dict)
    same: set[Key] = field(default_factory=set)
    refused: set[Key] = field(default_factory=set)
    unclear: set[Key] = field(default_factory=set)
    by_hand: set[Key] = field(default_factory=set)
    expires: set[Key] = field(default_factory=set)


def decide(
    kept: Mapping[Key, Kept],
    due: Collection[Key],
    seen: Mapping[Key, Seen],
    *,
    at: datetime,
    ours: bool,
    stopped: bool,
    confirmed: bool,
) -> Decided:
    """The decision. ours: what the records hang on, or a system that this one follows, was changed by us; stopped: what
    they hang on is told to be somebody else's by now; confirmed: a person has decided that records which are not surely
    the noted ones, and parts that came in since, go too. What isn't seen is in nothing of it."""
    found = Decided()
    found.same = {key for key, record in kept.items() if key in seen and _is_same(record, seen[key], ours=ours)}
    for key in due:
        if key in seen:
            _place(found, key, kept[key], seen[key], at=at, sure=confirmed or (key in found.same and not stopped))
    _together(found, kept, due, seen, confirmed=confirmed)
    return found


def renewed(kept: Kept, signs: Signs, at: datetime) -> Kept:
    """A record that is known to be the noted one, as it reads now. One whose erasure was asked for keeps what it was
    like before that."""
    return kept if kept.asked_at else replace(kept, signs=signs, noted_at=at)


def _is_same(kept: Kept, now: Seen, *, ours: bool) -> bool:
    if now.signs.version == kept.signs.version or now.older:
        return True
    if kept.asked_at and now.effect == "anonymise":
        return True  # what is written in place of a name is new, and ours
    return bool(kept.asked_at or ours) and not says_new(now.signs.words, kept.signs.words)


def _place(found: Decided, key: Key, kept: Kept, now: Seen, *, at: datetime, sure: bool) -> None:
    if kept.asked_at and now.reason == PARENT_ABSENT:
        found.going[key] = "erase"  # what it was part of went by our own doing
    elif now.effect in _KEPT and _is_unclear(now):
        found.unclear.add(key)
    elif now.effect in _KEPT:
        record = renewed(kept, now.signs, at) if key in found.same else kept
        found.anew[key] = record.kept_by(now.ground, now.until, now.reason)
    elif now.effect == _VENDORS and kept.by_hold:
        found.expires.add(key)
    elif now.effect not in EFFECTS:
        found.by_hand.add(key)
    elif sure:
        found.going[key] = now.effect
    else:
        found.refused.add(key)


def _together(
    found: Decided, kept: Mapping[Key, Kept], due: Collection[Key], seen: Mapping[Key, Seen], *, confirmed: bool
) -> None:
    """Wholes go with all of their parts, or stay with them."""
    families: dict[tuple[str, str], list[Key]] = {}
    for key, record in seen.items():
        if record.whole is not None:
            families.setdefault(record.whole, []).append(key)
    for members in families.values():
        going = [key for key in members if key in found.going]
        staying = [key for key in members if key not in found.going]
        if not going or not staying:
            continue
        new = not any(key in kept for key in staying) and all(seen[key].effect in EFFECTS for key in staying)
        if confirmed and new:
            found.going |= {key: seen[key].effect for key in staying}
            continue
        for key in going:
            del found.going[key]
        keeping: list[Seen | Kept] = [seen[key] for key in staying if seen[key].effect in _KEPT]
        keeping += [kept[key] for key in staying if key in kept and key not in due]
        last = max(keeping, key=lambda it: (it.until is None, it.until or date.min), default=None)
        if last is None:
            found.refused |= set(going)
        elif isinstance(last, Seen) and _is_unclear(last):
            found.unclear |= set(going)
        else:
            found.anew |= {key: kept[key].kept_by(last.ground, last.until, last.reason) for key in going}


def _is_unclear(now: Seen) -> bool:
    """Whether a law keeps it, and nobody can say until when."""
    return now.until is None and not now.reason.startswith(HOLD)
