"""Many cases at once: each goes its own way through a step, and what they ask of one system goes out as one call.

Each case has a thread. A call waits until no case can go on without an answer; then the calls of the first system that
is waited for are made as one, and each case gets its own part of the answer. So a step needs to know nothing of it,
and how often a system is asked depends on the step and not on how many cases there are. When a call fails, it fails for
all that were part of it: who calls decides whether to try some of them alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Semaphore
from typing import Any, Final, TypeVar, cast

from dsr.errors import DsrError, PermanentError
from dsr.model import Found, Outcome, Piece, Subject
from dsr.source import Declaration, Source
from dsr.stream import Stream, interrupted, like, unknown

R = TypeVar("R")
Sources = Mapping[str, Source | None]
Work = Callable[[str, Sources], R]
"""(case id, sources) → what comes of it. The sources are to be asked by the thread that it is called in, one after the
other, and for that case alone."""

_VERBS: Final = ("find", "extract", "rectify", "restrict", "erase")
_AT_WORK: Final = 2
"""How many cases work at a time, of those that wait for no answer. More would hinder each other: hundreds of threads
that pass the interpreter's lock around take twice the time for the same."""

_Key = tuple[int, int, str]
"""Place of the system, place of the verb, its options: the least is called first, so that who lags catches up."""


def together(case_ids: Sequence[str], work: Work[R], sources: Sources) -> dict[str, R | DsrError]:
    """Does `work` for every case; by case what came of it, or the error of ours that ended it; others are raised once
    all have ended. None of them runs on once this returns or raises: when it is interrupted (a task's time is over),
    the call that is under way ends, and no other is made."""
    if not case_ids:
        return {}
    party = _Party(len(case_ids), sources)
    threads = ThreadPoolExecutor(len(case_ids), thread_name_prefix="together")
    try:
        done = {case_id: threads.submit(party.take_part, case_id, work) for case_id in case_ids}
        wait(done.values())
    except BaseException:
        party.stop()
        raise
    finally:
        threads.shutdown()
    return {case_id: one.result() for case_id, one in done.items()}


@dataclass
class _Call:
    """What one case asks, and what it gets."""

    case_id: str
    argument: Any = field(repr=False)
    done: Event = field(default_factory=Event)
    answer: Any = field(default=None, repr=False)
    error: DsrError | None = None


class _Party:
    """The cases that go on at the same time."""

    def __init__(self, cases: int, sources: Sources) -> None:
        self.sources = {
            name: None if source is None else _Joint(self, place, source)
            for place, (name, source) in enumerate(sources.items())
        }
        self._lock, self._going, self._asked = Lock(), cases, 0
        self._room = Semaphore(_AT_WORK)
        self.stopped = False
        self._waiting: dict[_Key, list[tuple[_Call, Callable[[list[_Call]], None]]]] = {}

    def take_part(self, case_id: str, work: Work[R]) -> R | DsrError:
        """One case, from its start to its end."""
        try:
            with self._room:
                if self.stopped:
                    raise interrupted()
                return work(case_id, cast(Sources, self.sources))
        except DsrError as error:
            return like(error)
        finally:
            for joint in self.sources.values():
                if joint is not None:
                    joint.leave(case_id)
            with self._lock:
                self._going -= 1
                due = self._due()
            _make(due)

    def ask(self, key: _Key, call: _Call, make: Callable[[list[_Call]], None]) -> Any:
        """The answer to a call, once it was made."""
        with self._lock:
            if self.stopped:
                raise interrupted()
            self._waiting.setdefault(key, []).append((call, make))
            self._asked += 1
            due = self._due()
        _make(due)
        with self.waiting():
            call.done.wait()
        if call.error is not None:
            raise like(call.error) from None
        return call.answer

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for others; meanwhile another case works."""
        self._room.release()
        try:
            yield
        finally:
            self._room.acquire()

    def stop(self) -> None:
        """No further call is made: whoever asks, or waits for an answer, is told so."""
        with self._lock:
            self.stopped = True
            waiting = [call for calls in self._waiting.values() for call, _ in calls]
            self._waiting.clear()
        for call in waiting:
            call.error = interrupted()
            call.done.set()
        for joint in self.sources.values():
            if joint is not None:
                joint.stop()

    def _due(self) -> list[tuple[_Call, Callable[[list[_Call]], None]]]:
        """The calls that are to be made now: none while a case still goes on without an answer."""
        if not self._waiting or self._asked < self._going:
            return []
        due = self._waiting.pop(min(self._waiting))
        self._asked -= len(due)
        return due


def _make(due: Sequence[tuple[_Call, Callable[[list[_Call]], None]]]) -> None:
    """Makes these calls as one, in whichever thread found them due."""
    if not due:
        return
    calls = [call for call, _ in due]
    error: DsrError | None = unknown()
    try:
        due[0][1](calls)
        error = None
    except DsrError as known:
        error = known
    finally:
        for call in calls:
            call.error = error
            call.done.set()


class _Joint:
    """A system as one of the cases sees it: `Source`, and the verbs of `Acting` that it has."""

    def __init__(self, party: _Party, place: int, source: Source) -> None:
        self._party, self._place, self._source = party, place, source
        self._streams: list[Stream] = []

    @property
    def declaration(self) -> Declaration:
        """As `Source`."""
        return self._source.declaration

    @classmethod
    def connect(cls, connection: Any) -> Any:
        """Not how these are made."""
        raise PermanentError("connection.unusable", connection.conn_id)

    def check(self) -> Any:
        """As `Source.check`."""
        return self._source.check()

    def find(self, subjects: Sequence[Subject]) -> Found:
        """As `Source.find`, for one case."""
        (subject,) = subjects
        found: Found = self._ask("find", subject.request_id, subject, self._find)
        return found

    def extract(self, found: Found) -> Iterator[Piece]:
        """As `Source.extract`, for one case."""
        if not found.matches:
            return
        case_id = found.matches[0].request_id
        stream: Stream = self._ask("extract", case_id, found, self._extract)
        with closing(stream.pieces(case_id)) as pieces:
            while True:
                with self._party.waiting():
                    piece = next(pieces, None)
                if piece is None:
                    return
                yield piece

    def __getattr__(self, name: str) -> Any:
        """The verbs that change the system, where it has them."""
        if name not in _VERBS or not hasattr(self._source, name):
            raise AttributeError(name)

        def verb(selections: Sequence[Any], *arguments: Any, **options: Any) -> Iterator[Outcome]:
            (selection,) = selections
            alike = "" if name == "rectify" else repr((arguments, sorted(options.items())))
            argument = (selection, arguments, options)
            yield from self._ask(name, selection.request_id, argument, lambda calls: self._act(name, calls), alike)

        return verb

    def stop(self) -> None:
        """Nothing more is read."""
        for stream in list(self._streams):
            stream.stop()

    def leave(self, case_id: str) -> None:
        """This case takes nothing more of what is being read."""
        for stream in self._streams:
            stream.leave(case_id)

    def _ask(self, verb: str, case_id: str, argument: Any, make: Callable[[list[_Call]], None], alike: str = "") -> Any:
        return self._party.ask((self._place, _VERBS.index(verb), alike), _Call(case_id, argument), make)

    def _find(self, calls: list[_Call]) -> None:
        found = self._source.find([call.argument for call in calls])
        parts = _parted(calls, found.matches, "match.foreign", found.source)
        for call in calls:
            call.answer = Found(found.source, tuple(parts[call.case_id]), found.cache)

    def _extract(self, calls: list[_Call]) -> None:
        every = [call.argument for call in calls]
        cache = {name: value for found in every for name, value in found.cache.items()}
        found = Found(every[0].source, tuple(match for one in every for match in one.matches), cache)
        stream = Stream(self._source.extract(found), [call.case_id for call in calls], found.source)
        self._streams.append(stream)
        if self._party.stopped:  # after the others were told
            stream.stop()
        for call in calls:
            call.answer = stream

    def _act(self, name: str, calls: list[_Call]) -> None:
        _, arguments, options = calls[0].argument
        if name == "rectify":
            arguments = ({k: v for call in calls for k, v in call.argument[1][0].items()},)
        outcomes = list(getattr(self._source, name)([call.argument[0] for call in calls], *arguments, **options))
        parts = _parted(calls, outcomes, "outcome.foreign", self.declaration.name)
        for call in calls:
            call.answer = parts[call.case_id]


def _parted(calls: Iterable[_Call], answers: Iterable[Any], code: str, source: str) -> dict[str, list[Any]]:
    """What belongs to which case. PermanentError(code) when something belongs to none of them."""
    parts: dict[str, list[Any]] = {call.case_id: [] for call in calls}
    for answer in answers:
        if answer.request_id not in parts:
            raise PermanentError(code, source)
        parts[answer.request_id].append(answer)
    return parts
