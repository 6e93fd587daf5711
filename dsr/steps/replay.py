"""replay: erases again what was erased and has come back with a restored backup.

Sources are asked for the ids of the person-level records that were erased; what hangs on those that are back is read,
and what of it is in the erasure ledger is erased again, under the approval that it was erased under. A record counts
as restored when it is exactly the erased one (same version), or when nothing about it is younger than the erasure.
Anything else may be a new record that got the old id, or a new relation with the same person: it is left alone and
counted, unless a person has confirmed that it must go too. What no id leads to can't be looked for at all: it is
counted, since a person has to look there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa

from dsr.enforced import Enforced, outcome_as_json, summed
from dsr.erasures import EFFECTS, Erasures
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.model import Found, Outcome
from dsr.reaching import reach, read
from dsr.reported import checked
from dsr.rereading import own_ids
from dsr.sameness import none_younger
from dsr.schema import SOURCE_ID
from dsr.selecting import selection_of
from dsr.selection import Approval, Selection
from dsr.source import Declaration, Source
from dsr.version import versions

_PLACE: Final = "replay"

Approved = Callable[[str, str], Approval]
"""(request id, digest of its plan) → the approval that the ledger holds of it: `dsr.approval`'s."""


@dataclass(frozen=True)
class Replayed:
    """What a replay did for one request in one source: `back` records had come back, `refused` of them are not surely
    the erased ones, `outcomes` became of the rest; () in a dry run. failed: code of what stopped it; "" = nothing.
    unlooked: dataset → how many records were erased that can't be looked for, so that nobody knows if they are back."""

    request_id: str
    source: str
    back: int
    refused: int
    outcomes: tuple[Outcome, ...] = ()
    failed: str = ""
    unlooked: Mapping[str, int] = field(default_factory=dict)


def replay(
    source: Source,
    erasures: Erasures,
    ledger: Ledger,
    approved: Approved,
    *,
    at: datetime,
    dry_run: bool = False,
    confirmed: bool = False,
) -> Iterator[Replayed]:
    """Goes through the requests that records of a source were erased for; one line for each where any are back or
    can't be looked for.

    `confirmed`: a person has decided that records which are not surely the erased ones go too. A request that can't
    be gone on with is reported as `failed`, and the next one is taken. TransientErrors of the source, and errors
    while it is looked for what is back, are passed on; what was done before is done. Sources in the order of
    `ordered`.
    """
    declaration = source.declaration
    verb = getattr(source, "erase", None)
    if verb is None:
        raise PermanentError("verb.absent", declaration.name)
    for request_id in erasures.requests(declaration.name):
        back = _Back(source, request_id, erasures, confirmed=confirmed)
        if not back.count and not back.unlooked:
            continue
        outcomes: list[Outcome] = []
        failed = ""
        try:
            for selection in back.selections(approved) if not dry_run else ():
                outcomes += checked(verb([selection]), selection, declaration, EFFECTS, again=False)
        except PermanentError as error:
            failed = error.code
        refused = back.count - back.certain
        told = tuple(summed(outcomes))
        done = Replayed(request_id, declaration.name, back.count, refused, told, failed, back.unlooked)
        if back.count and not dry_run:
            _tell(ledger, done, at)
        yield done


def ordered(declarations: Sequence[Declaration]) -> list[Declaration]:
    """Those that others wait for first. PermanentError("replay.order") when they wait for each other."""
    waiting, done = list(declarations), list[Declaration]()
    names = {d.name for d in waiting}
    while waiting:
        finished = {d.name for d in done}
        free = [d for d in waiting if set(d.erase_after) & names <= finished]
        if not free:
            raise PermanentError("replay.order", _PLACE)
        done.append(free[0])
        waiting.remove(free[0])
    return done


class _Back:
    """The records of one request that are back in one source."""

    def __init__(self, source: Source, request_id: str, erasures: Erasures, *, confirmed: bool) -> None:
        self._source, self._declaration, self._request_id = source, source.declaration, request_id
        self._erasures, self._confirmed = erasures, confirmed
        self._erased = {(e.dataset, e.record_id): e for e in erasures.erased(self._declaration.name, request_id)}
        self._kept: dict[tuple[str, str, str], list[pa.RecordBatch]] = {}
        self.count = self.certain = 0
        self.unlooked = self._unlooked()
        self._found = self._find()
        for rows in read(source, self._found):
            self._sort(rows.dataset, rows.batch)

    def selections(self, approved: Approved) -> list[Selection]:
        """Those that are certain, for each approval that they were erased under: a case may have had several plans.
        Errors of `approved` are passed on, before anything is erased again."""
        digests = sorted({digest for digest, _, _ in self._kept})
        approvals = {digest: approved(self._request_id, digest) for digest in digests}
        made = []
        for digest in digests:
            its = {(d, effect): batches for (of, d, effect), batches in self._kept.items() if of == digest}
            made.append(selection_of(approvals[digest], self._found, self._declaration, its))
        return made

    def _unlooked(self) -> dict[str, int]:
        """Records that no id leads to. A system without look-up shows them only to whom they name, unless it can be
        asked by ids alone; elsewhere, what hangs on records is found with those of them that were erased too."""
        if getattr(self._source, "known", None) is not None:
            return {}
        led = not self._declaration.indexed and any(own_ids(self._declaration, *key) for key in self._erased)
        return {} if led else dict(sorted(Counter(dataset for dataset, _ in self._erased).items()))

    def _find(self) -> Found:
        known = getattr(self._source, "known", None)
        if known is not None:  # a system without look-up shows records only to whom they name, who is forgotten
            back: Found = known(self._request_id, sorted({record_id for _, record_id in self._erased}))
            return back
        ids = {i for dataset, record_id in self._erased for i in own_ids(self._declaration, dataset, record_id)}
        return reach(self._source, self._request_id, frozenset(ids), self._erased)

    def _sort(self, dataset: str, batch: pa.RecordBatch) -> None:
        ids = batch.column(SOURCE_ID).to_pylist()
        erased = [self._erased.get((dataset, record_id)) for record_id in ids]
        if not any(erased):
            return
        now = versions(batch, dataset).to_pylist()
        same = [e is not None and self._erasures.version(v) == e.version for e, v in zip(erased, now, strict=True)]
        # A record that was made anonymous is still there; only with its old content has it come back.
        back = [e is not None and (s or e.effect == "erase") for e, s in zip(erased, same, strict=True)]
        older = none_younger(dataset, batch, [None if e is None else e.erased_at for e in erased])
        sure = [b and (s or o or self._confirmed) for b, s, o in zip(back, same, older, strict=True)]
        self.count += sum(back)
        self.certain += sum(sure)
        under = [(e.digest, e.effect) if s and e is not None else None for s, e in zip(sure, erased, strict=True)]
        for digest, effect in sorted({key for key in under if key is not None}):
            mask = [key == (digest, effect) for key in under]
            self._kept.setdefault((digest, dataset, effect), []).append(batch.filter(pa.array(mask)))


def _tell(ledger: Ledger, done: Replayed, at: datetime) -> None:
    counts = Enforced(done.source, done.outcomes).as_json()["counts"]
    detail = {"source": done.source, "back": done.back, "refused": done.refused, "counts": counts}
    if done.failed:
        detail["code"] = done.failed
    detail["outcomes"] = [outcome_as_json(o) for o in done.outcomes][:64]
    ledger.append(done.request_id, "replayed", detail, at=at)
