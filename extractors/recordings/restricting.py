"""`restrict`: a tag on every version of a call's objects, by which the bucket's policy keeps other jobs from them.

    dsr-restricted     all, or the DPV terms, with blanks between: what the policy asks
    dsr-restricted-by  <request>=all <request>=dpv:DirectMarketing+dpv:Personalisation …: whose, so that lifting one
                       request's leaves another's

Other tags stay as they are. Deliveries hold many people's records and bear no tag: who reads them asks the sidecars.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dsr.model import Outcome
from dsr.selection import Selection
from extractors.recordings.legs import LINE, RECORD, Leg, legs
from extractors.recordings.store import PLACE
from extractors.recordings.versions import Version, Versions
from extractors.tally import Tally

TAG: Final = "dsr-restricted"
BY: Final = "dsr-restricted-by"
ALL: Final = "all"
_EFFECT: Final = "restrict"
_LONGEST: Final = 256
_MOST: Final = 10
"""Characters in a tag's value, and tags on a version, that S3 takes."""
_AT_ONCE: Final = 8


def restrict(
    versions: Versions, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool
) -> Iterator[Outcome]:
    """See `dsr.source.Acting`. "done" with export.untagged: the call is marked, the delivery that holds its record is
    not; "blocked" s3.tags_full, key.foreign."""
    found = legs(selections, _EFFECT)

    def work(leg: Leg) -> list[tuple[str, str, str, str, int]]:
        return list(_one(versions, leg, tuple(purposes), lift=lift))

    tally = Tally(PLACE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for told in pool.map(work, found):
            for request_id, dataset, outcome, reason, count in told:
                tally.add(request_id, dataset, _EFFECT, outcome, reason, count=count)
    yield from tally.outcomes()


def _one(
    versions: Versions, leg: Leg, purposes: tuple[str, ...], *, lift: bool
) -> Iterator[tuple[str, str, str, str, int]]:
    """(request, dataset, outcome, reason, count) of a leg's record and lines."""
    leg.read(versions.store)
    if not leg.foreign:
        leg.list(versions)
    shares = [(r, RECORD, [*leg.sound, *leg.sidecar], 1) for r in leg.requests]
    shares += [(r, LINE, leg.text, len(lines)) for r, lines in leg.lines.items()]
    for request_id, dataset, there, count in shares:
        if leg.foreign:
            yield request_id, dataset, "blocked", "key.foreign", count
            continue
        became = {_tag(versions, v, request_id, purposes, lift=lift) for v in there if not v.marker}
        outcome, reason = "absent", ""
        if "full" in became:
            outcome, reason = "blocked", "s3.tags_full"
        elif "done" in became:
            outcome, reason = "done", "export.untagged" if dataset == RECORD and leg.exports and not lift else ""
        yield request_id, dataset, outcome, reason, count


def _tag(versions: Versions, version: Version, request_id: str, purposes: tuple[str, ...], *, lift: bool) -> str:
    """ "done", "full" or "absent"."""
    before = versions.tags(version)
    if before is None or (lift and request_id not in restrictions(before)):
        return "absent"
    after = lifted(before, request_id) if lift else restricted(before, request_id, purposes)
    if len(after) > _MOST or any(len(after.get(name, "")) > _LONGEST for name in (TAG, BY)):
        return "full"
    if after != before:
        versions.tag(version, after)
    return "done"


def restrictions(tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Request → purposes, () = all; from a version's tags."""
    pairs = [entry.partition("=") for entry in tags.get(BY, "").split()]
    return {name: () if terms == ALL else tuple(terms.split("+")) for name, _, terms in pairs}


def restricted(tags: Mapping[str, str], request_id: str, purposes: Sequence[str]) -> dict[str, str]:
    """The tags with the request's restriction."""
    return _with(tags, {**restrictions(tags), request_id: tuple(purposes)})


def lifted(tags: Mapping[str, str], request_id: str) -> dict[str, str]:
    """The tags without it."""
    return _with(tags, {name: terms for name, terms in restrictions(tags).items() if name != request_id})


def _with(tags: Mapping[str, str], by: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    others = {name: value for name, value in tags.items() if name not in (TAG, BY)}
    if not by:
        return others
    terms = dict.fromkeys(term for each in by.values() for term in each)
    barred = ALL if any(not each for each in by.values()) else " ".join(terms)
    whose = " ".join(f"{name}={'+'.join(each) or ALL}" for name, each in by.items())
    return {**others, TAG: barred, BY: whose}
