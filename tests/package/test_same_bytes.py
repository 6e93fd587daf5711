"""The same input and time give the same bytes: in another case file, in a process that orders its sets otherwise."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from package_makers import CARD, REQUEST_ID, THING, Given, declared, package_bytes, packed, request

from dsr.casefile import CaseStore

ROOT = Path(__file__).parents[2]


def digest(folder: Path) -> str:
    """The hash of the package of some records, files and things left out, in a new case file there."""
    rows = {
        CARD: [("c1", {"name": "Edla", "email": "edla@kvarn.example", "more": 1, "another": [2]})],
        THING: [
            (f"t{n}", {"text": f"=rad {n}", "at": "2026-11-20T12:00:00Z", "x": n, "y": {"b": 1, "a": 2}})
            for n in range(300)
        ],
    }
    case = CaseStore(str(folder), bytes(32)).create(REQUEST_ID)
    case.write_json("request", request())
    packed(case, [Given(declared("crm"), rows, files=(b"RIFF" * 1000, b"")), Given(declared("none"), known=False)],
           [declared("absent")])  # fmt: skip
    return hashlib.sha256(package_bytes(case)).hexdigest()


def test_in_two_case_files(tmp_path: Path) -> None:
    """Their keys differ, and so do the objects' names in the store."""
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


@pytest.mark.thorough
def test_under_other_hash_seeds(tmp_path: Path) -> None:
    """Neither the order of sets nor the time of day, the zone or the language of the process matters."""
    script = (
        "import sys, pathlib; sys.path[:0] = sys.argv[1].split(); from dsr import schema; import package_makers as p;"
        "known = schema.load; schema.load = lambda name: p.SCHEMAS[name] if name in p.SCHEMAS else known(name);"
        "import test_same_bytes as t; print(t.digest(pathlib.Path(sys.argv[2])))"
    )
    found = set()
    for seed, zone, language in (("1", "Europe/Stockholm", "sv_SE.UTF-8"), ("4242", "Pacific/Auckland", "C")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", script, f"{Path(__file__).parent} {ROOT / 'tests'}", str(tmp_path / seed)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        found.add(done.stdout.strip())
    assert found == {digest(tmp_path / "here")}
