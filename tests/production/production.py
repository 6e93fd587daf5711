"""The production shape without containers: the processes of docker-compose.yaml with its settings, all on loopback,
each program from a wheel. Behind a TLS proxy; with two schedulers and two Celery workers, so that one can go.

Other than in containers are: ports, which are free ones of this machine; folders; a health and a log server's port of
its own for each process of a kind; and the users that processes run as. Everything else is read from the files.
"""

import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from composed import ROOT, Composed
from keeper import Keeper
from native import Native

from deploy.access import EXTENSION, PLANNING, REQUESTS, SOURCES, TRIAGE
from embedded.airflow import CLOCK
from embedded.client import AirflowClient
from embedded.process import Component, Register, StackError, wait_until
from embedded.secrets import Secrets
from sandbox.postgres import Postgres

_SECONDS: Final = 300.0
_OURS: Final = ("apiserver", "scheduler", "dag-processor", "triggerer", "worker", "portal")
_TWICE: Final = ("scheduler", "worker")
_SECOND: Final = "-2"
_DAGS: Final = (*REQUESTS, TRIAGE, EXTENSION, PLANNING, SOURCES, "dsr_upkeep", "dsr_deadlines", "dsr_tickets")
_LAST: Final = ("apiserver", "redis", "s3", "sandbox")
"""Stopped after those that need them."""
_PATIENCE: Final = {"triggerer": 0.0, "s3": 0.0, "sandbox": 30.0}
"""Seconds to stop by itself, 0 = killed at once: both wait for what never comes, and have nothing to save."""
_SETTINGS: Final = "airflow_local_settings.py"


class Production:
    """The shape in `folder`, as the tests of a stack use one. `impatient`: settings with which a test need not wait so
    long, given to every process of Airflow beside what the file gives it."""

    def __init__(self, folder: Path, people: int, impatient: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.folder = folder.resolve()
        self.say = say
        self.endpoints: dict[str, Any] = {}
        self.native = Native(self.folder)
        self.postgres = Postgres(self.folder / "postgres")
        self.register = Register(self.folder / "processes.json")
        self.components: list[Component] = []
        self.keeper = Keeper(self.components, self._record)
        self._people, self._impatient = people, impatient
        self._composed: Composed | None = None

    @property
    def composed(self) -> Composed:
        """The file with the variables of this installation; after `up` has begun."""
        if self._composed is None:
            raise StackError("not started")
        return self._composed

    @property
    def secrets(self) -> Secrets:
        """Sign-ins and keys."""
        return self.native.secrets

    @property
    def trust(self) -> ssl.SSLContext:
        """Whose certificates the proxies have."""
        return self.native.trust

    @property
    def airflow_url(self) -> str:
        """Of the proxy before the api-server."""
        return self.native.airflow_url

    @property
    def portal_url(self) -> str:
        """Of the proxy before the portal."""
        return self.native.portal_url

    @property
    def environment(self) -> dict[str, str]:
        """Of whoever does the work."""
        return self.composed.environment("worker")

    def client(self, user: str) -> AirflowClient:
        """Airflow's API through the proxy, signed in as that user."""
        return AirflowClient(self.airflow_url, user, self.secrets.passwords[user], self.trust)

    def up(self) -> None:
        """Start everything and return when requests can be taken; what was started is stopped when that fails."""
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop everything. Twice is fine."""
        self.keeper.stop()
        self._record()
        self.register.stop(self.say)
        self.postgres.stop()

    def run(self, service: str, command: Sequence[str], told: str = "") -> str:
        """Run a command in a service's environment, as `docker-compose exec` does, and answer what it asks; what it
        says. StackError when it doesn't end well."""
        done = subprocess.run(
            [self.native.program(word) for word in command],
            env=self._environment(service, service),
            cwd=ROOT,
            input=told,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            start_new_session=True,  # without a terminal, so that a password is asked for on stdin
            check=False,
        )
        if done.returncode:
            raise StackError(f"{' '.join(command)} ended with code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def is_healthy(self, name: str) -> bool:
        """Whether the health check of that process passes, as it is in the file."""
        service = name.removesuffix(_SECOND)
        check = [self.native.of_process(name, word) for word in self.composed.check(service)]
        environment = self._environment(service, name)
        done = subprocess.run(check, env=environment, cwd=ROOT, capture_output=True, timeout=120, check=False)
        return done.returncode == 0

    def wait_until_healthy(self, *names: str) -> None:
        """Until the health checks of these pass."""
        for name in names:
            wait_until(lambda name=name: self.is_healthy(name), name, _SECONDS)  # type: ignore[misc]

    def _start(self) -> None:
        began = time.monotonic()
        self._launch(self._sandbox())
        self.postgres.start()
        ready = self.folder / "sandbox" / "endpoints.json"
        wait_until(ready.exists, "the sandbox", _SECONDS, self.components)
        self.endpoints = self.native.take_endpoints(ready)
        self._composed = self.native.composed(self.postgres)
        self.run("postgres", ["sh", str(ROOT / "deploy" / "postgres" / "10-databases.sh")])
        for service, more in (("redis", self.native.redis_options), ("s3", self.native.s3_options)):
            self._launch(self._component(service, service, more))
        self.keeper.start()
        self.wait_until_healthy("redis", "s3")
        self.say(f"servers after {time.monotonic() - began:.0f} s")
        for name in ("init", *(name for service in _OURS for name in _names(service))):
            self._prepare_home(name)
        self.run("init", self.composed.command("init"))
        self._people_and_connections()
        self.say(f"init after {time.monotonic() - began:.0f} s")
        for service in _OURS:
            for name in _names(service):
                self._launch(self._component(service, name, self.native.options(service, name)))
        for component in self.native.proxies():
            self._launch(component)
        self.wait_until_healthy(*(c.name for c in self.components if c.name.removesuffix(_SECOND) in _OURS))
        self.say(f"healthy after {time.monotonic() - began:.0f} s")
        with self.client("engineer") as client:
            client.wait(lambda: client.has_dags(_DAGS), "DAGs to be read", _SECONDS)
        self.say(f"up after {time.monotonic() - began:.0f} s")

    def _launch(self, component: Component) -> None:
        component.start()
        self.components.append(component)
        self._record()

    def _record(self) -> None:
        if self.folder.exists():
            self.register.record(self.components)

    def _sandbox(self) -> Component:
        state = self.folder / "sandbox"
        argv = [sys.executable, "-m", "sandbox", "--state", str(state), "--people", str(self._people)]
        return Component("sandbox", argv, self.native.base(), ROOT, self._log("sandbox"), _PATIENCE["sandbox"], 1)

    def _component(self, service: str, name: str, options: Sequence[str]) -> Component:
        argv = [self.native.program(word) for word in self.composed.command(service)] + list(options)
        environment = self._environment(service, name)
        stage = int(service in _LAST)
        return Component(name, argv, environment, ROOT, self._log(name), _PATIENCE.get(service, 8.0), stage)

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _environment(self, service: str, name: str) -> dict[str, str]:
        """Nothing of our own environment gets in, as nothing gets into a container."""
        given = self.native.base() | self.composed.environment(service)
        if "AIRFLOW__CORE__EXECUTOR" in given:
            given |= self._impatient
        return given | self.native.environment(service, name)

    def _prepare_home(self, name: str) -> None:
        """As the Dockerfile makes it; the folder of logs is the volume that all have. The clock of the workers' tasks
        can be put ahead."""
        home = self.native.home(name)
        (home / "config").mkdir(parents=True)
        shared = self.folder / "logs" / "tasks"
        shared.mkdir(parents=True, exist_ok=True)
        (home / "logs").symlink_to(shared)
        text = (ROOT / "deploy" / _SETTINGS).read_text()
        if name.removesuffix(_SECOND) == "worker":
            text += '\nif "worker" in sys.argv:' + CLOCK.format(folder=str(self.folder))
        (home / "config" / _SETTINGS).write_text(text)

    def _people_and_connections(self) -> None:
        """What an engineer does after `init`, with the commands of docs/deployment.md."""
        take = ["airflow", "connections", "import", "--overwrite", str(self.native.connections)]
        password = self.secrets.passwords["second"]
        who = ["--username", "second", "--firstname", "Second", "--lastname", "Officer", "--email", "second@localhost"]
        add = ["airflow", "users", "create", "--role", "dsr officer", *who]
        with ThreadPoolExecutor(1) as threads:
            importing = threads.submit(self.run, "apiserver", take)
            self.run("apiserver", add, told=f"{password}\n{password}\n")
            importing.result()


def _names(service: str) -> list[str]:
    """Of the processes that a service has."""
    return [service, f"{service}{_SECOND}"] if service in _TWICE else [service]
