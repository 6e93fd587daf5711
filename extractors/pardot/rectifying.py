"""`rectify`: the prospect's own fields. A synchronised CRM must be rectified too, or its value comes back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.model import Outcome
from dsr.selection import Selection
from extractors.pardot.client import PLACE, Client
from extractors.pardot.declaration import DECLARATION
from extractors.pardot.erasing import BINNED, PROSPECT
from extractors.tally import Tally

_EFFECT: Final = "rectify"
_BECAME: Final = {"done": ("done", ""), "gone": ("absent", ""), "binned": ("manual", BINNED)}

Corrections = Mapping[str, Mapping[str, Mapping[str, Any]]]


def rectify(client: Client, selections: Sequence[Selection], corrections: Corrections) -> Iterator[Outcome]:
    """See `dsr.source.Acting`; one call for each prospect. All corrections are looked at before the first is written.
    "blocked" correction.none: selected, but nothing is to be written. "manual" pardot.recycle_bin: a prospect
    there can't be changed."""
    for by_dataset in corrections.values():
        for dataset, values in by_dataset.items():
            _check(dataset, values)
    tally = Tally(PLACE)
    for selection in selections:
        given = corrections.get(selection.request_id, {})
        for dataset in selection.datasets(_EFFECT):
            values = dict(given.get(dataset, {}))
            if not values:
                tally.rest(selection, dataset, _EFFECT, "blocked", "correction.none")
                continue
            for key in selection.ids(dataset, _EFFECT):
                became = client.write("PATCH", f"objects/prospects/{key}", json=values)
                tally.add(selection.request_id, dataset, _EFFECT, *_BECAME[became])
    yield from tally.outcomes()


def _check(dataset: str, values: Mapping[str, Any]) -> None:
    """Only prospects have fields that may be rectified."""
    allowed = DECLARATION.dataset(dataset).rectifiable if dataset == PROSPECT else ()
    if not set(values) <= set(allowed):
        raise PermanentError("field.not_rectifiable", PLACE)
