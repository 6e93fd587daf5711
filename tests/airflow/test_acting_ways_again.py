"""Asked for twice, and run twice: nothing happens a second time, and the person is told how it is. How it is when
something is still found is in `tests/way/test_before_after.py`."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest
from office_day import WAITING, WAYS, Day
from privacy_office import ENDED, Way

from sandbox.comparison import Change, difference

pytestmark = [pytest.mark.airflow, pytest.mark.thorough, pytest.mark.timeout(900)]

_ASKED_AGAIN = ("erased", "rectified", "restricted")
_RUN_AGAIN = ("erased",)
_STAMPS = frozenset({"LastModifiedDate", "SystemModstamp", "updatedAt", "updated_at"})
_OBJECTING = Way("objection", WAYS["restricted"].person, {"ground": "direct_marketing", "language": "en"}, {})
"""By somebody whose data is restricted at that time."""


@dataclass(frozen=True)
class Again:
    """Ids of the second tickets' requests by the name of their way; that of the objection; what a second ticket has
    changed, and what a second run."""

    requests: Mapping[str, str]
    objection: str
    asked: list[Change]
    run: list[Change]

    def of(self, name: str, found: list[Change]) -> list[Change]:
        """Those in records of whoever went that way."""
        return [change for change in found if WAYS[name].person in change.person.split(",")]


@pytest.fixture(scope="module")
def again(day: Day) -> Again:
    """First a second ticket of each person, then a second run of requests that had come to their end."""
    office, before = day.office, day.stack.state()
    requests = {name: office.ask(WAYS[name], f"T-{name}-again") for name in _ASKED_AGAIN}
    office.work(requests.values(), leaving=WAITING, rests={**ENDED, "answer_nothing": {"up_for_retry"}})
    between = day.stack.state()
    objection = office.ask(_OBJECTING, "T-objecting")
    for name in _RUN_AGAIN:
        office.clear(day.requests[name], "open_case", downstream=True)
    office.work([objection, *(day.requests[name] for name in _RUN_AGAIN)])
    after = day.stack.state()
    return Again(requests, objection, difference(before, between), difference(between, after))


def test_every_second_run_ends_well(day: Day, again: Again) -> None:
    for request_id in (*again.requests.values(), again.objection, *(day.requests[name] for name in _RUN_AGAIN)):
        assert "failed" not in day.office.states(request_id).values(), day.office.states(request_id)


def test_nothing_is_done_a_second_time(day: Day, again: Again) -> None:
    """A second restriction has a mark of its own beside the first; all else is as it was."""
    for found, names in ((again.asked, _ASKED_AGAIN), (again.run, _RUN_AGAIN)):
        for name in set(names) - {"restricted"}:
            fields = {field for change in again.of(name, found) for field in change.fields}
            assert fields <= _STAMPS, (name, fields)
    asked = {WAYS[name].person for name in (*_ASKED_AGAIN, *_RUN_AGAIN)}
    assert [c for c in (*again.asked, *again.run) if c.person and not asked & set(c.person.split(","))] == []


def test_a_second_erasure_finds_nothing_and_says_what_is_kept(day: Day, again: Again) -> None:
    """Who asks with a second ticket isn't known any more: the mail says it, and the ticket no more than to anybody."""
    assert day.stack.requester.answers(again.requests["erased"]) == []
    (mail,) = day.stack.requester.mails(again.requests["erased"])
    _, anew = day.stack.requester.answers(day.requests["erased"])
    for text in (mail["text"], anew["text"]):
        assert "hittar inga personuppgifter om dig" in text
        assert "måste bevara" in text
    assert "decision" not in day.stack.kinds(again.requests["erased"])


def test_a_second_rectification_has_nothing_to_correct(day: Day, again: Again) -> None:
    """But a call by the number that was corrected: only a webinar's form still states that, which may be anybody's."""
    (answer,) = day.stack.requester.answers(again.requests["rectified"])
    assert not answer["closed"]
    assert "may be about you, but they may just as well be somebody else's" in answer["text"]
    assert "We have not changed anything" in answer["text"]
    assert "Nothing in them was wrong" in answer["text"]


def test_who_is_restricted_can_object(day: Day, again: Again) -> None:
    """Their opt-outs are set already, so nothing on these records shows a change."""
    (answer,) = day.stack.requester.answers(again.objection)
    assert answer["text"].startswith("You objected to direct marketing.")
    kinds = day.stack.kinds(again.objection)
    assert kinds.count("verified") == kinds.count("certified") == 1


def test_nobody_is_told_twice(day: Day, again: Again) -> None:
    """Each notice went out once, each plan has one certificate, each case was closed once."""
    with httpx.Client(base_url=day.stack.running.endpoints["admin"], trust_env=False) as admin:
        assert {entry["posted"] for entry in admin.get("/processor/requests").json()} == {1}
    for name in _RUN_AGAIN:
        events = day.stack.events(day.requests[name])
        kinds = Counter(event.kind for event in events)
        assert kinds["closed"] == 1
        certified = [event.detail["sha256"] for event in events if event.kind == "certified"]
        assert len(certified) == len(set(certified)) <= kinds["planned"]
        sent = [json.dumps(event.detail, sort_keys=True) for event in events if event.kind in ("notified", "answered")]
        assert len(sent) == len(set(sent)), name
