"""Staff entry: a letter becomes a case as a webhook's request does, once, with the day on which it came; what the
person is told waits for the officer; and all of it in a real browser."""

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import console_desk
import httpx
import pytest
from console_desk import Console, look
from front_desk import NOW, FakeAirflow
from served import served

from dsr import letterbox
from dsr.channels.ticket import Answer
from dsr.errors import TransientError
from dsr.standing import Standing, unsent
from dsr.steps import tell, watch
from dsr.way import way
from dsr.web import answers, console, entry
from dsr.web.intake import Desk

playwright = pytest.importorskip("playwright.sync_api")
LETTER = {
    "way": "letter",
    "day": "2026-03-02",
    "rights": "access",
    "email": "Edla.Kvarn@example.com",
    "name": "Edla <b>Kvarn</b>",
    "language": "sv",
}


@contextmanager
def office(desk: Desk, at: datetime = NOW) -> Iterator[Console]:
    """The pages beside the intake's stores."""
    own = console.Desk(
        desk.settings, desk.cases, desk.ledger, console_desk._reviewing, console_desk._visiting, console_desk._alone,
        lambda: at,
    )  # fmt: skip
    with served(console.create_app(own, [*entry.routes(own, desk), *answers.routes(own)])) as url:
        yield Console(url, own)


@pytest.fixture
def room(desk: Desk) -> Iterator[Console]:
    with office(desk) as opened:
        yield opened


def form(page: str) -> dict[str, Any]:
    """The hidden fields of a page's form."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def send(room: Console, step: str, user: str = "officer", **fields: Any) -> httpx.Response:
    """A new form, filled in so, at that step."""
    return room.post("entry", user, step=step, **{**form(room.get("entry", user).text), **fields})


def requests_of(desk: Desk) -> list[str]:
    return desk.cases.cases()


def test_a_letter_becomes_a_case(room: Console, desk: Desk, airflow: FakeAirflow) -> None:
    """With the day on which it came; its run is started, and the ledger has who entered it. Nothing is kept before."""
    asked = send(room, "check", **LETTER)
    assert asked.status_code == 200
    assert "Received 2 March 2026, by letter; answer by <strong>2 April 2026</strong>" in asked.text
    assert "Edla &lt;b&gt;Kvarn&lt;/b&gt;" in asked.text
    assert requests_of(desk) == []
    done = room.post("entry", step="enter", **form(asked.text))
    assert done.status_code == 303
    (request_id,) = requests_of(desk)
    assert done.headers["location"] == f"/entry/{request_id}"
    kept = desk.cases.open(request_id).read_json("request")
    assert kept["subject"] == {"email": "edla.kvarn@example.com", "name": "Edla <b>Kvarn</b>"}
    assert (kept["right"], kept["channel"], kept["received_at"]) == ("access", "staff", "2026-03-01T23:00:00+00:00")
    assert kept["due"]["legal_latest"] == "2026-04-02"
    assert airflow.runs[request_id]["dag"] == "dsr_access"
    events = desk.ledger.events(request_id)
    assert way(events) == way([event for event in events if event.kind != "request_entered"])
    kinds = [event.kind for event in events]
    assert kinds == ["request_received", "triaged", "request_entered", "run_started"]
    (entered,) = [event.detail for event in events if event.kind == "request_entered"]
    assert entered == {"by": "officer", "way": "letter"}
    told = room.get(f"entry/{request_id}").text
    assert "2 April 2026" in told
    assert "has started" in told
    assert "kvarn" not in told.lower()


def test_sent_twice_it_is_one_case(room: Console, desk: Desk, airflow: FakeAirflow) -> None:
    """A double click, and going back to press again; with other content under the same form it is refused."""
    fields = form(send(room, "check", **LETTER).text)
    first, second = (room.post("entry", step="enter", **fields) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(requests_of(desk)) == len(airflow.runs) == 1
    other = room.post("entry", step="enter", **{**fields, "rights": "erasure"})
    assert other.status_code == 422
    assert "entered before" in other.text
    assert len(requests_of(desk)) == 1


def test_what_is_wrong_is_said_and_nothing_is_lost(room: Console, desk: Desk) -> None:
    """Field by field, in plain words, with all that was typed."""
    typed = {"rights": ["access"], "email": "not an address", "phone": "<070>", "customer_number": "K-1",
             "corrections": "name: Edla Ek", "day": "2026-03-06", "way": "letter", "language": "en"}  # fmt: skip
    page = send(room, "check", **typed)
    assert page.status_code == 422
    for field, words in {"email": "Write one e-mail address", "day": "in the future"}.items():
        assert re.search(rf'<p class="wrong" id="{field}-wrong">[^<]*{words}', page.text), field
        assert f'href="#{field}"' in page.text
    for value in ("not an address", "&lt;070&gt;", "K-1", "name: Edla Ek", "2026-03-06"):
        assert value in page.text
    assert 'value="en" selected' in page.text
    for wrong, words in (
        ({"email": ""}, "An e-mail address is needed"),
        ({"rights": []}, "Tick what they ask for"),
        ({"way": "pigeon"}, "Say how it reached us"),
        ({"day": "0026-03-02"}, "look at the year"),
        ({"day": "yesterday"}, "the day on which it reached us"),
        ({"corrections": "name: Edla Ek"}, "Corrections go with rectification"),
        ({"rights": "rectification"}, "Write what is to be corrected"),
        ({"rights": "objection"}, "An objection needs one"),
        ({"email": "\u0430nna@example.se"}, "several scripts"),
        ({"encryption": "age", "age_recipient": "age1x"}, "no age key"),
        ({"time": "25:00"}, "the time if you know it"),
    ):
        answer = send(room, "enter", **{**LETTER, **wrong})
        assert answer.status_code == 422, wrong
        assert words in answer.text, wrong
    assert requests_of(desk) == []
    back = room.post("entry", step="change", **form(send(room, "check", **LETTER).text))
    assert 'value="Edla.Kvarn@example.com"' in back.text


def test_what_can_not_be_kept_now_is_not_lost(room: Console, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is down: the form comes back as it was, and the same form goes on once it is up."""
    fields = form(send(room, "check", **LETTER).text)
    with monkeypatch.context() as down:
        down.setattr(type(desk.deliveries), "remember", _fails)
        page = room.post("entry", step="enter", **fields)
    assert page.status_code == 422
    assert "could not be kept (connection.failed)" in page.text
    assert 'value="Edla.Kvarn@example.com"' in page.text
    assert form(page.text)["key"] == fields["key"]
    assert room.post("entry", step="enter", **fields).status_code == 303
    assert len(requests_of(desk)) == 1


def _fails(*_: object) -> str:
    raise TransientError("connection.failed", "deliveries")


def test_several_rights_or_none_that_is_clear_are_a_persons_to_decide(
    room: Console, desk: Desk, airflow: FakeAirflow
) -> None:
    """As from any ticket."""
    for rights, unclear, among in (
        (["access", "erasure"], "several", ["access", "erasure"]),
        (["unclear"], "unnamed", []),
    ):
        done = send(room, "enter", **{**LETTER, "rights": rights, "email": f"{len(among)}@example.com"})
        request_id = done.headers["location"].rpartition("/")[2]
        (triaged,) = [e.detail for e in desk.ledger.events(request_id) if e.kind == "triaged"]
        assert (triaged["unclear"], triaged["among"]) == (unclear, among)
        assert airflow.runs[request_id]["dag"] == "dsr_triage"


def test_all_that_a_ticket_may_say(room: Console, desk: Desk) -> None:
    """Corrections, purposes, ground, the package and the file number come into the case as they would from a ticket."""
    send(room, "enter", **{**LETTER, "rights": "rectification", "corrections": "name: Edla Ek\nphone: 0701740605"})
    send(room, "enter", **{**LETTER, "rights": "objection", "ground": "direct_marketing", "email": "b@example.com",
                           "purposes": ["dpv:Marketing", "dpv:Personalisation"], "reference": "D-2026.7"})  # fmt: skip
    send(room, "enter", **{**LETTER, "email": "c@example.com", "encryption": "zip", "time": "08:15"})
    cases = (desk.cases.open(name).read_json("request") for name in requests_of(desk))
    kept = {request["right"]: request for request in cases}
    assert kept["rectification"]["corrections"] == {"name": "Edla Ek", "phone": "+46701740605"}
    assert kept["objection"]["purposes"] == ["dpv:Marketing", "dpv:Personalisation"]
    assert (kept["objection"]["ground"], kept["objection"]["ticket"]) == ("direct_marketing", {"id": "D-2026.7"})
    assert kept["access"]["package"] == {"encryption": "zip"}
    assert kept["access"]["received_at"] == "2026-03-02T07:15:00+00:00"


def test_who_may_enter(room: Console, desk: Desk) -> None:
    """Whoever may start such a run, from our own page only."""
    assert room.get("entry", "").status_code == 401
    assert room.get("entry", "viewer").status_code == 403
    fields = {**LETTER, "key": "0" * 32}
    for token in ("", room.desk.token("viewer", "entry"), room.desk.token("officer", "dsr-x")):
        assert room.post("entry", step="enter", token=token, **fields).status_code == 403
    mine = room.desk.token("officer", "entry")
    evil = {"origin": "https://evil.example"}
    assert room.post("entry", headers=evil, step="enter", token=mine, **fields).status_code == 403
    assert requests_of(desk) == []


def entered(room: Console, desk: Desk) -> str:
    """A request that was entered; its id."""
    return str(send(room, "enter", **LETTER).headers["location"].rpartition("/")[2])


def told(desk: Desk, request_id: str, kind: str, text: str, close: bool = False) -> None:
    """What a step says, as the tasks give it on."""
    case = desk.cases.open(request_id)

    def give(answer: Answer) -> None:
        letterbox.keep(case, answer, desk.ledger)

    tell.tell(case, kind, text, answer=give, ledger=desk.ledger, close=close, at=NOW)
    case.remove(f"told/{kind}")  # cut off before it was noted: the same again
    tell.tell(case, kind, text, answer=give, ledger=desk.ledger, close=close, at=NOW)


def test_what_they_are_told_waits_for_the_officer(room: Console, desk: Desk) -> None:
    """Each look is an event; until it is sent nobody has been answered, and then its text is gone."""
    request_id = entered(room, desk)
    told(desk, request_id, "done", "Your code: K7QX-2M9D", close=True)
    events = desk.ledger.events(request_id)
    standing = Standing.of(events)
    assert standing is not None
    assert (standing.answered, unsent(events)) == (False, {1})
    day = date(2026, 4, 3)
    assert [a.left for a in watch.watch(desk.ledger, day=day, within=3, at=NOW) if a.request_id == request_id] == [-1]
    path = f"entry/{request_id}/answers"
    page = room.get(path)
    assert "K7QX-2M9D" in page.text
    token = form(page.text)["token"][0]
    views = [e.detail for e in desk.ledger.events(request_id) if e.kind == "answer_viewed"]
    assert views == [{"answers": [1], "by": "officer"}]
    noted = {"way": "letter", "on": "2026-03-05"}
    assert room.post(f"{path}/1", token="", **noted).status_code == 403
    assert room.post(f"{path}/1", token=token, **{**noted, "on": "2026-03-06"}).status_code == 400
    assert room.post(f"{path}/1", token=token, **{**noted, "way": "pigeon"}).status_code == 409
    assert room.post(f"{path}/2", token=token, **noted).status_code == 409
    assert unsent(desk.ledger.events(request_id)) == {1}
    for _ in range(2):
        assert room.post(f"{path}/1", token=token, **noted).status_code == 303
    sent = [e.detail for e in desk.ledger.events(request_id) if e.kind == "answer_sent"]
    assert sent == [{"answer": 1, "on": "2026-03-05", "way": "letter", "by": "officer"}]
    after = Standing.of(desk.ledger.events(request_id))
    assert after is not None
    assert after.answered
    assert "K7QX-2M9D" not in room.get(path).text
    case = desk.cases.open(request_id)
    assert all("K7QX" not in str(case.read_json(name)) for name in case.names("letterbox/"))
    assert "K7QX" not in str(desk.ledger.events(request_id))


def test_two_who_note_at_once_leave_one_word(room: Console, desk: Desk) -> None:
    request_id = entered(room, desk)
    for kind in ("which", "taken", "done"):
        told(desk, request_id, kind, f"Your code: K7QX-2M9D ({kind})")
    path = f"entry/{request_id}/answers"
    token = form(room.get(path).text)["token"][0]
    ways = ["letter", "not_sent"] * 4
    with ThreadPoolExecutor(len(ways)) as officers:
        for number in (1, 2, 3):
            note = partial(room.post, f"{path}/{number}", token=token, on="2026-03-05")
            assert {answer.status_code for answer in officers.map(lambda way, note=note: note(way=way), ways)} == {303}
    sent = [e.detail["answer"] for e in desk.ledger.events(request_id) if e.kind == "answer_sent"]
    assert sent == [1, 2, 3]


def test_who_may_read_what_they_are_told(room: Console, desk: Desk) -> None:
    """Those who may enter such a request; of one that came by ticket there is nothing to see."""
    request_id = entered(room, desk)
    told(desk, request_id, "done", "Your code: K7QX-2M9D")
    path = f"entry/{request_id}/answers"
    assert room.get(path, "").status_code == 401
    for user in ("viewer", "erasures", "nobody"):
        assert room.get(path, user).status_code == 403
    assert room.get("entry/dsr-unknown/answers").status_code == 404
    assert [e for e in desk.ledger.events(request_id) if e.kind == "answer_viewed"] == []
    desk.cases.open(request_id).close()
    gone = room.get(path).text
    assert "gone with the case file" in gone
    token = form(gone)["token"][0]
    room.post(f"{path}/1", token=token, way="not_sent", on="2026-03-05")
    assert unsent(desk.ledger.events(request_id)) == set()


def test_a_second_letter_about_the_same_is_joined(room: Console, desk: Desk) -> None:
    """As a second ticket; the page says so."""
    first = entered(room, desk)
    again = {**LETTER, "way": "phone", "day": "2026-03-04"}
    second = str(send(room, "enter", **again).headers["location"].rpartition("/")[2])
    assert f"the open request {first}" in room.get(f"entry/{second}").text


@pytest.mark.browser
def test_in_a_browser(browser: "playwright.Browser", desk: Desk, airflow: FakeAirflow, tmp_path: Any) -> None:
    """An officer types a letter in, corrects a mistake, looks once more and enters it; then sends the answer. Without
    script; nothing that was typed is ever in an address."""
    settings = replace(desk.settings, timezone="Europe/Stockholm")
    with office(replace(desk, settings=settings)) as room:
        context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        visited: list[str] = []
        page.on("request", lambda request: visited.append(request.url))
        page.goto(f"{room.url}/entry")
        page.check("input[value=letter]")
        page.fill("#day", "2026-03-02")
        page.check("input[name=rights][value=access]")
        page.fill("#email", "edla")
        page.fill("#name", "Edla Kvarn")
        page.click("text=Go on")
        assert "Write one e-mail address" in page.inner_text("[role=alert]")
        assert page.input_value("#name") == "Edla Kvarn"
        page.fill("#email", "edla@example.com")
        page.click("text=Go on")
        assert page.inner_text(".due") == "Received 2 March 2026, by letter; answer by 2 April 2026."
        page.click("text=Enter it")
        page.wait_for_url(re.compile(r"/entry/dsr-[a-z2-7]{26}$"))
        request_id = page.url.rpartition("/")[2]
        assert airflow.runs[request_id]["dag"] == "dsr_access"
        told(desk, request_id, "done", "Hej Edla!\nDin kod: K7QX-2M9D", close=True)
        page.reload()
        page.click("text=a page of its own")
        assert "K7QX-2M9D" in page.inner_text(".words")
        page.click("text=Note it")
        assert "Told by letter on 5 March 2026" in page.inner_text("#letter-1")
        assert not [url for url in visited if re.search(r"edla|kvarn|example\.com", url, re.I)]
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.thorough)])
def test_everybody_can_use_it(
    browser: "playwright.Browser", room: Console, desk: Desk, width: int, scheme: str, tmp_path: Any
) -> None:
    """WCAG 2.2 AA as far as axe-core sees: the form, with errors, the second look, and the answers."""
    request_id = entered(room, desk)
    told(desk, request_id, "done", "Hej Edla!\n" + "Din kod: K7QX-2M9D " * 20, close=True)
    for path in ("entry", f"entry/{request_id}", f"entry/{request_id}/answers"):
        name = f"{path.partition('/')[0]}-{path.count('/')}-{width}.png"
        look(browser, f"{room.url}/{path}", width, scheme, tmp_path / name).context.close()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{room.url}/entry")
    for opened in page.query_selector_all("details"):
        opened.evaluate("node => node.open = true")
    page.click("text=Go on")
    for step in ("wrong", "confirm"):
        page.screenshot(path=tmp_path / f"{step}-{width}.png", full_page=True)
        result = axe.run(page, options={"runOnly": console_desk.AXE})
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if step == "wrong":
            page.check("input[value=phone]")
            page.fill("#day", "2026-03-02")
            page.check("input[name=rights][value=access]")
            page.fill("#email", "edla@example.com")
            page.click("text=Go on")
    context.close()
