"""Every party that is called from here, running."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
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
from ticket_office import engine, systems
from ticket_office import office as ticket_office

from sandbox.recordings.proxy import Proxy
from sandbox.seaweed import SeaweedFS
from sandbox.wire import Wire, Wiretap

__all__ = [
    "dispatch", "dispatch_ledger_url", "engine", "notice_ledger_url", "notice_office", "party", "systems",
    "ticket_office",
]  # fmt: skip


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """An S3 server for the case store."""
    server = SeaweedFS(tmp_path_factory.mktemp("faults-weed"))
    server.start()
    s3 = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="any",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    s3.create_bucket(Bucket="cases")
    yield server
    server.stop()


@contextmanager
def _served(app: Any, name: str) -> Iterator[tuple[str, Wiretap]]:
    tap = Wiretap()
    with served(Wire(app, name, tap)) as url:
        yield url, tap


@pytest.fixture
def stored(weed: SeaweedFS) -> Iterator[tuple[str, Wiretap]]:
    """The address of a case store behind a wire, and the wire."""
    keys = f"{quote(weed.access_key, safe='')}:{quote(weed.secret_key, safe='')}"
    with _served(Proxy(int(weed.endpoint.rpartition(":")[2])), "store") as (url, tap):
        yield f"s3://{keys}@cases/dsr?endpoint_override={url.removeprefix('http://')}&scheme=http&region=any", tap


@pytest.fixture
def started() -> Iterator[tuple[str, FakeAirflow, Wiretap]]:
    """Airflow's two endpoints behind a wire: address, what was started, the wire."""
    airflow = FakeAirflow()
    with _served(Starlette(routes=airflow.routes()), "airflow") as (url, tap):
        yield url, airflow, tap
