"""The stack's processes: whatever was started is gone afterwards, and nothing else is touched."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from embedded.process import Component, Register, StackError, wait_until

_FAMILY = """
import signal, subprocess, sys, time
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
children = [subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=own) for own in (False, True)]
open(sys.argv[1], "w").write(" ".join(str(child.pid) for child in children))
time.sleep(600)
"""


def family(folder: Path) -> tuple[Component, list[int]]:
    """A program with two children that ignore SIGTERM, one of them in a session of its own."""
    pids = folder / "pids"
    component = Component(
        "family", [sys.executable, "-c", _FAMILY, str(pids)], os.environ, folder, folder / "log", patience=2
    )
    component.start()
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the family", 20, [component])
    return component, [int(pid) for pid in pids.read_text().split()]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_all_that_was_started_is_stopped_even_when_its_leader_was_killed(tmp_path: Path) -> None:
    component, children = family(tmp_path)
    register = Register(tmp_path / "processes.json")
    register.record([component])
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert component.process is not None
        component.process.kill()
        component.process.wait()
        # Another process stops it, knowing nothing but the file.
        Register(tmp_path / "processes.json").stop(lambda _: None)
        assert [pid for pid in children if alive(pid)] == []
        assert alive(bystander.pid)
        assert not register.path.exists()
    finally:
        bystander.kill()
        bystander.wait()


def test_an_id_that_was_given_to_somebody_else_is_not_touched(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        row = {"name": "old", "patience": 1, "stage": 0, "family": [[bystander.pid, time.time() - 1e6]]}
        register = Register(tmp_path / "processes.json")
        register.path.write_text(f"[{row}]".replace("'", '"'))
        assert register.running() == []
        register.stop(lambda _: None)
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_program_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    component = Component(
        "short", [sys.executable, "-c", "raise SystemExit('no luck')"], os.environ, tmp_path, tmp_path / "log"
    )
    component.start()
    with pytest.raises(StackError, match=r"(?s)short ended with code 1.*no luck"):
        wait_until(lambda: False, "nothing", 20, [component])
