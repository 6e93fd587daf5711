"""A span for each task, by its name; see `dsr.telemetry` for what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import get_current_context

from dsr import telemetry
from dsr.effort import so_far
from dsr.vocabulary import RIGHTS
from extractors import SOURCES

_SOURCES = frozenset(source.declaration.name for source in SOURCES)


@contextmanager
def traced(function: str) -> Iterator[None]:
    """A block around the work of this task; `function`: its name where it isn't run as a task. Of a task that works
    with one source, the span says what that took."""
    try:
        context = get_current_context()
    except RuntimeError:
        with telemetry.span(function):
            yield
        return
    run, task = context["dag_run"], context["ti"].task_id
    right, source = run.dag_id.removeprefix("dsr_"), "".join(_SOURCES.intersection(task.split(".")))
    with telemetry.span(task, run.run_id, right=right if right in RIGHTS else "", source=source):
        before = so_far(source)
        try:
            yield
        finally:
            if source:
                telemetry.count((so_far(source) - before).as_json())
