"""The download page: looking changes nothing, link and code together give the file, everything else is one answer."""

import hashlib
import re
from datetime import timedelta

import httpx
import pytest
from counter_hall import NOW, Clock, Office, a_zip

LINK, CODE = "A" * 20 + "-_" + "b" * 10, "7K3F-9QXM-2HTP"


def opened(office: Office, request_id: str, size: int = 0) -> bytes:
    """A case whose package can be had with LINK of that request and CODE."""
    content = a_zip(size)
    case = office.case(request_id, package=content)
    case.write_json("delivery/released", {"sha256": hashlib.sha256(content).hexdigest()})
    office.links.create(request_id, link_of(request_id), CODE, NOW + timedelta(days=14), NOW)
    return content


def link_of(request_id: str) -> str:
    return hashlib.sha256(request_id.encode()).hexdigest()[:32]


def ask(url: str, link: str, code: str, **more: str) -> httpx.Response:
    return httpx.post(f"{url}/package", data={"link": link, "code": code, **more})


def test_link_and_code_give_the_package(portal: str, office: Office) -> None:
    content = opened(office, "dsr-download", 300_000)
    response = ask(portal, link_of("dsr-download"), CODE)
    assert response.status_code == 200
    assert response.content == content
    assert response.headers["content-disposition"] == 'attachment; filename="dsr-download.zip"'
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["cache-control"] == "no-store"
    (event,) = office.ledger.events("dsr-download")
    assert event.kind == "downloaded"
    assert event.detail == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert ask(portal, link_of("dsr-download"), CODE).status_code == 200
    assert len(office.ledger.events("dsr-download")) == 2


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
    assert ask(portal, link.format(link_of("dsr-pasted00")), code).status_code == 200


def test_looking_changes_nothing(portal: str, office: Office) -> None:
    """Link previews, scanners, a bare POST: the link still works after any number of them."""
    opened(office, "dsr-looked00")
    for _ in range(office.settings.code_attempts + 2):
        for method in ("GET", "HEAD", "OPTIONS"):
            for path in ("/", "/package", f"/?link={link_of('dsr-looked00')}&code={CODE}"):
                assert httpx.request(method, portal + path).status_code in (200, 405)
        assert httpx.post(f"{portal}/package").status_code == 403
        assert httpx.post(f"{portal}/package?link={link_of('dsr-looked00')}&code={CODE}").status_code == 403
    assert office.ledger.events("dsr-looked00") == []
    assert ask(portal, link_of("dsr-looked00"), CODE).status_code == 200


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
    for response in (httpx.get(portal), ask(portal, "x", "y"), httpx.get(f"{portal}/nowhere"), httpx.put(portal)):
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


def test_storage_away_is_not_the_persons_fault(portal: str, office: Office) -> None:
    opened(office, "dsr-storeaway")
    with httpx.Client() as client:
        original, office.links.redeem = office.links.redeem, _unavailable
        try:
            response = client.post(f"{portal}/package", data={"link": link_of("dsr-storeaway"), "code": CODE})
        finally:
            office.links.redeem = original
    assert response.status_code == 503
    assert "några minuter" in response.text


def _unavailable(*_: object) -> None:
    from dsr.errors import TransientError

    raise TransientError("database.unavailable", "links")


def test_a_large_package_costs_no_memory(portal: str, office: Office) -> None:
    """64 MiB through the portal in this process: the peak may grow by a few buffers only."""
    import resource

    piece = hashlib.sha512(b"noise").digest() * 1024 * 16
    case = office.case("dsr-large000")
    digest, size = hashlib.sha256(), 64 * len(piece)
    with case.writer("package") as file:
        for _ in range(64):
            file.write(piece)
            digest.update(piece)
    case.write_json("package.json", {"sha256": digest.hexdigest(), "bytes": size, "files": 1})
    case.write_json("delivery/released", {"sha256": digest.hexdigest()})
    office.links.create("dsr-large000", link_of("dsr-large000"), CODE, NOW + timedelta(days=14), NOW)
    ask(portal, "warm", "up")
    before, received = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, hashlib.sha256()
    data = {"link": link_of("dsr-large000"), "code": CODE}
    with httpx.stream("POST", f"{portal}/package", data=data, timeout=60) as response:
        assert response.headers["content-length"] == str(size)
        for chunk in response.iter_raw():
            received.update(chunk)
    assert received.hexdigest() == digest.hexdigest()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
