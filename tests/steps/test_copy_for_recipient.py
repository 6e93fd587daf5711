"""What goes to another controller: the data of Art. 20, and nothing that tells of any other."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pyrage
import pytest
from made_up_sources import AT, NOTE, PERSON, SETTINGS, Fake, declaration, email, phone, record, request
from test_package import Made

import dsr
from dsr.casefile import CaseFile
from dsr.package import COPY
from dsr.sealing import PASSWORD
from dsr.signing import Signer
from dsr.steps import compose

ASA = email("asa@kvarn.example")
SECRETS = ("third_party", "not_certain", "excluded-", "marketing", "pardot", "invoicing", "Interest")


def asked(case: CaseFile, **more: Any) -> None:
    case.write_json("request", {**request(right="portability"), "transmit_to": "example", **more})


def source() -> Fake:
    """Holds people, and notes whose free field nobody has described; one record of them is another's perhaps."""
    rows = {
        PERSON: [("003", {"email": "asa@kvarn.example", "name": "Åsa Öhrnqvist"})],
        NOTE: [("n1", {"text": "En anteckning", "extra-unmapped": "excluded-value"})],
    }
    shared = phone("+46851740610")
    people = (record("003", "Åsa", ASA, shared), record("box", "", shared))
    files = [("n1", "Samtal.wav", "wav", b"RIFF" * 500)]
    plain = declaration()
    portable = [replace(plain.datasets[0], processing="events"), *plain.datasets[1:]]
    return Fake(
        replace(plain, datasets=tuple(portable)), people, rows=rows, files=files, left_out=[(PERSON, "third_party", 2)]
    )


def copied(case: CaseFile) -> tuple[Made, zipfile.ZipFile, bytes]:
    made = Made(case, source(), Fake(replace(declaration("pardot"), datasets=())), unconnected=("invoicing",))
    compose.compose_copy(case, at=AT, settings=SETTINGS)
    with case.reader(COPY) as file:
        content = file.read()
    return made, zipfile.ZipFile(io.BytesIO(content)), content


def test_the_same_records_and_nothing_of_what_is_not_among_them(case: CaseFile) -> None:
    asked(case)
    made, copy, _ = copied(case)
    data = {name for name in made.zip.namelist() if name.startswith("data/")}
    assert data == {name for name in copy.namelist() if name.startswith("data/")}
    assert all(made.zip.read(name) == copy.read(name) for name in data)
    assert made.json("decisions.json")["excluded"]
    assert made.json("decisions.json")["withheld"]
    assert made.json("decisions.json")["doubtful"]
    rest = {name: copy.read(name).decode() for name in copy.namelist() if not name.startswith("data/")}
    document = json.loads(rest["document.json"])
    assert not any(document[part] for part in ("withheld", "excluded", "invalid", "search"))
    assert document["profile"] == {"attributes": {}}
    assert {line["name"] for line in document["sources"]} == {"salesforce"}
    assert "channel" not in document["request"]
    assert not any(dataset["unmapped"] for category in document["categories"] for dataset in category["datasets"])
    told = {name: text for name, text in rest.items() if not name.startswith("schemas/")}
    assert not [(name, word) for name, text in told.items() for word in SECRETS if word in text]
    assert not any("html" in name or "processing" in name or name.startswith("interop/") for name in rest)


def test_it_is_whole_and_read_in_as_every_package(case: CaseFile, tmp_path: Any) -> None:
    asked(case)
    _, _, content = copied(case)
    path = tmp_path / "copy.zip"
    path.write_bytes(content)
    signature, key = case.read_json(f"{COPY}.minisig"), Signer.from_settings(SETTINGS).public_key
    contents = dsr.read_package(path, public_key=key, signature=signature)
    assert contents.verified == "signed"
    assert contents.rows[PERSON] == 1
    assert not contents.complete  # without saying which system
    assert contents.search_report["words"]["en"] == "This package is not complete: not all systems could be read."
    assert contents.search_report["sources"] == []
    readme = zipfile.ZipFile(path).read("README.txt").decode()
    assert "artikel 20.2" in readme
    assert "Article 20(2)" in readme
    assert case.read_json(f"{COPY}.json")["bytes"] == len(content)


def test_composing_anew_leaves_no_old_copy(case: CaseFile) -> None:
    asked(case)
    made, _, _ = copied(case)
    compose.compose(case, made.declarations, at=AT, settings=SETTINGS)
    assert case.names(COPY) == []


@pytest.mark.parametrize("installation", ["none", "zip"])
def test_the_recipient_needs_no_password_of_the_persons(case: CaseFile, installation: str) -> None:
    """The person's package is closed as the installation does it; the copy would be useless so."""
    asked(case)
    settings = replace(SETTINGS, package_encryption=installation)
    made, _, _ = copied(case)
    assert compose.compose(case, made.declarations, at=AT, settings=settings).encryption == installation
    assert case.exists(PASSWORD) == (installation == "zip")
    assert compose.compose_copy(case, at=AT, settings=settings).encryption == "none"


def test_to_a_key_where_the_person_gave_one(case: CaseFile) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    asked(case)
    copied(case)
    asked(case, package={"encryption": "age", "age_recipient": key})
    copy = compose.compose_copy(case, at=AT, settings=SETTINGS)
    assert (copy.encryption, copy.extension) == ("age", "zip.age")
