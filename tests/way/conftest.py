"""One sandbox, one ledger and one office for all tests of the whole way. Each test takes people of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from office import Office
from running_sandbox import Sandbox, start_sandbox, stop_sandbox
from until_last import pytest_runtest_teardown, until_last

from sandbox.people import Person

__all__ = ["pytest_runtest_teardown", "until_last"]

PEOPLE = 48


@pytest.fixture(scope="session")
def way_sandbox(tmp_path_factory: pytest.TempPathFactory, until_last: ExitStack) -> Sandbox:
    """All systems; what is done in them stays."""
    process, running = start_sandbox(tmp_path_factory.mktemp("way-sandbox") / "state", "--people", str(PEOPLE))
    until_last.callback(stop_sandbox, process)
    return running


@pytest.fixture(scope="session")
def shared_office(
    way_sandbox: Sandbox,
    new_ledger: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    until_last: ExitStack,
) -> Office:
    """Take `office`."""
    made = Office(tmp_path_factory.mktemp("way-office"), way_sandbox.endpoints, new_ledger())
    until_last.callback(made.close)
    return made


@pytest.fixture
def office(shared_office: Office, way_sandbox: Sandbox) -> Iterator[Office]:
    """The office, with all systems sound and an index of last night."""
    way_sandbox.forget()
    shared_office.upkeep()
    yield shared_office
    shared_office.reset()
    way_sandbox.forget()
    way_sandbox.admin.delete("/invoicing/faults").raise_for_status()


@pytest.fixture(scope="session")
def crowd(way_sandbox: Sandbox) -> Iterator[Person]:
    """People that no other test has to do with, one after the other. The first, who has called us, is left out."""
    return iter(way_sandbox.population.crowd[1:])


@pytest.fixture
def somebody(crowd: Iterator[Person]) -> Person:
    """One of them."""
    return next(crowd)


@pytest.fixture(autouse=True)
def _no_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not the office's."""
    for name in [name for name in os.environ if name.startswith("DSR_")]:
        monkeypatch.delenv(name)
