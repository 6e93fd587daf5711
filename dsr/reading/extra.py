"""Libraries that only reading packages needs."""

from importlib import import_module
from typing import Any


def extra(name: str) -> Any:
    """The module. ImportError that says what to install when it isn't there."""
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(f"{name} is needed for this and not installed: pip install dsr[analysis]") from None
