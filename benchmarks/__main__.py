"""`make bench`: everything that is measured, one after the other; 0 when all limits hold."""

import sys

from benchmarks import (
    airflow_overhead,
    engine,
    erasing,
    lists,
    lookup,
    masks,
    matching,
    packing,
    retention,
    sizes,
    sources,
    waiting,
    webhook,
)


def main() -> int:
    """One after the other, so that none disturbs another."""
    print("Engine: all steps in one process, without Airflow\n")
    broken = engine.main([])
    print("\nSizes: what one subject costs by the number of their records\n")
    broken = sizes.main([]) or broken
    print("\nErasing: what the database is asked\n")
    broken = erasing.main([]) or broken
    print("\nPackage: rows and attachments without end\n")
    broken = packing.main([]) or broken
    print("\nMatching: whose a record is\n")
    broken = matching.main([]) or broken
    print("\nMasks: what of others' is hidden in a text\n")
    broken = masks.main([]) or broken
    print("\nLook-up: one person among a million\n")
    broken = lookup.main([]) or broken
    print("\nSources: what asking the systems costs\n")
    broken = sources.main([]) or broken
    print("\nLists: many people with one approval\n")
    broken = lists.main([]) or broken
    print("\nRetention: what was kept of many people, on the night that it ends\n")
    broken = retention.main([]) or broken
    print("\nWebhook: a burst while Airflow is down\n")
    broken = webhook.main([]) or broken
    print("\nWaiting: requests that stand at a person's decision\n")
    broken = waiting.main([]) or broken
    print("\nAirflow: what it adds to a request\n")
    return airflow_overhead.main([]) or broken


if __name__ == "__main__":
    sys.exit(main())
