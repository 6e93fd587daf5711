"""The same people and requests as in `benchmarks.matching`, told apart by a record-linkage library instead of rules.

    uv run --with splink==5.0.0 python -m benchmarks.linkage --help

Splink (https://moj-analytical-services.github.io/splink/) is no dependency of the project and not in its lock. It is
trained without labels, as its documentation says: u by random sampling, m by expectation maximisation. A request is
linked as a record that holds the address and, unlike for the rules, the person's name. Released is what carries the
address and is linked to the request from 0.5 on, and what is in one cluster with that at a threshold, as Splink makes
clusters of pairs; asked of a person is what clusters from 0.5 on add.
"""

import argparse
import sys
from collections import defaultdict
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

import pyarrow as pa

from benchmarks.difficulties import DIFFICULTIES, apply
from benchmarks.matching import Systems, measure
from benchmarks.population import Human, Population
from benchmarks.tallies import Answer, Bands, Key, Tally
from dsr.evidence import VENDOR_LINKS, is_common, name_of
from dsr.model import Identifier

THRESHOLDS: Final = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)
_REVIEW: Final = THRESHOLDS[0]
_DETERMINISTIC: Final = ("l.email = r.email and l.surname = r.surname", "l.mobile = r.mobile and l.surname = r.surname")
_RECALL: Final = 0.8
"""What share of the pairs these rules find, roughly: asked for by Splink to begin with."""

Pair = tuple[str, str, float]
"""Two ids of rows and how likely it is that they are one human's."""


def row(unique_id: str, name: str, holds: set[Identifier]) -> dict[str, Any]:
    """A record as Splink compares it; None and [] = nothing there."""
    words = name_of(name)
    numbers = sorted(i for i in holds if i.kind == "phone")
    return {
        "unique_id": unique_id,
        "first_name": words[0] if words else None,
        "surname": " ".join(words[1:]) or None,
        "name": " ".join(words) or None,
        "email": next((i.value for i in sorted(holds) if i.kind == "email"), None),
        "mobile": next((i.value for i in numbers if not is_common(i)), None),
        "line": next((i.value for i in numbers if is_common(i)), None),
        "company": next((i.value for i in holds if i.kind == "customer_number"), None),
        "links": sorted(f"{i.kind} {i.value}" for i in holds if i.kind in VENDOR_LINKS),
    }


def pairs(rows: list[dict[str, Any]], seed: int) -> list[Pair]:
    """All that are likelier one human's than not."""
    import splink.comparison_library as cl  # type: ignore[import-not-found, unused-ignore]
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI  # type: ignore[import-not-found, unused-ignore]

    exactly = [cl.ExactMatch(c).configure(term_frequency_adjustments=True) for c in ("mobile", "line")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="name"),
            cl.EmailComparison("email").configure(term_frequency_adjustments=True),
            *exactly,
            cl.ArrayIntersectAtSizes("links", [1]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("email"),
            block_on("mobile"),
            block_on("links", arrays_to_explode=["links"]),
            block_on("first_name", "surname"),
            block_on("line", "surname"),
            block_on("line", "first_name"),
            block_on("company", "surname"),
            block_on("company", "first_name"),
        ],
    )
    table = DuckDBAPI().register(pa.Table.from_pylist(rows))
    linker = Linker(table, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(list(_DETERMINISTIC), recall=_RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=seed)
    for rule in (block_on("first_name", "surname"), block_on("email"), block_on("mobile")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    found = linker.inference.predict(threshold_match_probability=_REVIEW).as_pyarrow_table()
    columns = (found[name].to_pylist() for name in ("unique_id_l", "unique_id_r", "match_probability"))
    return list(zip(*columns, strict=True))


class Linked:
    """Rows in one cluster at every threshold, and what is linked to a request. `keys`: row → record; `addresses`: row →
    what it carries."""

    def __init__(self, found: list[Pair], keys: dict[str, Key], addresses: dict[str, str]) -> None:
        self._keys = keys
        between = [pair for pair in found if pair[0] in keys and pair[1] in keys]
        self._clusters = {threshold: _clusters(between, threshold) for threshold in THRESHOLDS}
        self._linked: dict[str, set[str]] = defaultdict(set)
        for one, other, _ in found:
            for request, record in ((one, other), (other, one)):
                if request not in keys and record in keys and addresses[request] == addresses[record]:
                    self._linked[request].add(record)

    def search(self, threshold: float, human: Human) -> Answer:
        """As `Systems.search` does."""
        released = self._records(threshold, human.email)
        return Answer(released, self._records(_REVIEW, human.email) - released)

    def _records(self, threshold: float, anchor: Identifier) -> set[Key]:
        clusters, linked = self._clusters[threshold], self._linked[f"request {anchor.value}"]
        return {self._keys[row] for first in linked for row in clusters.get(first, {first})}


def _clusters(found: list[Pair], threshold: float) -> dict[str, set[str]]:
    """Connected components: id of a row → all of its cluster."""
    clusters: dict[str, set[str]] = {}
    for one, other, likely in found:
        if likely >= threshold:
            small, large = sorted((clusters.get(one, {one}), clusters.get(other, {other})), key=len)
            if small is not large:
                large |= small
                clusters |= dict.fromkeys(small, large)
            clusters[one] = clusters[other] = large
    return clusters


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if find_spec("splink") is None:
        parser.exit(2, f"Splink is not installed. {__doc__.partition(chr(10) * 2)[2]}")
    world = Population(options.people, options.seed)
    apply(world, {kind: share for kind, (_, share) in DIFFICULTIES.items()})
    known = [human for human in world.humans if human.records]
    asking = world.rng.sample(known, min(options.requests, len(known)))
    records = {f"{r.dataset} {r.record_id}": r for human in world.humans for r in human.records}
    requests = [row(f"request {human.email.value}", human.name, {human.email}) for human in _once(asking)]
    rows = [row(key, r.person, r.holds) for key, r in records.items()] + requests
    keys = {name: (r.source, r.dataset, r.record_id) for name, r in records.items()}
    linked = Linked(pairs(rows, options.seed), keys, {r["unique_id"]: r["email"] for r in rows})
    print(f"{len(world.humans):,} people, {len(rows):,} rows\n")
    print(f"{'':14}{'wrong':>8}{'precision':>11}{'found':>9}{'found_or_queued':>17}{'people':>9}")
    _show("rules", measure(asking, Systems(world).search, [], Bands())["all"])
    for threshold in THRESHOLDS:
        _show(f"from {threshold}", measure(asking, partial(linked.search, threshold), [], Bands())["all"])
    return 0


def _once(asking: list[Human]) -> list[Human]:
    """One for each address: of two who share a mailbox the first."""
    return list({human.email: human for human in reversed(asking)}.values())


def _show(name: str, tally: Tally) -> None:
    figures = tally.figures()
    line = f"{name:14}{figures['wrong']:>8,}{figures['precision']:>11.2%}{figures['found']:>9.2%}"
    print(f"{line}{figures['found_or_queued']:>17.2%}{figures['people']:>9.2%}")


if __name__ == "__main__":
    sys.exit(main())
