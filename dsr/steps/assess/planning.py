"""What a right does to each record: the law of Art. 7(3), 16, 17, 18 and 21 GDPR, as a pure function.

Art. 17   erased, unless a legal hold or a duty of law keeps the record: then it is restricted (stored, used for that
          alone) until that ends; per record, not per account
Art. 16   records whose field differs are rectified; accounts that a duty keeps are not rewritten
Art. 18   all restricted
Art. 21, 7(3)  all restricted, for the purposes that are objected to or that consent was withdrawn for

A hold keeps a record from being erased or rewritten. It is no reason not to restrict it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from dsr.bonds import Bond, Bonds, PlanContext
from dsr.errors import PermanentError
from dsr.source import Dataset
from dsr.steps.assess.planning_rectification import Wanted, differing, wanted
from dsr.steps.assess.planning_retention import Duty, bonds, under_duty
from dsr.vocabulary import EFFECTS

PLANNED_RIGHTS: Final = ("erasure", "restriction", "rectification", "objection", "withdrawal")
KEPT: Final = ("keep", "restrict")
"""Effects that leave the data where it is: only ever with a ground."""
COLUMNS: Final = ("effect", "ground", "until", "reason")

_GROUNDS: Final = {
    ("erasure", "not_needed"): "gdpr:JustificationA17NonNecessity",
    ("erasure", "consent_withdrawn"): "gdpr:JustificationA17NoLegalBasis",
    ("erasure", "objection"): "gdpr:JustificationA17ObjectA21",
    ("erasure", "unlawful"): "gdpr:JustificationA17UnlawfulProcessing",
    ("erasure", "legal_obligation"): "gdpr:JustificationA17LegalErasure",
    ("erasure", "child"): "gdpr:JustificationA17ChildData",
    ("restriction", "accuracy_contested"): "just:ContestAccuracy",
    ("restriction", "unlawful"): "just:UnlawfulActivityObjection",
    ("restriction", "legal_claims"): "just:LegalClaimImpaired",
    ("restriction", "objection_pending"): "just:Objection",
    ("objection", "legitimate_interest"): "just:Objection",
    ("objection", "direct_marketing"): "just:Objection",
}
"""Why, by right and the request's own ground."""
_UNSTATED: Final = {
    "erasure": "gdpr:A17",
    "restriction": "gdpr:A18",
    "rectification": "gdpr:A16",
    "objection": "just:Objection",
    "withdrawal": "gdpr:A7-3",
}
_NOT_REQUIRED: Final = "just:NotRequiredJustification"
_ACCOUNTS: Final = "just:LegalObligationImpaired"
_WAYS: Final = {
    "delete": ("erase", ""),
    "anonymise": ("anonymise", ""),
    "expire": ("expire", "vendor.expires"),
    "manual": ("manual", "vendor.no_way"),
}


class Processing(Protocol):
    """What is needed of a row of the processing register."""

    @property
    def retention(self) -> Sequence[Duty]: ...


@dataclass(frozen=True)
class Verdict:
    """What happens to a record. PermanentError("plan.no_ground") when it is kept without one, ("plan.effect") when
    the effect is none of `vocabulary.EFFECTS`."""

    effect: str
    ground: str
    until: date | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise PermanentError("plan.effect", "assess")
        if self.effect in KEPT and not self.ground:
            raise PermanentError("plan.no_ground", "assess")


def plan_rows(
    dataset: Dataset, batch: pa.RecordBatch, activity: Processing, *, right: str, context: PlanContext
) -> pa.RecordBatch:
    """Per record of the batch, in its order, one effect with ground, until (ISO date or null) and reason (a code or
    ""). PermanentError("right.no_plan") for a right that changes nothing."""
    if right not in PLANNED_RIGHTS:
        raise PermanentError("right.no_plan", "assess")
    ground = _GROUNDS.get((right, context.ground), _UNSTATED[right])
    if right == "erasure":
        return _columns(*_erasure(dataset, batch, bonds_of(dataset, batch, activity, context), activity, ground))
    if right == "rectification":
        return _columns(*_rectification(dataset, batch, activity, context, ground))
    return _columns(pa.array([0] * batch.num_rows, pa.int32()), [Verdict("restrict", ground)])


def bonds_of(dataset: Dataset, batch: pa.RecordBatch, activity: Processing, context: PlanContext) -> Bonds:
    """What keeps each record of the batch."""
    if context.hold is not None:
        return Bonds(pa.array([0] * batch.num_rows, pa.int32()), (context.hold,))
    return bonds(
        dataset.name,
        batch,
        activity.retention,
        day=context.day,
        zone=context.zone,
        held=context.held,
        parents=context.parents,
    )


def corrections_of(dataset: Dataset, corrections: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is written into the records of a dataset that are to be rectified: field → value; {} when nothing is."""
    return wanted(dataset, corrections).right


def _erasure(
    dataset: Dataset, batch: pa.RecordBatch, kept: Bonds, activity: Processing, ground: str
) -> tuple[pa.Array, list[Verdict]]:
    effect, reason = _WAYS[dataset.erasure]
    if effect == "expire" and under_duty(dataset.name, activity.retention):
        # It expires because of the duty; where none holds, or no longer, nothing is left to wait for.
        effect, reason = "erase", ""
    verdicts = [Verdict("restrict", bond.ground, bond.until, bond.reason) for bond in kept.table]
    verdicts.append(Verdict(effect, ground, None, reason))
    way = pa.scalar(len(verdicts) - 1, pa.int32())
    if dataset.own_when:
        verdicts.append(Verdict("erase", ground))
        own = pc.fill_null(batch.column(dataset.own_when), False)
        return pc.if_else(
            pc.is_valid(kept.codes), kept.codes, pc.if_else(own, pa.scalar(len(verdicts) - 1, pa.int32()), way)
        ), verdicts
    return pc.fill_null(kept.codes, way), verdicts


def _rectification(
    dataset: Dataset, batch: pa.RecordBatch, activity: Processing, context: PlanContext, ground: str
) -> tuple[pa.Array, list[Verdict]]:
    wish = wanted(dataset, context.corrections)
    kept = bonds_of(dataset, batch, activity, context)
    verdicts = [_unchanged(bond) for bond in kept.table]
    held = pa.array([bond.is_hold for bond in kept.table], pa.bool_())
    is_held = pc.fill_null(pc.take(held, kept.codes), False)
    right, fixed = differing(batch, wish.right), differing(batch, wish.fixed)
    code = _numbering(verdicts)
    partly = code(Verdict("rectify", ground, None, "rectify.in_part"))
    fully = code(Verdict("rectify", ground))
    manual = code(Verdict("manual", ground, None, "field.not_rectifiable"))
    correct = code(Verdict("keep", _NOT_REQUIRED, None, "nothing.to_correct"))
    rest = pc.if_else(fixed, pc.fill_null(kept.codes, manual), _unclear(wish, manual, correct))
    changed = pc.if_else(right, pc.if_else(fixed, partly, fully), rest)
    touched = pc.or_(right, fixed) if not wish.unclear else pa.array([True] * batch.num_rows, pa.bool_())
    return pc.if_else(pc.and_(is_held, touched), kept.codes, changed).cast(pa.int32()), verdicts


def _unclear(wish: Wanted, manual: pa.Scalar, correct: pa.Scalar) -> pa.Scalar:
    return manual if wish.unclear else correct


def _unchanged(bond: Bond) -> Verdict:
    ground = bond.ground if bond.is_hold else _ACCOUNTS
    return Verdict("keep", ground, bond.until, bond.reason)


def _numbering(verdicts: list[Verdict]) -> Callable[[Verdict], pa.Scalar]:
    def code(verdict: Verdict) -> pa.Scalar:
        verdicts.append(verdict)
        return pa.scalar(len(verdicts) - 1, pa.int32())

    return code


def _columns(codes: pa.Array, verdicts: Sequence[Verdict]) -> pa.RecordBatch:
    values = {
        "effect": [verdict.effect for verdict in verdicts],
        "ground": [verdict.ground for verdict in verdicts],
        "until": [verdict.until.isoformat() if verdict.until else None for verdict in verdicts],
        "reason": [verdict.reason for verdict in verdicts],
    }
    arrays = [pc.take(pa.array(values[name], pa.string()), codes) for name in COLUMNS]
    return pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))
