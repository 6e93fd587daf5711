"""The webhook under a burst while Airflow is down: accepted a second, how long each waits, and that nothing is lost.

One process of the intake (uvicorn, one worker) with the ledger on PostgreSQL and the case store in a folder; the
baseline is the same process's health check, asked in the same way. Afterwards the step of `dsr_tickets` starts what was
accepted, as often as it takes: in the order of receipt, each once.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from dsr import database
from dsr.alone import alone
from dsr.settings import Settings
from dsr.standing import RECEIVED
from dsr.steps import accept
from dsr.unstarted import Unstarted
from dsr.web.taking import Taking
from sandbox.ports import free_ports
from sandbox.postgres import Postgres
from sandbox.tickets.sender import signed, ticket_body

CHANNEL: Final = "standard_webhooks"
_SENDERS: Final = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when nothing was lost, started twice or started out of order."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhook", description=__doc__)
    parser.add_argument("--burst", type=int, default=10_000, help="how many at once (default 10000)")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, ledger(Path(name)) as url:
        secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        environment = _environment(Path(name), url, secret)
        with intake(environment) as address:
            return measure(address, secret, Settings.from_environment(environment), args.burst)


@contextmanager
def ledger(folder: Path) -> Iterator[str]:
    """A PostgreSQL with an empty ledger; its address."""
    server = Postgres(folder / "postgres")
    server.start()
    try:
        server.ensure_database("ledger")
        engine = database.connect(server.url("ledger"))
        database.upgrade(engine)
        engine.dispose()
        yield server.url("ledger")
    finally:
        server.stop()


@contextmanager
def intake(environment: dict[str, str]) -> Iterator[str]:
    """The webhook in a process of its own; its address."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "--factory", "dsr.web.intake:create_app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "critical"], env={**os.environ, **environment})
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise SystemExit("the webhook did not start") from None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def measure(address: str, secret: str, settings: Settings, burst: int) -> int:
    """The baseline, the burst, and what comes of it."""
    with httpx.Client(base_url=address, timeout=120, limits=httpx.Limits(max_connections=_SENDERS)) as http:
        plain, _, _ = _burst(lambda _: http.get("/healthz").status_code, range(min(burst, 2000)))

        def send(number: int) -> int:
            headers, body = _delivery(number, secret)
            return http.post(f"/requests/{CHANNEL}", headers=headers, content=body).status_code

        rate, times, statuses = _burst(send, range(burst))
    print(f"health check, {_SENDERS} at a time                 {plain:7.0f} a second")
    print(f"{burst} requests, Airflow down             {rate:7.0f} a second, {rate / plain:.2f} of that")
    slowest = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    print(f"each waits: median, 99 of 100                {statistics.median(times):7.3f} s {slowest:7.3f} s")
    accepted = statuses.count(202)
    taking = Taking.from_settings(settings)
    order = [e.request_id for e in taking.ledger.events() if e.kind == RECEIVED]
    began = time.monotonic()
    first, second = (_started(taking) for _ in range(2))
    took = time.monotonic() - began
    print(f"accepted {accepted} of {burst}, noted {len(order)}, started later {len(first)} in {took:.1f} s, "
          f"in order {first == order}, again {len(second)}")  # fmt: skip
    return 0 if accepted == burst == len(order) and first == order and not second else 1


def _started(taking: Taking) -> list[str]:
    """What `dsr_tickets` starts until nothing is left, in its order."""
    started: list[str] = []

    def run(_: str, request_id: str, __: datetime) -> None:
        started.append(request_id)

    waiting, lock = Unstarted(taking.ledger.engine), partial(alone, taking.ledger.engine, what="start")
    at = datetime.now(UTC) + timedelta(minutes=5)
    while accept.start_pending(taking.ledger, waiting, taking.cases, run, lambda *_: "access", lock, at=at).count:
        pass
    return started


def _burst(ask: Callable[[int], int], numbers: Sequence[int]) -> tuple[float, list[float], list[int]]:
    """(answers a second, seconds of each, statuses)."""

    def timed(number: int) -> tuple[float, int]:
        began = time.monotonic()
        status = ask(number)
        return time.monotonic() - began, status

    began = time.monotonic()
    with ThreadPoolExecutor(_SENDERS) as threads:
        found = list(threads.map(timed, numbers))
    return len(numbers) / (time.monotonic() - began), [t for t, _ in found], [s for _, s in found]


def _delivery(number: int, secret: str) -> tuple[dict[str, str], bytes]:
    """A ticket of somebody else each time, signed now."""
    at = datetime.now(UTC)
    body = ticket_body(CHANNEL, f"B-{number}", email=f"person.{number}@example.org", right="access", at=at)
    return signed(CHANNEL, body, secret, at, f"msg-{number}")


def _environment(folder: Path, url: str, secret: str) -> dict[str, str]:
    """Settings of an installation whose Airflow refuses every connection."""
    (closed,) = free_ports(1)
    return {
        "DSR_CASE_STORE": str(folder / "cases"),
        "DSR_LEDGER_URL": url,
        "DSR_MASTER_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "DSR_AIRFLOW_URL": f"http://127.0.0.1:{closed}",
        "DSR_AIRFLOW_USER": "intake",
        "DSR_AIRFLOW_PASSWORD": "nobody",
        "DSR_CONTROLLER_NAME": "Controller AB",
        "DSR_CONTROLLER_MAIL": "dpo@controller.example",
        "DSR_CONTROLLER_ADDRESS": "Storgatan 1, 111 11 Stockholm",
        "DSR_PORTAL_URL": "https://data.controller.example",
        "DSR_MAIL_FROM": "privacy@controller.example",
        f"DSR_CHANNEL_{CHANNEL.upper()}_SECRET": secret,
    }


if __name__ == "__main__":
    sys.exit(main())
