"""Asks for the erasure of what nothing keeps any more, and looks what became of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import pyarrow as pa

from dsr.erasures import EFFECTS, Erasing
from dsr.kept import Kept, Ways, last_day
from dsr.model import Found, Outcome
from dsr.reported import by_hand, checked
from dsr.schema import SOURCE_ID
from dsr.selecting import selection_of
from dsr.selection import Approval
from dsr.source import Source
from dsr.steps.end_retention.counting import PATIENCE
from dsr.steps.end_retention.deciding import Decided, Key, Seen, renewed
from dsr.steps.end_retention.looking import Look, look
from dsr.steps.end_retention.stores import Stores
from dsr.traces import Traces

_PERSONAL: Final = ("email", "phone")
_ENDED: Final = ("done", "absent")
_REFUSED: Final = ("blocked", "manual", "changed")
_Placed = tuple[str, str]
"""Dataset and effect."""


class Erasure:
    """Of one request in one source. kept: its records as they are noted; counts: key of `COUNTS` → records; left:
    those that a person has to see to."""

    def __init__(
        self,
        source: Source,
        request_id: str,
        stores: Stores,
        at: datetime,
        kept: Mapping[Key, Kept],
        decided: Decided,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.left: set[Key] = set()
        self._source, self._name, self._id = source, source.declaration.name, request_id
        self._stores, self._retained, self._at = stores, stores.retained, at
        self._kept, self._effects, self._same = dict(kept), decided.going, decided.same
        self._outcomes: list[Outcome] = []
        self._changed: list[Kept] = []
        self._let_go: list[Key] = []

    def run(self, ways: Ways, now: Look, records: Mapping[Key, Seen], *, again: bool) -> list[Outcome]:
        """What the source says of it. again: a person has confirmed what the records hang on, so that it is noted as
        it is now. Errors of the source and of the approval are passed on; what was done before is done."""
        going = {key: self._asked(key, records) for key in self._effects}
        approvals = {d: self._stores.approved(self._id, d) for d in sorted({k.digest for k in going.values()})}
        resumed = any(key in self._kept and self._kept[key].asked_at for key in going)
        for digest in approvals:
            its = (key for key, record in going.items() if record.digest == digest)
            erasing = (Erasing(key[0], self._effects[key], key[1], records[key].version) for key in its)
            self._stores.erasures.note(self._id, digest, self._name, erasing, self._at)
        if "anonymise" in self._effects.values() and ways.before is None:
            ways = replace(ways, before=Found(self._name, now.found.matches))
            self._retained.put_ways(self._id, self._name, ways)
        self._retained.put(self._id, self._name, going.values())
        self._kept |= going
        for approval in approvals.values():
            self._ask(approval, now, resumed=resumed)
        self._conclude(ways, look(self._source, self._id, ways, self._kept), again=again)
        return self._outcomes

    def _asked(self, key: Key, records: Mapping[Key, Seen]) -> Kept:
        """A record whose erasure is asked for from now on, unless it was before. One that came in since, as a part of
        what was approved, goes under the same approval."""
        record = self._kept.get(key)
        if record is None:
            whole = next(k for k in self._kept if k in records and records[k].whole == records[key].whole)
            record = replace(self._kept[whole], dataset=key[0], record_id=key[1], asked_at=None)
        began, record = record.asked_at, replace(record, left_at=None)
        if began and (record.ground or record.until is None or began.date() > record.until):
            return record
        return replace(record, signs=records[key].signs, noted_at=self._at, asked_at=self._at)

    def _ask(self, approval: Approval, now: Look, *, resumed: bool) -> None:
        mine: dict[_Placed, set[Key]] = {}
        for key, effect in self._effects.items():
            if self._kept[key].digest == approval.digest:
                mine.setdefault((key[0], effect), set()).add(key)
        chosen: dict[_Placed, list[pa.RecordBatch]] = {p: now.chosen(keys, p[0]) for p, keys in mine.items()}
        selection = selection_of(approval, now.found, self._source.declaration, chosen)
        verb = getattr(self._source, "erase", None)
        told = verb([selection]) if verb else by_hand(selection, self._name, EFFECTS)
        self._outcomes += checked(told, selection, self._source.declaration, EFFECTS, again=resumed)

    def _conclude(self, ways: Ways, after: Look, *, again: bool) -> None:
        """What was seen to be gone counts as erased."""
        signs = after.signs(self._retained, self._at)
        there = {key for key in self._effects if key in signs} - self._anonymous(ways, after)
        gone: list[Key] = []
        for placed in sorted({(key[0], effect) for key, effect in self._effects.items()}):
            mine = [key for key, effect in self._effects.items() if (key[0], effect) == placed]
            left, missing = [k for k in mine if k in there], [k for k in mine if k not in there]
            gone += self._missing(placed, missing, len(left))
            self._there(placed, left)
        # By our own doing other records may read otherwise, too: noted before it is no longer known to be ours.
        others = [key for key in self._same if key in signs and key not in self._effects]
        self._changed += [renewed(self._kept[key], signs[key], self._at) for key in others]
        self._retained.put(self._id, self._name, self._changed)
        before = (
            ways.before if any(effect == "anonymise" and k in there for k, effect in self._effects.items()) else None
        )
        ways = replace(ways, marks=self._marks(ways, after, again=again), before=before)
        self._retained.put_ways(self._id, self._name, ways)
        self._stores.gone(self._id, self._name, gone, self._at)
        self._retained.let_go(self._id, self._name, self._let_go)
        self.counts["erased"] += len(gone)

    def _told(self, placed: _Placed) -> Counter[str]:
        told: Counter[str] = Counter()
        for outcome in self._of(placed):
            told[outcome.outcome] += outcome.count
        return told

    def _of(self, placed: _Placed) -> list[Outcome]:
        return [o for o in self._outcomes if (o.dataset, o.effect) == placed]

    def _missing(self, placed: _Placed, missing: list[Key], left: int) -> list[Key]:
        """Of what isn't seen any more, that of which it is known that it is gone. Where the system left more undone
        than is seen, it isn't known which: by its own word it keeps them, or does it later, or a person has to look.
        """
        told = self._told(placed)
        undone = sum(count for name, count in told.items() if name not in _ENDED) - left
        if undone <= 0:
            return missing
        if told["scheduled"] > left:
            self.counts["waiting"] += len(missing)
        elif any(told[name] for name in _REFUSED):
            self.counts["left"] += len(missing)
            self.left |= set(missing)
            self._changed += [replace(self._kept[key], asked_at=None) for key in missing]
        else:
            self.counts["retained"] += undone
            self.counts["erased"] += len(missing) - undone
            self._let_go += missing
        return []

    def _there(self, placed: _Placed, left: list[Key]) -> None:
        """What is still there: the system keeps it, does it later, or didn't do it."""
        told, keeping = self._told(placed), [o for o in self._of(placed) if o.outcome == "retained"]
        refused = sum(told[name] for name in _REFUSED)
        if left and told["retained"] >= len(left) and not refused:
            if placed[1] == "anonymise":
                self.counts["retained"] += len(left)
                self._let_go += left
                return
            self.counts["kept"] += len(left)
            self._changed += [self._kept[k].kept_by("", last_day(keeping), keeping[0].reason) for k in left]
            return
        late = [key for key in left if self._at - (self._kept[key].asked_at or self._at) > PATIENCE]
        stuck = left if refused else late
        self.left |= set(stuck)
        self.counts["left"] += len(stuck)
        self.counts["waiting"] += len(left) - len(stuck)

    def _anonymous(self, ways: Ways, after: Look) -> set[Key]:
        """Of the records that were to be made anonymous, those that read otherwise than before and carry nothing that
        identifies the person."""
        matches = ways.before.matches if ways.before else ()
        traces = Traces({i for m in matches for i in m.by | m.holds if i.kind in _PERSONAL}, matches)
        wanted = {key for key, effect in self._effects.items() if effect == "anonymise"}
        found: set[Key] = set()
        for dataset in {key[0] for key in wanted}:
            for batch in after.chosen(wanted, dataset):
                signs, carrying = self._retained.signs(dataset, batch, self._at), traces.carried(batch).to_pylist()
                for record_id, carries in zip(batch.column(SOURCE_ID).to_pylist(), carrying, strict=True):
                    before = self._kept[dataset, record_id].signs.version
                    if not carries and signs[record_id].version != before:
                        found.add((dataset, record_id))
        return found

    def _marks(self, ways: Ways, after: Look, *, again: bool) -> Mapping[str, Mapping[str, str]]:
        """As they were noted; anew for what was changed by us, or for all of them."""
        return {
            dataset: {
                record_id: after.marks.get(dataset, {}).get(record_id, mark)
                if again or (dataset, record_id) in self._effects
                else mark
                for record_id, mark in marks.items()
            }
            for dataset, marks in ways.marks.items()
        }
