"""`make bench`: everything that is measured, one after the other; 0 when all limits hold."""

import sys

from benchmarks import airflow_overhead, engine


def main() -> int:
    """Engine first, then Airflow, so that neither disturbs the other."""
    print("Engine: all steps in one process, without Airflow\n")
    broken = engine.main([])
    print("\nAirflow: what it adds to a request\n")
    return airflow_overhead.main([]) or broken


if __name__ == "__main__":
    sys.exit(main())
