"""Zoom changed: what can be deleted is gone past the bin, what others share stays, the rest is a person's task."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from acting_conformance import ActingConformance, counts, lines
from made_up_selections import selection_of
from running_sandbox import Sandbox
from zoom_server import ZoomServer, serving

from dsr.errors import PermanentError, TransientError
from dsr.model import Identifier, Outcome, Subject
from dsr.selection import Selection
from extractors.webinars import Webinars
from sandbox.comparison import difference
from sandbox.wire import Fault

DATASETS = [d.name for d in Webinars.declaration.datasets]
ERASABLE = ("webinar_registration", "webinar_panelist", "webinar_chat_message")
Became = dict[tuple[str, str], int]


class TestConformance(ActingConformance):
    """What every source promises that changes its system."""

    source = Webinars
    system = "webinars"
    key = "canary"
    effects = dict.fromkeys(DATASETS, "erase")

    def selected(self, selections: Any) -> set[str]:
        """As the vendor's own records are called: without the kind."""
        return {_vendors(i) for i in super().selected(selections)}

    def test_done_means_gone(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """By the vendor's own ids."""
        (selection,) = self.chosen(sandbox)
        told = counts(self.erase(sandbox, [selection]))
        left = {json.loads(line)["id"] for line in lines(sandbox, self.system)}
        for dataset in ("webinar_registration", "webinar_panelist"):
            gone = [i for i in selection.ids(dataset, "erase") if _vendors(i) not in left]
            assert len(gone) == told[dataset, "erase", "done", ""] > 0, dataset


def _vendors(record_id: str) -> str:
    return record_id.replace(":r:", ":").replace(":p:", ":")


@pytest.fixture
def zoom(tmp_path: Path) -> Iterator[ZoomServer]:
    """An account of its own for each test."""
    with serving(tmp_path, people=12) as server:
        yield server


def connect(zoom: ZoomServer) -> Webinars:
    """A source."""
    return Webinars.connect(zoom.connection())


def chosen(
    zoom: ZoomServer, key: str = "canary", effect: str = "erase", datasets: Sequence[str] = DATASETS
) -> Selection:
    """All of a person in these datasets."""
    source, person = connect(zoom), zoom.population.person(key)
    own = {Identifier("email", e.lower()) for e in person.emails} | {Identifier("phone", person.mobile)}
    ids = {Identifier("webinar_registrant", e.record_id) for e in source.index(None) if e.identifier in own}
    found = source.find([Subject("dsr-conformance", frozenset(own | ids))])
    return selection_of(source, found, dict.fromkeys(datasets, effect))


def became(outcomes: Sequence[Outcome], dataset: str) -> Became:
    """(outcome, reason) → count."""
    told: Counter[tuple[str, str]] = Counter()
    for o in outcomes:
        if o.dataset == dataset:
            told[o.outcome, o.reason] += o.count
    return dict(told)


def state(zoom: ZoomServer) -> list[str]:
    """Everything the account holds."""
    return [entry.line() for entry in zoom.system.entries()]


def test_registrations_go_and_reports_are_for_a_person(zoom: ZoomServer) -> None:
    """Each registration and invitation by itself; attendance, questions, polls, surveys are said to be left."""
    selection, before = chosen(zoom), state(zoom)
    told = list(connect(zoom).erase([selection]))
    registrations = selection.count("webinar_registration", "erase")
    assert became(told, "webinar_registration") == {("done", ""): registrations}
    for dataset in set(DATASETS) - set(ERASABLE):
        assert became(told, dataset) == {("manual", "api.none"): selection.count(dataset, "erase")}
    gone = difference(before, state(zoom))
    assert {c.what for c in gone} == {"removed"}
    expected = {_vendors(i) for d in ERASABLE[:2] for i in selection.ids(d, "erase")}
    assert {c.id for c in gone} == expected
    again = list(connect(zoom).erase([selection]))
    assert became(again, "webinar_registration") == {("absent", ""): registrations}


def test_a_chat_that_others_wrote_in_stays(zoom: ZoomServer) -> None:
    """Nobody else's line goes with the person's."""
    selection, before = chosen(zoom, datasets=["webinar_chat_message"]), state(zoom)
    told = list(connect(zoom).erase([selection]))
    assert became(told, "webinar_chat_message").keys() == {("manual", "chat.shared")}
    assert difference(before, state(zoom)) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": ""},
        {"status": 200, "body": "<html><body>Sign in</body></html>"},
        {"status": 200, "body": "00:00:01\tSomebody else:\tnot this file"},
        {"kind": "cut"},
    ],
    ids=["nothing", "a page", "another file", "half of it"],
)
def test_a_chat_that_was_not_read_whole_stays(zoom: ZoomServer, fault: dict[str, Any]) -> None:
    """Whose lines are in it nobody knows then: it isn't taken for the person's alone."""
    for mine in (False, True):
        selection = chosen(zoom, datasets=[CHAT])
        if mine:  # half of what they wrote alone, too
            for key in selection.ids(CHAT, "erase"):
                _keep_only(zoom, key.partition(":chat:")[2].rpartition(":")[0], selection)
            selection = chosen(zoom, datasets=[CHAT])
        before = state(zoom)
        zoom.tap.faults.append(Fault("webinars", path="^/rec/content", **fault))
        told = Became()
        with suppress(TransientError):
            told = became(list(connect(zoom).erase([selection])), CHAT)
        assert {outcome for outcome, _ in told} <= {"manual"}
        assert difference(before, state(zoom)) == []
        zoom.tap.faults.clear()


def test_a_chat_of_the_person_alone_goes_past_the_bin(zoom: ZoomServer) -> None:
    """For good at once; the recording's other files stay. From the bin it would come back within 30 days."""
    selection = chosen(zoom, datasets=["webinar_chat_message"])
    wanted = {key.partition(":chat:")[2].rpartition(":")[0]: key for key in selection.ids(CHAT, "erase")}
    files = zoom.system.account["file"]
    for file_id in wanted:
        _keep_only(zoom, file_id, selection)
    mine, before = chosen(zoom, datasets=["webinar_chat_message"]), state(zoom)
    told = list(connect(zoom).erase([mine]))
    assert became(told, CHAT) == {("done", ""): mine.count(CHAT, "erase")}
    assert not set(wanted) & set(files)
    assert {(c.kind, c.what) for c in difference(before, state(zoom))} == {("file", "removed")}
    assert became(list(connect(zoom).erase([mine])), CHAT).keys() <= {("absent", ""), ("manual", "chat.in_bin")}


CHAT = "webinar_chat_message"


def _keep_only(zoom: ZoomServer, file_id: str, selection: Selection) -> None:
    """Take the others' lines out of a chat file, as an administrator would."""
    names = {row["name"] for batch in selection.batches(CHAT, "erase") for row in batch.to_pylist()}
    document = zoom.system.account["file"][file_id]
    text = base64.b64decode(document["content"]).decode()
    kept, ours = [], False
    for line in text.split("\n"):
        if "\t" in line:
            ours = any(f"\t{name}:" in line for name in names)
        if ours:
            kept.append(line)
    content = "\n".join(kept).encode()
    row = {**document["row"], "file_size": len(content)}
    zoom.system.account["file"][file_id] = {**document, "content": base64.b64encode(content).decode(), "row": row}


def test_a_chat_in_the_bin_is_not_called_gone(zoom: ZoomServer) -> None:
    """Somebody put the recording there; it can be taken out for 30 days."""
    selection = chosen(zoom, datasets=["webinar_chat_message"])
    for key in selection.ids(CHAT, "erase"):
        file_id = key.partition(":chat:")[2].rpartition(":")[0]
        document = zoom.system.account["file"][file_id]
        zoom.system.account["file"][file_id] = {**document, "trashed": True}
    told = list(connect(zoom).erase([selection]))
    assert became(told, CHAT).keys() == {("manual", "chat.in_bin")}


def test_below_a_deleted_webinar_nothing_is_claimed(zoom: ZoomServer) -> None:
    """What the vendor keeps of it nobody knows."""
    selection = chosen(zoom, datasets=["webinar_registration", "webinar_panelist"])
    for key, webinar in list(zoom.system.account["webinar"].items()):
        zoom.system.account["webinar"][key] = {**webinar, "gone": True}
    told = list(connect(zoom).erase([selection]))
    for dataset in ("webinar_registration", "webinar_panelist"):
        assert became(told, dataset).keys() == {("manual", "webinar.deleted")}


def test_restricting_and_rectifying_are_for_a_person(zoom: ZoomServer) -> None:
    """The vendor has neither; a correction of a field is refused."""
    source, before = connect(zoom), state(zoom)
    restricted = chosen(zoom, effect="restrict")
    for lift in (False, True):
        told = list(source.restrict([restricted], (), lift=lift))
        assert {o.outcome for o in told} == {"manual"}
        assert sum(o.count for o in told) == sum(restricted.count(d, "restrict") for d in DATASETS)
    rectified = chosen(zoom, effect="rectify")
    assert {o.outcome for o in source.rectify([rectified], {})} == {"manual"}
    with pytest.raises(PermanentError, match=r"field\.not_rectifiable"):
        source.rectify([rectified], {"dsr-conformance": {"webinar_registration": {"email": "x@y.se"}}})
    assert difference(before, state(zoom)) == []


@pytest.mark.parametrize(("status", "kind"), [(500, TransientError), (429, TransientError), (403, PermanentError)])
def test_errors_carry_no_person(zoom: ZoomServer, status: int, kind: type[Exception]) -> None:
    """Codes only; what may pass is transient."""
    selection = chosen(zoom)
    body = json.dumps({"code": status, "message": zoom.population.canary.email})
    headers = {"Retry-After": "2026-12-01T00:00:00Z"} if status == 429 else {}
    zoom.tap.faults.append(Fault("webinars", method="DELETE", status=status, body=body, headers=headers))
    with pytest.raises(kind) as error:
        list(connect(zoom).erase([selection]))
    assert str(error.value) == f"webinars: http.{status}"


def test_every_dataset_says_what_a_person_has_to_do() -> None:
    """In both languages."""
    for dataset in Webinars.declaration.datasets:
        assert dataset.instructions.keys() == {"sv", "en"}
