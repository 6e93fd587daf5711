"""Signature, checksum and public key: in the same session as the package, and under the same conditions."""

import hashlib
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from counter_hall import NOW, Clock, Office
from served import served
from test_portal import opened, visiting

from dsr.signing import Signer, made_at, verify
from dsr.web.portal import create_app


def test_all_three_fit_each_other(portal: str, office: Office, tmp_path: Path) -> None:
    content = opened(office, "dsr-proofs00", 50_000)
    names = [f"dsr-proofs00.zip{suffix}" for suffix in ("", ".minisig", ".sha256")]
    with visiting(portal, "dsr-proofs00") as client:
        for _ in range(2):
            answers = [client.get(f"/package/{name}") for name in names]
            heads = [client.head(f"/package/{name}") for name in names]
    assert {a.status_code for a in (*answers, *heads)} == {200}
    for name, answer, head in zip(names, answers, heads, strict=True):
        (tmp_path / name).write_bytes(answer.content)
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["cache-control"] == "no-store"
        assert (head.headers["content-length"], head.content) == (str(len(answer.content)), b"")
    done = subprocess.run(["sha256sum", "-c", names[2]], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0
    comment = verify(httpx.get(f"{portal}/signing-key.pub").text, answers[1].text, [content])
    assert "file:dsr-proofs00.zip " in comment
    assert made_at(answers[1].text) == NOW
    sha256 = hashlib.sha256(content).hexdigest()
    assert sha256 in comment
    told = [(event.kind, event.detail.get("file", "")) for event in office.ledger.events("dsr-proofs00")]
    proofs = [("downloaded", "signature"), ("downloaded", "checksum")]
    assert told == [("download_begun", ""), ("downloaded", ""), *proofs]
    assert {event.detail["sha256"] for event in office.ledger.events("dsr-proofs00")} == {sha256}


def test_a_package_for_a_key_has_its_own_extension(portal: str, office: Office) -> None:
    content = opened(office, "dsr-agefile0")
    office.describe(office.cases.open("dsr-agefile0"), content, "age")
    with visiting(portal, "dsr-agefile0") as client:
        response = client.get("/package/dsr-agefile0.zip.age")
        assert client.get("/package/dsr-agefile0.zip").status_code == 403
        assert client.get("/package/dsr-agefile0.zip.age.sha256").text.endswith("  dsr-agefile0.zip.age\n")
    assert response.content == content
    assert response.headers["content-disposition"] == 'attachment; filename="dsr-agefile0.zip.age"'
    assert response.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("change", ["composed", "composing", "closed", "replaced"])
def test_only_of_the_package_that_was_released(portal: str, office: Office, change: str) -> None:
    """Whatever becomes of the package, a session that was open before gives nothing of it, nor of the next one."""
    request_id = f"dsr-only-{change}"
    opened(office, request_id)
    case = office.cases.open(request_id)
    with visiting(portal, request_id) as client:
        assert client.get("/package").status_code == 200
        if change == "composed":
            case.write_json("delivery/released", {"sha256": "0" * 64})
        elif change == "composing":
            case.remove("package.json")
        elif change == "closed":
            case.close()
        else:
            office.describe(case, b"another package")
            case.write_json("delivery/released", {"sha256": hashlib.sha256(b"another package").hexdigest()})
        suffixes = ("", ".minisig", ".sha256")
        answers = [client.get("/package"), *(client.get(f"/package/{request_id}.zip{suffix}") for suffix in suffixes)]
    never = httpx.get(f"{portal}/package/x", headers={"accept-language": "sv"})
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, never.text)}
    assert office.ledger.events(request_id) == []


def test_nothing_else_of_a_case_can_be_had(portal: str, office: Office) -> None:
    opened(office, "dsr-nothingelse")
    opened(office, "dsr-neighbour")
    with visiting(portal, "dsr-nothingelse") as client:
        for wanted in (
            "request", "package.json", "package.password", "delivery/state", "..%2frequest", "dsr-nothingelse.zip.001",
            "dsr-nothingelse.zip.", "dsr-nothingelse.zip.minisig.001", "dsr-neighbour.zip", "dsr-nothingelse.zip.age",
            "dsr-nothingelse", ".minisig", ".sha256", ".001", "x.sha256",
        ):  # fmt: skip
            assert client.get(f"/package/{wanted}").status_code in (403, 404), wanted
    assert office.ledger.events("dsr-nothingelse") == []


def test_a_package_of_before_has_no_signature(portal: str, office: Office) -> None:
    opened(office, "dsr-unsigned")
    office.cases.open("dsr-unsigned").remove("package.minisig")
    with visiting(portal, "dsr-unsigned") as client:
        page = client.get("/package").text
        assert "utan signatur" in page
        assert "minisig" not in page
        assert "Gjord" not in page
        assert client.get("/package/dsr-unsigned.zip.minisig").status_code == 403
        assert client.get("/package/dsr-unsigned.zip.sha256").status_code == 200


def test_the_key_is_public(office: Office, clock: Clock) -> None:
    former = Signer(bytes(32)).public_key.splitlines()[1]
    opened(office, "dsr-publickey")
    changes = {"signing_key": bytes(range(1, 33)), "former_public_keys": (former,)}
    with served(create_app(office.counter(clock, **changes))) as url, visiting(url, "dsr-publickey") as client:
        response, page = client.get("/signing-key.pub"), client.get("/package")
    own = Signer(bytes(range(1, 33))).public_key
    assert response.text.splitlines()[:2] == own.splitlines()
    assert former in response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert own.splitlines()[1] in page.text.replace("&#43;", "+")
    assert "tidigare" in page.text
    assert re.search(r'href="/signing-key.pub" download', page.text)
