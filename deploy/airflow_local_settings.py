"""Read by every Airflow process from $AIRFLOW_HOME/config. The worker imports here once what its tasks need: each task
is a fork of it and starts with these modules loaded (see `dsr_preload`). The scheduler leaves out runs that wait for a
person (see `dsr_quiet`). OpenTelemetry's standard variables switch Airflow's traces on, if they are set."""

import os
import sys

from dsr.telemetry import tell_airflow

__all__: list[str] = []

tell_airflow(os.environ)

if "scheduler" in sys.argv:
    from dsr_quiet import leave_out

    leave_out()

if "worker" in sys.argv:
    from dsr_preload import preload

    preload()
