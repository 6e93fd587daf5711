"""The call recordings: SeaweedFS filled in Amazon Connect's layout, behind a wire that logs calls and plays faults.

The server keeps versions, delete markers, tags per version, multipart uploads, retention (GOVERNANCE, COMPLIANCE),
legal holds and a policy with tags as its condition, as S3 does. Where it differs: retention ends by the real clock,
the sandbox's doesn't move it; a retention or hold that a version lacks is a 404 of its own code, as at Amazon, but
`head_object` says `OFF` for a missing hold; deleting with `VersionId` and lifting a bucket's versioning need no more
than the right to write (Object Lock refuses the latter to everybody); a refused deletion is `AccessDenied`, whether
the right is missing or the version is locked. Reading a version needs no right of its own.
"""

import json
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from starlette.routing import Route

from sandbox.entries import Entry
from sandbox.people import Population, Truth
from sandbox.ports import loopback_socket
from sandbox.recordings import filling, locks, stored
from sandbox.recordings.calls import BUCKET, Call, calls
from sandbox.recordings.proxy import Proxy
from sandbox.seaweed import SeaweedFS
from sandbox.system import ConnectionFields, Options
from sandbox.wire import Wire, Wiretap

_REGION = "eu-north-1"
_LAYOUT = 2
"""Of the objects that the bucket is filled with; another number fills old folders anew."""
_CALL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Recordings:
    """A `ServerSystem`. The connection leads through the wire; seeding doesn't."""

    name = "recordings"

    def __init__(self, options: Options, population: Population, tap: Wiretap | None = None) -> None:
        self._options, self._population = options, population
        self._tap = tap or Wiretap(options.latency_ms / 1000)
        self._folder = options.folder / self.name
        self.server = SeaweedFS(self._folder / "seaweed")
        self._proxy: tuple[uvicorn.Server, threading.Thread, int] | None = None

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of the population."""
        return calls(self._population, self._options.today)

    def start(self) -> None:
        """Start the server, fill the bucket unless it holds the calls of the same options, start the wire."""
        made_of = json.dumps([self._options.people, self._options.seed, self._options.today, _LAYOUT])
        stamp = self._folder / "stamp.json"
        known = stamp.exists() and stamp.read_text() == made_of
        if not known and self._folder.exists():
            shutil.rmtree(self._folder)
        self.server.start()
        if not known:
            filling.fill(self.client(), self.calls)
            stamp.write_text(made_of)
        self._start_wire()

    def stop(self) -> None:
        """Stop wire and server. Twice is fine."""
        if self._proxy is not None:
            server, thread, _ = self._proxy
            server.should_exit = True
            thread.join()
            self._proxy = None
        self.server.stop()

    def connections(self) -> dict[str, ConnectionFields]:
        """`dsr_recordings`, with keys that may only read, and `dsr_recordings_write`, with keys that change objects."""
        if self._proxy is None:
            raise RuntimeError("not started")
        url, server = f"http://127.0.0.1:{self._proxy[2]}", self.server
        extra = {"bucket": BUCKET, "region_name": _REGION, "endpoint_url": url}
        fields = {"conn_type": "aws", "host": "", "port": None, "schema": "", "extra": extra}
        reading = {"login": server.reader_access_key, "password": server.reader_secret_key}
        writing = {"login": server.writer_access_key, "password": server.writer_secret_key}
        return {"dsr_recordings": fields | reading, "dsr_recordings_write": fields | writing}

    def admin_routes(self) -> list[Route]:
        """`POST /recordings/locks` and `GET /recordings/analyst`, see `sandbox.recordings.locks`."""
        return locks.routes(self)

    def entries(self) -> Iterator[Entry]:
        """Every version, delete marker, unfinished upload and bucket; people by the calls that a key names."""
        whose = {call.call_id: {call.person.key} for call in self.calls}
        exports = defaultdict(set)
        for call in self.calls:
            exports[call.records_key].add(call.person.key)
            exports[call.late_records_key].add(call.person.key)

        def people(key: str) -> str:
            named = _CALL_ID.search(key)
            return ",".join(sorted((whose.get(named[0]) if named else exports.get(key)) or ()))

        return stored.entries(self.client(), self.name, people)

    def save(self, snapshot: str) -> None:
        """All data of the server, other buckets too."""
        self.server.save(self._saved(snapshot))

    def load_saved(self, snapshot: str) -> None:
        """As it was, locks included; takes some seconds."""
        self.server.load_saved(self._saved(snapshot))

    def forget_saved(self, snapshot: str) -> None:
        """Throw the copy away."""
        shutil.rmtree(self._saved(snapshot), ignore_errors=True)

    def _saved(self, snapshot: str) -> Path:
        return self._folder / "snapshots" / snapshot

    def truth(self) -> Sequence[Truth]:
        """One record per call and per line of its transcript."""
        return [record for call in self.calls for record in call.truth()]

    def client(self) -> Any:
        """A boto3 client with all rights, past the wire: for seeding, and for tests that change what is stored."""
        return boto3.client(
            "s3",
            endpoint_url=self.server.endpoint,
            region_name=_REGION,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
        )

    def _start_wire(self) -> None:
        app = Wire(Proxy(int(self.server.endpoint.rpartition(":")[2])), self.name, self._tap)
        listener = loopback_socket()
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=2,
                date_header=False,
                server_header=False,
            )
        )
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="recordings-wire", daemon=True
        )
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self._proxy = (server, thread, listener.getsockname()[1])
