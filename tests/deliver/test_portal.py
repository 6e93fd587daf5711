"""The download page: looking changes nothing, link and code together open the package's page, everything else is one
answer."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from counter_hall import NOW, Clock, Office, a_zip
from served import served

from dsr.web.portal import create_app

CODE = "7K3F-9QXM-2HTP"


def opened(office: Office, request_id: str, size: int = 0) -> bytes:
    """A case whose package can be had with that request's link and CODE."""
    content = a_zip(size)
    case = office.case(request_id, package=content)
    case.write_json("delivery/released", {"sha256": hashlib.sha256(content).hexdigest()})
    office.links.create(request_id, link_of(request_id), CODE, NOW + timedelta(days=14), NOW)
    return content


def link_of(request_id: str) -> str:
    return hashlib.sha256(request_id.encode()).hexdigest()[:32]


def ask(url: str, link: str, code: str, **more: str) -> httpx.Response:
    return httpx.post(f"{url}/package", data={"link": link, "code": code, **more})


@contextmanager
def visiting(url: str, request_id: str) -> Iterator[httpx.Client]:
    """Somebody who has entered link and code, with their cookie."""
    with httpx.Client(base_url=url, headers={"accept-language": "sv"}) as client:
        answer = client.post("/package", data={"link": link_of(request_id), "code": CODE})
        assert answer.status_code == 303
        yield client


def test_link_and_code_give_the_package(portal: str, office: Office) -> None:
    content = opened(office, "dsr-download", 300_000)
    answer = ask(portal, link_of("dsr-download"), CODE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/package?lang=sv")
    assert office.ledger.events("dsr-download") == []
    with visiting(portal, "dsr-download") as client:
        page = client.get("/package?lang=sv")
        assert page.status_code == 200
        assert '<a class="button" id="download" href="/package/dsr-download.zip" download>' in page.text
        assert office.ledger.events("dsr-download") == []
        response = client.get("/package/dsr-download.zip")
    assert response.status_code == 200
    assert response.content == content
    assert response.headers["content-disposition"] == 'attachment; filename="dsr-download.zip"'
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["cache-control"] == "no-store"
    detail = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "first": 0}
    detail["last"] = len(content) - 1
    events = [(event.kind, event.detail) for event in office.ledger.events("dsr-download")]
    assert events == [("download_begun", detail), ("downloaded", detail)]
    with visiting(portal, "dsr-download") as client:
        assert client.get("/package/dsr-download.zip").content == content
    assert len(office.ledger.events("dsr-download")) == 4


def test_only_the_package_that_was_released(portal: str, office: Office) -> None:
    """Composed anew after the delivery, or just being so: the old link gives nothing until a person releases it."""
    content = opened(office, "dsr-recomposed")
    case = office.cases.open("dsr-recomposed")
    case.write_json("package.json", {"sha256": "0" * 64, "bytes": len(content), "files": 1})
    assert ask(portal, link_of("dsr-recomposed"), CODE).status_code == 403
    case.remove("package.json")
    assert ask(portal, link_of("dsr-recomposed"), CODE).status_code == 403
    case.remove("delivery/released")
    assert ask(portal, link_of("dsr-recomposed"), CODE).status_code == 403
    assert not office.ledger.events("dsr-recomposed")


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("{}", "7k3f 9qxm 2htp"),
        ("{}", "7K3F9QXM2HTP"),
        (" https://portal.example/?lang=sv#{}.1796000000 ", CODE),
        ("https://portal.example/#{}", CODE),
    ],
)
def test_as_people_paste_it(portal: str, office: Office, link: str, code: str) -> None:
    opened(office, "dsr-pasted00")
    assert ask(portal, link.format(link_of("dsr-pasted00")), code).status_code == 303


def test_looking_changes_nothing(portal: str, office: Office) -> None:
    """Link previews, scanners, a bare POST: the link still works after any number of them."""
    opened(office, "dsr-looked00")
    paths = ("/", f"/?link={link_of('dsr-looked00')}&code={CODE}", "/done", "/package", "/package/dsr-looked00.zip",
             "/package/dsr-looked00.zip.001", "/package/dsr-looked00.zip.minisig", "/package/end")  # fmt: skip
    for _ in range(office.settings.code_attempts + 2):
        for method in ("GET", "HEAD", "OPTIONS"):
            for path in paths:
                answer = httpx.request(method, portal + path)
                assert answer.status_code in (200, 403, 405)
                assert "set-cookie" not in answer.headers
        assert httpx.post(f"{portal}/package").status_code == 403
        assert httpx.post(f"{portal}/package?link={link_of('dsr-looked00')}&code={CODE}").status_code == 403
    assert office.ledger.events("dsr-looked00") == []
    assert ask(portal, link_of("dsr-looked00"), CODE).status_code == 303


def test_whatever_does_not_fit_looks_the_same(portal: str, office: Office, clock: Clock) -> None:
    opened(office, "dsr-constant")
    opened(office, "dsr-closed00")
    office.cases.open("dsr-closed00").close()
    link = link_of("dsr-constant")
    answers = [
        ask(portal, link, "0000-0000-0000"),
        ask(portal, "x" * 32, CODE),
        ask(portal, "", ""),
        ask(portal, link, ""),
        httpx.post(f"{portal}/package", data={"link": link, "code": CODE}, headers={"origin": "https://evil.example"}),
    ]
    answers.append(ask(portal, link_of("dsr-closed00"), CODE))
    clock.now = NOW + timedelta(days=14)
    answers.append(ask(portal, link, CODE))
    assert {a.status_code for a in answers} == {403}
    assert len({re.sub(r'value="[^"]*"', "", a.text) for a in answers}) == 1
    assert len({tuple(sorted(a.headers.keys())) for a in answers}) == 1
    kinds = [e.kind for e in office.ledger.events("dsr-constant")]
    assert kinds
    assert set(kinds) == {"code_refused"}


def test_guessing_is_capped(portal: str, office: Office) -> None:
    opened(office, "dsr-guessing")
    for n in range(office.settings.code_attempts):
        assert ask(portal, link_of("dsr-guessing"), f"0000-0000-{n:04d}").status_code == 403
    assert ask(portal, link_of("dsr-guessing"), CODE).status_code == 403


def test_nothing_is_remembered_or_told(portal: str) -> None:
    for response in (
        httpx.get(portal), ask(portal, "x", "y"), httpx.get(f"{portal}/nowhere"), httpx.put(portal),
        httpx.get(f"{portal}/package"), httpx.get(f"{portal}/package/x.zip"), httpx.post(f"{portal}/package/x.zip"),
    ):  # fmt: skip
        headers = response.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "set-cookie" not in headers
        assert "strict-transport-security" not in headers  # served over http here


def test_markup_that_is_typed_stays_text(portal: str) -> None:
    response = ask(portal, '"><script>alert(1)</script>', "<b>")
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text


def test_a_form_that_is_too_large(portal: str) -> None:
    assert ask(portal, "x" * 100_000, CODE).status_code == 403
    assert httpx.post(f"{portal}/package", content=b"\xff" * 100).status_code == 403


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "", "sv"), ("", "sv-SE,sv;q=0.9,en;q=0.8", "sv"), ("", "en-GB,en;q=0.9", "en"),
        ("", "de-DE,de;q=0.9,sv;q=0.1", "sv"), ("", "fi", "en"), ("", "en;q=0.2, sv;q=0.9", "sv"),
        ("?lang=en", "sv", "en"), ("?lang=sv", "en", "sv"), ("?lang=<x>", "en", "en"), ("", "*", "sv"),
    ],
)  # fmt: skip
def test_language(portal: str, query: str, accept: str, language: str) -> None:
    response = httpx.get(f"{portal}/{query}", headers={"accept-language": accept})
    assert f'<html lang="{language}">' in response.text
    assert response.headers["content-language"] == language


def test_what_nobody_foresaw_goes_out_with_the_same_headers(
    office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = office.counter(clock)
    monkeypatch.setattr(type(counter.links), "redeem", lambda *_: 1 / 0)
    with served(create_app(counter)) as url:
        answer = httpx.post(f"{url}/package", data={"link": "x", "code": "y"})
        assert answer.status_code == 500
        usual = httpx.get(url).headers
    for name in ("content-security-policy", "cache-control", "x-content-type-options", "referrer-policy"):
        assert answer.headers[name] == usual[name]


def test_storage_away_is_not_the_persons_fault(portal: str, office: Office) -> None:
    opened(office, "dsr-storeaway")
    original, office.links.redeem = office.links.redeem, _unavailable
    try:
        response = ask(portal, link_of("dsr-storeaway"), CODE)
    finally:
        office.links.redeem = original
    assert response.status_code == 503
    assert "några minuter" in response.text
    with visiting(portal, "dsr-storeaway") as client:
        store, office.cases.open = office.cases.open, _unavailable
        try:
            answers = [client.get("/package"), client.get("/package/dsr-storeaway.zip")]
        finally:
            office.cases.open = store
        assert [a.status_code for a in answers] == [503, 503]
        assert client.get("/package/dsr-storeaway.zip").status_code == 200


def _unavailable(*_: object) -> None:
    from dsr.errors import TransientError

    raise TransientError("database.unavailable", "links")


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("encryption", ["none", "zip", "age"])
def test_the_page_says_what_there_is(portal: str, office: Office, language: str, encryption: str) -> None:
    """In words and in the controller's zone, without any script: what, how large, made when, until when, how to open
    it, how to check, ask and complain."""
    request_id = f"dsr-says-{encryption}-{language}"
    content = opened(office, request_id)
    office.describe(office.cases.open(request_id), content, encryption)
    with visiting(portal, request_id) as client:
        page = client.get(f"/package?lang={language}").text
    assert "<script" not in page
    english = language == "en"
    expected = {
        hashlib.sha256(content).hexdigest(),
        f"{len(content)}\u00a0B",
        "20 November 2026, 10:30 CET" if english else "20 november 2026 kl. 10:30 CET",  # made
        "20 November 2026, 11:30 CET" if english else "20 november 2026 kl. 11:30 CET",  # session
        "4 December 2026, 10:30 CET" if english else "4 december 2026 kl. 10:30 CET",
        "imy@imy.se",
        "dpo@controller.example",
        "Storgatan 1",
        request_id,
        {"none": "every computer" if english else "alla datorer", "zip": "7-Zip", "age": "age -d -i"}[encryption],
        "minisign -V -m",
    }
    assert [text for text in expected if text not in page] == []
    assert ("7-Zip" in page) == (encryption == "zip")


def test_small_and_from_nowhere_else(portal: str, office: Office) -> None:
    """All that the pages need is in them: below 50 kB each, no address of another host."""
    opened(office, "dsr-budget00")
    with visiting(portal, "dsr-budget00") as client:
        for path in ("/", "/package", "/confirm", "/number", "/done", "/package/nothing"):
            page = client.get(path)
            assert len(page.content) < 50_000
            assert re.findall(r"(?:src|href|action|url)\s*[=(]\s*[\"']?(?:\w+:)?//", page.text) == []
