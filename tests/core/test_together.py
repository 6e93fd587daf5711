"""Many cases at once: each gets what it would get alone, whatever the others do, and a system is asked few times."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.model import Attachment, Found, Identifier, Match, Outcome, Piece, Rows, Subject
from dsr.source import Declaration
from dsr.together import together

_WHO = Identifier("email", "a@b.example")
_PATIENCE = 20


@dataclass
class Fake:
    """A system that holds so many records of each case. asked: the case ids of each call."""

    declaration: ClassVar[Declaration] = Declaration("fake", "Fake", "controller", "http", {}, (), ("email",))
    records: Mapping[str, int]
    broken: frozenset[str] = frozenset()
    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    reading: int = 0

    def find(self, subjects: Sequence[Subject]) -> Found:
        ids = self._ask("find", [subject.request_id for subject in subjects])
        found = [Match(i, "thing", f"{i}-{n}", frozenset({_WHO})) for i in ids for n in range(self.records.get(i, 0))]
        return Found("fake", tuple(found))

    def extract(self, found: Found) -> Iterator[Piece]:
        self._ask("extract", list(dict.fromkeys(match.request_id for match in found.matches)))
        # Dealt out one by one, so that the cases' pieces lie mixed.
        for match in sorted(found.matches, key=lambda m: m.record_id.rpartition("-")[2]):
            yield Rows(match.request_id, "thing", pa.record_batch({"_source_id": [match.record_id]}))
            yield Attachment(
                match.request_id, "thing", match.record_id, "1", "text/plain", "txt", "t", self._chunks(match)
            )

    def erase(self, selections: Sequence[Any]) -> Iterator[Outcome]:
        for i in self._ask("erase", [selection.request_id for selection in selections]):
            yield Outcome(i, "fake", "thing", "erase", "done", self.records.get(i, 0))

    def _chunks(self, match: Match) -> Iterator[bytes]:
        """They come off one wire: nobody else's may be read at the same time."""
        self.reading += 1
        assert self.reading == 1
        yield match.record_id.encode()
        self.reading -= 1

    def _ask(self, verb: str, ids: list[str]) -> list[str]:
        self.asked.append((verb, ids))
        if self.broken & set(ids):
            raise PermanentError("fake.broken", "fake")
        return ids


@dataclass(frozen=True)
class Selected:
    request_id: str


def went(source: Fake, work: Any, ids: Sequence[str], **others: Any) -> dict[str, Any]:
    """What came of it, within reason: a deadlock fails instead of hanging."""
    done: Future[dict[str, Any]] = Future()

    def run() -> None:
        with ThreadPoolExecutor(1) as one:
            made = one.submit(together, ids, work, {"fake": source, **others})
        done.set_exception(error) if (error := made.exception()) else done.set_result(made.result())

    threading.Thread(target=run, daemon=True).start()
    return done.result(_PATIENCE)


def read(case_id: str, source: Any, most: int | None = None) -> list[str]:
    """All that a system holds of a case, bytes included; `most`: only so many pieces are taken."""
    found, taken = source.find([Subject(case_id, frozenset({_WHO}))]), []
    for number, piece in enumerate(source.extract(found)):
        if number == most:
            break
        assert piece.request_id == case_id
        taken.append(b"".join(piece.chunks).decode() if isinstance(piece, Attachment) else piece.batch[0][0].as_py())
    return taken


def alone(case_id: str, records: int) -> list[str]:
    return [f"{case_id}-{n}" for n in range(records) for _ in range(2)]


def test_two_work_at_a_time_however_many_there_are() -> None:
    """Also between a system's answers and pieces."""
    at_work, most, lock = 0, 0, threading.Lock()

    def busy() -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.002)
        with lock:
            at_work -= 1

    def work(case_id: str, sources: Any) -> None:
        busy()
        found = sources["fake"].find([Subject(case_id, frozenset({_WHO}))])
        busy()
        for _ in sources["fake"].extract(found):
            busy()

    ids = [f"case-{n}" for n in range(30)]
    assert went(Fake(dict.fromkeys(ids, 2)), work, ids) == dict.fromkeys(ids)
    assert most == 2


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from([f"case-{n}" for n in range(12)]), st.integers(0, 4), min_size=1),
    st.dictionaries(st.sampled_from([f"case-{n}" for n in range(12)]), st.integers(1, 3)),
    st.dictionaries(st.sampled_from([f"case-{n}" for n in range(12)]), st.integers(0, 5)),
)
def test_each_gets_its_own_whatever_the_others_do(
    records: dict[str, int], rounds: dict[str, int], leaving: dict[str, int]
) -> None:
    """Some read several times, some stop in the middle of a stream, some have nothing."""
    source = Fake(records)

    def work(case_id: str, sources: Any) -> list[str]:
        taken: list[str] = []
        for _ in range(rounds.get(case_id, 1)):
            taken += read(case_id, sources["fake"], leaving.get(case_id))
        return taken

    came = went(source, work, list(records))
    for case_id, count in records.items():
        once = alone(case_id, count)[: leaving.get(case_id)]
        assert came[case_id] == once * rounds.get(case_id, 1)
    longest = max(rounds.get(case_id, 1) for case_id in records)
    assert len(source.asked) <= 4 * longest


def test_many_cost_as_many_calls_as_one() -> None:
    for many in (1, 50):
        source = Fake({f"case-{n}": 2 for n in range(many)})

        def work(case_id: str, sources: Any) -> list[Outcome]:
            read(case_id, sources["fake"])
            return list(sources["fake"].erase([Selected(case_id)]))

        came = went(source, work, list(source.records))
        assert [verb for verb, _ in source.asked] == ["find", "extract", "erase"]
        assert all([o.request_id for o in its] == [case_id] for case_id, its in came.items())


def test_one_that_fails_on_the_way_holds_nobody_up() -> None:
    source = Fake({f"case-{n}": 1 for n in range(5)})

    def work(case_id: str, sources: Any) -> list[str]:
        if case_id == "case-3":
            raise TransientError("its.own", "test")
        return read(case_id, sources["fake"])

    came = went(source, work, list(source.records))
    assert isinstance(came.pop("case-3"), TransientError)
    assert came == {case_id: alone(case_id, 1) for case_id in came}


def test_a_call_that_fails_fails_for_all_of_it_and_each_has_an_error_of_its_own() -> None:
    source = Fake({f"case-{n}": 1 for n in range(4)}, frozenset({"case-2"}))
    came = went(source, lambda case_id, sources: read(case_id, sources["fake"]), list(source.records))
    assert {error.code for error in came.values()} == {"fake.broken"}
    assert len({id(error) for error in came.values()}) == 4


def test_a_stream_that_breaks_off_ends_for_all_who_read_it() -> None:
    class Breaking(Fake):
        def extract(self, found: Found) -> Iterator[Piece]:
            yield from list(super().extract(found))[:3]
            raise TransientError("fake.cut", "fake")

    came = went(Breaking({"case-1": 2, "case-2": 2}), lambda i, s: read(i, s["fake"]), ["case-1", "case-2"])
    assert all(isinstance(error, DsrError) and error.code == "fake.cut" for error in came.values())


def test_an_error_of_ours_is_raised_and_nobody_waits_for_ever() -> None:
    class Faulty(Fake):
        def find(self, subjects: Sequence[Subject]) -> Found:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        went(Faulty({"case-1": 1, "case-2": 1}), lambda i, s: read(i, s["fake"]), ["case-1", "case-2"])


@pytest.mark.parametrize("verb", ["find", "extract", "erase"])
def test_an_answer_about_somebody_else_is_refused(verb: str) -> None:
    class Mixing(Fake):
        def find(self, subjects: Sequence[Subject]) -> Found:
            found = super().find(subjects)
            stray = Match("case-9", "thing", "x", frozenset({_WHO}))
            return Found("fake", (*found.matches, stray)) if verb == "find" else found

        def extract(self, found: Found) -> Iterator[Piece]:
            yield from super().extract(found)
            if verb == "extract":
                yield Rows("case-9", "thing", pa.record_batch({"_source_id": ["x"]}))

        def erase(self, selections: Sequence[Any]) -> Iterator[Outcome]:
            yield from super().erase(selections)
            if verb == "erase":
                yield Outcome("case-9", "fake", "thing", "erase", "done", 1)

    def work(case_id: str, sources: Any) -> None:
        read(case_id, sources["fake"])
        list(sources["fake"].erase([Selected(case_id)]))

    came = went(Mixing({"case-1": 1, "case-2": 1}), work, ["case-1", "case-2"])
    assert all(isinstance(error, PermanentError) and error.code.endswith(".foreign") for error in came.values())


def test_a_verb_that_a_system_lacks_is_lacking_here_too() -> None:
    came = went(Fake({"case-1": 1}), lambda _, sources: hasattr(sources["fake"], "restrict"), ["case-1"])
    assert came == {"case-1": False}
    assert went(Fake({}), lambda i, s: None, []) == {}


class TimeIsOverError(Exception):
    """As Airflow ends a task that takes too long."""


@contextmanager
def over_after(seconds: float) -> Iterator[None]:
    """As a task's time ends; the block must end by it."""

    def over(*_: Any) -> None:
        raise TimeIsOverError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(TimeIsOverError):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def test_who_has_not_begun_when_its_time_is_over_does_not_begin() -> None:
    begun: list[str] = []

    def work(case_id: str, _: Any) -> None:
        begun.append(case_id)
        time.sleep(0.4)

    with over_after(0.1):
        together([f"case-{n}" for n in range(10)], work, {"fake": Fake({})})
    assert len(begun) == 2


@pytest.mark.parametrize("busy", ["asking", "reading", "waiting"])
def test_nothing_goes_on_once_its_time_is_over(busy: str) -> None:
    """Whatever the cases are at: asking, taking what is read, or waiting for one that lags."""
    source = Fake({f"case-{n}": 200 for n in range(4)})
    steps: list[str] = []

    def work(case_id: str, sources: Any) -> None:
        while busy == "waiting" and case_id == "case-0" and len(steps) < 200:
            steps.append(case_id)
            time.sleep(0.02)
            if len(steps) > 20:
                sources["fake"].find([Subject(case_id, frozenset({_WHO}))])
        for _ in range(200):
            if busy == "reading":
                for _ in sources["fake"].extract(sources["fake"].find([Subject(case_id, frozenset({_WHO}))])):
                    steps.append(case_id)
                    time.sleep(0.005)
            sources["fake"].find([Subject(case_id, frozenset({_WHO}))])
            steps.append(case_id)
            time.sleep(0.02)

    with over_after(0.3):
        together(list(source.records), work, {"fake": source})
    done, asked = len(steps), len(source.asked)
    time.sleep(0.3)
    assert (len(steps), len(source.asked)) == (done, asked)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("together")]
