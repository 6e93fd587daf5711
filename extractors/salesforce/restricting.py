"""Restrict: opt-outs and a mark, for all purposes (Art. 18 GDPR) or for some (Art. 21); and lift, which takes back
only what this software set.

What was set is known in two ways. The approved rows are those from before, so they hold the former values; and a mark
with the request's id says that we were there: in the org's own field (`restriction_field`), or as the source of a
consent "OptOut" on the person's Individual. Without such a mark nothing is taken back; while another request's mark
is there, its opt-outs stay. No Individual is made for a person who has none: it would be a new record about them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from dsr.model import Outcome
from dsr.schema import UNMAPPED
from dsr.selection import Selection
from dsr.vocabulary import MARKETING
from extractors.salesforce.changing import Changes, Wanted, change, read
from extractors.salesforce.client import Client
from extractors.salesforce.consents import Consents
from extractors.salesforce.layout import Layout
from extractors.salesforce.person_accounts import COLUMNS, place, places
from extractors.salesforce.sharing import Key
from extractors.salesforce.standing import Chosen, chosen
from extractors.salesforce.values import full_id

PROFILING: Final = frozenset(("dpv:Personalisation", "dpv:PersonalisedAdvertising", "dpv:TargetedAdvertising"))
PRESENT: Final = "mark.present"
"""Reason of what is done without a change: the record bore the mark before."""
_OPT_OUTS: Final = ("HasOptedOutOfEmail", "DoNotCall", "HasOptedOutOfFax")
"""They bar mass mail, calls and fax. Mail about an order or a case is not barred by them."""
_SOLICIT: Final = ("HasOptedOutSolicit",)
_PROFILE: Final = ("HasOptedOutProfiling", "HasOptedOutTracking")
_ALL: Final = ("HasOptedOutProcessing", "HasOptedOutGeoTracking")
_PERSONS: Final = ("Contact", "Lead", "Individual")
_COLUMNS: Final = (*COLUMNS, *_OPT_OUTS, *_SOLICIT, *_PROFILE, *_ALL, "IndividualId")


@dataclass
class _Work:
    """One record: the flags to raise, where its mark goes ("" = the object has no field for one)."""

    record: Chosen
    flags: list[str] = field(default_factory=list)
    mark: str = ""

    @property
    def individual(self) -> str:
        """Id of the person's Individual, if the record is or names one."""
        record = self.record
        return record.id if record.object == "Individual" else full_id(record.row.get("IndividualId"))


class Restricting:
    """One restriction of a batch. `mark_field`: the org's own field for marks, or ""."""

    def __init__(self, client: Client, layout: Layout, mark_field: str, purposes: Sequence[str]) -> None:
        self._client, self._layout, self._mark_field = client, layout, mark_field
        self._all = not purposes
        self._marketing = self._all or bool(MARKETING & set(purposes))
        self._profiling = self._all or bool(PROFILING & set(purposes))
        self._consents = Consents(client, layout)

    def outcomes(self, selections: Sequence[Selection], lift: bool) -> Iterator[Outcome]:
        """Does it, or takes it back; one outcome per record."""
        works = [self._work(record) for record in chosen(selections, "restrict", self._columns())]
        if works:
            yield from self._lifted(works) if lift else self._restricted(works)

    def _columns(self) -> tuple[str, ...]:
        return (*_COLUMNS, UNMAPPED) if self._mark_field else _COLUMNS

    def _work(self, record: Chosen) -> _Work:
        name = record.object
        wanted: list[str] = []
        if name in ("Contact", "Lead") and self._marketing:
            wanted += _OPT_OUTS
        if name == "Individual":
            wanted += [*(_SOLICIT if self._marketing else ()), *(_PROFILE if self._profiling else ())]
            wanted += _ALL if self._all else ()
        flags = [f for f in wanted if self._layout.writable(*_where(record, f, self._layout))]
        marked = self._all and self._mark_field and self._layout.writable(name, self._mark_field)
        return _Work(record, flags, self._mark_field if marked else "")

    def _restricted(self, works: list[_Work]) -> Iterator[Outcome]:
        before = self._read(works)
        wanted: Wanted = {}
        for work in works:
            for flag in work.flags:
                key, name = place(work.record, flag, self._layout)
                wanted.setdefault(key, {})[name] = True
            if work.mark:
                its = wanted.setdefault((work.record.object, work.record.id), {})
                held = its.get(work.mark, before.get(work.record.id, {}).get(work.mark))
                its[work.mark] = self._with_mark(work, held)
        changes = change(self._client, self._layout, wanted, before)
        done = {work.record: self._outcome(work, changes) for work in works}
        opted = [w for w in works if w.record.object == "Individual" and done[w.record].outcome == "done"]
        if self._marketing:
            self._consents.opt_out([(w.record.request_id, w.record.id) for w in opted], datetime.now(UTC))
        marked = {
            (w.record.request_id, w.record.id) for w in works if done[w.record].outcome == "done" and self._is_mark(w)
        }
        whose = {request_id for request_id, _ in marked}
        for work in works:
            outcome = done[work.record]
            if outcome.outcome != "done" or self._is_mark(work):
                yield outcome
            elif work.record.object in _PERSONS and self._all:
                on_individual = (work.record.request_id, work.individual) in marked
                yield _by_person(work.record, on_individual, "mark.on_individual")
            else:
                yield _by_person(work.record, work.record.request_id in whose, "mark.on_person")

    def _lifted(self, works: list[_Work]) -> Iterator[Outcome]:
        before = self._read(works)
        marks = self._consents.marks([work.individual for work in works])
        wanted: Wanted = {}
        verdicts: dict[Chosen, tuple[str, str]] = {}
        for work in works:
            record, row = work.record, before.get(work.record.id, {})
            tokens = str(row.get(work.mark) or "").split() if self._text_mark(work) else []
            on_record = set(tokens) | marks.get(work.individual, set())
            raised = self._raised(work, before)
            if record.request_id in tokens:
                left = " ".join(t for t in tokens if t != record.request_id)
                wanted.setdefault((record.object, record.id), {})[work.mark] = left or None
            if raised and record.request_id not in on_record:
                verdicts[record] = ("manual", "mark.absent")
            elif raised and {m for m in on_record if m.startswith("dsr-")} - {record.request_id}:
                verdicts[record] = ("done", "restricted.by_another")
            else:
                for key, name in raised:
                    wanted.setdefault(key, {})[name] = False
        changes = change(self._client, self._layout, wanted, before)
        # The consents last: they are what tells a second call that it may go on.
        if not any(result.outcome == "blocked" for result in changes.results.values()):
            self._consents.withdraw({(w.record.request_id, w.individual) for w in works if w.individual})
        for work in works:
            if work.record in verdicts:
                yield work.record.outcome(*verdicts[work.record])
            else:
                yield self._outcome(work, changes)

    def _raised(self, work: _Work, before: dict[str, dict[str, Any]]) -> list[tuple[Key, str]]:
        """Flags that are up now and were not before."""
        found = []
        for flag in work.flags:
            key, name = place(work.record, flag, self._layout)
            if before.get(key[1], {}).get(name) and not work.record.row.get(flag):
                found.append((key, name))
        marked = work.mark and not self._text_mark(work) and before.get(work.record.id, {}).get(work.mark)
        if marked and not (work.record.row.get(UNMAPPED) or {}).get(work.mark):
            found.append(((work.record.object, work.record.id), work.mark))
        return found

    def _read(self, works: list[_Work]) -> dict[str, dict[str, Any]]:
        fields: dict[Key, list[str]] = {}
        for work in works:
            fields.setdefault((work.record.object, work.record.id), []).extend([work.mark] if work.mark else [])
            for flag in work.flags:
                key, name = place(work.record, flag, self._layout)
                fields.setdefault(key, []).append(name)
        return read(self._client, self._layout, fields)

    def _outcome(self, work: _Work, changes: Changes) -> Outcome:
        keys = [*places(work.record, work.flags, self._layout), (work.record.object, work.record.id)]
        return changes.outcome(work.record, keys, PRESENT if self._was_marked(work) else "")

    def _was_marked(self, work: _Work) -> bool:
        """Whether the record bore all of it before it was written to. So it looks as it did, to whoever compares."""
        if work.mark:
            marked = not self._text_mark(work) and (work.record.row.get(UNMAPPED) or {}).get(work.mark)
            return bool(marked and all(work.record.row.get(flag) for flag in work.flags))
        return bool(work.flags) and all(work.record.row.get(flag) for flag in work.flags)

    def _text_mark(self, work: _Work) -> bool:
        return bool(work.mark) and self._layout.kind(work.record.object, work.mark) != "boolean"

    def _with_mark(self, work: _Work, held: Any) -> Any:
        if not self._text_mark(work):
            return True
        tokens = str(held or "").split()
        return " ".join(dict.fromkeys([*tokens, work.record.request_id]))

    def _is_mark(self, work: _Work) -> bool:
        """Whether what is set on the record shows there that it is restricted as asked for."""
        if work.mark:
            return True
        if not self._all:
            return bool(work.flags)
        return "HasOptedOutProcessing" in work.flags


def _where(record: Chosen, flag: str, layout: Layout) -> tuple[str, str]:
    key, name = place(record, flag, layout)
    return key[0], name


def _by_person(record: Chosen, marked: bool, reason: str) -> Outcome:
    """Of a record that has no place for a mark: the person's own record shows it for all that hangs on it."""
    return record.outcome("done", reason) if marked else record.outcome("manual", "mark.no_field")
