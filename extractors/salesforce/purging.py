"""Out of the recycle bin for good, by Bulk 2.0's hardDelete, and what it means when a record is still in there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from extractors.salesforce.bulk import Bulk, Job
from extractors.salesforce.client import Client
from extractors.salesforce.layout import Layout
from extractors.salesforce.sharing import Key
from extractors.salesforce.standing import leaves_bin, standing
from extractors.salesforce.writing import reason_of

_PHYSICAL: Final = timedelta(days=2)
"""What was deleted for good stays in sight of queryAll for about a day (SOAP API guide, emptyRecycleBin). So long, a
record that the vendor calls deleted already is taken for one that is going."""


@dataclass(frozen=True)
class Verdict:
    """What became of a record that is still there."""

    outcome: str
    reason: str
    until: date | None = None


class Purge:
    """One purge. `stays`: records that were not deleted, and what that means for them."""

    def __init__(self, client: Client, layout: Layout, bulk: Bulk, stays: Mapping[Key, Verdict]) -> None:
        self._client, self._layout, self._bulk, self._stays = client, layout, bulk, stays
        self._jobs: dict[str, Job] = {}

    def run(self, keys: Mapping[str, list[str]]) -> None:
        """Purges what of object → ids is in the recycle bin."""
        binned = self._binned(keys)
        if not binned:
            return
        under_way = self._bulk.settle("hardDelete", list(binned))
        if under_way:
            binned = self._binned(keys)
        for name in [name for name, state in under_way.items() if state == "running" and name in binned]:
            self._jobs[name] = Job("running")
            del binned[name]
        self._jobs |= self._bulk.run("hardDelete", binned)

    def verdict(self, key: Key, row: Mapping[str, Any]) -> Verdict:
        """What became of a record whose row is still there."""
        if key in self._stays:
            return self._stays[key]
        if not row["IsDeleted"]:
            return Verdict("blocked", "not_deleted")
        job, until = self._jobs.get(key[0]), leaves_bin(row)
        if job is None or job.state in ("running", "failed"):
            return Verdict("scheduled", f"purge.{job.state if job else 'running'}", until)
        if job.state != "ended":
            return Verdict("retained", f"purge.{job.state}", until)
        code = job.codes.get(key[1], "")
        if code in ("", "ENTITY_IS_DELETED") and not _long_ago(row, job.made_at):
            return Verdict("scheduled", "purge.pending", until)
        return Verdict("retained", f"purge.{reason_of(code) if code else 'pending'}", until)

    def _binned(self, keys: Mapping[str, list[str]]) -> dict[str, list[str]]:
        rows = standing(self._client, self._layout, keys, {}) if keys else {}
        found = {name: [i for i in ids if rows.get(i, {}).get("IsDeleted")] for name, ids in keys.items()}
        return {name: ids for name, ids in found.items() if ids}


def _long_ago(row: Mapping[str, Any], now: datetime | None) -> bool:
    stamp = row.get("SystemModstamp")
    if now is None or not isinstance(stamp, str):
        return True
    return now - datetime.fromisoformat(stamp) > _PHYSICAL
