"""Questions about a plan."""

from dsr.plan import Count, PlanSummary


def counts_of(plan: PlanSummary, source: str, effect: str = "") -> tuple[Count, ...]:
    """The counts of a source, of one effect or of all; without those of nothing."""
    return tuple(c for c in plan.counts if c.source == source and effect in ("", c.effect) and c.count)


def effects_of(plan: PlanSummary, source: str) -> frozenset[str]:
    """What is to be done in a source; empty = nothing was found there."""
    return frozenset(c.effect for c in counts_of(plan, source))
