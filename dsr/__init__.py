"""Answers data subject requests (GDPR Art. 12-22) on Apache Airflow 3.

`dsr.read_package` reads a finished package back. It comes by a name that is looked up when it is used, so that
importing `dsr` stays cheap for every task that doesn't read packages.
"""

import os
from typing import TYPE_CHECKING, Any

# Read by Arrow when it is first used. A subject of 400,000 rows takes 84 MiB with it instead of 164, and no more time
# (`benchmarks.sizes`). Where pyarrow was built without it Arrow says so and takes its own.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")

if TYPE_CHECKING:
    from dsr.reading import read_package

__all__ = ["read_package"]


def __getattr__(name: str) -> Any:
    if name != "read_package":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dsr.reading import read_package

    return read_package
