"""`erase`: every version of sound, transcripts and their redacted copies; the records in shared deliveries; and, last
of all, the sidecar, since without it nobody would find again what a lock still keeps."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

from dsr.errors import TransientError
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.recordings import exports
from extractors.recordings.legs import LINE, RECORD, Leg, by_export, legs, line_ids
from extractors.recordings.store import PLACE
from extractors.recordings.versions import Lock, Version, Versions, heaviest
from extractors.tally import Tally

TRANSCRIPT_KEPT: Final = Lock("call.transcript_kept")
_EFFECT: Final = "erase"
_AT_ONCE: Final = 8
_TRIES: Final = 3
_MANUAL: Final = (exports.BINNED, exports.DIFFERING)
Became = tuple[str, str, date | None]
"""Outcome, reason, until."""
_OTHERS: Final[Became] = ("manual", "call.others_speak", None)
_PARTLY: Final[Became] = ("manual", "transcript.in_part", None)
_FOREIGN: Final[Became] = ("blocked", "key.foreign", None)


def erase(versions: Versions, selections: Sequence[Selection]) -> Iterator[Outcome]:
    """See `dsr.source.Acting`. Beside "done" and "absent":

    "retained"  s3.legal_hold, s3.compliance, s3.governance: a lock keeps a version, until; call.transcript_kept: the
                sidecar is needed as long as its transcript is kept. All that isn't locked is gone then
    "manual"    call.others_speak: somebody else from outside speaks in it; transcript.in_part: not all of its lines are
                selected; export.binned, export.versions_differ: see `exports`
    "blocked"   key.foreign: the sidecar names another call's object; s3.refused
    """
    work = [_Erasure(versions, leg) for leg in legs(selections, _EFFECT)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        _all(pool, work, _Erasure.look)
        _delete(pool, versions, work)
        _purge(pool, versions, work)
        _forget(versions, [each for each in work if each.may_forget()])
    tally = Tally(PLACE)
    for each in work:
        each.tell(tally)
    for selection in selections:
        for dataset in selection.datasets("anonymise"):
            tally.rest(selection, dataset, "anonymise", "manual", "api.none")
    yield from tally.outcomes()


class _Erasure:
    """One leg on its way out. `locks`: version → what keeps it."""

    def __init__(self, versions: Versions, leg: Leg) -> None:
        self.versions, self.leg = versions, leg
        self.locks: dict[Version, Lock] = {}
        self.obstacles: list[Lock] = []
        self.refused = False
        self.had_record = self.had_lines = False
        self.record_left: Became | None = None
        self.lines_left: Became | None = None

    def look(self) -> None:
        """Reads the sidecar, who speaks, what lies there, and what is locked."""
        leg, store = self.leg, self.versions.store
        leg.read(store)
        if leg.foreign:
            self.record_left = self.lines_left = _FOREIGN
            return
        leg.list(self.versions)
        self.locks = {v: lock for v in (*leg.sound, *leg.text, *leg.sidecar) if (lock := self.versions.lock(v))}
        self.had_record, self.had_lines = bool(leg.sound or leg.sidecar), bool(leg.text)
        key = leg.reference.get("transcript_key")
        analysis = store.read_object(str(key), "transcript") if key and leg.text else None
        if leg.is_shared(analysis):
            self.record_left = self.lines_left = _OTHERS
        elif any(set(line_ids(leg, analysis)) - lines for lines in leg.lines.values()):
            self.lines_left = _PARTLY

    def doomed(self) -> list[Version]:
        """What is to be deleted before the sidecar."""
        chosen = list(self.leg.sound) if self.leg.requests and self.record_left is None else []
        chosen += self.leg.text if self.leg.lines and self.lines_left is None else []
        return [v for v in chosen if v not in self.locks]

    def list_again(self) -> None:
        """What lies there now, locks of what is new included."""
        self.leg.list(self.versions)
        there = (*self.leg.sound, *self.leg.text)
        self.locks |= {v: lock for v in there if v not in self.locks and (lock := self.versions.lock(v))}

    def may_forget(self) -> bool:
        """Whether the sidecar may go: all that it leads to is gone."""
        leads_to = [*self.leg.sound, *self.leg.text]
        free = not self.refused and not self.obstacles and not any(v in self.locks for v in self.leg.sidecar)
        return bool(self.leg.requests) and self.record_left is None and not leads_to and free

    def tell(self, tally: Tally) -> None:
        """What became of the record and of the lines."""
        for request_id in self.leg.requests:
            outcome, reason, until = self._record()
            tally.add(request_id, RECORD, _EFFECT, outcome, reason, until)
        for request_id, lines in self.leg.lines.items():
            outcome, reason, until = self._lines()
            tally.add(request_id, LINE, _EFFECT, outcome, reason, until, len(lines))

    def _record(self) -> Became:
        if self.record_left is not None:
            return self.record_left
        manual = next((lock for lock in self.obstacles if lock in _MANUAL), None)
        if manual is not None:
            return "manual", manual.reason, None
        if self.refused or exports.REFUSED in self.obstacles:
            return "blocked", exports.REFUSED.reason, None
        there = (*self.leg.sound, *self.leg.text, *self.leg.sidecar)
        lock = heaviest([*(self.locks[v] for v in there if v in self.locks), *self.obstacles])
        if lock is None and self.leg.text:
            lock = TRANSCRIPT_KEPT
        if lock is not None:
            return "retained", lock.reason, lock.until
        return "done" if self.had_record else "absent", "", None

    def _lines(self) -> Became:
        if self.lines_left is not None:
            return self.lines_left
        lock = heaviest(self.locks[v] for v in self.leg.text if v in self.locks)
        if lock is not None:
            return "retained", lock.reason, lock.until
        if self.leg.text:
            return "blocked", exports.REFUSED.reason, None
        return "done" if self.had_lines else "absent", "", None


def _delete(pool: ThreadPoolExecutor, versions: Versions, work: list[_Erasure]) -> None:
    """Until nothing of it is listed any more. Unfinished uploads would become new versions: they go first."""
    mine = [each for each in work if each.leg.requests and each.record_left is None]
    if mine:
        aborted = versions.abort_uploads(lambda key: any(_holds(each.leg, key) for each in mine))
        for each in mine:
            each.had_record |= any(_holds(each.leg, key) for key in aborted)
    for _ in range(_TRIES):
        doomed = [v for each in work for v in each.doomed()]
        if not doomed:
            return
        refused = versions.delete(doomed)
        touched = [each for each in work if each.doomed()]
        _all(pool, touched, _Erasure.list_again)
        for each in touched:
            each.refused |= bool(refused & {*each.leg.sound, *each.leg.text})
        if refused:
            return
    raise TransientError("objects.remain", PLACE)


def _forget(versions: Versions, work: list[_Erasure]) -> None:
    """Deletes the sidecars, which are listed anew: nobody else's are under those keys."""
    left = work
    for _ in range(_TRIES):
        refused = versions.delete([v for each in left for v in each.leg.sidecar])
        for each in left:
            each.refused |= bool(refused & set(each.leg.sidecar))
        left = [each for each in left if each.leg.sidecar and not each.refused]
        for each in left:
            each.leg.list(versions)
        left = [each for each in left if each.leg.sidecar]
        if not left:
            return
    raise TransientError("objects.remain", PLACE)


def _purge(pool: ThreadPoolExecutor, versions: Versions, work: list[_Erasure]) -> None:
    """Each delivery once, for all calls whose records it holds."""
    mine = {each.leg.contact_id: each for each in work if each.leg.requests and each.record_left is None}
    deliveries = by_export(each.leg for each in mine.values())

    calls = {key: {leg.contact_id for leg in its} for key, its in deliveries.items()}
    for purged in exports.purge(versions, calls, pool).values():
        for contact_id in purged.held:
            mine[contact_id].had_record = True
            if purged.obstacle is not None:
                mine[contact_id].obstacles.append(purged.obstacle)


def _holds(leg: Leg, key: str) -> bool:
    """Whether a key lies where the leg's objects lie, and is the leg's."""
    return leg.owns(key) and (key == leg.sidecar_key or key.startswith(leg.prefixes))


def _all(pool: ThreadPoolExecutor, work: list[_Erasure], step: Callable[[_Erasure], None]) -> None:
    for _ in pool.map(step, work):
        pass
