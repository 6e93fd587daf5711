"""Request by request: what is due, and what the law says of it."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from dsr.enforced import outcome_as_json, summed
from dsr.errors import DsrError, TransientError
from dsr.heldrecords import hold_bond
from dsr.kept import Kept, Ways, is_due
from dsr.ledger import Ledger
from dsr.model import Outcome
from dsr.reaching import bear_others_addresses
from dsr.source import Source
from dsr.steps.end_retention.counting import CHANGED, GONE, Ended
from dsr.steps.end_retention.deciding import Decided, Key, decide
from dsr.steps.end_retention.erasing import Erasure
from dsr.steps.end_retention.looking import Look, Today, look, seen
from dsr.steps.end_retention.stores import Stores

_EVENT: Final = "retention_ended"
_IN_A_ROW: Final = 3
"""After so many requests in a row that a source couldn't be asked for it is taken to be down."""
_MOST_NAMED: Final = 64
"""As many values as a list in the ledger may have."""


def end_retention(
    source: Source, stores: Stores, today: Today, *, request_id: str = "", confirmed: Collection[str] = ()
) -> Iterator[Ended]:
    """One line for each request with records in the source whose time has come; the oldest first. What goes wrong with
    one is told in its line, and the next is taken; a source that can't be asked for three requests in a row is left.

    request_id  only that one; also what is kept without a known end is looked at
    confirmed   what a person has decided for it: CHANGED, GONE
    """
    failures = 0
    for each in [request_id] if request_id else stores.retained.requests(source.declaration.name, today.day):
        ended: Ended | None
        try:
            ended = _Request(source, each, stores, today, frozenset(confirmed)).end(endless=bool(request_id))
            failures = 0
        except DsrError as error:
            again = isinstance(error, TransientError)
            failures = failures + 1 if again else 0
            ended = Ended(each, source.declaration.name, failed=error.code, again=again)
        if ended is not None:
            _tell(stores.ledger, ended, sorted(confirmed), today)
            yield ended
        if failures == _IN_A_ROW:
            return


class _Request:
    """The kept records of one request in one source."""

    def __init__(
        self, source: Source, request_id: str, stores: Stores, today: Today, confirmed: frozenset[str]
    ) -> None:
        self._source, self._declaration, self._name = source, source.declaration, source.declaration.name
        self._id, self._stores, self._retained, self._today = request_id, stores, stores.retained, today
        self._confirmed = confirmed
        self._kept = {record.key: record for record in self._retained.kept(self._name, request_id)}
        self._subjects = self._retained.subjects(request_id)
        self._counts: Counter[str] = Counter()
        self._persons: set[Key] = set()

    def end(self, *, endless: bool) -> Ended | None:
        """What became of the records that are due; None when none is. endless: those without a known end are, too."""
        due = {key for key, record in self._kept.items() if self._is_due(record, self._name, endless=endless)}
        if not due:
            return None
        if self._waits():
            return Ended(self._id, self._name, {"waiting": len(due)})
        hold = self._today.holds.on_subjects(self._subjects)
        if hold is not None:
            bond = hold_bond(hold)
            self._put(self._kept[key].kept_by(bond.ground, bond.until, bond.reason) for key in due)
            return Ended(self._id, self._name, {"kept": len(due)})
        return self._ended(due)

    def _ended(self, due: set[Key]) -> Ended:
        ways = self._retained.ways(self._name, self._id)
        now = look(self._source, self._id, ways, self._kept)
        records = seen(self._source, now, self._kept, self._retained, self._today)
        decided = decide(
            self._kept,
            due,
            records,
            at=self._today.at,
            ours=self._is_ours(ways),
            stopped=self._is_foreign(ways, now),
            confirmed=CHANGED in self._confirmed,
        )
        self._settle(due - records.keys())
        self._keep(decided)
        outcomes: list[Outcome] = []
        if decided.going:
            erasure = Erasure(self._source, self._id, self._stores, self._today.at, self._kept, decided)
            outcomes = erasure.run(ways, now, records, again=CHANGED in self._confirmed)
            self._counts.update(erasure.counts)
            self._persons |= erasure.left
        self._leave()
        counts = {name: count for name, count in sorted(self._counts.items()) if count}
        return Ended(self._id, self._name, counts, tuple(summed(outcomes)))

    def _is_due(self, record: Kept, source: str, *, endless: bool = False) -> bool:
        known = record.until is not None or record.by_hold or not endless
        return not known or is_due(record, source, self._today.day, self._today.holds, self._subjects)

    def _waits(self) -> bool:
        """Whether a source that must be erased from first has records of the request that are due, and that it hasn't
        left to a person."""
        earlier = ((name, self._retained.kept(name, self._id)) for name in self._declaration.erase_after)
        return any(self._is_due(k, name) and not k.left_at for name, records in earlier for k in records)

    def _is_ours(self, ways: Ways) -> bool:
        """Whether records may differ by our own doing: what they hang on was asked to be erased, or something was in a
        system that this one takes changes over from."""
        told = (e.detail for e in self._stores.ledger.events(self._id) if e.kind == _EVENT)
        followed = any(d["source"] in self._declaration.erase_after and d["counts"].get("erased") for d in told)
        return followed or any(record.asked_at and key in ways.matches for key, record in self._kept.items())

    def _is_foreign(self, ways: Ways, now: Look) -> bool:
        """Whether what the records hang on bears another name, address or number than when they were noted, and not by
        our own doing."""
        asked = {key for key, record in self._kept.items() if record.asked_at}
        return bool(ways.before and bear_others_addresses(ways.before, now.found)) or any(
            mark != now.marks.get(dataset, {}).get(record_id, mark)
            for dataset, marks in ways.marks.items()
            for record_id, mark in marks.items()
            if (dataset, record_id) not in asked
        )

    def _settle(self, missing: set[Key]) -> None:
        """Due records that nothing leads to. What was asked for is gone by our own doing."""
        asked = {key for key in missing if self._kept[key].asked_at}
        self._stores.gone(self._id, self._name, asked, self._today.at)
        self._counts["erased"] += len(asked)
        if GONE in self._confirmed:
            self._retained.let_go(self._id, self._name, missing - asked)
        else:
            self._persons |= missing - asked
        self._counts["settled" if GONE in self._confirmed else "unseen"] += len(missing - asked)

    def _keep(self, decided: Decided) -> None:
        self._put(decided.anew.values())
        self._kept |= decided.anew
        self._retained.let_go(self._id, self._name, decided.expires)
        self._persons |= decided.refused | decided.unclear | decided.by_hand
        for name in ("anew", "refused", "unclear", "by_hand", "expires"):
            self._counts["kept" if name == "anew" else name] += len(getattr(decided, name))

    def _leave(self) -> None:
        """Notes since when records wait for a person."""
        known = self._retained.kept(self._name, self._id) if self._persons else ()
        new = [replace(k, left_at=self._today.at) for k in known if k.key in self._persons and not k.left_at]
        if new:
            self._retained.put(self._id, self._name, new)

    def _put(self, records: Collection[Kept] | Iterator[Kept]) -> None:
        """Notes those of which something changed."""
        changed = [record for record in records if record != self._kept[record.key]]
        if changed:
            self._retained.put(self._id, self._name, changed)


def _tell(ledger: Ledger, ended: Ended, confirmed: Sequence[str], today: Today) -> None:
    """The event, unless the last one of the source says the same and nothing is gone since."""
    if ended.again or ended.counts.keys() == {"waiting"}:
        return
    detail: dict[str, Any] = {"source": ended.source, "counts": dict(ended.counts)}
    detail |= {"confirmed": list(confirmed)} if confirmed else {}
    detail |= {"code": ended.failed} if ended.failed else {}
    detail["outcomes"] = [outcome_as_json(o) for o in ended.outcomes][:_MOST_NAMED]
    told = [e.detail for e in ledger.events(ended.request_id) if e.kind == _EVENT]
    last = [d for d in told if d["source"] == ended.source][-1:]
    if ended.counts.get("erased") or last != [detail]:
        ledger.append(ended.request_id, _EVENT, detail, at=today.at)
