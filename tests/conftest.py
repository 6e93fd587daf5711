"""The sandbox through the wire, for every test that needs a system."""

from collections.abc import Iterator

import pytest
from running_sandbox import Sandbox, start_sandbox, stop_sandbox


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole run; take `sandbox`, which clears faults between tests."""
    process, running = start_sandbox(tmp_path_factory.mktemp("sandbox") / "state", "--people", "40")
    yield running
    stop_sandbox(process)


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The running sandbox, without faults and with an empty call log."""
    shared_sandbox.forget()
    yield shared_sandbox
    shared_sandbox.forget()


# Before xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a running Airflow, all systems or a module's servers stays with one of several workers."""
    for item in items:
        folder = item.path.parent.name
        shared = folder if folder in ("airflow", "way") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(shared))
