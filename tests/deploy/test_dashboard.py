"""The dashboard and the alerts ask for what is sent, all of it, and for nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsr.metrics import COUNTER, METRICS, Metric

ROOT = Path(__file__).resolve().parents[2]
BOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "dsr.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "grafana" / "alerts.yaml").read_text())["groups"][0][
    "rules"
]
OPERATIONS = ROOT / "docs" / "operations.md"
_UNITS = {"s": "_seconds", "1": "_ratio"}


def in_prometheus(metric: Metric) -> str:
    """As Prometheus' OTLP receiver and the collector's exporter name it: the unit's word and _total at the end; "{…}"
    is no unit (OpenTelemetry, compatibility with Prometheus)."""
    assert metric.unit in _UNITS or not metric.unit or metric.unit.startswith("{")
    assert metric.unit != "1" or metric.kind != COUNTER
    name = metric.name.replace(".", "_") + _UNITS.get(metric.unit, "")
    return name + ("_total" if metric.kind == COUNTER else "")


NAMES = {in_prometheus(metric): metric for metric in METRICS}


def expressions() -> Iterator[str]:
    for panel in BOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def asked(expression: str) -> set[str]:
    return set(re.findall(r"\bdsr_\w+", expression))


def test_every_query_names_a_metric_that_is_sent() -> None:
    for expression in [*expressions(), *(rule["expr"] for rule in RULES)]:
        assert asked(expression)
        assert asked(expression) <= set(NAMES), expression


def test_every_metric_is_shown() -> None:
    assert set().union(*map(asked, expressions())) == set(NAMES)


@pytest.mark.parametrize("text", [*expressions(), *(rule["expr"] for rule in RULES)])
def test_what_is_grouped_by_is_a_label_of_it(text: str) -> None:
    for labels, inner in re.findall(r"by \(([\w, ]+)\) \((.*?)\)", text):
        for name in asked(inner):
            assert set(labels.split(", ")) <= set(NAMES[name].labels), text
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert all(shown <= set(NAMES[name].labels) for name in asked(target["expr"])), target


def test_counters_are_asked_for_their_increase() -> None:
    for expression in [*expressions(), *(rule["expr"] for rule in RULES)]:
        for name in asked(expression):
            if NAMES[name].kind == COUNTER:
                assert f"increase({name}[" in expression


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_every_alert_says_what_to_do() -> None:
    told = OPERATIONS.read_text()
    for rule in RULES:
        assert f"`{rule['alert']}`" in told
    assert set(re.findall(r"`(Dsr\w+)`", told)) == {rule["alert"] for rule in RULES}
