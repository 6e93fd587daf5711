"""What of a step goes out, and what an error says of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.trace import StatusCode
from otlp_collector import Collector, attributes, collecting

from dsr import telemetry
from dsr.errors import PermanentError, TransientError

ROOT = Path(__file__).parents[2]
REQUEST = "dsr-abcdefghijklmnopqrstuvwxyz"


def test_an_event_goes_out_as_counts_and_codes(collector: Collector) -> None:
    detail = {
        "source": "pardot", "status": "found", "matches": 3, "ok": True, "code": "http.503",
        "by": "officer", "sha256": "ab" * 32, "reasons": {"shared": 2}, "latest": "2026-06-08",
    }  # fmt: skip
    with telemetry.span("identify", REQUEST, right="access"):
        telemetry.note("source_searched", detail)
    [span] = collector.spans()
    assert attributes(span) == {"dsr.right": "access", "dsr.request_id": REQUEST}
    [event] = span.events
    assert attributes(event) == {
        "dsr.source": "pardot", "dsr.status": "found", "dsr.matches": 3, "dsr.ok": True, "dsr.code": "http.503",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["anna@example.se", "Anna Berg", "0701234567", "x" * 65, "tel.0701234567", ""])
def test_what_is_no_code_stays_in(collector: Collector, value: str) -> None:
    with telemetry.span("identify", value, right=value, source=value):
        telemetry.note("source_failed", {"code": value, "task": value})
    [span] = collector.spans()
    assert attributes(span) == {}
    assert [attributes(event) for event in span.events] == [{}]


def test_an_error_says_its_code_and_nothing_of_what_caused_it(collector: Collector) -> None:
    def fail() -> None:
        with telemetry.span("collect", REQUEST):
            try:
                raise ValueError("anna@example.se")
            except ValueError:
                raise TransientError("http.503", "pardot")  # noqa: B904 - the cause is what must not go out

    with pytest.raises(TransientError):
        fail()
    with pytest.raises(PermanentError), telemetry.span("deliver"):
        raise PermanentError("Anna Berg")
    with pytest.raises(KeyError), telemetry.span("skipped"):
        raise KeyError("anna@example.se")
    failed, unnamed, skipped = collector.spans()
    assert attributes(failed) == {"dsr.request_id": REQUEST, "error.type": "http.503", "dsr.transient": True}
    assert (failed.status.code, failed.status.message) == (StatusCode.ERROR.value, "http.503")
    assert attributes(unnamed)["error.type"] == "unnamed"
    assert skipped.status.code == StatusCode.UNSET.value
    assert [event for span in (failed, unnamed, skipped) for event in span.events] == []
    assert [word for word in ("anna@example.se", "Anna Berg", "ValueError") if word in collector.text()] == []


def test_off_unless_somebody_says_where_to() -> None:
    assert not telemetry.switched_on({})
    assert not telemetry.switched_on({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert telemetry.switched_on({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    assert not telemetry.switched_on({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"})
    untouched: dict[str, str] = {}
    telemetry.tell_airflow(untouched)
    assert untouched == {}


_AIRFLOW = """
import time
import airflow.settings
from airflow.sdk.execution_time.task_runner import flush_spans
from dsr import telemetry
airflow.settings.initialize()
with flush_spans():
    with telemetry.span("identify", right="access"):
        began = time.monotonic()
print(time.monotonic() - began)
"""


def airflow(folder: Path, endpoint: str) -> float:
    """A process of Airflow's with our settings file, in which one task ends; how long its end takes, in seconds."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "airflow_local_settings.py").write_text(
        (ROOT / "deploy" / "airflow_local_settings.py").read_text()
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "OTEL"))}
    environment |= {"AIRFLOW_HOME": str(folder), "PYTHONPATH": f"{ROOT}:{ROOT / 'dags'}"}
    environment |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'none.db'}"}
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    line = [sys.executable, "-c", _AIRFLOW]
    done = subprocess.run(line, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.splitlines()[-1])


@pytest.mark.airflow
def test_the_standard_variables_switch_airflows_traces_on(tmp_path: Path) -> None:
    with collecting() as collector:
        airflow(tmp_path, collector.url)
        [span] = collector.spans()
    assert (span.name, attributes(span)) == ("identify", {"dsr.right": "access"})


@pytest.mark.airflow
@pytest.mark.thorough
def test_a_collector_that_is_down_holds_no_task_up(tmp_path: Path) -> None:
    assert airflow(tmp_path, "http://127.0.0.1:9") < 3
