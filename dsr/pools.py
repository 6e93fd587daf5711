"""Airflow pools of the sources: how many tasks may talk to a system at once. A task without its pool never runs."""

from collections.abc import Iterable
from typing import Any

from dsr.source import Declaration


def pools(declarations: Iterable[Declaration]) -> dict[str, dict[str, Any]]:
    """One pool per declaration in the form that `airflow pools import` reads: name → slots, description and whether
    deferred tasks count (no: they talk to nobody)."""
    return {
        declaration.connection_id: {
            "slots": declaration.concurrency,
            "description": declaration.title,
            "include_deferred": False,
        }
        for declaration in declarations
    }
