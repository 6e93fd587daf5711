"""`restrict` and its lifting: no e-mails, no calls, off every list, no choice of content by profile, as far as the
purposes go; and a mark.

E-mails: `isDoNotEmail` bars marketing, operational e-mails (`isOperational`) still go out. Each list membership is
opted out besides, since the vendor keeps the two apart. Profile: the API has no switch for scoring, segmentation or
tracking, so the business unit has a custom field `dsr_no_profiling` that its rules and dynamic content ask; without it
a person has to do it. A synchronised CRM wins over `isDoNotCall` and the like: it must be restricted too, or its
next synchronisation takes that away again.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from dsr.model import Outcome
from dsr.selection import Selection
from dsr.vocabulary import MARKETING
from extractors.pardot import fields
from extractors.pardot.client import PLACE, Client
from extractors.pardot.erasing import BINNED, MEMBERSHIP, PROSPECT
from extractors.pardot.fields import Listing
from extractors.pardot.marks import Notes
from extractors.pardot.present import Record, present
from extractors.tally import Tally

NO_PROFILING: Final = "dsr_no_profiling"
"""Field id of the custom field that says that content must not be chosen by the prospect's profile."""
PROFILING: Final = frozenset(("dpv:Personalisation", "dpv:PersonalisedBenefits", "dpv:UserInterfacePersonalisation"))
"""Purposes that profiles serve besides marketing; they leave mailing as it is."""
PROFILES: Final = ("pardot_tag", "pardot_lifecycle_history")
"""Datasets that are nothing but profile."""

_EFFECT: Final = "restrict"
_FLAGS: Final = ("isDoNotEmail", "isDoNotCall")
_PROSPECT: Final = Listing("objects/prospects", ("id", "isDeleted", "notes", *_FLAGS), binned=True)
_MEMBERSHIP: Final = Listing("objects/list-memberships", ("id", "prospectId", "isDeleted", "optedOut"), binned=True)
_YES: Final = "true"


def restrict(
    client: Client, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool
) -> Iterator[Outcome]:
    """See `dsr.source.Acting`. "manual" pardot.recycle_bin: a prospect there can't be changed. What hangs on a
    prospect bears no mark of its own: "done" mark.on_prospect, if all of the request's prospects bear one. "manual"
    profiling.no_field where a person must see to it that profiles aren't used."""
    if not selections:
        return
    restricting = _Restricting(client, selections, purposes)
    if lift:
        restricting.lift()
    else:
        restricting.restrict()
    yield from restricting.tally.outcomes()


class _Restricting:
    """One call of the verb. The mark goes first and comes off last, so that it always names what is set."""

    def __init__(self, client: Client, selections: Sequence[Selection], purposes: Sequence[str]) -> None:
        self._client, self._selections, self._purposes = client, selections, tuple(purposes)
        # Another purpose than these (a call, an order) is only marked: nothing of this system serves it.
        self._mails = not purposes or bool(MARKETING & set(purposes))
        self._profiles = self._mails or bool(PROFILING & set(purposes))
        self._field, self._several = self._profiling_field()
        custom = (self._field,) if self._field else ()
        chosen = [key for s in selections for key in s.ids(PROSPECT, _EFFECT)]
        self._prospects = present(client, _PROSPECT, chosen, custom)
        listed = [key for s in selections for key in s.ids(MEMBERSHIP, _EFFECT)]
        self._memberships = present(client, _MEMBERSHIP, listed)
        self.tally = Tally(PLACE)

    def restrict(self) -> None:
        for selection in self._selections:
            keys = selection.ids(PROSPECT, _EFFECT)
            became = [self._mark(key, selection) for key in keys]
            for key in selection.ids(MEMBERSHIP, _EFFECT):
                self._opt_out(key, selection)
            self._rest(selection, marked=bool(keys) and set(became) <= {"done", "gone"})

    def lift(self) -> None:
        for selection in self._selections:
            undone = {key: self._undone(key, selection) for key in selection.ids(PROSPECT, _EFFECT)}
            ours = {item for items in undone.values() for item in items}
            for key in selection.ids(MEMBERSHIP, _EFFECT):
                outcome = "absent"
                if key in ours and self._client.write("PATCH", _membership(key), json={"optedOut": False}) == "done":
                    outcome = "done"
                self._tell(selection, MEMBERSHIP, outcome)
            became = [self._unmark(key, selection, items) for key, items in undone.items()]
            self._rest(selection, marked=bool(became) and set(became) <= {"done", "gone"})

    def _mark(self, key: str, selection: Selection) -> str:
        record = self._prospects.get(key)
        if record is None:
            self._tell(selection, PROSPECT, "absent")
            return "gone"
        wanted = self._wanted()
        changed = [name for name, value in wanted.items() if record.get(name) != value]
        changed += [m for m in selection.ids(MEMBERSHIP, _EFFECT) if self._is_listed(m, key)] if self._mails else []
        notes = self._notes(key).marked(selection.request_id, self._purposes, changed)
        became = self._client.write("PATCH", _prospect(key), json={**wanted, "notes": notes.value})
        if became == "done":
            self._prospects[key] = {**record, **wanted, "notes": notes.value}
        self._tell_prospect(selection, became)
        return became

    def _unmark(self, key: str, selection: Selection, items: Sequence[str]) -> str:
        record = self._prospects.get(key)
        notes = self._notes(key)
        if record is None or notes.of(selection.request_id) is None:
            self._tell(selection, PROSPECT, "absent")
            return "gone"
        left, _ = notes.lifted(selection.request_id)
        undone: Record = {name: False for name in _FLAGS if name in items}
        if self._field in items:
            undone[self._field] = None
        became = self._client.write("PATCH", _prospect(key), json={**undone, "notes": left.value})
        if became == "done":
            self._prospects[key] = {**record, **undone, "notes": left.value}
        self._tell_prospect(selection, became)
        return became

    def _undone(self, key: str, selection: Selection) -> tuple[str, ...]:
        return self._notes(key).lifted(selection.request_id)[1]

    def _notes(self, key: str) -> Notes:
        return Notes.read(self._prospects.get(key, {}).get("notes"))

    def _opt_out(self, key: str, selection: Selection) -> None:
        if not self._mails:
            self._tell(selection, MEMBERSHIP, "done", "mark.on_prospect")
            return
        outcome, reason = "absent", ""
        if key in self._memberships:
            became = self._client.write("PATCH", _membership(key), json={"optedOut": True})
            # One in the recycle bin is on no list any more.
            outcome, reason = {"done": ("done", ""), "binned": ("absent", BINNED)}.get(became, ("absent", ""))
        self._tell(selection, MEMBERSHIP, outcome, reason)

    def _is_listed(self, membership: str, prospect: str) -> bool:
        record = self._memberships.get(membership, {})
        live = record and not record.get("isDeleted") and not record.get("optedOut")
        return bool(live) and str(record.get("prospectId")) == prospect

    def _wanted(self) -> Record:
        wanted: Record = dict.fromkeys(_FLAGS, True) if self._mails else {}
        if self._field and self._profiles:
            wanted[self._field] = [_YES] if self._several else _YES
        return wanted

    def _rest(self, selection: Selection, *, marked: bool) -> None:
        """What hangs on the prospects."""
        for dataset in selection.datasets(_EFFECT):
            if dataset in PROFILES and self._profiles and not self._field:
                self.tally.rest(selection, dataset, _EFFECT, "manual", "profiling.no_field")
            elif dataset not in (PROSPECT, MEMBERSHIP):
                outcome, reason = ("done", "mark.on_prospect") if marked else ("manual", "mark.none")
                self.tally.rest(selection, dataset, _EFFECT, outcome, reason)

    def _profiling_field(self) -> tuple[str, bool]:
        """API name of the field, and whether it holds several values; "" when the business unit has none."""
        for page in self._client.query(fields.CUSTOM_FIELD):
            for one in page:
                if one.get("fieldId") == NO_PROFILING:
                    several = one["type"] in fields.MULTI_VALUE_TYPES or bool(one["isRecordMultipleResponses"])
                    return f"{NO_PROFILING}__c", several
        return "", False

    def _tell_prospect(self, selection: Selection, became: str) -> None:
        outcome, reason = {"done": ("done", ""), "gone": ("absent", "")}.get(became, ("manual", BINNED))
        self._tell(selection, PROSPECT, outcome, reason)

    def _tell(self, selection: Selection, dataset: str, outcome: str, reason: str = "") -> None:
        self.tally.add(selection.request_id, dataset, _EFFECT, outcome, reason)


def _prospect(key: str) -> str:
    return f"objects/prospects/{key}"


def _membership(key: str) -> str:
    return f"objects/list-memberships/{key}"
