"""Signature, checksum and public key: with the same link and code as the package, and under the same conditions."""

import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from counter_hall import NOW, Clock, Office
from served import served
from test_portal import CODE, ask, link_of, opened

from dsr.signing import Signer, verify
from dsr.web.portal import Counter, create_app


def test_all_three_fit_each_other(portal: str, office: Office, tmp_path: Path) -> None:
    content, link = opened(office, "dsr-proofs00", 50_000), link_of("dsr-proofs00")
    answers = [ask(portal, link, CODE, file=name) for name in ("package", "signature", "checksum")]
    assert {a.status_code for a in answers} == {200}
    names = [re.fullmatch(r'attachment; filename="(.+)"', a.headers["content-disposition"])[1] for a in answers]
    assert names == ["dsr-proofs00.zip", "dsr-proofs00.zip.minisig", "dsr-proofs00.zip.sha256"]
    for name, answer in zip(names, answers, strict=True):
        (tmp_path / name).write_bytes(answer.content)
        assert answer.headers["cache-control"] == "no-store"
    done = subprocess.run(["sha256sum", "-c", names[2]], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    comment = verify(httpx.get(f"{portal}/signing-key.pub").text, answers[1].text, [content])
    assert "file:dsr-proofs00.zip " in comment
    assert hashlib.sha256(content).hexdigest() in comment
    told = [event.detail for event in office.ledger.events("dsr-proofs00")]
    sha256 = hashlib.sha256(content).hexdigest()
    assert told == [
        {"sha256": sha256, "bytes": len(content)},
        {"file": "signature", "sha256": sha256},
        {"file": "checksum", "sha256": sha256},
    ]


def test_a_package_for_a_key_has_its_own_extension(portal: str, office: Office) -> None:
    content, link = opened(office, "dsr-agefile0"), link_of("dsr-agefile0")
    office.describe(office.cases.open("dsr-agefile0"), content, "age")
    response = ask(portal, link, CODE)
    assert response.content == content
    assert response.headers["content-disposition"] == 'attachment; filename="dsr-agefile0.zip.age"'
    assert response.headers["content-type"] == "application/octet-stream"
    assert ask(portal, link, CODE, file="checksum").text.endswith("  dsr-agefile0.zip.age\n")


@pytest.mark.parametrize("wanted", ["signature", "checksum"])
def test_what_does_not_fit_counts_and_looks_the_same(portal: str, office: Office, wanted: str, clock: Clock) -> None:
    """Guessing at the signature uses up the same attempts as guessing at the package."""
    request_id = f"dsr-guess-{wanted}"
    opened(office, request_id)
    link = link_of(request_id)
    package = ask(portal, link, "0000-0000-0000")
    wrong = [ask(portal, link, "0000-0000-0000", file=wanted) for _ in range(office.settings.code_attempts - 1)]
    assert {(a.status_code, a.text) for a in wrong} == {(403, package.text)}
    for name in ("package", wanted):
        assert ask(portal, link, CODE, file=name).status_code == 403
    kinds = {event.kind for event in office.ledger.events(request_id)}
    assert kinds == {"code_refused"}


@pytest.mark.parametrize("wanted", ["signature", "checksum", "request", "../request", ""])
def test_only_of_the_package_that_was_released(portal: str, office: Office, wanted: str) -> None:
    request_id = f"dsr-only-{len(wanted)}-{wanted.strip('./')}-"
    opened(office, request_id)
    case, link = office.cases.open(request_id), link_of(request_id)
    case.write_json("delivery/released", {"sha256": "0" * 64})
    assert ask(portal, link, CODE, file=wanted).status_code == 403
    case.remove("package.json")
    assert ask(portal, link, CODE, file=wanted).status_code == 403
    assert office.ledger.events(request_id) == []


def test_nothing_else_of_a_case_can_be_had(portal: str, office: Office) -> None:
    opened(office, "dsr-nothingelse")
    for wanted in ("request", "package.json", "package.password", "delivery/state"):
        assert ask(portal, link_of("dsr-nothingelse"), CODE, file=wanted).status_code == 403


def test_a_package_of_before_has_no_signature(portal: str, office: Office) -> None:
    opened(office, "dsr-unsigned")
    office.cases.open("dsr-unsigned").remove("package.minisig")
    response = ask(portal, link_of("dsr-unsigned"), CODE, file="signature")
    assert (response.status_code, "utan signatur" in response.text) == (404, True)
    assert ask(portal, link_of("dsr-unsigned"), CODE, file="checksum").status_code == 200


def test_the_key_is_public(office: Office, clock: Clock) -> None:
    former = Signer(bytes(32)).public_key.splitlines()[1]
    settings = replace(office.settings, signing_key=bytes(range(1, 33)), former_public_keys=(former,))
    desk = office.challenges, office.post.mail
    counter = Counter(settings, office.links, office.cases, office.ledger, *desk, now=lambda: NOW)
    with served(create_app(counter)) as url:
        response, page = httpx.get(f"{url}/signing-key.pub"), httpx.get(url)
    own = Signer(settings.signing_key).public_key
    assert response.text.splitlines()[:2] == own.splitlines()
    assert former in response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert own.splitlines()[1] in page.text.replace("&#43;", "+")
    assert "tidigare nycklar" in page.text
