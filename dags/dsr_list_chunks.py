"""What is done with a chunk of an erasure list: planned, and after the approval carried out. Each person's case goes
the way of any erasure, by the same steps; what they ask of a system goes out as one call for all (`dsr.together`).

Called again it goes on where it stopped: a chunk is planned whole or not at all, a person's case is closed when all is
done with it.
"""

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import dsr_list_people as people
from dsr.errors import DsrError, PermanentError, TransientError
from dsr_coded import Coded
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.approval import ListApproval
    from dsr.erasurelist import ErasureList, Planned
    from dsr.together import Sources

log = logging.getLogger("dsr")

_PLACE: Final = "list"
_UNFINISHED: Final = "list.unfinished"
_FOLLOW_AGAIN: Final = timedelta(hours=3)
"""Recipients are not asked again sooner about a chunk: each try asks for everybody in it."""


def plan_chunk(place: Workplace, listed: "ErasureList", chunk: int, *, final: bool) -> dict[str, int]:
    """Searches, reads and plans; nothing is changed. How many are planned, and set aside by code.

    Whoever can't be planned is set aside with the reason; a transient failure is raised instead, unless it is the
    `final` try: then it sets aside too."""
    from dsr.erasurelist import Planned

    lines = {line.request_id: line for line in listed.lines(chunk)}
    cases = {i: people.open_case(place, listed, line) for i, line in lines.items()}
    planned = {i: Planned(aside=code) for i, case in cases.items() if (code := people.barred(place, case))}
    left, sources = [i for i in lines if i not in planned], place.sources()
    asking: tuple[people.Work, ...] = (partial(people.identify, place), partial(people.collect, place))
    for work in asking:
        left = _those_left(_together(sources, left, work), planned, final=final)
    _those_left(_one_by_one(left, partial(people.plan, place, lines)), planned, final=final)
    for request_id, its in planned.items():
        people.note_planned(place, request_id, its)
    listed.keep_planned(chunk, planned)
    counts = {"planned": sum(bool(its.digest) for its in planned.values())}
    for its in planned.values():
        if its.aside:
            counts[its.aside] = counts.get(its.aside, 0) + 1
    return counts


def carry_out_chunk(place: Workplace, listed: "ErasureList", chunk: int, approved: "ListApproval") -> int:
    """Does what was approved of every person of whom it isn't yet, and closes their cases but for those of whom a
    recipient has yet to act; how many are done.

    All go on as far as they can. Then TransientError while a system is down or does it later; PermanentError
    ("list.failed") when of some a person has to look: the log names them with their codes."""
    those = undone(place, listed, chunk)
    failed: dict[str, DsrError] = {}
    left = [i for i in those if i in approved.digests]
    left = _without(left, _one_by_one(left, partial(people.note_approval, place, approved)), failed)
    writing: Sources = {declaration.name: place.acting(declaration.name)[0] for declaration in DECLARATIONS}
    works: tuple[people.Work, ...] = (partial(people.reread, place), *people.enforcing(place))
    for work in works:
        left = _without(left, _together(writing, left, work), failed)
    left = _without(left, _together(place.sources(), left, partial(people.verify, place)), failed)
    waits = _one_by_one(_any_order(left), partial(people.notify, place))
    left = _without(left, waits, failed)
    for request_id in left:
        if not waits[request_id]:
            _close(place, request_id, "done")
    for request_id in those:
        if request_id not in approved.digests:
            _close(place, request_id, "set_aside")
    _raise(place, failed, "carry_out")
    return len(left)


def follow_chunk(place: Workplace, listed: "ErasureList", chunk: int) -> int:
    """Asks the recipients of whom that is left what became of it, and closes the cases of which they have acted on
    all; how many. Errors as `carry_out_chunk`, while recipients haven't acted."""
    waiting = [i for i in _open(place, listed, chunk) if people.followed(place, i)]
    failed: dict[str, DsrError] = {}
    done = _without(waiting, _one_by_one(_any_order(waiting), partial(_followed, place)), failed)
    _raise(place, failed, "follow_notices", _FOLLOW_AGAIN)
    return len(done)


def _followed(place: Workplace, request_id: str) -> None:
    """Closed as soon as the recipients have acted, so that a try that is broken off leaves the next one less."""
    people.follow(place, request_id)
    _close(place, request_id, "done")


def undone(place: Workplace, listed: "ErasureList", chunk: int) -> list[str]:
    """The people in a chunk of whom something is to be done in the systems."""
    return [i for i in _open(place, listed, chunk) if not people.followed(place, i)]


def _open(place: Workplace, listed: "ErasureList", chunk: int) -> list[str]:
    return [i for i in listed.planned(chunk) if not _closed(place, i)]


def _those_left(came: Mapping[str, Any], planned: "dict[str, Planned]", *, final: bool) -> list[str]:
    """Those who go on; what ends for the others is put into `planned`."""
    from dsr.erasurelist import Planned

    waits = [error for error in came.values() if isinstance(error, TransientError)]
    if waits and not final:
        raise max(waits, key=lambda e: e.retry_after.total_seconds() if e.retry_after else 0.0)
    for request_id, its in came.items():
        if isinstance(its, DsrError):
            planned[request_id] = Planned(aside=its.code)
        elif isinstance(its, Planned):
            planned[request_id] = its
    return [request_id for request_id in came if request_id not in planned]


def _together(sources: "Sources", ids: Sequence[str], work: people.Work) -> Mapping[str, Any]:
    """What came of each. What fails for some for good is tried for them alone: in a call for many one is enough for
    all to fail. When it fails for everybody alike, it is not because of one."""
    from dsr.together import together

    work = partial(_coded, work)
    came = together(ids, work, sources)
    failed = {i: error for i, error in came.items() if isinstance(error, PermanentError)}
    if len(ids) > 1 and not (len(failed) == len(ids) and len({error.code for error in failed.values()}) == 1):
        for request_id in failed:
            came |= together([request_id], work, sources)
    return came


def _one_by_one(ids: Iterable[str], work: Callable[[str], Any]) -> dict[str, Any]:
    """What asks no system, and so has nothing to wait for: what came of each."""
    came: dict[str, Any] = {}
    for request_id in ids:
        try:
            with Coded(_PLACE):
                came[request_id] = work(request_id)
        except DsrError as error:
            came[request_id] = error
    return came


def _any_order(ids: Sequence[str]) -> list[str]:
    """Another one each time: who is passed over after others (`dsr.notices.telling.Away`) isn't so in every try."""
    return random.sample(ids, len(ids))


def _coded(work: people.Work, request_id: str, sources: "Sources") -> Any:
    """What one person's record brings about must not end the others'."""
    with Coded(_PLACE):
        return work(request_id, sources)


def _without(ids: Iterable[str], came: Mapping[str, Any], failed: dict[str, DsrError]) -> list[str]:
    failed |= {i: error for i, error in came.items() if isinstance(error, DsrError)}
    return [i for i in ids if i not in failed]


def _closed(place: Workplace, request_id: str) -> bool:
    """Whether all is done with them; what a crash left of the case goes then too."""
    if not any(event.kind == "closed" for event in place.ledger.events(request_id)):
        return False
    destroy(place, request_id)
    return True


def _close(place: Workplace, request_id: str, outcome: str) -> None:
    place.ledger.append(request_id, "closed", {"outcome": outcome}, at=now())
    destroy(place, request_id)


def destroy(place: Workplace, request_id: str) -> None:
    """Destroys a case file, if there still is one."""
    from dsr.casefile import GONE

    try:
        place.case(request_id).close()
    except PermanentError as error:
        if error.code not in GONE:
            raise


def _raise(place: Workplace, failed: Mapping[str, DsrError], task: str, at_least: timedelta = timedelta()) -> None:
    stopped = {i: error for i, error in failed.items() if not isinstance(error, TransientError)}
    for request_id, error in stopped.items():
        log.error("%s: %s", request_id, error)
        detail = {"task": task, "code": error.code}
        if not any(e.kind == "failed" and e.detail == detail for e in place.ledger.events(request_id)):
            place.ledger.append(request_id, "failed", detail, at=now())
    waits = [error for error in failed.values() if isinstance(error, TransientError)]
    if waits:
        log.info("%s go on later, %s need a person", len(waits), len(stopped))
        first = min(waits, key=lambda e: e.retry_after.total_seconds() if e.retry_after else 0.0)
        if first.retry_after is not None and first.retry_after < at_least:
            raise TransientError(first.code, first.place, at_least)
        raise first
    if stopped:
        raise PermanentError("list.failed", _PLACE)


def end(place: Workplace, listed: "ErasureList") -> dict[str, int]:
    """Destroys the list and every case that is left of it; how many people it ended for in which way. PermanentError
    ("list.unfinished") while what was approved isn't done for somebody; as `follow_chunk` while recipients haven't
    acted."""
    ended: dict[str, int] = {}
    failed: dict[str, DsrError] = {}
    for chunk in range(1, listed.chunks + 1):
        for line in listed.lines(chunk):
            try:
                outcome = _ended(place, line.request_id)
                ended[outcome] = ended.get(outcome, 0) + 1
            except DsrError as error:
                if error.code == _UNFINISHED:
                    raise
                failed[line.request_id] = error
    _raise(place, failed, "end_list", _FOLLOW_AGAIN)
    if not any(event.kind == "closed" for event in place.ledger.events(listed.list_id)):
        outcome = "done" if "done" in ended else "stopped"
        place.ledger.append(listed.list_id, "closed", {"outcome": outcome, "people": ended}, at=now())
    destroy(place, listed.list_id)
    return ended


def _ended(place: Workplace, request_id: str) -> str:
    events = place.ledger.events(request_id)
    closed = [str(event.detail["outcome"]) for event in events if event.kind == "closed"]
    if closed:
        return closed[0]
    if people.followed(place, request_id):
        # Stopped meanwhile, they are followed all the same; what a person was shown is theirs.
        shown = [event.detail.get("task") for event in events if event.kind == "failed"]
        if not {"follow_notices", "end_list"} & set(shown):
            people.follow(place, request_id)
        _close(place, request_id, "done")
        return "done"
    if any(event.kind == "decision" for event in events):
        raise PermanentError(_UNFINISHED, _PLACE)
    if events:
        _close(place, request_id, "stopped")
    return "stopped"
