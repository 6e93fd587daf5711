"""A package may be larger than memory: 200 MB leave through either way in less than 60."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dispatch import Dispatch

SCRIPT = """
import hashlib, json, os, sys, threading
from dsr.casefile import CaseStore
from dsr.source import Connection
from dsr.transmission import Upload
from dsr_recipients import connected

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

key, fields = sys.argv[2], json.load(sys.stdin)
recipient = connected(key, fields.pop("conn_type"), Connection("c", **fields))
piece = os.urandom(1_000_000)

def upload(name, pieces):
    case = CaseStore(sys.argv[1], bytes(32)).create("case-memory-" + name)
    digest = hashlib.sha256()
    with case.writer("package") as file:
        for _ in range(pieces):
            file.write(piece)
            digest.update(piece)
    read = lambda: case.reader("package")
    return Upload(case.case_id, digest.hexdigest(), pieces * len(piece), "zip", "", read, {}, lambda _: None)

recipient.send(upload(key + "warm", 20))
big = upload(key + "big", 200)
before, most, done = resident(), 0, threading.Event()

def watch():
    global most
    while not done.wait(0.005):
        most = max(most, resident())

watcher = threading.Thread(target=watch)
watcher.start()
receipt = recipient.send(big)
done.set()
watcher.join()
print(receipt.bytes, most - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("key", ["example", pytest.param("bucket", marks=pytest.mark.thorough)])
@pytest.mark.thorough
def test_200_mb(dispatch: Dispatch, tmp_path: Path, key: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), key],
        input=json.dumps(dispatch.sandbox.endpoints["connections"][f"dsr_recipient_{key}"]),
        env={"PYTHONPATH": f"{root}:{root / 'dags'}", "PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    length, growth = map(int, done.stdout.split()[-2:])
    print(f"{key}: grown by {growth / 1e6:.0f} MB")
    assert length == 200_000_000
    assert growth < 60_000_000
