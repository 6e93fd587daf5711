"""Read by every Airflow process from $AIRFLOW_HOME/config. The worker imports here once what its tasks need: each task
is a fork of it and starts with these modules loaded (see `dsr_preload`)."""

import sys

__all__: list[str] = []

if "worker" in sys.argv:
    from dsr_preload import preload

    preload()
