"""Which fields of a dataset Art. 20 GDPR covers.

Art. 20(1): personal data that the person "has provided", processed "by automated means", on consent (Art. 6(1)(a),
9(2)(a)) or a contract (Art. 6(1)(b)). "Provided" takes in what was observed of the person's use of a service, and
leaves out what the controller derived or inferred from either (Article 29 Working Party, WP 242 rev.01, pages 9-11,
endorsed by the EDPB on 25 May 2018). Others' rights (Art. 20(4)) are the withholding's business, as in access.

An activity with several bases is portable when any of them is consent or contract: its data is processed on that basis
too, and another basis beside it doesn't take the right away. Data that is processed on the other basis alone belongs
in a row of its own in the register.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsr import schema
from dsr.source import Dataset
from dsr.vocabulary import NOT_PORTABLE, ORIGINS

_PROVIDED: Final = ("provided", "observed")
_UNKNOWN: Final = "unknown_origin"


class Activity(Protocol):
    """What is needed of a row of the processing register."""

    @property
    def automated(self) -> bool:
        """Processed by automated means; False = on paper."""
        ...

    @property
    def portable_basis(self) -> bool:
        """Whether one of its legal bases is consent or a contract."""
        ...


@dataclass(frozen=True)
class Portable:
    """The fields of a dataset divided: each of its schema's properties, and `unmapped`, is in `fields` or under one
    reason. The key `_source_id` is in neither: it goes with the fields, and with none of them it doesn't go.

    fields    what goes into the package, in the schema's order; () = the dataset is left out whole
    excluded  reason (`vocabulary.NOT_PORTABLE`, in that order) → fields that stay out, in the schema's order; a reason
              that leaves nothing out is absent
    """

    fields: tuple[str, ...]
    excluded: Mapping[str, tuple[str, ...]]


def portable(dataset: Dataset, activity: Activity, *, record: Mapping[str, Any] | None = None) -> Portable:
    """What of a dataset is portable when it is processed by this activity. `record`: JSON Schema of one record; None =
    the dataset's own, FileNotFoundError when there is none.

    A field's origin is its `x-origin`, else the dataset's; a vendor's ids among the fields go by theirs like any field.
    What the system holds in `unmapped` has no known origin, nor has a field whose origin is not in
    `vocabulary.ORIGINS`: both stay out, rather than hand a stranger what the controller concluded. When the whole
    activity is outside Art. 20, that is the one reason for all.
    """
    described = schema.load(dataset.name) if record is None else record
    properties = described.get("properties", {})
    reasons = {name: _reason(definition.get("x-origin", dataset.origin)) for name, definition in properties.items()}
    reasons[schema.UNMAPPED] = _UNKNOWN
    outside = _outside(activity)
    if outside:
        reasons = dict.fromkeys(reasons, outside)
    columns = {why: tuple(name for name, reason in reasons.items() if reason == why) for why in NOT_PORTABLE}
    excluded = {why: names for why, names in columns.items() if names}
    return Portable(tuple(name for name, reason in reasons.items() if reason is None), excluded)


def _outside(activity: Activity) -> str | None:
    if not activity.portable_basis:
        return "not_consent_or_contract"
    return None if activity.automated else "not_automated"


def _reason(origin: object) -> str | None:
    """Why data of that origin is not portable; None when it is."""
    if origin in _PROVIDED:
        return None
    return str(origin) if origin in ORIGINS else _UNKNOWN
