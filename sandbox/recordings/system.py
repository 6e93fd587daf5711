"""The call recordings: SeaweedFS filled in Amazon Connect's layout, behind a wire that logs calls and plays faults."""

import json
import shutil
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from starlette.routing import Route

from sandbox.people import Population, Truth
from sandbox.recordings.audio import call as stereo
from sandbox.recordings.audio import mono_call
from sandbox.recordings.calls import BUCKET, Call, calls, concatenated
from sandbox.recordings.proxy import Proxy
from sandbox.seaweed import SeaweedFS
from sandbox.system import ConnectionFields, Options
from sandbox.wire import Wire, Wiretap

_REGION = "eu-north-1"
_SUPERSEDED = "Detta utläste maskinen fel."


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
        made_of = json.dumps([self._options.people, self._options.seed, self._options.today])
        stamp = self._folder / "stamp.json"
        known = stamp.exists() and stamp.read_text() == made_of
        if not known and self._folder.exists():
            shutil.rmtree(self._folder)
        self.server.start()
        if not known:
            self._fill()
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
        """`dsr_recordings`, with keys that may only read."""
        if self._proxy is None:
            raise RuntimeError("not started")
        fields = {
            "conn_type": "aws",
            "host": "",
            "port": None,
            "login": self.server.reader_access_key,
            "password": self.server.reader_secret_key,
            "schema": "",
            "extra": {
                "bucket": BUCKET,
                "region_name": _REGION,
                "endpoint_url": f"http://127.0.0.1:{self._proxy[2]}",
            },
        }
        return {"dsr_recordings": fields}

    def admin_routes(self) -> list[Route]:
        """None of its own: log and faults of the wire suffice."""
        return []

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
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
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

    def _fill(self) -> None:
        client = self.client()
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda thing: _put(client, *thing), self._contact_records()))
            list(pool.map(lambda call: _store(client, call), self.calls))

    def _contact_records(self) -> Iterator[tuple[str, bytes]]:
        """Per hour one object of first records and one of updates, the updates delivered twice."""
        early, late = defaultdict(list), defaultdict(list)
        for call in self.calls:
            early[call.records_key].append(call.early_record())
            late[call.late_records_key].append(call.record())
        for key, records in early.items():
            yield key, concatenated(records)
        for key, records in late.items():
            yield key, concatenated([*records, *records])


def _store(client: Any, call: Call) -> None:
    """All objects of a call: superseded versions first, delete markers last."""
    if call.misnamed:
        _put(client, call.sidecar_key, _json(call.sidecar(call.misnamed)))
    _put(client, call.sidecar_key, _json(call.sidecar()))
    _put(client, call.transcript_key, _json(call.analysis(_SUPERSEDED)))
    _put(client, call.transcript_key, _json(call.analysis()))
    audio = mono_call() if call.mono else stereo()
    _put(client, call.audio_key, audio)
    redacted_audio, redacted_transcript = call.redacted_keys
    _put(client, redacted_audio, audio)
    _put(client, redacted_transcript, _json(call.analysis("[PII]")))
    if call.binned:
        for key in (call.sidecar_key, call.transcript_key, call.audio_key, *call.redacted_keys):
            client.delete_object(Bucket=BUCKET, Key=key)


def _put(client: Any, key: str, body: bytes) -> None:
    client.put_object(Bucket=BUCKET, Key=key, Body=body)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
