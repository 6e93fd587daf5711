"""What every source promises that changes its system, as tests that it inherits: through the wire, with the whole
state of the system compared before and after. Nothing here knows a vendor.

A subclass sets `source`, `system` and `effects`, says which changes beside the selected records are the vendor's own
doing (`belongs`), and what a vendor makes anew each time (`volatile`, `made_by_vendor`). It needs a sandbox whose
admin port has /state and /snapshots; each test runs on a copy that is put back afterwards.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from unittest import mock

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import urllib3.connection
from conformance import find_all
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Outcome, Rows
from dsr.schema import SOURCE_ID
from dsr.selection import Approval, Selection, seal
from dsr.source import Acting
from dsr.vocabulary import OUTCOMES
from sandbox.comparison import Change, difference

Effects = Mapping[str, str]


class KilledError(BaseException):
    """The process is gone; nobody catches this."""


@contextmanager
def dying_after(calls: int) -> Iterator[None]:
    """Lets that many calls be answered and dies when the last answer is there. Covers urllib3 (requests, boto3) and
    httpx; does nothing when fewer calls are made."""
    left = [calls]

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kw: Any) -> Any:
            answer = original(*args, **kw)
            left[0] -= 1
            if left[0] == 0:
                raise KilledError
            return answer

        return call

    connection, transport = urllib3.connection.HTTPConnection, httpx.HTTPTransport
    with (
        mock.patch.object(connection, "getresponse", counted(connection.getresponse)),
        mock.patch.object(transport, "handle_request", counted(transport.handle_request)),
    ):
        yield


def moments(*, every: bool) -> Iterator[int]:
    """After how many calls to kill: each number, or each Fibonacci number, which is enough between two soaks."""
    one, other = 1, 2
    while True:
        yield one
        one, other = (one + 1, 0) if every else (other, one + other)


NOTHING: Final = ("{}", "[]", "null", "<html><body>Sign in</body></html>")
EVERY: Final = pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])


def selections_of(
    source: Acting, found: Found, effects: Effects, only: Collection[str] | None = None
) -> list[Selection]:
    """Approved selections of all requests of a batch, from one reading. `only`: these records, else all."""
    kept: dict[str, dict[tuple[str, str], list[pa.RecordBatch]]] = {m.request_id: {} for m in found.matches}
    for piece in source.extract(found):
        effect = effects.get(piece.dataset)
        if isinstance(piece, Rows) and effect:
            batch = piece.batch
            if only is not None:
                batch = batch.filter(pc.is_in(batch.column(SOURCE_ID), value_set=pa.array(sorted(only), pa.string())))
            if batch.num_rows:
                kept[piece.request_id].setdefault((piece.dataset, effect), []).append(batch)
    return [_selection(source, found, request_id, batches) for request_id, batches in kept.items()]


def _selection(
    source: Acting, found: Found, request_id: str, kept: Mapping[tuple[str, str], list[pa.RecordBatch]]
) -> Selection:
    order = [d.name for d in source.declaration.datasets]
    keys = sorted(kept, key=lambda key: (order.index(key[0]), key[1]))
    counts = {key: sum(batch.num_rows for batch in kept[key]) for key in keys}
    approval = Approval(request_id, "0" * 64, "officer", datetime(2026, 11, 20, 12, tzinfo=UTC), seal())
    own = Found(found.source, tuple(m for m in found.matches if m.request_id == request_id), found.cache)
    return Selection(approval, own, counts, lambda dataset, effect: iter(kept[dataset, effect]))


def lines(sandbox: Sandbox, system: str) -> list[str]:
    """Everything that the system holds."""
    response = sandbox.admin.get("/state", params={"system": system})
    response.raise_for_status()
    return response.text.splitlines()


def counts(outcomes: Iterable[Outcome]) -> Counter[tuple[str, str, str, str]]:
    """(dataset, effect, outcome, reason) → records."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for o in outcomes:
        found[o.dataset, o.effect, o.outcome, o.reason] += o.count
    return found


class ActingConformance:
    """Inherit; see the module."""

    source: ClassVar[type[Acting]]
    system: ClassVar[str]
    effects: ClassVar[Effects]
    key: ClassVar[str] = "same_name"
    """Who is erased: a person of the population with some of everything."""
    volatile: ClassVar[Collection[str]] = ()
    made_by_vendor: ClassVar[Collection[str]] = ()

    def connect(self, sandbox: Sandbox) -> Acting:
        """A client of the running sandbox."""
        return self.source.connect(sandbox.connection(self.source.declaration.connection_id))

    def belongs(self, change: Change, content: Mapping[str, Any], selected: Collection[str]) -> bool:
        """Whether a change of a record that was not selected is what the vendor does along with those that were.
        `content`: of the entry before, or after when it is new."""
        return False

    def erase(self, sandbox: Sandbox, selections: Sequence[Selection]) -> list[Outcome]:
        """Until nothing is put off any more; the last outcomes."""
        for _ in range(20):
            outcomes = list(self.connect(sandbox).erase(selections))
            if all(o.outcome != "scheduled" for o in outcomes):
                return outcomes
        raise AssertionError("still scheduled")

    @pytest.fixture
    def restored(self, sandbox: Sandbox) -> Iterator[Callable[[], None]]:
        """Puts the system, and no other, back as it was before the test; called once more at the end."""
        snapshot = sandbox.admin.post("/snapshots", params={"system": self.system}).json()["id"]

        def restore() -> None:
            sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()

        yield restore
        restore()
        sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()

    def chosen(self, sandbox: Sandbox, key: str = "") -> list[Selection]:
        """All of one person, with `effects`."""
        source = self.connect(sandbox)
        return selections_of(source, find_all(source, sandbox, key or self.key), self.effects)

    def selected(self, selections: Iterable[Selection]) -> set[str]:
        """Ids of all records in them."""
        return {i for s in selections for e in set(self.effects.values()) for d in s.datasets(e) for i in s.ids(d, e)}

    def shape(self, state: Iterable[str]) -> Counter[str]:
        """A state without what differs each time."""
        found: Counter[str] = Counter()
        for line in state:
            entry = json.loads(line)
            content = {k: v for k, v in entry["content"].items() if k not in self.volatile}
            if entry["kind"] in self.made_by_vendor:
                content.pop("Id", None)
                entry["id"] = ""
            found[json.dumps([entry["kind"], entry["id"], content, entry["deleted"]], sort_keys=True)] += 1
        return found

    def test_every_record_gets_one_outcome(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """As many as were selected, per dataset and effect, with words that there are."""
        (selection,) = self.chosen(sandbox)
        told: Counter[tuple[str, str]] = Counter()
        for o in self.erase(sandbox, [selection]):
            assert o.outcome in OUTCOMES
            assert (o.request_id, o.source) == (selection.request_id, self.source.declaration.name)
            told[o.dataset, o.effect] += o.count
        acted = [(d, e) for e in ("erase", "anonymise") for d in selection.datasets(e)]
        assert told == Counter({(d, e): selection.count(d, e) for d, e in acted})
        assert told

    def test_nothing_else_changes(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """0 changes to neighbours, over everything that the system holds."""
        selections = self.chosen(sandbox)
        selected, before = self.selected(selections), lines(sandbox, self.system)
        self.erase(sandbox, selections)
        after = lines(sandbox, self.system)
        self.assert_only(selected, before, after)

    def assert_only(self, selected: Collection[str], before: list[str], after: list[str]) -> None:
        """No change but of these records and what belongs to them."""
        contents = {e["id"]: e["content"] for e in map(json.loads, (*after, *before))}
        found = difference(before, after)
        foreign = [c for c in found if c.id not in selected and not self.belongs(c, contents[c.id], selected)]
        assert foreign == []
        assert any(c.id in selected for c in found)

    def test_done_means_gone(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """As many selected records are gone without a trace as are told to be."""
        (selection,) = self.chosen(sandbox)
        told = counts(self.erase(sandbox, [selection]))
        left = {json.loads(line)["id"] for line in lines(sandbox, self.system)}
        for dataset in selection.datasets("erase"):
            gone = [i for i in selection.ids(dataset, "erase") if i not in left]
            assert len(gone) == told[dataset, "erase", "done", ""], dataset

    def test_twice_is_once(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """The second time nothing is changed, and what was done is absent."""
        selections = self.chosen(sandbox)
        first = counts(self.erase(sandbox, selections))
        before = lines(sandbox, self.system)
        second = counts(self.erase(sandbox, selections))
        assert difference(before, lines(sandbox, self.system)) == []
        for (dataset, effect, outcome, reason), count in first.items():
            if effect == "erase" and outcome == "done":
                assert second[dataset, effect, "absent", ""] >= count
            else:
                assert second[dataset, effect, outcome, reason] == count, dataset

    @pytest.mark.slow
    @pytest.mark.thorough
    @EVERY
    def test_killed_after_any_call(self, sandbox: Sandbox, restored: Callable[[], None], every: bool) -> None:
        """Killed when the n-th answer was there and called again: the same end."""
        selections = self.chosen(sandbox)
        sandbox.forget()
        self.erase(sandbox, selections)
        wanted = self.shape(lines(sandbox, self.system))
        for calls in moments(every=every):
            restored()
            killed = self.dies_after(sandbox, selections, calls)
            self.erase(sandbox, selections)
            assert self.shape(lines(sandbox, self.system)) == wanted, calls
            if not killed:
                break
        assert calls > 1

    @pytest.mark.slow
    @pytest.mark.thorough
    @EVERY
    @pytest.mark.parametrize("body", ["", *(pytest.param(body, marks=pytest.mark.soak) for body in NOTHING)])
    def test_success_with_nothing_in_it(
        self, sandbox: Sandbox, restored: Callable[[], None], every: bool, body: str
    ) -> None:
        """Something answers the n-th call with 200 and nothing of use in the system's place: nothing is told to be done
        that isn't, and called again it comes to the same end, with nobody else's gone."""
        selections = self.chosen(sandbox)
        self.erase(sandbox, selections)
        wanted = self.shape(lines(sandbox, self.system))
        for calls in moments(every=every):
            restored()
            told, played = self.told_nothing(sandbox, selections, calls, body)
            left = {json.loads(line)["id"] for line in lines(sandbox, self.system)}
            for selection in selections:
                for dataset in selection.datasets("erase"):
                    gone = [i for i in selection.ids(dataset, "erase") if i not in left]
                    assert told[dataset, "erase", "done", ""] <= len(gone), (calls, dataset)
            self.erase(sandbox, selections)
            assert self.shape(lines(sandbox, self.system)) == wanted, calls
            if not played:
                break

    def told_nothing(
        self, sandbox: Sandbox, selections: list[Selection], calls: int, body: str
    ) -> tuple[Counter[Any], bool]:
        """What the verb told, nothing if it failed, when its n-th call got such an answer; whether there was one."""
        told: Counter[Any] = Counter()
        sandbox.fault(system=self.system, after=calls - 1, times=1, status=200, body=body)
        try:
            told = counts(list(self.connect(sandbox).erase(selections)))
        except (TransientError, PermanentError):
            told.clear()
        played = sandbox.admin.get("/faults").json()[0]["times"] == 0
        sandbox.admin.delete("/faults").raise_for_status()
        return told, played

    def dies_after(self, sandbox: Sandbox, selections: list[Selection], calls: int) -> bool:
        """Whether one call of the verb was killed after so many answers; False when it came to its end before."""
        try:
            with dying_after(calls):
                list(self.connect(sandbox).erase(selections))
        except KilledError:
            return True
        return False

    def test_nobody_costs_nothing(self, sandbox: Sandbox) -> None:
        """No selection, no call."""
        source = self.connect(sandbox)
        sandbox.forget()
        assert list(source.erase([])) == []
        assert list(source.restrict([], ())) == []
        assert list(source.rectify([], {})) == []
        assert sandbox.calls(self.system) == []
