"""Every party that is called from here, running."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from served import served
from starlette.applications import Starlette

sys.path += [str(Path(__file__).parents[1] / name) for name in ("tickets", "notices", "transmission", "intake")]
sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dispatch import dispatch, dispatch_ledger_url
from front_desk import FakeAirflow
from notice_office import notice_ledger_url
from notice_office import office as notice_office
from playing import party
from running_store import new_bucket, store_uri
from ticket_office import engine, systems
from ticket_office import office as ticket_office

from sandbox.people import populate
from sandbox.recordings.proxy import Proxy
from sandbox.seaweed import SeaweedFS
from sandbox.sms.system import Texts
from sandbox.system import Options
from sandbox.wire import Wire, Wiretap

__all__ = [
    "dispatch", "dispatch_ledger_url", "engine", "notice_ledger_url", "notice_office", "party", "systems",
    "ticket_office",
]  # fmt: skip


@pytest.fixture(scope="session")
def faulty_bucket(weed: SeaweedFS) -> Any:
    return new_bucket(weed, "cases")


@contextmanager
def _served(app: Any, name: str) -> Iterator[tuple[str, Wiretap]]:
    tap = Wiretap()
    with served(Wire(app, name, tap)) as url:
        yield url, tap


@pytest.fixture
def stored(weed: SeaweedFS, faulty_bucket: Any) -> Iterator[tuple[str, Wiretap]]:
    """The address of a case store behind a wire, and the wire."""
    with _served(Proxy(int(weed.endpoint.rpartition(":")[2])), "store") as (url, tap):
        yield store_uri(weed, faulty_bucket.name, url.removeprefix("http://")), tap


@pytest.fixture
def texted(tmp_path: Path) -> Iterator[tuple[str, Texts, Wiretap]]:
    """A text gateway behind a wire: address, what was sent, the wire."""
    gateway = Texts(Options(tmp_path / "gateway"), populate(1))
    with _served(gateway.app, gateway.name) as (url, tap):
        yield url, gateway, tap


@pytest.fixture
def started() -> Iterator[tuple[str, FakeAirflow, Wiretap]]:
    """Airflow's two endpoints behind a wire: address, what was started, the wire."""
    airflow = FakeAirflow()
    with _served(Starlette(routes=airflow.routes()), "airflow") as (url, tap):
        yield url, airflow, tap
