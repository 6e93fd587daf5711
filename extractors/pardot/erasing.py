"""`erase`: labels and list memberships, then the prospect into the recycle bin, then out of it for good.

Every record's state is asked of the vendor at each call, nothing is remembered: so it goes on after any interruption,
and a prospect that came back by a form, a click or the CRM's synchronisation is binned anew. What is gone for good is
known by the vendor no longer knowing its id.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from dsr.errors import TransientError
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.pardot.client import PLACE, Client
from extractors.pardot.fields import Listing
from extractors.pardot.jobs import FOR_GOOD, TO_BIN, Jobs, moment
from extractors.pardot.present import Record, present
from extractors.tally import Tally

PROSPECT: Final = "pardot_prospect"
MEMBERSHIP: Final = "pardot_list_membership"
TAG: Final = "pardot_tag"
ONE_BY_ONE: Final = 20
"""Up to so many prospects are binned by a call each, which takes effect at once; more by one job, which doesn't."""
BINNED: Final = "pardot.recycle_bin"

_EFFECT: Final = "erase"
_PROSPECT: Final = Listing(
    "objects/prospects",
    ("id", "isDeleted", "updatedAt", "salesforceId", "salesforceContactId", "salesforceLeadId"),
    binned=True,
)
_LINKS: Final = ("salesforceId", "salesforceContactId", "salesforceLeadId")
_MEMBERSHIP: Final = Listing("objects/list-memberships", ("id", "isDeleted"), binned=True)
_TAGGED: Final = Listing("objects/tagged-objects", ("id", "tagId", "objectType", "objectId"))
Owners = dict[str, list[str]]
"""Record id → requests."""


def erase(client: Client, selections: Sequence[Selection]) -> Iterator[Outcome]:
    """See `dsr.source.Acting`. Beside "done" and "absent":

    prospects     "scheduled" until the vendor has deleted them for good. When it refused to, it has been asked again
                  already: "blocked" pardot.refused, or "manual" crm.not_purged, since whether the CRM's record may
                  stay is for the CRM's own outcome to say
    memberships   "retained": they end in a recycle bin that no API empties
    labels        "manual" pardot.recycle_bin: one on a prospect that was binned before can't be taken off
    all others    "manual": the API can only read them
    """
    tally = Tally(PLACE)
    prospects = present(client, _PROSPECT, _owners(selections, PROSPECT))
    _tags(client, selections, prospects, tally)
    _memberships(client, selections, tally)
    _Prospects(client, _owners(selections, PROSPECT), prospects, tally).erase()
    for selection in selections:
        for dataset in selection.datasets(_EFFECT):
            if dataset not in (PROSPECT, MEMBERSHIP, TAG):
                tally.rest(selection, dataset, _EFFECT, "manual", "api.none")
        for dataset in selection.datasets("anonymise"):
            tally.rest(selection, dataset, "anonymise", "manual", "api.none")
    yield from tally.outcomes()


def _tags(client: Client, selections: Sequence[Selection], prospects: dict[str, Record], tally: Tally) -> None:
    owners = _owners(selections, TAG)
    tagged = present(client, _TAGGED, owners)
    for key, requests in owners.items():
        outcome, reason = "absent", ""
        if key in tagged:
            outcome, reason = _untag(client, tagged[key], prospects)
        _tell(tally, requests, TAG, outcome, reason)


def _untag(client: Client, tagged: Record, prospects: dict[str, Record]) -> tuple[str, str]:
    owner = str(tagged["objectId"])
    path = f"objects/prospects/{owner}/do/removeTag"
    became = client.write("POST", path, json={"tagId": tagged["tagId"]})
    if became == "unsaid":  # a second time it is gone, if it went; and only then may the prospect go
        became = client.write("POST", path, json={"tagId": tagged["tagId"]})
    if became == "unsaid":
        raise TransientError("answer.unexpected", PLACE)
    if became != "binned":
        return ("done" if became == "done" else "absent"), ""
    # Reads that show the prospect in the bin show what went before that too: then the label is there.
    seen = prospects.get(owner) or present(client, _PROSPECT, [owner]).get(owner, {})
    return ("manual", BINNED) if seen.get("isDeleted") else ("scheduled", "pardot.reads_lag")


def _memberships(client: Client, selections: Sequence[Selection], tally: Tally) -> None:
    owners = _owners(selections, MEMBERSHIP)
    there = present(client, _MEMBERSHIP, owners)
    for key, requests in owners.items():
        gone = key not in there
        if not gone and not there[key].get("isDeleted"):
            gone = client.write("DELETE", f"objects/list-memberships/{key}") == "gone"
        _tell(tally, requests, MEMBERSHIP, *(("absent", "") if gone else ("retained", BINNED)))


class _Prospects:
    """Prospects on their way out. `there`: as they were read."""

    def __init__(self, client: Client, owners: Owners, there: dict[str, Record], tally: Tally) -> None:
        self._client, self._owners, self._there, self._tally = client, owners, there, tally
        self._jobs = Jobs(client)

    def erase(self) -> None:
        """Each a step further."""
        live = [key for key, record in self._there.items() if not record.get("isDeleted")]
        binned = [key for key, record in self._there.items() if record.get("isDeleted")]
        for key in sorted(self._owners.keys() - self._there.keys()):
            self._is(key, "absent")
        if len(live) > ONE_BY_ONE:
            self._bin_by_job(live)
            fresh: list[str] = []
        else:
            fresh = self._bin(live)
        due = [key for key in binned if self._is_due(key)]
        self._jobs.file(FOR_GOOD, fresh + due)

    def _bin(self, live: Sequence[str]) -> list[str]:
        """Those that are in the bin now by our own doing, so that no job can have held them."""
        fresh = []
        for key in live:
            became = self._client.write("DELETE", f"objects/prospects/{key}")
            if became == "gone":
                self._is(key, "absent")
            elif became == "done" or not self._waits(key, FOR_GOOD):
                self._is(key, "scheduled", FOR_GOOD)
                fresh.append(key)
            else:
                self._is(key, "scheduled", FOR_GOOD)
        return fresh

    def _bin_by_job(self, live: Sequence[str]) -> None:
        self._jobs.file(TO_BIN, [key for key in live if not self._waits(key, TO_BIN)])
        for key in live:
            self._is(key, "scheduled", TO_BIN)

    def _waits(self, key: str, action: str) -> bool:
        """Whether a job that isn't done yet may hold it."""
        since = moment(self._there[key].get("updatedAt"))
        return any(job.may_hold(since) and not job.ended for job in self._jobs.of(action))

    def _is_due(self, key: str) -> bool:
        """Whether to ask for its deletion for good, now that it is in the bin. Asked for already = no."""
        record = self._there[key]
        since = moment(record.get("updatedAt"))
        jobs = [job for job in self._jobs.of(FOR_GOOD) if job.may_hold(since)]
        if any(not job.ended for job in jobs):
            self._is(key, "scheduled", FOR_GOOD)
            return False
        if any(key in self._jobs.refused(job) for job in jobs):
            linked = any(record.get(name) for name in _LINKS)
            self._is(key, *(("manual", "", "crm.not_purged") if linked else ("blocked", "", "pardot.refused")))
            return True
        # All done, none refused it, and yet it shows: reads lag, or nobody asked. What a write finds is the truth.
        if jobs and self._client.write("DELETE", f"objects/prospects/{key}") == "gone":
            self._is(key, "absent")
            return False
        self._is(key, "scheduled", FOR_GOOD)
        return True

    def _is(self, key: str, outcome: str, action: str = "", reason: str = "") -> None:
        why = {FOR_GOOD: "pardot.permanent_deletion", TO_BIN: BINNED}.get(action, reason)
        _tell(self._tally, self._owners[key], PROSPECT, outcome, why)


def _owners(selections: Sequence[Selection], dataset: str) -> Owners:
    owners: Owners = defaultdict(list)
    for selection in selections:
        for key in selection.ids(dataset, _EFFECT):
            owners[key].append(selection.request_id)
    return dict(owners)


def _tell(tally: Tally, requests: Sequence[str], dataset: str, outcome: str, reason: str = "") -> None:
    for request_id in requests:
        tally.add(request_id, dataset, _EFFECT, outcome, reason)
