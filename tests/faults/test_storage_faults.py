"""Our own storage fails in the middle of a package: what was there stays, nothing half is ever seen, and the next
attempt is done."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from running_sandbox import ROOT

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import TransientError
from sandbox.wire import Fault, Wiretap

MASTER: Final = bytes(32)
OLD: Final = b"what was released before"
NEW: Final = os.urandom(24_000_000)
"""More than two parts of an upload."""
_LIMIT: Final = 1024 * 1024
_ON_A_SMALL_DISK: Final = f"""
import os, resource, sys, tempfile
tempfile.tempdir = sys.argv[2]
from dsr.casefile import CaseStore
from dsr.errors import TransientError
case = CaseStore(sys.argv[1], bytes(32)).open("case-faults")
resource.setrlimit(resource.RLIMIT_FSIZE, ({_LIMIT}, {_LIMIT}))
try:
    with case.writer("package") as file:
        for _ in range(24):
            file.write(os.urandom(1_000_000))
except TransientError as error:
    print(error)
"""


def put(case: CaseFile, content: bytes) -> None:
    with case.writer("package") as file:
        file.write(content)


def read(uri: str) -> bytes:
    with CaseStore(uri, MASTER).open("case-faults").reader("package") as file:
        return bytes(file.read())


def begun(uri: str) -> CaseFile:
    """A case with a package in it."""
    case = CaseStore(uri, MASTER).create("case-faults")
    put(case, OLD)
    return case


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_a_disk_without_room(where: str, stored: tuple[str, Wiretap], tmp_path: Path) -> None:
    """A real file that can't grow: the operating system refuses (RLIMIT_FSIZE), in the middle of a write."""
    uri = stored[0] if where == "s3" else str(tmp_path / "cases")
    case, temporary = begun(uri), tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-c", _ON_A_SMALL_DISK, uri, str(temporary)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.stdout.strip(), ended.returncode) == ("casefile: store.unavailable", 0), ended.stderr
    assert read(uri) == OLD
    assert case.names() == ["package"]
    assert list(temporary.iterdir()) == [], "nothing is left where temporary files are"
    assert not list(tmp_path.rglob("*.part"))
    put(case, NEW)
    assert read(uri) == NEW


@pytest.mark.thorough
@pytest.mark.parametrize(
    "hit",
    [{"method": "PUT", "path": "partNumber=2"}, {"method": "POST", "path": "uploadId="}],
    ids=["in the middle", "at the very end"],
)
@pytest.mark.parametrize(
    "how",
    [{"kind": "reset"}, {"status": 503}, {"status": 403}, {"status": 200, "body": ""}],
    ids=["reset", "503", "403", "nothing said"],
)
def test_the_store_goes_away_while_a_package_is_uploaded(
    hit: dict[str, str], how: dict[str, object], stored: tuple[str, Wiretap], faulty_bucket: Any
) -> None:
    """For longer than the client library is patient; also where something says 200 in the store's place."""
    uri, tap = stored
    case, before = begun(uri), set(Path(tempfile.gettempdir()).glob("dsr-*"))
    tap.faults.append(fault := Fault(system="store", **hit, **how))  # type: ignore[arg-type]
    with pytest.raises(TransientError, match=r"store\.unavailable"):
        put(case, NEW)
    assert any(call.status in (503, 403, 200) for call in tap.calls), fault
    tap.faults.clear()
    assert read(uri) == OLD
    assert set(Path(tempfile.gettempdir()).glob("dsr-*")) <= before
    put(case, NEW)
    assert read(uri) == NEW
    kept = b"".join(found.get()["Body"].read() for found in faulty_bucket.objects.all())
    assert OLD not in kept
    assert NEW[:64] not in kept
