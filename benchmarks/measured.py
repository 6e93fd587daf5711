"""What a process of its own has used: CPU seconds of each step, and the most memory it held."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Steps:
    """Runs callables one after the other; notes the CPU seconds of each and the peak memory after it."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.peak: dict[str, float] = {}

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        """Run one step."""
        start = time.process_time()
        result = step()
        self.cpu[name] = round(time.process_time() - start, 4)
        self.peak[name] = round(peak_mib(), 1)
        return result


def peak_mib() -> float:
    """The most memory this process has held, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
