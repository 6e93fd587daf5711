"""Traces of the way, as OpenTelemetry has them: a span for each step of a request, with codes and counts alone.

Off unless an OTLP endpoint is set (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT). In Airflow's
processes the spans go out by Airflow's own provider, as children of its span of the task; the other processes have one
of their own (`dsr.exporting`). Without a provider a span is nothing and costs nothing.

What a monitoring system holds is read by more people than the ledger, so less goes there: of an event its counts, and
those of its words that are codes of ours (`WORDS`). Every event that a step appends to the ledger is noted in its span.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from dsr.errors import DsrError, TransientError

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
WORDS: Final = frozenset(
    ("channel", "code", "dataset", "effect", "encryption", "outcome", "reason", "right", "source", "status", "task")
)
"""Names of what may go out as a word; its values are codes of ours, or of a source's errors."""
_CODE: Final = re.compile(r"(?!.*[0-9]{6})[A-Za-z][A-Za-z0-9_.-]{0,63}")
_REQUEST: Final = re.compile(r"dsr-[a-z2-7]{26}")
_FLUSH_MS: Final = "1000"

_tracer = trace.get_tracer("dsr")


def switched_on(environ: Mapping[str, str]) -> bool:
    """Whether traces are to go somewhere."""
    return environ.get("OTEL_SDK_DISABLED", "").lower() != "true" and any(environ.get(name) for name in ENDPOINTS)


def tell_airflow(environ: MutableMapping[str, str]) -> None:
    """Switches Airflow's own traces on by OpenTelemetry's standard variables alone; what is set already stays. Call it
    before Airflow reads its configuration of traces."""
    if not switched_on(environ):
        return
    environ.setdefault("AIRFLOW__TRACES__OTEL_ON", "True")
    # A collector that is down must not hold a task back: Airflow would wait half a minute at the end of each.
    environ.setdefault("AIRFLOW__TRACES__TASK_RUNNER_FLUSH_TIMEOUT_MILLISECONDS", _FLUSH_MS)
    environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    if not is_grpc(environ):
        # Airflow asks for gRPC unless told otherwise; the specification's default is HTTP.
        environ.setdefault("OTEL_TRACES_EXPORTER", "otlp_proto_http")


def is_grpc(environ: Mapping[str, str]) -> bool:
    """Whether the collector is spoken to by gRPC, and not by HTTP."""
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    return (environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or general) == "grpc"


@contextmanager
def span(name: str, request_id: str = "", **words: str) -> Iterator[None]:
    """A span around a block. `name`: of the task or step; `words`: as WORDS names them; "" = it has none. What isn't a
    code stays out. An error of ours ends it as failed with the error's code; another exception is no failure here:
    a task that is skipped raises one."""
    attributes = admitted(words)
    if _REQUEST.fullmatch(request_id):
        attributes["dsr.request_id"] = request_id
    # Not by the library: what it makes of an exception holds its text and where it came from.
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except DsrError as error:
            code = error.code if _CODE.fullmatch(error.code) else "unnamed"
            current.set_attributes({"error.type": code, "dsr.transient": isinstance(error, TransientError)})
            current.set_status(Status(StatusCode.ERROR, code))
            raise


def note(kind: str, detail: Mapping[str, Any]) -> None:
    """Something happened, and the ledger has it: in the span of the step that does it, if there is one."""
    current = trace.get_current_span()
    if current.is_recording():
        current.add_event(kind, admitted(detail))


def count(numbers: Mapping[str, int]) -> None:
    """Numbers of the step whose span this is."""
    trace.get_current_span().set_attributes(admitted(numbers))


def admitted(detail: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """What of a detail may go out, each under `dsr.<name>`: numbers, yes and no, and words that are codes."""
    return {f"dsr.{name}": value for name, value in detail.items() if _is_admitted(name, value)}


def _is_admitted(name: str, value: object) -> bool:
    return isinstance(value, bool | int) or (
        name in WORDS and isinstance(value, str) and _CODE.fullmatch(value) is not None
    )
