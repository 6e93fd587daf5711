"""A clock of a stack's tasks that can be put ahead, to see what a later day brings: the end of a restriction, say.

It is put into the process that forks the tasks, from Airflow's local settings, which only a stack of this package
writes: no setting of an installation moves its clock.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_FILE: Final = "clock"


def put_ahead(folder: Path, ahead: timedelta) -> None:
    """From now on the clock of the tasks of the stack in `folder` is that much ahead; Airflow's own isn't."""
    (folder / _FILE).write_text(str(ahead.total_seconds()))


def install(folder: Path) -> None:
    """Where the tasks of the stack in `folder` are forked: their clock is right, and can be put ahead from then on."""
    import dsr_workplace

    path = folder / _FILE
    path.unlink(missing_ok=True)

    def clock() -> datetime:
        ahead = float(path.read_text()) if path.exists() else 0.0
        return datetime.now(UTC) + timedelta(seconds=ahead)

    dsr_workplace.clock = clock
