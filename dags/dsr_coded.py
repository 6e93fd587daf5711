"""Lets nothing but coded errors out of a task: any other exception may carry a person's data in its message."""

import ctypes
import functools
import logging
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException

from dsr.errors import DsrError, TransientError
from dsr_traced import traced

P = ParamSpec("P")
R = TypeVar("R")

_PR_SET_PDEATHSIG: Final = 1

log = logging.getLogger("dsr")


def die_with_supervisor() -> None:
    """A task whose supervisor was killed would go on by itself, beside the retry that Airflow starts in its place,
    and write into the same case file. Linux ends it together with its parent (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Coded:
    """Block around code of which anything may come: a coded error passes, without what caused it; anything else is
    logged as type and places in the source, and raised as TransientError("unexpected.<type>", place)."""

    def __init__(self, place: str = "task") -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, AirflowException):
            return
        if isinstance(error, DsrError):
            error.__cause__ = error.__context__ = None
            return
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]
        log.error("unexpected %s\n  %s", type(error).__name__, "\n  ".join(places))
        coded = TransientError(f"unexpected.{type(error).__name__.lower()}", self._place)
        coded.__context__ = None
        raise coded from None


def coded(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a task: see `Coded`, `traced` and `die_with_supervisor`."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with traced(function.__name__), Coded():
            die_with_supervisor()
            return function(*args, **kwargs)

    return wrapper
