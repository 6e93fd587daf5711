"""`python -m dsr metrics`: sends the metrics out over OTLP; a process of its own, with one address and no key."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dsr import database
from dsr.counted import Counted
from dsr.errors import DsrError, PermanentError
from dsr.ledger import Ledger
from dsr.metrics import COUNTER, METRICS, Metric, Readings, read
from dsr.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.sdk.metrics import MeterProvider

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

log = logging.getLogger("dsr")

_ABOUT: Final = (
    "Send the metrics of the requests to an OpenTelemetry collector, every minute (OTEL_METRIC_EXPORT_INTERVAL, in "
    "milliseconds). OTEL_EXPORTER_OTLP_ENDPOINT says where; needs DSR_LEDGER_URL and no key."
)
_INTERVAL_MS: Final = "60000"
_DONE: Final = 0
_FAILED: Final = 1


def add_parser(commands: "Commands") -> None:
    """The command."""
    metrics = commands.add_parser("metrics", help="send metrics to an OpenTelemetry collector", description=_ABOUT)
    metrics.add_argument("--once", action="store_true", help="send them once, then end: 0 when they have arrived")
    metrics.add_argument("--heartbeat", type=Path, help="a file that is touched each time they have arrived")
    metrics.add_argument("--print", action="store_true", help="print them instead, once")
    metrics.set_defaults(command=_metrics)


class Outlet:
    """Where readings go out: by a provider, and what sends what it has."""

    def __init__(self, provider: "MeterProvider", send: "Callable[[], bool]") -> None:
        self._send = send
        self._readings: Readings = {}
        meter = provider.get_meter("dsr")
        for metric in METRICS:
            make = meter.create_observable_counter if metric.kind == COUNTER else meter.create_observable_gauge
            make(metric.name, [self._callback(metric)], metric.unit, metric.description)

    def put(self, readings: Readings) -> bool:
        """Sends them; whether they arrived."""
        self._readings = readings
        return self._send()

    def _callback(self, metric: Metric) -> "Callable[[CallbackOptions], Iterable[Observation]]":
        from opentelemetry.metrics import Observation

        def observed(_: "CallbackOptions") -> "Iterable[Observation]":
            return [Observation(value, dict(labels)) for labels, value in self._readings.get(metric.name, ())]

        return observed


def _metrics(args: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("ledger_url",))
    engine = database.connect(settings.ledger_url)
    counted = Counted(Ledger(engine))

    def readings() -> Readings:
        at = datetime.now(UTC)
        return read(engine, counted, at, at.astimezone(settings.zone).date(), settings.timezone)

    if args.print:
        for name, points in readings().items():
            for labels, value in points:
                told = ", ".join(f"{key}={text}" for key, text in labels.items())
                sys.stdout.write(f"{name}{{{told}}} {value:g}\n")
        return _DONE
    if not (os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")):
        raise PermanentError("setting.otel_exporter_otlp_endpoint", "metrics")
    from dsr.exporting import metering

    outlet, over = Outlet(*metering("dsr", os.environ)), threading.Event()
    if args.once:
        return _DONE if outlet.put(readings()) else _FAILED
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    every = int(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or _INTERVAL_MS) / 1000
    while not over.is_set():
        try:
            if not outlet.put(readings()):
                log.warning("the metrics did not arrive")
            elif args.heartbeat:
                args.heartbeat.touch()
        except DsrError as error:
            log.warning("no metrics at the moment: %s", error)
        over.wait(every)
    return _DONE
