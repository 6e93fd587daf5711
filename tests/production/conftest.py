"""The production shape for all tests here, started once; what is seen and done in it is as in `tests/airflow`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "airflow"))

from observed import Observed, observing
from office_day import Day, spend
from production import Production

_PEOPLE: Final = 40
_IMPATIENT: Final = {
    "DSR_TASK_RETRIES": "2",
    "DSR_TASK_RETRY_SECONDS": "1",
    "DSR_ENFORCE_AGAIN_SECONDS": "2",
    "DSR_LIFT_NOTICE_DAYS": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
}
"""After how long what has gone is given up, where an installation waits minutes."""


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Started once; take `stack`, which mends the systems between tests."""
    lines: list[str] = []
    running = Production(tmp_path_factory.mktemp("production"), _PEOPLE, _IMPATIENT, lines.append)
    with observing(running, _PEOPLE, lines) as seen:
        yield seen


@pytest.fixture
def stack(shared_stack: Observed) -> Iterator[Observed]:
    """The running shape, all systems sound."""
    shared_stack.mend()
    yield shared_stack
    shared_stack.mend()


@pytest.fixture(scope="session")
def day(shared_stack: Observed) -> Day:
    """All rights that change systems, asked for at the same time; spent once."""
    shared_stack.mend()
    return spend(shared_stack)
