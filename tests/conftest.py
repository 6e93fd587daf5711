"""The sandbox through the wire, for every test that needs a system; a server for every test that needs a ledger; a
browser for every test of a page; an object store for every test of one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from otlp_collector import collector, shared_collector
from running_browser import browser
from running_ledger import new_ledger, postgres
from running_sandbox import Sandbox, start_sandbox, stop_sandbox
from running_store import weed

__all__ = ["browser", "collector", "new_ledger", "postgres", "shared_collector", "weed"]

# Nothing out there is asked for anything, so nobody out there is trusted: to read all authorities of the world takes
# each client 25 ms.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "nobodys_authority.pem")
os.environ.pop("SSL_CERT_DIR", None)

# How long an example takes says more about who else is busy on the machine than about the code. Each run draws others,
# so that fewer of them do.
settings.register_profile("dsr", deadline=None, max_examples=25)
settings.load_profile("dsr")


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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers, what shares a running Airflow, all systems or a module's servers stays with one of them.
    xdist's own groups (loadgroup) don't reach pytest 9."""
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            folder = path.rpartition("/")[0]
            return folder if folder in ("tests/airflow", "tests/way") else path

    return ByServer(config, log)


_LONGEST = ("tests/airflow/", "tests/way/")
"""What shares one stack for minutes; begun last it would keep one worker busy long after the others have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""

    def rank(item: pytest.Item) -> int:
        return next((n for n, folder in enumerate(_LONGEST) if item.nodeid.startswith(folder)), len(_LONGEST))

    items.sort(key=rank)
