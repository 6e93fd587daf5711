"""One whole stack for all tests here: PostgreSQL, the sandbox, Airflow and the portal, as `make up` starts them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from observed import Observed, observing
from office_day import Day, spend
from otlp_collector import collecting
from until_last import pytest_runtest_teardown, until_last

from embedded.stack import Options, Stack
from sandbox.mail.system import Mail
from sandbox.people import populate
from sandbox.system import Options as SandboxOptions

__all__ = ["pytest_runtest_teardown", "until_last"]

_PEOPLE = 40
_IMPATIENT = (
    ("DSR_TASK_RETRIES", "2"),
    ("DSR_TASK_RETRY_SECONDS", "1"),
    ("DSR_ENFORCE_AGAIN_SECONDS", "2"),
    ("DSR_LIFT_NOTICE_DAYS", "1"),
    ("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "20"),
    ("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL", "2"),
)


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, until_last: ExitStack) -> Observed:
    """Started once; take `stack`, which mends the systems between tests."""
    lines: list[str] = []
    told = until_last.enter_context(collecting())
    environment = (*_IMPATIENT, ("OTEL_EXPORTER_OTLP_ENDPOINT", told.url))
    options = Options(people=_PEOPLE, shape=True, environment=environment, clock=True)
    running = Stack(tmp_path_factory.mktemp("stack"), options, lines.append)
    return until_last.enter_context(observing(running, _PEOPLE, lines, told))


@pytest.fixture
def stack(shared_stack: Observed) -> Iterator[Observed]:
    """The running stack, all systems sound."""
    shared_stack.mend()
    yield shared_stack
    shared_stack.mend()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mail]:
    """A mail server by itself, for a task without the stack."""
    system = Mail(SandboxOptions(tmp_path), populate(1))
    system.start()
    yield system
    system.stop()


@pytest.fixture(scope="session")
def day(shared_stack: Observed) -> Day:
    """All rights that change systems, asked for at the same time; spent once."""
    shared_stack.mend()
    return spend(shared_stack)
