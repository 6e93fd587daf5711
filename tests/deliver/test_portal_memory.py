"""A package may be larger than memory: 200 MB leave the portal, whole and by ranges, in a few buffers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib, json, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
import httpx
from dsr.links import new_link
from dsr.settings import Settings
from dsr.web.portal import Counter, create_app
from served import served

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

at, size, piece = datetime.now(UTC), int(sys.argv[1]), os.urandom(1_000_000)
counter = Counter.from_settings(Settings.from_environment(need=()))
case, digest, link = counter.cases.create("dsr-large" + os.urandom(4).hex()), hashlib.sha256(), new_link()
with case.writer("package") as file:
    for _ in range(size // len(piece)):
        file.write(piece)
        digest.update(piece)
sha256 = digest.hexdigest()
case.write_json("package.json", {"sha256": sha256, "bytes": size, "files": 1})
case.write_json("delivery/released", {"sha256": sha256})
counter.links.create(case.case_id, link, "code", at + timedelta(days=1), at)
path = f"/package/{case.case_id}.zip"

def fetch(client, cookies, start=0, end=size - 1):
    received, count = hashlib.sha256(), 0
    headers = {"range": f"bytes={start}-{end}"}
    with client.stream("GET", path, headers=headers, cookies=cookies) as answer:
        assert answer.status_code == 206
        for chunk in answer.iter_raw():
            received.update(chunk)
            count += len(chunk)
    return received.hexdigest(), count

most, done = 0, threading.Event()

def watch():
    global most
    while not done.wait(0.005):
        most = max(most, resident())

with served(create_app(counter)) as url, httpx.Client(base_url=url, timeout=120) as client:
    cookies = dict(client.post("/package", data={"link": link, "code": "code"}).cookies)
    clients = [httpx.Client(base_url=url, timeout=120) for _ in range(8)]
    for one in clients:
        fetch(one, cookies, end=5_000_000)
    before = resident()
    watcher = threading.Thread(target=watch)
    watcher.start()
    whole = fetch(client, cookies)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda one: fetch(one, cookies, size - 20_000_000), clients))
    done.set()
    watcher.join()
ended = [event.kind for event in counter.ledger.events(case.case_id)]
print(json.dumps({"same": whole[0] == sha256, "bytes": whole[1], "parts": len(set(parts)), "events": ended,
                  "growth": most - before}))
"""


@pytest.mark.slow
def test_200_mb(ledger_url: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    own = {
        "DSR_CASE_STORE": str(tmp_path / "large"),
        "DSR_LEDGER_URL": ledger_url,
        "DSR_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "DSR_PORTAL_URL": "http://127.0.0.1:1",
        "DSR_MAIL_URL": "smtp://127.0.0.1:1?tls=no",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "200000000"],
        env={"PYTHONPATH": f"{root}:{root / 'tests'}", "PATH": "/usr/bin:/bin", **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    print(f"grown by {told['growth'] / 1e6:.0f} MB")
    assert (told["same"], told["bytes"], told["parts"]) == (True, 200_000_000, 1)
    assert told["events"] == ["download_begun", "downloaded"]
    assert told["growth"] < 40_000_000
