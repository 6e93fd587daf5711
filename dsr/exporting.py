"""OpenTelemetry's exporters for processes without Airflow, as its standard variables (OTEL_…) have them.

Imported only where something is exported: it brings the SDK.
"""

from collections.abc import Callable, Mapping

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from dsr.telemetry import is_grpc, switched_on


def trace_as(service: str, environ: Mapping[str, str]) -> None:
    """Sends this process's spans out under that name, unless OTEL_SERVICE_NAME names another; nothing where traces are
    switched off. Once in a process."""
    if switched_on(environ):
        provider = TracerProvider(resource=_resource(service, environ))
        provider.add_span_processor(BatchSpanProcessor(_span_exporter(environ)))
        trace.set_tracer_provider(provider)


def metering(service: str, environ: Mapping[str, str]) -> tuple[MeterProvider, Callable[[], bool]]:
    """A provider, and what sends its metrics out, which it doesn't by itself: True = they have arrived."""
    # The SDK's own reader that sends on time tells nobody whether it did.
    reader, exporter = InMemoryMetricReader(), _metric_exporter(environ)
    provider = MeterProvider([reader], resource=_resource(service, environ), shutdown_on_exit=False)

    def send() -> bool:
        found = reader.get_metrics_data()
        return found is not None and exporter.export(found) is MetricExportResult.SUCCESS

    return provider, send


def _resource(service: str, environ: Mapping[str, str]) -> Resource:
    return Resource.create({} if environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service})


def _span_exporter(environ: Mapping[str, str]) -> SpanExporter:
    if is_grpc(environ):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _metric_exporter(environ: Mapping[str, str]) -> MetricExporter:
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if (environ.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or general) == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter()
