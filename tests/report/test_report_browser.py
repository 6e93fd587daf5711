"""The report in a real browser: it opens from the file system, loads nothing, runs nothing, and anyone can read it."""

import time
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from made_up_documents import Answer, processing, said

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HOSTILE = [
    "<script>document.title='ran'</script>",
    '"><img src=x onerror="document.title=\'ran\'">',
    "'><svg/onload=document.title='ran'>",
    "</style><script>document.title='ran'</script><style>",
    "--></title></textarea><script>document.title='ran'</script>",
    "<base href=https://evil.example/><link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'><iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input autofocus onfocus=\"document.title='ran'\">",
    "javascript:document.title='ran'",
    "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}${7*7}",
    "body{background:url(https://evil.example/)}",
    "\u202egnp.exe\u202d\u2066\u2067 txet",
    "ولد في \u200f2001\u200e (x)",
    "\x00\x01\x1b[31m\x7f\x85\ufffe",
    "\ud800 alone \udfff",
    "W" * 3_000,
    "Hjälp<b onclick=1>! " * 5_000,
    "\n" * 50 + "\t" * 50,
    "&lt;script&gt;&amp;&#x3c;",
]


def hostile() -> Answer:
    """Naughty strings in every place where something stands that isn't ours."""
    records = [
        (
            f"{text[:200]}{n}".encode("utf-8", "replace").decode(),
            {"at": text, "text": text, "nested": {text[:50]: [text, {text: text}]}, text: text},
        )
        for n, text in enumerate(HOSTILE)
    ]
    answer = Answer({("crm", "interactions", "diary"): records})
    document, everything = answer.document, " ".join(HOSTILE[:14]).replace("\x00", "")
    for part in ("title", "title_sv"):
        document["categories"][0]["datasets"][0][part] = everything
    document["sources"][0]["title"] = document["search"][0]["title"] = everything
    document["search"][0]["words"] = said(everything)
    document["search"][0]["doubtful"] = 1
    values = [
        {"value": text, "records": 1, "provenance": [{"source": "crm", "dataset": "diary", "field": text,
         "source_id": text, "extracted_at": text}]} for text in HOSTILE
    ]  # fmt: skip
    document["profile"] = {"attributes": {"name": {"conflict": True, "more_values": 3, "values": values}}}
    for text in HOSTILE:
        answer.attach(text, "wav", "audio/wav", "crm", "diary")
        answer.attach(text, "bin", text, "crm", "diary")
    document["withheld"] = [
        {"source": "crm", "dataset": "diary", "ground": "third_party", "count": 1, "words": said(everything)}
    ]
    document["invalid"] = [{"source": "crm", "dataset": "diary", "rule": everything, "count": 1}]
    document["processing"] = processing(everything)
    for name in ("values", "inputs"):
        for entry in document["processing"]["profiling"][0][name]:
            entry["dataset"] = "diary"
    return answer


def ordinary(rows: int = 30) -> Answer:
    """A little of everything, one system missing."""
    records = [
        (f"n{n}", {"at": f"20{10 + n % 16}-0{1 + n % 9}-11T12:00:00+01:00", "text": f"rad {n} " * (1 + 80 * (n == 3)),
                   "count": n, "seen": n % 2 == 0, "nested": {"djup": [n, {"mer": None}]}})
        for n in range(rows)
    ]  # fmt: skip
    answer = Answer({("crm", "interactions", "diary"): records})
    answer.attach("Samtal med Åsa.wav", "wav", "audio/wav", "crm", "diary")
    answer.attach("Avtal.pdf", "pdf", "application/pdf", "crm", "diary")
    answer.attach("bild.svg", "svg", "image/svg+xml", "crm", "diary")
    answer.missing("billing", "failed")
    document = answer.document
    document["processing"] = processing()
    document["processing"]["unsettled"] = [
        {"row": "calls", "blank": ["retention"], "confirmed": False, "words": said("calls: retention")}
    ]
    document["withheld"] = [
        {"source": "crm", "dataset": "diary", "ground": "third_party", "count": 2, "words": said("Artikel 15.4")}
    ]
    origin = {"source": "crm", "dataset": "diary", "field": "text", "source_id": "n1", "extracted_at": "x"}
    value = {"value": "Åsa", "records": 2, "provenance": [origin]}
    document["profile"] = {"attributes": {"name": {"conflict": True, "more_values": 0, "values": [value, value]}}}
    return answer


class Visit:
    """A page with all that it asked for, said and opened."""

    def __init__(self, context: Any, path: Path) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.goto(path.as_uri())


class Elsewhere:
    """A server on loopback that notes what it is asked for."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.asked = asked
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/x"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    running = Elsewhere()
    thread = Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


@pytest.fixture(scope="module")
def ordinary_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ordinary().write(tmp_path_factory.mktemp("ordinary")).parent


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile().write(tmp_path_factory.mktemp("hostile")).parent


@pytest.mark.parametrize("width", [375, pytest.param(1280, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", ["index.html", "index.en.html"])
def test_hostile_values_run_nothing_and_load_nothing(browser: Any, hostile_folder: Path, name: str, width: int) -> None:
    """With the policy, and without it: escaping alone has to hold. Everything unfolded, and nothing wider than the
    page."""
    for bypass in (False, True):
        context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=bypass)
        visit = Visit(context, hostile_folder / name)
        title = visit.page.title()
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        visit.page.wait_for_timeout(200)
        assert visit.requests == [(hostile_folder / name).as_uri()]
        assert visit.said == []
        assert visit.page.title() == title != "ran"
        assert visit.page.url.startswith("file://")
        foreign = "script, iframe, img, form, input, base, link, object, embed, style ~ style, b, [onclick], [onerror]"
        assert visit.page.locator(foreign).count() == 0
        hrefs = visit.page.eval_on_selector_all(
            "[href], [src]", "all => all.map(one => one.getAttribute('href') || one.getAttribute('src'))"
        )
        assert all(
            href.replace("-", "").replace("_", "").replace("/", "").replace(".", "").lstrip("#").isalnum()
            for href in hrefs
        )
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        context.close()


def test_the_policy_stops_what_would_get_through(
    browser: Any, ordinary_folder: Path, tmp_path: Path, elsewhere: "Elsewhere"
) -> None:
    """A script, a style and a picture put into the page by hand don't count; its own style does."""
    page = (ordinary_folder / "index.html").read_text(encoding="utf-8")
    smuggled = "<script>document.title='ran'</script><style>body{color:red}</style><img src='SERVER'>"
    (tmp_path / "index.html").write_text(
        page.replace("<main", smuggled.replace("SERVER", elsewhere.url) + "<main"), encoding="utf-8"
    )
    context = browser.new_context()
    visit = Visit(context, tmp_path / "index.html")
    assert visit.page.title() != "ran"
    color = visit.page.evaluate("getComputedStyle(document.body).color")
    assert color == "rgb(23, 33, 43)"
    assert sum("Content Security Policy" in text for text in visit.said) == 3
    context.close()
    assert elsewhere.asked == []


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), pytest.param(1280, "dark", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        pytest.param("index.en.html", marks=pytest.mark.thorough),
        "report/sv/diary-0001.html",
        pytest.param("report/en/diary-0001.html", marks=pytest.mark.thorough),
    ],
)
def test_anyone_can_read_it(browser: Any, ordinary_folder: Path, name: str, width: int, scheme: str) -> None:
    """axe-core finds no violation, unfolded or not."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    visit = Visit(context, ordinary_folder / name)
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for unfolded in (False, True):
        visit.page.evaluate(f"document.querySelectorAll('details').forEach(one => one.open = {str(unfolded).lower()})")
        found = axe.Axe().run(visit.page, options={"runOnly": {"type": "tag", "values": TAGS}}).response
        assert len(found["passes"]) > 25
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
    context.close()


def test_hostile_values_stay_accessible(browser: Any, hostile_folder: Path) -> None:
    """No value breaks the page's structure."""
    context = browser.new_context(viewport={"width": 375, "height": 800}, bypass_csp=True)
    visit = Visit(context, hostile_folder / "index.html")
    found = axe.Axe().run(visit.page, options={"runOnly": {"type": "tag", "values": TAGS}}).response
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
    context.close()


def test_the_ways_through_it(browser: Any, ordinary_folder: Path) -> None:
    """By keyboard past the contents, to the other language and back, to the pages of a dataset and back."""
    context = browser.new_context()
    page = Visit(context, ordinary_folder / "index.html").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.click(".switch a")
    page.wait_for_selector("html[lang=en]")
    page.click(".switch a")
    page.wait_for_selector("html[lang=sv]")
    page.click("a[href='report/sv/diary-0001.html']")
    assert page.locator("tbody tr").count() == 30
    page.click(".switch a")
    page.wait_for_selector("html[lang=en]")
    page.click(".back a")
    page.wait_for_selector("#d-crm-diary")
    assert page.url.endswith("index.en.html#d-crm-diary")
    context.close()


def test_sound_plays_and_files_are_saved(browser: Any, ordinary_folder: Path) -> None:
    """From the file system, under the policy; what a browser could run has no link at all."""
    path = ordinary_folder / "data/attachments/att-0001.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    context = browser.new_context()
    visit = Visit(context, ordinary_folder / "index.html")
    assert visit.requests == [(ordinary_folder / "index.html").as_uri()]
    visit.page.eval_on_selector(
        "audio", "one => new Promise(done => {one.oncanplay = done; one.load(); one.preload = 'auto'})"
    )
    assert visit.page.eval_on_selector("audio", "one => one.duration") == 1
    assert visit.page.get_attribute("a[href$='att-0002.pdf']", "download") == ""
    assert visit.page.locator("[href$='.svg'], [src$='.svg']").count() == 0
    assert "data/attachments/att-0003.svg" in visit.page.inner_text("#attachments")
    assert visit.said == []
    context.close()


def test_in_print_everything_stands_open(browser: Any, ordinary_folder: Path) -> None:
    """What is folded on screen, and no buttons that do nothing on paper."""
    context = browser.new_context()
    page = Visit(context, ordinary_folder / "index.html").page
    page.emulate_media(media="print")
    assert page.locator("nav.contents").is_hidden()
    assert page.locator("audio").first.is_hidden()
    assert page.evaluate(
        "[...document.querySelectorAll('.legend dl')].every(one => one.getBoundingClientRect().height > 0)"
    )
    assert len(page.pdf(format="A4")) > 10_000
    context.close()


def test_a_hundred_thousand_rows_open_at_once(browser: Any, tmp_path: Path) -> None:
    """In less than three seconds, each page of it too."""
    index = ordinary(100_000).write(tmp_path)
    context = browser.new_context()
    for path in (index, tmp_path / "report/sv/diary-0002.html"):
        started = time.monotonic()
        page = Visit(context, path).page
        page.wait_for_load_state("load")
        assert time.monotonic() - started < 3
    assert not (tmp_path / "report/sv/diary-0003.html").exists()
    assert "100 000" in page.inner_text(".note").replace("\u00a0", " ")
    context.close()
