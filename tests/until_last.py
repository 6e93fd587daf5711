"""What all tests of a folder share ends with the last of them: a running Airflow takes a third of a core from whatever
is tested after it, and pytest has no scope between a module and the whole run."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

_LASTING = ExitStack()


@pytest.fixture(scope="session")
def until_last() -> Iterator[ExitStack]:
    """Closed after the folder's last test, in any case at the end."""
    with _LASTING:
        yield _LASTING


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """After the fixtures of the test itself."""
    yield
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _LASTING.close()
