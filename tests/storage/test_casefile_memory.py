"""A case file's objects may be larger than memory: 200 MB pass through in less than 40."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys, threading, time
from dsr.casefile import CaseStore

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

case = CaseStore(sys.argv[1], bytes(32)).create("case-0001")
piece = os.urandom(1_000_000)
for warm in range(2):
    with case.writer("warm") as file:
        file.write(piece * 3)
    with case.reader("warm") as file:
        file.read()
before, most, done = resident(), 0, threading.Event()

def watch():
    global most
    while not done.wait(0.002):
        most = max(most, resident())

watcher = threading.Thread(target=watch)
watcher.start()
with case.writer("big") as file:
    for _ in range(200):
        file.write(piece)
length = 0
with case.reader("big") as file:
    while got := file.read(100_000):
        length += len(got)
done.set()
watcher.join()
print(length, most - before)
"""


def grown(address: str) -> int:
    """By how many bytes a process that stores and reads 200 MB at `address` grows."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, address], capture_output=True, text=True, check=True)
    length, growth = map(int, done.stdout.split())
    assert length == 200_000_000
    return growth


def test_200_mb_in_a_folder(tmp_path: Path) -> None:
    assert grown(str(tmp_path)) < 40_000_000
