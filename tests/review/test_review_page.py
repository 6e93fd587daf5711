"""The review's pages: who may see what, what a decision needs, what evidence a look leaves; and in a real browser."""

import json
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from served import served
from starlette.exceptions import HTTPException
from starlette.requests import Request
from test_held import AT, CASE, REQUEST, SETTINGS, Talk, collected, numbers

from dsr import judging, review, schema
from dsr.casefile import CaseFile, CaseStore
from dsr.findings import Finding
from dsr.model import Identifier
from dsr.steps import hold
from dsr.web.console import Desk, Visitor, create_app
from dsr.web.reviewed_item import also_hidden

playwright = pytest.importorskip("playwright.sync_api")
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SPOKEN = "Jag talade med Karin Berg om fakturan."
KARIN = f"{SPOKEN.find('Karin')}-{SPOKEN.find('Karin') + 10}-person"
HOSTILE = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"> Karin Berg"
MAY = {"one": ("access",), "two": ("access",), "other": ("erasure",)}


@dataclass
class Events:
    """A ledger that keeps what it is given, if it is an event as the schema has it."""

    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def append(self, request_id: str, kind: str, detail: dict[str, Any], *, at: Any) -> None:
        """As `Ledger.append`."""
        event = {"request_id": request_id, "kind": kind, "detail": detail, "at": at.isoformat()}
        jsonschema_rs.validator_for(schema.load("event")).validate(event)
        self.kept.append((kind, detail))


@dataclass
class Room:
    """The pages, served, of one case."""

    url: str
    case: CaseFile
    events: Events

    def get(self, path: str = f"review/{REQUEST}", user: str = "one") -> httpx.Response:
        """As this user; "" = nobody is signed in."""
        return httpx.get(f"{self.url}/{path}", headers={"x-user": user}, trust_env=False)

    def post(
        self, path: str, user: str = "one", headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """A form of this user's, with the token and what they were shown, unless `fields` has others."""
        page = self.get(user=user).text
        token = re.search(r'name="token" value="([0-9a-f]+)"', page)
        shown = page.rpartition("<nav")[2] if path.startswith("page/") else _article(page, path)
        states = re.findall(r'name="state"\s+value="([0-9a-f.]+)"', shown)
        evidence = re.findall(r'name="evidence" value="([0-9a-f]+)"', shown)
        sent = {"token": token.group(1) if token else "", "state": states, "evidence": evidence, **fields}
        url = f"{self.url}/review/{REQUEST}/{path}"
        return httpx.post(url, data=sent, headers={"x-user": user, **(headers or {})}, trust_env=False)


def _article(page: str, path: str) -> str:
    """The form that goes to that path."""
    return page.partition(f'action="{REQUEST}/{path}"')[2].partition("</article>")[0]


async def signed_in(request: Request, right: str) -> str:
    """Airflow's part: who the header says, if they may see requests of this right."""
    user = request.headers.get("x-user", "one")
    if not user:
        raise HTTPException(401)
    if right and right not in MAY.get(user, ()):
        raise HTTPException(403)
    return user


async def visiting(request: Request) -> Visitor:
    """Airflow's part for the other pages."""
    raise HTTPException(401)


def room_of(folder: Path, four_eyes: bool = False) -> Iterator[Room]:
    """A case with three texts and two files."""
    case = collected(folder, Talk([SPOKEN, HOSTILE, "Mina egna ord."], [b"one", b"two"]))
    case.write_json("others/salesforce", [{"name": "Karin Berg", "email": [], "phone": []}])
    hold.hold(case)
    events = Events()
    settings = replace(SETTINGS, review_four_eyes=four_eyes)
    lock = threading.Lock()

    @contextmanager
    def alone(request_id: str) -> Iterator[None]:
        with lock:
            yield

    desk = Desk(settings, CaseStore(str(folder), bytes(32)), events, signed_in, visiting, alone, lambda: AT)  # type: ignore[arg-type]
    with served(create_app(desk)) as url:
        yield Room(url, case, events)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """One looks."""
    yield from room_of(tmp_path)


@pytest.fixture
def strict_room(tmp_path: Path) -> Iterator[Room]:
    """Two look."""
    yield from room_of(tmp_path, four_eyes=True)


def test_who_may_see_it(room: Room) -> None:
    """Nobody else sees a word, nor that there is such a case; and no look of theirs is noted."""
    file = numbers(room.case)["fil 0.txt"]
    for path in (f"review/{REQUEST}", f"review/{REQUEST}/files/{file}"):
        assert room.get(path, user="").status_code == 401
        refused = room.get(path, user="other")
        assert refused.status_code == 403
        assert "Karin" not in refused.text
    absent, gone = room.get("review/dsr-other-1"), room.get("review/..%2F..%2Fetc")
    assert absent.status_code == gone.status_code == 404
    assert room.events.kept == []


def test_every_look_is_an_event(room: Room) -> None:
    """Of pages and of files, with who looked; the text stands in none of them."""
    answer = room.get()
    assert SPOKEN.partition("Karin")[0] in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    file = room.get(f"review/{REQUEST}/files/{numbers(room.case)['fil 1.txt']}")
    assert (file.content, file.headers["content-disposition"].partition(";")[0]) == (b"two", "attachment")
    assert "sandbox" in file.headers["content-security-policy"]
    number = numbers(room.case)["fil 1.txt"]
    assert room.events.kept == [
        ("review_viewed", {"page": 1, "items": 10, "records": 0, "by": "one"}),
        ("review_viewed", {"item": number, "by": "one"}),
    ]


def test_a_decision_needs_the_page_it_came_from(room: Room) -> None:
    """Another's token, none, or a form from elsewhere: nothing is decided."""
    number = numbers(room.case)[SPOKEN]
    others = re.search(r'name="token" value="([0-9a-f]+)"', room.get(user="two").text).group(1)  # type: ignore[union-attr]
    for answer in (
        room.post(str(number), verdict="released", token=""),
        room.post(str(number), verdict="released", token=others),
        room.post(str(number), verdict="released", headers={"origin": "https://evil.example"}),
        room.post("page/1", token=others),
    ):
        assert answer.status_code == 403
    assert list(review.verdicts(room.case)) == []


def test_what_is_ticked_and_typed_is_hidden(room: Room) -> None:
    """And shown so when the page comes again; wrong choices are told."""
    number = numbers(room.case)[SPOKEN]
    assert room.post(str(number), verdict="masked", also="").status_code == 409
    answer = room.post(str(number), verdict="masked", m=KARIN, also="FAKTURAN\n\n")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"#item-{number}")
    decided = review.verdict(room.case, number)
    assert decided is not None
    hidden = [SPOKEN[mask.start : mask.end] for mask in decided.masks]
    assert (decided.verdict, hidden, decided.by) == ("masked", ["Karin Berg", "fakturan"], "one")
    shown = room.get().text
    assert ">fakturan</textarea>" in shown
    assert "masked by one" in shown
    assert room.post(str(number), verdict="perhaps").status_code == 409
    assert room.post("999", verdict="released").status_code == 409
    told = [detail for kind, detail in room.events.kept if kind == "review_decided"]
    assert told == [{"item": number, "verdict": "masked", "by": "one", "masks": 2}]


def test_an_old_page_decides_nothing(room: Room) -> None:
    """Neither about another text under the same number, nor against what somebody else has decided since, nor by taking
    what was proposed for something else."""
    number = numbers(room.case)[SPOKEN]
    old = room.get().text
    shown = re.findall(r'name="state"\s+value="([0-9a-f.]+)"', _article(old, str(number)))
    all_shown = re.findall(r'name="state"\s+value="([0-9a-f.]+)"', old.rpartition("<nav")[2])
    assert room.post(str(number), user="two", verdict="withheld").status_code == 303
    assert room.post(str(number), verdict="released", state=shown).status_code == 409
    assert room.post("page/1", state=[]).status_code == 303
    assert len(dict(review.verdicts(room.case))) == 1
    room.case.write_json("others/salesforce", [{"name": "Mina Egna", "email": [], "phone": []}])
    assert room.post("page/1", state=all_shown).status_code == 303
    decided = dict(review.verdicts(room.case))
    assert decided[number].verdict == "withheld"
    assert numbers(room.case)[HOSTILE] not in decided, "it was shown with other proposals"


def test_a_word_to_hide_that_stands_nowhere_hides_nothing_silently(room: Room) -> None:
    """However its letters are composed, it is found; where it isn't, nothing is decided."""
    number = numbers(room.case)[SPOKEN]
    assert room.post(str(number), verdict="masked", also="fakturan\nFakturren").status_code == 409
    assert review.verdict(room.case, number) is None
    composed = unicodedata.normalize("NFC", "Åsa Öberg")
    for text in (unicodedata.normalize("NFD", f"med {composed} om"), f"med {composed} om", "med Åsa\u00a0  Öberg om"):
        assert also_hidden(text, f" {composed} ")
    assert also_hidden(json.dumps({"x": "Åsa"}), "Åsa")


def test_taking_what_is_proposed_leaves_files_and_what_was_decided(room: Room) -> None:
    """Files nobody has opened aren't taken along."""
    by_text = numbers(room.case)
    room.post(str(by_text[SPOKEN]), verdict="withheld", ground="confidential")
    assert room.post("page/1").status_code == 303
    decided = dict(review.verdicts(room.case))
    assert {text for text, number in by_text.items() if number not in decided} == {"fil 0.txt", "fil 1.txt"}
    assert decided[by_text[SPOKEN]].ground == "confidential"
    assert decided[by_text[HOSTILE]].verdict == "masked"


def test_two_look(strict_room: Room) -> None:
    """The page says who is needed; who decided isn't offered to agree."""
    number = numbers(strict_room.case)[SPOKEN]
    strict_room.post(str(number), verdict="released")
    assert 'value="agree"' not in strict_room.get(user="one").text
    assert 'value="agree"' in strict_room.get(user="two").text
    assert strict_room.post(str(number), user="one", verdict="agree").status_code == 409
    assert strict_room.post(str(number), user="two", verdict="agree").status_code == 303
    decided = review.verdict(strict_room.case, number)
    assert decided is not None
    assert (decided.by, decided.seconded) == ("one", "two")


@pytest.mark.browser
def test_by_keys_alone(browser: "playwright.Browser", room: Room) -> None:
    """Next, release, mask, withhold; the counts follow, nothing reloads, hostile text runs nothing."""
    by_text = numbers(room.case)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{room.url}/review/{REQUEST}")
    assert page.title() == f"Review · {REQUEST}"
    assert page.evaluate("document.activeElement.id") == "item-1"
    page.keyboard.press("j")
    page.keyboard.press("k")
    for number, item in sorted((number, text) for text, number in by_text.items()):
        assert page.evaluate("document.activeElement.id") == f"item-{number}"
        key = {SPOKEN: "m", HOSTILE: "w"}.get(item, "r")
        page.keyboard.press(key)
        page.wait_for_selector(f"#item-{number}:not([data-state=open])")
    assert page.inner_text("#open") == "0"
    decided = {number: verdict.verdict for number, verdict in review.verdicts(room.case)}
    assert (decided[by_text[SPOKEN]], decided[by_text[HOSTILE]]) == ("masked", "withheld")
    assert set(decided.values()) == {"masked", "withheld", "released"}
    assert [text for text in said if "Content Security Policy" in text] == []
    assert page.title() == f"Review · {REQUEST}"
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (320, "dark"),
        *(
            pytest.param(*look, marks=pytest.mark.thorough)
            for look in ((320, "light"), (1280, "light"), (1280, "dark"))
        ),
    ],
)
def test_everybody_can_use_it(browser: "playwright.Browser", room: Room, width: int, scheme: str) -> None:
    """WCAG 2.2 AA as far as axe-core sees; without script too."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    room.post(str(numbers(room.case)[SPOKEN]), verdict="masked", m=KARIN)
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{room.url}/review/{REQUEST}")
    result = axe.run(page, options={"runOnly": AXE})
    assert result.violations_count == 0, result.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.url}/review/{REQUEST}")
    number = numbers(room.case)["Mina egna ord."]
    page.click(f"#item-{number} button[value=released]")
    page.wait_for_url(re.compile(rf"#item-{number}$"))
    assert "released by one" in page.inner_text(f"#item-{number} output")
    context.close()


def doubt(case: CaseFile) -> Finding:
    """Puts evidence of a doubtful record into the case."""
    led = ((Identifier("phone", "+46851740610"), "common"),)
    finding = Finding("salesforce", CASE, "500A", "doubtful", 35, led, ("no_name",), "Berit <b>Lind</b>", single=True)
    sure = Finding("salesforce", CASE, "500B", "theirs", 100, (), (), "Edla Kvarn")
    kept = {"source": "salesforce", "reasons": {}, "findings": [sure.as_json(), finding.as_json()]}
    case.write_json("evidence/salesforce", kept)
    return finding


def test_whose_a_record_is(room: Room) -> None:
    """Shown is what is needed to tell; the decision needs the page's token, and is an event without the record's id."""
    finding = doubt(room.case)
    page = room.get().text
    assert "Berit &lt;b&gt;Lind&lt;/b&gt;" in page
    assert "Surely theirs: Edla Kvarn; the request came from edla@example.com" in page
    assert "+46851740610" in page
    assert "500A" not in page
    path = "records/1"
    assert room.post(path, verdict="theirs", token="").status_code == 403
    assert room.post(path, verdict="perhaps").status_code == 400
    changed = judging.evidence_of(replace(finding, person="Bertil Ek"))
    assert room.post(path, verdict="theirs", evidence=changed).status_code == 409
    assert judging.doubts(room.case) == judging.Doubts(1, 0)
    assert room.post(path, user="two", verdict="theirs").status_code == 303
    assert judging.doubts(room.case) == judging.Doubts(0, 1)
    assert "theirs, says" in room.get().text
    (event,) = [detail for kind, detail in room.events.kept if kind == "record_judged"]
    assert (event["theirs"], event["by"], event["source"], event["score"]) == (True, "two", "salesforce", 35)
    assert "500A" not in str(room.events.kept)
