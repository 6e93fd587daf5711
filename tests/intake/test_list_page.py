"""An erasure list from an officer's browser: taken in once, as a whole or not at all, by whom Airflow lets start it."""

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import console_desk
import httpx
import pytest
from console_desk import AXE, Console, look
from front_desk import NOW, FakeAirflow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import served
from starlette.formparsers import MultiPartParser

from dsr import listed
from dsr.airflow_client import AirflowClient
from dsr.erasurelist import CHUNK, ErasureList
from dsr.errors import TransientError
from dsr.web import console, lists
from dsr.web.intake import Desk

playwright = pytest.importorskip("playwright.sync_api")
FILE = "email;customer_number\nEdla.Kvarn@example.com;K-1\nörjan@example.com;\n".encode()
WHY = "no_longer_needed"


class Room(NamedTuple):
    """The pages, and what they stand on."""

    pages: Console
    desk: Desk

    def form(self, user: str = "officer") -> dict[str, str]:
        """The hidden fields of a new form."""
        page = self.pages.get("lists", user).text
        return {n: html.unescape(v) for n, v in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)}

    def send(self, file: bytes | None = FILE, user: str = "officer", **fields: str) -> httpx.Response:
        """The form, filled in so; None = no file was chosen."""
        sent = {"step": "take", "reason": WHY, **({} if "token" in fields else self.form(user)), **fields}
        files = {"file": ("people.csv", file or b"", "text/csv")}
        return httpx.post(
            f"{self.pages.url}/lists", data=sent, files=files, headers={"x-user": user}, trust_env=False, timeout=60
        )

    def lists(self) -> list[str]:
        """Those that there are."""
        return [name for name in self.desk.cases.cases() if name.startswith("list-")]


@contextmanager
def opened(desk: Desk, airflow_url: str) -> Iterator[Room]:
    own = console.Desk(
        desk.settings, desk.cases, desk.ledger, console_desk._reviewing, console_desk._visiting, console_desk._alone,
        lambda: NOW,
    )  # fmt: skip
    start = AirflowClient(airflow_url, "dsr", "pw").start_list
    with served(console.create_app(own, lists.routes(own, desk.deliveries, start))) as url:
        yield Room(Console(url, own), desk)


@pytest.fixture
def room(desk: Desk, airflow_url: str) -> Iterator[Room]:
    with opened(desk, airflow_url) as at:
        yield at


def test_a_list_is_taken_in_and_its_run_is_started(room: Room, airflow: FakeAirflow) -> None:
    """Looking at it first takes nothing in."""
    looked = room.send(step="check")
    assert (looked.status_code, room.lists(), airflow.runs) == (200, [], {})
    assert "2 people" in looked.text
    done = room.send()
    assert done.status_code == 303
    (list_id,) = room.lists()
    assert done.headers["location"] == f"/lists/{list_id}"
    assert airflow.runs[list_id] == {
        "dag": "dsr_erasure_list", "dag_run_id": list_id, "logical_date": None, "conf": {"list_id": list_id},
    }  # fmt: skip
    taken = ErasureList(room.desk.cases.open(list_id))
    people = {(line.email, line.customer_number) for line in taken.lines(1)}
    assert people == {("edla.kvarn@example.com", "K-1"), ("örjan@example.com", "")}
    events = room.desk.ledger.events(list_id)
    assert [(e.kind, e.detail) for e in events] == [
        ("list_received", {"people": 2, "reason": WHY, "by": "officer"})
    ]  # fmt: skip
    page = room.pages.get(f"lists/{list_id}").text
    assert re.search(r"not begun</th><td class=\"number\">2<", page)
    assert f"/dags/dsr_erasure_list/runs/{list_id}" in page
    assert list_id in room.pages.get("lists").text
    for text in (page, room.pages.get("lists").text, str(events)):
        assert "kvarn" not in text.lower()


def test_sent_again_it_is_one_list(room: Room, airflow: FakeAirflow) -> None:
    """By a double click, and by who saw no answer; another file under the same form is refused."""
    form = room.form()
    with ThreadPoolExecutor(4) as clicks:
        answers = list(clicks.map(lambda _: room.send(**form), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == len(room.lists()) == len(airflow.runs) == 1
    other = room.send(b"email\nelse@example.com\n", **form)
    assert other.status_code == 422
    assert "sent before, with another file" in other.text
    (list_id,) = room.lists()
    room.desk.cases.open(list_id).close()
    assert room.send(**form).headers["location"] == f"/lists/{list_id}"
    assert room.lists() == [], "what has ended isn't begun again"
    assert len(room.desk.ledger.events(list_id)) == 1


def test_broken_off_it_goes_on(room: Room, airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it was all put down, the same form takes it in; with Airflow down, its page starts it later."""
    form = room.form()
    with monkeypatch.context() as down:
        down.setattr(type(room.desk.ledger), "append", _fails)
        page = room.send(**form)
    assert page.status_code == 422
    assert "not known to be kept (connection.failed)" in page.text
    assert "Nothing was taken in" not in page.text
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert again == form, "what is sent once more is the same list"
    airflow.refuse = 503
    location = room.send(**form).headers["location"]
    assert (len(room.lists()), airflow.runs) == (1, {})
    page = room.pages.get(location[1:]).text
    assert "Start its run" in page
    token = room.form()["token"]
    assert room.pages.post(f"{location[1:]}/start", token=token).status_code == 503
    airflow.refuse = 0
    for _ in range(2):
        assert room.pages.post(f"{location[1:]}/start", token=token).status_code == 303
    assert list(airflow.runs) == room.lists()
    assert room.pages.post("lists/dsr-unknown/start", token=token).status_code == 404


def _fails(*_: object, **__: object) -> None:
    raise TransientError("connection.failed", "ledger")


@pytest.mark.parametrize(
    ("file", "fields", "words"),
    [
        (b"email\na@b.example\n<b>no</b>\nA@b.example\n", {}, "Line 3, email, is no address."),
        (b"email\na@b.example\nA@b.example\n", {}, "Line 3, email, stands in line 2 already."),
        (b"mail\na@b.example\n", {}, "Line 1, email, is missing"),
        ("email\na@b.exämple\n".encode("latin-1"), {}, "The file is not UTF-8"),
        (None, {}, "Choose a file."),
        (FILE, {"reason": "spite"}, "Say why their data is to go."),
        (FILE, {"key": "old"}, "too old"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_taken_in(
    room: Room, airflow: FakeAirflow, file: bytes | None, fields: dict[str, str], words: str
) -> None:
    """By line and column, without a value of the file."""
    for step in ("check", "take"):
        page = room.send(file, step=step, **room.form() | fields)
        assert page.status_code == 422
        assert words in page.text
        assert "&lt;b&gt;" not in page.text
    assert (room.lists(), airflow.runs) == ([], {})


def test_who_may(room: Room, airflow: FakeAirflow) -> None:
    """Whom Airflow lets start such a run, from our own page only; who may see such runs sees how lists stand."""
    (path,) = [room.send().headers["location"][1:]]
    form = room.form()
    for user, status in (("", 401), ("nobody", 403), ("erasures", 403), ("viewer", 200)):
        for page in ("lists", path):
            assert room.pages.get(page, user).status_code == status
        assert room.send(user=user, **form).status_code == (status if status != 200 else 403)
    assert 'type="file"' not in room.pages.get("lists", "viewer").text
    for token in ("", room.pages.desk.token("viewer", "lists"), room.pages.desk.token("officer", "entry")):
        assert room.send(**{**form, "token": token}).status_code == 403
    assert room.pages.get("lists/list-unknown").status_code == 404
    assert room.pages.post("lists", **form).status_code == 400
    assert len(room.lists()) == len(airflow.runs) == 1


def test_a_large_list_stays_in_memory_and_a_larger_one_is_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 people in 50 chunks; no temporary file at any time."""
    rolled: list[int] = []
    parsed = MultiPartParser.parse

    async def parse(self: MultiPartParser) -> Any:
        form = await parsed(self)
        rolled.extend(bool(f._rolled) for f in self._files_to_close_on_error)
        return form

    monkeypatch.setattr(MultiPartParser, "parse", parse)
    padding = "x" * 200
    content = "email,customer_number\n" + "".join(f"p{n}@{padding}.example,\n" for n in range(10_000))
    assert len(content) > 2 * MultiPartParser.spool_max_size
    list_id = room.send(content.encode()).headers["location"].rpartition("/")[2]
    assert rolled == [0]
    assert ErasureList(room.desk.cases.open(list_id)).chunks == 10_000 // CHUNK
    assert listed.standing(room.desk.ledger, list_id, 10_000) == {"not begun": 10_000}
    assert "10,000" in room.pages.get("lists").text
    monkeypatch.setattr(lists, "_MOST_BYTES", 1000)
    assert room.send(content.encode()).status_code == 413


PIECES = (
    b"--x", b"--x--", b"\r\n", b"\r\n\r\n", b'filename="a"', FILE, b'Content-Disposition: form-data; name="file"',
    b"Content-Type: text/csv; charset=klingon", b"name*=utf-8''%ff",
)  # fmt: skip
PART = st.one_of(st.binary(max_size=40), st.sampled_from(PIECES))


@given(st.lists(PART, max_size=12).map(b"".join), st.sampled_from(["; boundary=x", "", "; boundary=", ';boundary="x']))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_sent_breaks_it(room: Room, body: bytes, boundary: str) -> None:
    """Of the bytes of a form with a file."""
    answer = httpx.post(
        f"{room.pages.url}/lists", content=body, trust_env=False,
        headers={"content-type": f"multipart/form-data{boundary}", "x-user": "officer"},
    )  # fmt: skip
    assert answer.status_code in (400, 403)


@pytest.mark.browser
def test_in_a_browser(browser: "playwright.Browser", room: Room, airflow: FakeAirflow, tmp_path: Any) -> None:
    """Without script; nothing of the file is ever in an address."""
    wrong, right = tmp_path / "wrong.csv", tmp_path / "right.csv"
    wrong.write_bytes(FILE + b"nobody\n")
    right.write_bytes(FILE)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    visited: list[str] = []
    page.on("request", lambda request: visited.append(request.url))
    page.goto(f"{room.pages.url}/lists")
    page.check(f"input[value={WHY}]")
    page.set_input_files("#file", wrong)
    page.click("button[value=take]")
    assert "Line 4 has 1 cells, the header 2." in page.inner_text("[role=alert]")
    assert page.is_checked(f"input[value={WHY}]")
    page.set_input_files("#file", right)
    page.click("button[value=check]")
    assert "The file can be taken: 2 people" in page.inner_text("[role=status]")
    page.set_input_files("#file", right)
    page.click("button[value=take]")
    page.wait_for_url(re.compile(r"/lists/list-[a-z2-7]{26}$"))
    assert airflow.runs[page.url.rpartition("/")[2]]["dag"] == "dsr_erasure_list"
    page.click("text=Start its run")
    assert "Its run is started" in page.inner_text("[role=status]")
    assert not [url for url in visited if re.search(r"edla|kvarn|example\.com|csv", url, re.I)]
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.thorough)])
def test_everybody_can_use_it(
    browser: "playwright.Browser", room: Room, width: int, scheme: str, tmp_path: Any
) -> None:
    """WCAG 2.2 AA as far as axe-core sees: the form, what is wrong with a file, and a list."""
    path = room.send().headers["location"][1:]
    for name in ("lists", path):
        picture = tmp_path / f"{name.partition('/')[0]}-{name.count('/')}-{width}.png"
        look(browser, f"{room.pages.url}/{name}", width, scheme, picture).context.close()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    (tmp_path / "wrong.csv").write_bytes(FILE + b"nobody\n" * 30)
    page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
    page.goto(f"{room.pages.url}/lists")
    page.check(f"input[value={WHY}]")
    page.set_input_files("#file", tmp_path / "wrong.csv")
    page.click("button[value=take]")
    page.screenshot(path=tmp_path / f"wrong-{width}.png", full_page=True)
    result = axe.run(page, options={"runOnly": AXE})
    assert result.violations_count == 0, result.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
