"""Totals of what the ledger tells, taken while its chain is checked: one walk for both. Kept in this process; another
one comes to the same numbers, since each event is there for good."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.ledger import START, Event, Ledger

Labels = tuple[tuple[str, str], ...]
_ANEW: Final = timedelta(days=1)


class Counted:
    """What `bring_up` has come to.

    head    how far the chain was walked and found whole
    intact  False once anything in it was found edited, taken away, put in or moved; `verify-ledger` says no more
    totals  (metric, labels) → sum over all events up to `head`
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._begun: datetime | None = None
        self.intact = True
        self.head = START
        self.totals: Counter[tuple[str, Labels]] = Counter()

    def bring_up(self, at: datetime) -> None:
        """Walks what was added since the last call, and once a day all of it: only that shows an edit further back.
        Errors as `Ledger.walk`, but for a broken chain, which `intact` tells; then the totals stay as they were."""
        anew = self._begun is None or at - self._begun >= _ANEW or not self.intact
        head, totals = (START, Counter[tuple[str, Labels]]()) if anew else (self.head, self.totals.copy())
        try:
            for event in self._ledger.walk(head, signed=False):
                head = type(head)(event.seq, event.hash)
                totals.update(_amounts(event))
        except PermanentError as error:
            if error.code != "ledger.tampered":
                raise
            self.intact = False
            return
        self.intact, self.head, self.totals = True, head, totals
        self._begun = at if anew else self._begun


def _amounts(event: Event) -> Mapping[tuple[str, Labels], int]:
    """What an event adds to which totals."""
    detail = event.detail
    source = ("source", str(detail.get("source", "")))
    if event.kind == "source_searched":
        return _effort(source, detail) | _failure(source, detail)
    if event.kind == "source_failed":
        return _failure(source, detail)
    if event.kind == "source_extracted":
        return _effort(source, detail) | {
            ("dsr.source.records", (source,)): int(detail.get("records", 0)),
            ("dsr.source.attachments", (source,)): int(detail.get("attachments", 0)),
        }
    if event.kind == "failed":
        return {("dsr.runs.failed", (("task", str(detail.get("task", ""))),)): 1}
    if event.kind == "downloaded":
        return {} if "file" in detail else {("dsr.downloads", ()): 1}
    if event.kind == "code_refused":
        return {("dsr.codes.refused", ()): 1}
    return {}


def _effort(source: tuple[str, str], detail: Mapping[str, Any]) -> dict[tuple[str, Labels], int]:
    """In calls and milliseconds; events of before these were noted have none."""
    return {
        ("dsr.source.calls", (source,)): int(detail.get("calls", 0)),
        ("dsr.source.time", (source,)): int(detail.get("milliseconds", 0)),
    }


def _failure(source: tuple[str, str], detail: Mapping[str, Any]) -> dict[tuple[str, Labels], int]:
    code = str(detail.get("code", ""))
    return {("dsr.source.failures", (source, ("code", code))): 1} if code else {}
