"""The whole stack in one folder: PostgreSQL, the sandbox, Airflow's four components and the download portal.

secrets.json  options.json  addresses.json  processes.json
postgres/  sandbox/  airflow/  register/  cases/  logs/
"""

import json
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx

from embedded import airflow
from embedded.client import AirflowClient
from embedded.process import Component, Register, StackError, wait_until
from embedded.processing import confirmed_register
from embedded.secrets import Secrets, load
from sandbox.postgres import Postgres

_COMPONENTS = ("scheduler", "triggerer", "dag-processor", "api-server")
_START_SECONDS = 180.0
_CUSTOMERS: Final = json.dumps({"ljungby": {"name": "Ljungby kommun", "mail": "dataskydd@ljungby.example"}})
"""A customer for whom the controller of the stack processes."""
_RECIPIENT = "dsr_recipient_"


@dataclass(frozen=True)
class Options:
    """How the sandbox is filled, what Airflow is told beyond the default. `shape`: load the DAG of empty tasks too.
    `environment`: additional variables of all components. `clock`: that of the tasks can be put ahead."""

    people: int = 500
    seed: int = 1
    rows_for_canary: int = 0
    latency_ms: float = 0.0
    shape: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    clock: bool = False


class Stack:
    """The stack in `folder`. `say` takes one line per step. `trust`: whose certificates its addresses may have."""

    trust: ssl.SSLContext | bool = True

    def __init__(self, folder: Path, options: Options, say: Callable[[str], None]) -> None:
        self.folder = folder.resolve()
        self.options, self.say = options, say
        self.register = Register(self.folder / "processes.json")
        self.postgres = Postgres(self.folder / "postgres")
        self.airflow_url = self.portal_url = ""
        self.endpoints: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        self._components: list[Component] = []
        self._http = httpx.Client(trust_env=False, timeout=10.0)

    @property
    def secrets(self) -> Secrets:
        """Sign-ins and keys; made at the first call."""
        return load(self.folder / "secrets.json")

    def adopt(self) -> None:
        """Use a stack that another process started. StackError when none runs."""
        addresses, endpoints = self.folder / "addresses.json", self.folder / "sandbox" / "endpoints.json"
        if not self.running() or not endpoints.exists():
            raise StackError("no stack runs here; start it with `make up`")
        self._take_addresses(json.loads(addresses.read_text()))
        self.endpoints = json.loads(endpoints.read_text())

    def client(self, user: str) -> AirflowClient:
        """Airflow's API, signed in as that user."""
        return AirflowClient(self.airflow_url, user, self.secrets.passwords[user])

    def log(self, name: str) -> Path:
        """Where a component writes."""
        return self.folder / "logs" / f"{name}.log"

    def up(self) -> None:
        """Start everything and return when requests can be taken. StackError when something does not come up; what
        was started is stopped then."""
        self._prepare_folder()
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop everything of this folder, whoever started it. Twice is fine. A Ctrl-C does not cut it short."""
        with _undisturbed():
            if self._components:
                self.register.record(self._components)
            self.register.stop(self.say)
            self._components.clear()
            self.postgres.stop()

    def running(self) -> list[str]:
        """Names of the components that run."""
        return self.register.running()

    def _prepare_folder(self) -> None:
        """Nothing of an earlier start is left running; state that was made with other options is dropped."""
        if self.register.path.exists():
            self.down()
        made_with = self.folder / "options.json"
        wanted = {k: v for k, v in asdict(self.options).items() if k in ("people", "seed", "rows_for_canary")}
        if made_with.exists() and json.loads(made_with.read_text()) != wanted:
            self.say("other options than last time: starting from nothing")
            self.postgres.stop()
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        shutil.rmtree(self.folder / "logs", ignore_errors=True)
        (self.folder / "logs").mkdir()
        made_with.write_text(json.dumps(wanted))

    def _start(self) -> None:
        began = time.monotonic()
        sandbox = self._sandbox()
        self._launch(sandbox)
        self.postgres.start()
        for database in ("airflow", "ledger"):
            self.postgres.ensure_database(database)
        self._settle_addresses()
        self.environment = self._environment()
        airflow.prepare_home(self.folder, self.secrets, clock=self.options.clock)
        with ThreadPoolExecutor(1) as threads:
            ledger = threads.submit(airflow.upgrade_ledger, self.environment["DSR_LEDGER_URL"])
            self._migrate()
            ledger.result()
        self.say("starting Airflow and the source systems")
        components = {name: airflow.component(name, self.environment, self.folder) for name in _COMPONENTS}
        for name in ("api-server", "dag-processor", "triggerer"):
            self._launch(components[name])
        ready = self.folder / "sandbox" / "endpoints.json"
        wait_until(ready.exists, "the sandbox", _START_SECONDS, [sandbox])
        self.endpoints = json.loads(ready.read_text())
        portal = self._portal()
        self._launch(portal)
        # Tasks are children of the scheduler and take the connections of the sources from its environment.
        connections = self.endpoints["connections"]
        recipients = ",".join(name.removeprefix(_RECIPIENT) for name in connections if name.startswith(_RECIPIENT))
        of_tasks = {"DSR_RECIPIENTS": recipients, **airflow.connection_variables(connections)}
        components["scheduler"].env = self.environment | of_tasks
        self._launch(components["scheduler"])
        self._wait_until_healthy(components.values())
        wait_until(self._portal_answers, "the portal", _START_SECONDS, [portal])
        self._deploy()
        self.register.record(self._components)
        self.say(f"up after {time.monotonic() - began:.0f} s")

    def _launch(self, component: Component) -> None:
        component.start()
        self._components.append(component)
        self.register.record(self._components)

    def _sandbox(self) -> Component:
        state = self.folder / "sandbox"
        (state / "endpoints.json").unlink(missing_ok=True)
        options = self.options
        argv = [sys.executable, "-m", "sandbox", "--state", str(state), "--people", str(options.people)]
        argv += ["--seed", str(options.seed), "--rows-for-canary", str(options.rows_for_canary)]
        argv += ["--latency-ms", str(options.latency_ms)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return Component("sandbox", argv, environment, airflow.ROOT, self.log("sandbox"), 30.0, 1)

    def _portal(self) -> Component:
        port = self.portal_url.rpartition(":")[2]
        argv = [sys.executable, "-m", "dsr", "portal", "--port", port]
        # It faces people, so it is not made to hold what it has no use for: Airflow's secrets and passwords.
        environment = {k: v for k, v in self.environment.items() if not k.startswith("AIRFLOW")}
        for name in ("DSR_AIRFLOW_PASSWORD", *(k for k in environment if k.startswith("DSR_CHANNEL_"))):
            del environment[name]
        environment |= airflow.gateways(self.endpoints["connections"])
        return Component("portal", argv, environment, airflow.ROOT, self.log("portal"))

    def _settle_addresses(self) -> None:
        """Free loopback ports; those of the last time when they still are."""
        path = self.folder / "addresses.json"
        known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        ports = {name: _free_port(known.get(name, 0)) for name in ("airflow", "portal")}
        path.write_text(json.dumps(ports))
        self._take_addresses(ports)

    def _take_addresses(self, ports: Mapping[str, int]) -> None:
        self.airflow_url = f"http://127.0.0.1:{ports['airflow']}"
        self.portal_url = f"http://127.0.0.1:{ports['portal']}"

    def _environment(self) -> dict[str, str]:
        bundles = [airflow.ROOT / "dags", *([airflow.ROOT / "embedded" / "dags"] if self.options.shape else [])]
        database = self.postgres.url("airflow", "postgresql+psycopg2")
        port = int(self.airflow_url.rpartition(":")[2])
        secrets = self.secrets
        return (
            airflow.environment(self.folder, secrets, database, port, bundles)
            | {
                "DSR_CASE_STORE": str(self.folder / "cases"),
                "DSR_LEDGER_URL": self.postgres.url("ledger", "postgresql"),
                "DSR_MASTER_KEY": secrets.master_key,
                "DSR_PORTAL_URL": self.portal_url,
                "DSR_AIRFLOW_URL": self.airflow_url,
                "DSR_AIRFLOW_USER": "intake",
                "DSR_AIRFLOW_PASSWORD": secrets.passwords["intake"],
                "DSR_OFFICERS": "officer,second",
                "DSR_MAIL_FROM": "privacy@controller.example",
                "DSR_SMS_FROM": "Controller",
                # A stack to try things out on is asked by the same few people again and again, from one address.
                "DSR_FREQUENT_FROM": "0",
                "DSR_ADDRESS_ATTEMPTS": "100000",
                "DSR_CUSTOMERS": _CUSTOMERS,
                "DSR_RECRUITING_MAIL": "recruiting@controller.example",
                **confirmed_register(self.folder / "register"),
            }
            | {f"DSR_CHANNEL_{name}_SECRET": secret for name, secret in secrets.channels.items()}
            | dict(self.options.environment)
        )

    def _migrate(self) -> None:
        """Bring the metadata database to this version of Airflow, unless it is there already."""
        done = self.folder / "airflow" / "migrated"
        if done.exists() and done.read_text() == version("apache-airflow"):
            return
        self.say("making Airflow's database (the first time only)")
        migration = airflow.migration(self.environment, self.folder)
        self._launch(migration)
        process = migration.process
        wait_until(lambda: process is not None and process.poll() is not None, "the migration", _START_SECONDS)
        if process is not None and process.returncode:
            migration.ensure_alive()
        self._components.remove(migration)
        done.write_text(version("apache-airflow"))

    def _wait_until_healthy(self, components: Iterable[Component]) -> None:
        watched = list(components)
        wait_until(lambda: not self._unhealthy(), "Airflow", _START_SECONDS, watched)

    def _unhealthy(self) -> list[str]:
        try:
            answer = self._http.get(f"{self.airflow_url}/api/v2/monitor/health")
        except httpx.TransportError:
            return ["api-server"]
        return [name for name, state in answer.json().items() if state.get("status") != "healthy"]

    def _portal_answers(self) -> bool:
        try:
            return self._http.get(f"{self.portal_url}/healthz").is_success
        except httpx.TransportError:
            return False

    def _deploy(self) -> None:
        """Pools as the sources declare them, and the DAGs read in. A task whose pool is missing waits for ever."""
        from extractors import SOURCES

        wanted = ["dsr_access", "dsr_portability", "dsr_upkeep", *(["dsr_shape"] if self.options.shape else [])]
        with self.client("engineer") as client:
            client.ensure_pools((s.declaration.connection_id, s.declaration.concurrency) for s in SOURCES)
            try:
                client.wait(lambda: client.has_dags(wanted), "DAGs to be read", _START_SECONDS)
            except StackError:
                raise StackError(f"Airflow could not read the DAGs: {client.import_errors()}") from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold off Ctrl-C and the like; each step inside has its own time limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port(wanted: int) -> int:
    """That port when it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on 127.0.0.1")
