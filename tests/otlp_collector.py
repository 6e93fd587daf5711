"""A collector that speaks OTLP over HTTP and keeps all that it is told, for tests of what goes out."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dsr.exporting import trace_as


@dataclass
class Collector:
    """url: for OTEL_EXPORTER_OTLP_ENDPOINT; told: path and body of every call."""

    url: str
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def forget(self) -> None:
        """What came until now."""
        flush()
        self.told.clear()

    def text(self) -> str:
        """All bytes; strings stand in them as they are."""
        return "\n".join(f"{path} {body.decode('utf-8', 'replace')}" for path, body in self.told)

    def spans(self) -> list[Any]:
        """All spans, in the form of the protocol."""
        flush()
        bodies = [ExportTraceServiceRequest.FromString(body) for path, body in self.told if path == "/v1/traces"]
        return [s for body in bodies for r in body.resource_spans for scope in r.scope_spans for s in scope.spans]

    def metrics(self) -> list[Any]:
        """All metrics, in the form of the protocol."""
        bodies = [ExportMetricsServiceRequest.FromString(body) for path, body in self.told if path == "/v1/metrics"]
        return [m for body in bodies for r in body.resource_metrics for scope in r.scope_metrics for m in scope.metrics]


def attributes(holder: Any) -> dict[str, Any]:
    """Those of a span, an event or a point."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


def flush() -> None:
    """What this process still holds goes out."""
    provider = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        provider.force_flush()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""
    made = Collector("")

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.told.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()


@pytest.fixture(scope="session")
def shared_collector() -> Iterator[Collector]:
    """This process's spans go to it, as the standard variables would have them; take `collector`."""
    with collecting() as made, mock.patch.dict(os.environ, {"OTEL_EXPORTER_OTLP_ENDPOINT": made.url}):
        trace_as("dsr-test", os.environ)
        yield made
        trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]


@pytest.fixture
def collector(shared_collector: Collector) -> Collector:
    """Knows of nothing yet."""
    shared_collector.forget()
    return shared_collector
